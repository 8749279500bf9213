"""An explanation says what the verdict says, with numbers that fit each other; and nothing in it can't be written down."""

from __future__ import annotations

import math
from typing import Any

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import given, settings
from tests.domain.test_judge import Trial

from plainsail.domain import lines, telling
from plainsail.domain.courses import course
from plainsail.domain.criteria import (
    Averaged,
    Counted,
    ErrorCriteria,
    EvidenceCriteria,
    LatencyCriteria,
    Metric,
    Threshold,
)
from plainsail.domain.evidence import Arm, Band, Evidence, Meter, Meters, Spread, Sums, Told, Track, Verdict
from plainsail.domain.explain import Explanation, explain, with_users
from plainsail.domain.judge import judge
from plainsail.domain.line import Line
from plainsail.domain.observation import Counts
from plainsail.domain.rollout import Revision, Rollout
from plainsail.domain.service import Placement, Run, config_digest
from plainsail.domain.strategy import Canary, Pace
from plainsail.domain.trail import Point, Tally, longer

replace = msgspec.structs.replace
RUN = Run(("serve",))
PACE = Pace()


class Watched(Trial):
    """A trial whose evidence has a trail, as `decide` makes it."""

    def look(self) -> Verdict:
        verdict = super().look()
        ours, theirs = (
            Tally(arm.requests, arm.failures, arm.slow) for arm in (verdict.candidate, verdict.live)
        )
        point = Point(self.blocks / 10, 1000, ours, theirs, verdict.harm, verdict.good)
        self.evidence = replace(self.evidence, trail=longer(self.evidence.trail, point))
        return verdict


def rollout(verdict: Verdict | None, criteria: EvidenceCriteria | None = None, **fields: Any) -> Rollout:
    placed = Placement(replicas=2, evidence=criteria or EvidenceCriteria(), pace=PACE)
    given: dict[str, Any] = {
        "id": "r1", "service": "shop", "environment": "production", "kind": "deploy", "by": "ada",
        "strategy": "canary", "revision": Revision("sha256:1", "2.0", RUN, config_digest(RUN)), "candidate": "c",
        "live": "l", "replicas": 2, "placement": placed, "course": course(Canary((1000, 5000)), PACE, 2, 2),
        "started_at": 0.0, "entered_at": 0.0, "phase": "progressing", "step": 1, "reached_bp": 1000,
        "verdict": verdict,
    }  # fmt: skip
    return Rollout(**{**given, **fields})


def line(why: Explanation, name: str) -> Line:
    return next(one for one in why.metrics if one.name == name)


def test_once_the_comparison_is_void_nothing_is_promised_by_it() -> None:
    criteria = EvidenceCriteria(metrics={"carts": Metric("s", counts=Counted("n", "bad"), margin=0.01)})
    trial = Watched(criteria)
    for _ in range(100):
        trial.block(Counts(20), Counts(180))
    trial.block(Counts(10, 2), Counts(90))
    trial.evidence = replace(trial.evidence, voided="the split was not kept")
    verdict = trial.block(Counts(10, 1), Counts(90))
    why = explain(rollout(verdict, criteria), trial.evidence)
    assert why.code == "mismatch"
    assert why.change.startswith("Nothing proves it any more")
    for name in ("errors", "latency", "carts"):
        told = line(why, name)
        assert told.outcome == "unsure"
        assert told.harm is None
        assert "void" in told.change or told.missing
        assert "more" not in told.change
    assert "take it back" in line(why, "max_errors").change


def test_the_limit_is_forecast_without_what_the_comparison_had_won() -> None:
    """Its money is lost with it, so a release that had won nothing by it is told the same."""
    trial = Watched()
    for _ in range(100):
        trial.block(Counts(10), Counts(90))
    trial.block(Counts(10, 2), Counts(90))
    found = replace(trial.evidence, voided="the split was not kept")
    bets = tuple(replace(one, staked=one.staked + 20.0) for one in found.harm["errors"])
    richer = replace(found, harm={**found.harm, "errors": bets})

    def told(evidence: Evidence) -> str:
        counts = {"c": Counts(1010, 2), "l": Counts(10_090)}
        after, verdict = judge(evidence, counts, {}, "c", "l", EvidenceCriteria(), (5000,), 5000, 10.2)
        assert after.harm["errors"] == evidence.harm["errors"], "nothing is new"
        return line(explain(rollout(verdict), after), "max_errors").change

    assert told(found) == told(richer)
    assert told(replace(found, voided="")) != told(replace(richer, voided=""))


counts = st.integers(0, 40).flatmap(
    lambda n: st.builds(Counts, requests=st.just(n), failures=st.integers(0, n), slow=st.integers(0, n))
)
ratios = st.sampled_from([0.0, 0.001, 0.01, 0.05, 0.5, 1.0])
criteria = st.builds(
    EvidenceCriteria,
    errors=st.builds(ErrorCriteria, margin=ratios, relative=ratios, max=ratios),
    latency=st.builds(LatencyCriteria, margin=ratios, relative=ratios),
    alpha=ratios,
    beta=ratios,
)


@pytest.mark.slow
@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(counts, counts), max_size=12), criteria, st.booleans(), st.sampled_from(
    ["progressing", "paused", "rolling_back", "rolled_back", "succeeded", "aborted", "superseded", "failed"]
))  # fmt: skip
def test_whatever_happened_is_told_in_finite_numbers(
    blocks: list[tuple[Counts, Counts]], asked: EvidenceCriteria, live: bool, phase: Any
) -> None:
    trial = Watched(asked, live)
    verdict = trial.look()
    for ours, theirs in blocks:
        verdict = trial.block(ours, theirs)
    why = explain(
        rollout(verdict, asked, live="l" if live else None, phase=phase, step=0, decided_at=0.5),
        trial.evidence,
    )
    assert why.sentence.endswith(".")
    assert msgspec.json.decode(msgspec.json.encode(why), type=Explanation) == why
    assert "null" not in msgspec.json.encode(why.trail).decode()
    if why.judged:
        assert (why.outcome, why.code) == (verdict.outcome, verdict.code)
        assert verdict.sentence.removeprefix("needs ").split(",")[0] in why.sentence or phase in (
            "rolled_back",
            "rolling_back",
        )
    for one in why.metrics:
        for number in (one.harm, one.good, one.odds, one.candidate.rate, one.live.rate):
            assert number is None or math.isfinite(number)
        for side, arm in ((one.candidate, verdict.candidate), (one.live, verdict.live)):
            assert side.n == arm.requests
        if one.difference is not None:
            assert one.candidate.rate is not None
            assert one.live.rate is not None
            assert one.difference.estimate == one.candidate.rate - one.live.rate
            if one.difference.low is not None and one.difference.high is not None:
                assert -1.0 <= one.difference.low <= one.difference.estimate <= one.difference.high <= 1.0
        words = (telling.heading(one), telling.outcome(one), telling.allowed(one), telling.difference(one),
                 telling.evidence(one), *(f"{row.candidate} {row.live}" for row in telling.rows(one)))  # fmt: skip
        assert not [said for said in words if "nan" in said.split() or "None" in said]


@given(st.integers(1, 5000), st.integers(0, 50), st.integers(1, 5000), st.integers(0, 50))
def test_arms_swapped_turn_the_difference(n: int, bad: int, m: int, live_bad: int) -> None:
    ours, theirs = Arm(max(n, bad), bad), Arm(max(m, live_bad), live_bad)
    told = [
        lines.of(
            Evidence(0.0), Verdict("unsure", "", candidate=one, live=other), EvidenceCriteria(), None, True
        )[0]
        for one, other in ((ours, theirs), (theirs, ours))
    ]
    here, there = (one.difference for one in told)
    assert here is not None
    assert there is not None
    assert here.estimate == -there.estimate
    assert (here.low, here.high) == (-(there.high or 0.0), -(there.low or 0.0))
    assert here.level == 0.99


def test_what_failed_for_the_judges_own_reason_says_it_once() -> None:
    trial = Watched()
    for _ in range(20):
        verdict = trial.block(Counts(10, 10), Counts(90))
    assert verdict.outcome == "fail"
    asked = EvidenceCriteria()
    for reason, told in (
        (verdict.sentence, f"Failed after 1.9 s: {verdict.sentence}."),
        ("no room", f"Failed after 1.9 s (no room); it was worse: {verdict.sentence}."),
    ):
        why = explain(
            rollout(verdict, asked, phase="failed", step=0, decided_at=2.0, reason=reason), trial.evidence
        )
        assert why.sentence == told


def test_the_sentence_of_one_that_was_taken_back() -> None:
    trial = Watched()
    for _ in range(20):
        verdict = trial.block(Counts(10), Counts(90))
    while verdict.outcome != "fail":
        verdict = trial.block(Counts(10, 5), Counts(90))
    ended = trial.blocks / 10
    back = rollout(verdict, phase="rolled_back", reason=verdict.sentence, decided_at=ended)
    why = explain(back, trial.evidence)
    assert why.sentence == f"Rolled back after {ended - 0.1:.3g} s: {verdict.sentence}."
    assert why.decided_after == pytest.approx(ended - 0.1)
    assert (line(why, "errors").outcome, line(why, "latency").outcome) == ("fail", "pass")
    assert (line(why, "errors").harm or 0) >= 1.0
    assert "in quarantine" in why.change
    assert {one.change for one in why.metrics} == {""}


@pytest.mark.parametrize(("fails", "live_fails"), [(0.5, 0.0), (0.2, 0.01), (0.1, 0.0)])
def test_the_forecast_of_harm_is_about_right(fails: float, live_fails: float) -> None:
    trial = Watched()
    owed, live_owed = 0.0, 0.0

    def block() -> Verdict:
        nonlocal owed, live_owed
        owed, live_owed = owed % 1 + 10 * fails, live_owed % 1 + 90 * live_fails
        return trial.block(Counts(10, int(owed)), Counts(90, int(live_owed)))

    verdict = block()
    while verdict.harm < 0.4:
        verdict = block()
    said = line(explain(rollout(verdict), trial.evidence), "errors").change
    assert "at the present rate" in said
    promised = int(said.rsplit(" more take it back", 1)[0].rsplit(" ", 1)[1].replace(",", ""))
    before = verdict.candidate.requests
    while verdict.outcome != "fail":
        verdict = block()
    assert promised / 3 - 20 <= verdict.candidate.requests - before <= 3 * promised + 20


def test_so_many_clean_requests_prove_it() -> None:
    trial = Watched()
    for _ in range(5):
        verdict = trial.block(Counts(10), Counts(90))
    said = line(explain(rollout(verdict), trial.evidence), "errors").change
    needs = int(said.split(" more requests without a failure")[0].replace(",", ""))
    assert needs == verdict.needs
    for _ in range(-(-needs // 10)):
        assert verdict.proven_bp < 5000
        verdict = trial.block(Counts(10), Counts(90))
    assert verdict.proven_bp >= 5000
    proven = line(explain(rollout(verdict), trial.evidence), "errors")
    assert proven.outcome == "pass"
    assert proven.change.startswith("proven for 50 % of users; about ")


def test_what_was_never_judged_says_why() -> None:
    told = {
        name: explain(rollout(verdict, **fields), evidence).sentence
        for name, verdict, evidence, fields in (
            ("first", None, None, {"live": None}),
            ("back", None, None, {"kind": "rollback"}),
            ("waits", None, None, {}),
            ("nobody", None, None, {"phase": "failed", "reason": "2.0 never became ready"}),
        )
    }
    assert told == {
        "first": "Nothing was judged: the release had no users beside a live one.",
        "back": "Nothing was judged: a rollback asks for no evidence.",
        "waits": "Nothing is judged yet: the candidate has had no requests.",
        "nobody": "Nothing was judged: the candidate had no requests; 2.0 never became ready.",
    }


def test_metrics_of_sources_that_told_something_nothing_or_part() -> None:
    asked = EvidenceCriteria(metrics={
        "orders": Metric("shop", counts=Counted("a", "b"), margin=0.01, role="critical"),
        "basket": Metric("shop", mean=Averaged("n", "s", "q"), better="higher", relative=0.05),
        "memory": Metric("prom", value="m", max=900.0, role="informative"),
        "waits": Metric("prom", histogram="h", relative=0.1, dry_run=True),
        "silent": Metric("prom", value="x"),
    })  # fmt: skip
    tracks = {
        "orders": Track(candidate=Sums(200, 3), live=Sums(1800, 9)),
        "basket": Track(candidate=Sums(400, 4800, 4800 * 13), live=Sums(3600, 46800, 46800 * 14)),
        "memory": Track(candidate=Sums(4, 2000), live=Sums(4, 1600), told=(Told(10, 500, 400, "7 of 8 shards"),)),
        "waits": Track(candidate=Sums(90), live=Sums(900), told=(Told(10, 0.05, 0.04), Told(20, None, None, "503"))),
        "silent": Track(missing="the source answered 503"),
    }  # fmt: skip
    logs = {"harm_orders": 1.0, "harm_max orders": 3.0, "good_orders_5000": 1.5}
    verdict = Verdict("unsure", "x", candidate=Arm(10), live=Arm(90), log_evidence=logs, exposure=5000)
    why = explain(rollout(verdict, asked), replace(Evidence(0.0), tracks=tracks))
    orders, basket, memory = (line(why, name) for name in ("orders", "basket", "memory"))
    assert (orders.candidate.rate, orders.live.rate, orders.unit) == (0.015, 0.005, "part")
    assert orders.harm == pytest.approx(math.log((math.exp(1.0) + math.exp(3.0)) / 2) / math.log(100))
    assert orders.good == pytest.approx(1.5 / math.log(20))
    assert orders.change.endswith("more would take it back if all of them were bad"), orders.change
    assert basket.difference is not None
    assert basket.difference.estimate == pytest.approx(-1.0)
    assert (basket.difference.low or 0) < -1.0 < (basket.difference.high or 0)
    assert telling.difference(basket).startswith("1 less than live (")
    assert telling.allowed(basket) == "at most 5 % of live's own less than live"
    assert (memory.note, telling.outcome(memory)) == ("7 of 8 shards", "only shown")
    assert (line(why, "waits").candidate.rate, line(why, "waits").dry_run) == (0.05, True)
    assert (line(why, "silent").missing, telling.outcome(line(why, "silent"))) == (
        "the source answered 503",
        "no data",
    )


def test_with_thresholds_measurements_are_counted() -> None:
    judged = EvidenceCriteria(judge=Threshold(failure_limit=2, successes=3))
    meters = Meters(1, 0.0, Arm(), Arm(), {"errors": Meter(failed=1, passed=2, said="0.2 % failed")})
    verdict = Verdict("unsure", "x", candidate=Arm(10), live=Arm(90))
    errors = line(explain(rollout(verdict, judged), replace(Evidence(0.0), meters=meters)), "errors")
    assert errors.harm == pytest.approx(1 / 3)
    assert errors.good == pytest.approx(2 / 3)
    assert errors.note == "0.2 % failed"
    assert (
        errors.change == "1 more good measurement passes this step; 2 more failed measurements take it back"
    )


def test_with_thresholds_what_was_measured_is_not_called_unmeasured() -> None:
    asked = EvidenceCriteria(metrics={"memory": Metric("prom", value="x", max=9.0)}, judge=Threshold())
    verdict = Verdict("unsure", "x", candidate=Arm(10), live=Arm(90))
    for track, said in (
        (Track(), "nothing was measured yet"),
        (Track(told=(Told(1.0, None, None, "no answer"),)), "nothing was measured yet"),
        (Track(told=(Told(1.0, 8.0, 7.0, ""),)), ""),
    ):
        evidence = replace(Evidence(0.0), meters=Meters(1, 0.0, Arm(), Arm(), {}), tracks={"memory": track})
        assert line(explain(rollout(verdict, asked), evidence), "memory").missing == said


def test_the_trail_begins_where_users_come() -> None:
    trail = tuple(Point(float(at), 1000 if at > 4 else 0, Tally(), Tally(), 0.0, 0.0) for at in range(9))
    verdict = Verdict("unsure", "x", candidate=Arm(10), live=Arm(90))
    why = explain(rollout(verdict), replace(Evidence(0.0), trail=trail))
    assert [point.at for point in with_users(why)] == [4.0, 5.0, 6.0, 7.0, 8.0]
    assert why.watched_for == 3.0


def test_of_many_that_are_only_shown_those_that_are_worse_are_named() -> None:
    """One of six at odds of 310 to 1 may be chance at a level of 1 %, two are not; what decides is not among them."""
    shown = {name: Metric("s", value="x", role="informative") for name in ("carts", "render", "a", "b", "c")}
    asked = EvidenceCriteria(metrics={
        **shown, "waits": Metric("s", histogram="h", dry_run=True), "silent": Metric("s", value="x", role="informative"),
        "orders": Metric("s", counts=Counted("a", "b")),
    })  # fmt: skip

    def told(carts: float, render: float) -> Explanation:
        logs = dict.fromkeys(("harm_a", "harm_b", "harm_c", "harm_waits p50", "harm_waits p99"), -1.0)
        logs |= {"harm_carts": math.log(carts), "harm_render": math.log(render), "harm_orders": 50.0}
        verdict = Verdict("unsure", "x", candidate=Arm(10), live=Arm(90), log_evidence=logs)
        return explain(rollout(verdict, asked), Evidence(0.0))

    both = told(310.0, 400.0)
    assert both.worse == ("render", "carts")
    assert both.aside == (
        "Of 6 metrics that are only shown, render and carts are worse; of such findings at most 1 % are false on average."
    )
    assert told(310.0, 1.0).worse == ()
    assert told(601.0, 1.0).aside.startswith("Of 6 metrics that are only shown, carts is worse; ")
    assert told(1.0, 1.0).aside == "Of 6 metrics that are only shown, none is worse than chance explains."


def test_quantiles_of_the_router_are_shown_with_their_bands() -> None:
    bands = {
        "p50": Band(Spread(120, 0.031, 0.035, 0.041, 1.0), Spread(2280, 0.021, 0.022, 0.0235, 0.97)),
        "p99": Band(Spread(120, 0.2, 0.3, None, 1.0), Spread(2280, 0.1, 0.2, 0.25, 0.97)),
    }
    verdict = Verdict("unsure", "x", candidate=Arm(120), live=Arm(2280))
    asked = EvidenceCriteria(latency=LatencyCriteria(p99=0.2))
    why = explain(rollout(verdict, asked), replace(Evidence(0.0), bands=bands))
    p50, p99 = line(why, "p50"), line(why, "p99")
    assert (p50.role, p99.role) == ("informative", "critical")
    assert telling.outcome(p50) == "longer than live's"
    assert telling.difference(p50) == "13 ms more than live (+7.5 ms to +20 ms, 99 % sure at any time)"
    assert [row.candidate for row in telling.rows(p99)] == ["120", "300 ms", "200 ms or more"]
    assert [row.live for row in telling.rows(p99)] == ["2,280 (97 % of all)", "200 ms", "100 ms to 250 ms"]
    assert p99.difference is not None
    assert p99.difference.low is None
    assert "p90" not in [one.name for one in why.metrics]
