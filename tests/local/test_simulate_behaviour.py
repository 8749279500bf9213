"""How releases to be simulated are written: what is understood, what is refused and how that is said, any text at all."""

from __future__ import annotations

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import given, settings

from plainsail.domain.criteria import EvidenceCriteria, LatencyCriteria
from plainsail.domain.service import Placement, Run
from plainsail.domain.strategy import Canary, Pace
from plainsail.local.simulate.behaviour import read_release
from plainsail.local.simulate.kinds import EXAMPLES, KINDS
from plainsail.local.simulate.play import Played, Setting, play
from plainsail.ports.errors import Rejected
from plainsail.ports.store import Key
from plainsail.testing.behaviour import LEAK_ERRORS, LEAK_SLOWER, Behaviour


@pytest.mark.parametrize(
    ("text", "like"),
    [
        ("good", Behaviour()),
        ("errors:2%", Behaviour(errors=0.02)),
        ("errors:0%", Behaviour()),
        ("errors:0.05%", Behaviour(errors=0.0005)),
        ("latency:+50%", Behaviour(slower=0.5)),
        ("latency:+300%", Behaviour(slower=3.0)),
        ("crash:1m30s", Behaviour(crash_after=90.0)),
        ("never-ready", Behaviour(never_ready=True)),
        ("p99:+300%", Behaviour(slow_tail=3.0)),
        ("leak:20m", Behaviour(leak=1200.0)),
        ("one-bad-replica", Behaviour(bad_replicas=0.25)),
        ("bad-instance", Behaviour(bad_replicas=0.25)),
        ("bursts:10", Behaviour(burst=10)),
        ("dependency-outage", Behaviour(errors=1.0, lasts=60.0, after=30.0)),
        ("dependency-outage@after=2m", Behaviour(errors=1.0, lasts=60.0, after=120.0)),
        ("errors:2%@after=10m", Behaviour(errors=0.02, after=600.0)),
        ("crash:30s@after=1m", Behaviour(crash_after=30.0, after=60.0)),
        ("leak:20m@after=90s", Behaviour(leak=1200.0, after=90.0)),
    ],
)
def test_what_is_understood(text: str, like: Behaviour) -> None:
    assert read_release(text).like == like


@pytest.mark.parametrize(
    ("text", "at", "told"),
    [
        ("errors:2", 8, "which is not a share such as 2%; did you mean errors:2%?"),
        ("errors", 7, "errors needs to know how much; write one such as errors:2%"),
        ("errors:", 8, "errors needs to know how much"),
        ("errors:200%", 8, "more than the whole (100%)"),
        ("errors:-2%", 8, "not a part of a whole"),
        ("Errors: 2 %", 1, "did you mean errors:2%?"),
        ("latency:50%", 9, "did you mean latency:+50%?"),
        ("latency:+50", 9, "did you mean latency:+50%?"),
        ("latency:+9999999%", 9, "more than a thousand times as long"),
        ("crash:30", 7, "did you mean crash:30s?"),
        ("crash:0s", 7, "that is never-ready"),
        ("crsh:30s", 1, "did you mean 'crash'?"),
        ("never_ready", 1, "did you mean never-ready?"),
        ("good:1", 5, "good takes nothing after it; did you mean good?"),
        (
            "",
            1,
            "there is no behaviour ''; write good, errors:2%, latency:+50%, p99:+300%, tail:+200%, crash:30s, never-ready, "
            "leak:20m, one-bad-replica, dependency-outage, bursts:10, differs:2% or kpi:+10%",
        ),
        ("errors:2%@", 11, "write errors:2%@after=10m"),
        ("errors:2%@10m", 11, "did you mean errors:2%@after=10m?"),
        ("errors:2%@after=10", 17, "did you mean errors:2%@after=10s?"),
        ("errors:2@after=10m", 8, "did you mean errors:2%@after=10m?"),
        ("good@after=10m", 5, "good is so from the start or not at all; did you mean good?"),
        ("never-ready@after=10m", 12, "never-ready is so from the start or not at all"),
        ("bursts:1", 8, "not a number of failures from 2 to 1,000"),
        ("leak:0s", 6, "which is no time to leak in"),
        ("one-bad-replca", 1, "did you mean 'one-bad-replica'?"),
        ("chaos", 1, "there is no behaviour 'chaos'"),
    ],
)
def test_what_is_refused_says_where_and_what_to_write(text: str, at: int, told: str) -> None:
    with pytest.raises(Rejected) as wrong:
        read_release(text)
    assert f"--release, character {at}: " in str(wrong.value)
    assert told in str(wrong.value)


def test_every_example_is_understood() -> None:
    assert {read_release(example).text for example in EXAMPLES} == set(EXAMPLES)


numbers = st.text("0123456789.+-%smhd :@", max_size=12) | st.builds(
    "{}@{}{}".format,
    st.text("0123456789.+-%smhd", max_size=6),
    st.sampled_from(["after=", "", "after", "=", "@"]),
    st.text("0123456789.smhd", max_size=5),
)


@settings(deadline=None)  # suggestions are sought in whole lists
@given(
    st.text(max_size=20)
    | st.builds("{}:{}".format, st.sampled_from(list(KINDS)), numbers | st.text(max_size=8))
)
def test_any_text_is_understood_or_refused_on_one_line(text: str) -> None:
    try:
        release = read_release(text)
    except Rejected as wrong:
        told = str(wrong)
    else:
        told = ""
        assert release.text == text
        assert 0 <= release.like.errors <= 1
        assert release.like.slower >= 0
        assert release.like.crash_after is None or release.like.crash_after > 0
        assert release.like.after >= 0
        assert release.told.isprintable()
    assert not told or (told.isprintable() and len(told) < 400)


@settings(deadline=None)
@given(st.sampled_from(list(KINDS)), numbers)
def test_what_is_meant_is_understood(name: str, value: str) -> None:
    """A suggestion can be taken as it stands."""
    try:
        read_release(f"{name}:{value}")
    except Rejected as wrong:
        if wrong.next_step.startswith("did you mean ") and "'" not in wrong.next_step:
            read_release(wrong.next_step.removeprefix("did you mean ").removesuffix("?"))


@given(st.floats(-100, 5000), st.floats(0, 5000), st.sampled_from([0.0, 60.0, 600.0]))
def test_a_release_is_sound_before_it_begins_to_be_bad(since: float, age: float, after: float) -> None:
    for like in (Behaviour(errors=0.5), Behaviour(leak=1200.0), Behaviour(errors=1.0, lasts=60.0)):
        now = msgspec.structs.replace(like, after=after).at(since, age)
        if after and since < after:
            assert now == Behaviour()
        if like.lasts and since >= after + like.lasts:
            assert now == Behaviour()


@given(st.floats(0, 5000), st.floats(0, 5000))
def test_a_leak_only_grows_first_in_time_then_in_failures(one: float, other: float) -> None:
    leak = Behaviour(leak=1200.0)
    earlier, later = (leak.at(1e6, age) for age in sorted((one, other)))
    assert earlier.slower <= later.slower <= LEAK_SLOWER
    assert earlier.errors <= later.errors <= LEAK_ERRORS
    assert not earlier.errors or earlier.slower >= LEAK_SLOWER / 2


PACE = Pace(deadline=120.0, on_unsure="rollback")


def outcome(release: str, seed: int, evidence: EvidenceCriteria = EvidenceCriteria()) -> Played:  # noqa: B008  (frozen)
    placement = Placement(replicas=4, pace=PACE, evidence=evidence)
    key, run = Key("shop", "production"), Run(command=("bin/serve",))
    return play(Setting(key, run, placement, (Canary((1000, 5000)),), read_release(release), 300.0), seed)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("release", ["good", "bursts:10", "dependency-outage@after=5s", "one-bad-replica"])
def test_a_release_that_is_as_good_as_live_stays(release: str, seed: int) -> None:
    found = outcome(release, seed)
    assert found.rollout.phase == "succeeded", found.rollout.reason
    if release.startswith("dependency"):
        assert found.failed > 300 * 60 * 0.9, "both failed for a minute"


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(
    ("release", "codes"),
    [
        ("errors:2%@after=5s", {"errors"}),
        ("latency:+300%@after=5s", {"latency"}),
        ("p99:+300%", {"latency"}),
        ("leak:30s", {"errors", "latency"}),
        ("crash:5s@after=3s", {"crashes", "errors", "max_errors"}),
    ],
)
def test_a_worse_one_is_taken_back_for_what_is_wrong_with_it(
    release: str, codes: set[str], seed: int
) -> None:
    found = outcome(release, seed, EvidenceCriteria(latency=LatencyCriteria(bound=0.3, margin=0.002)))
    assert found.rollout.phase == "rolled_back", found.rollout.reason
    assert found.rollout.reason_code in codes
    if codes == {"latency"}:
        assert found.slowed > 0, "they were hurt too, though answered"
        assert found.failed == 0
    assert found.hurt == found.failed + found.slowed


def test_what_begins_after_the_end_hurts_nobody() -> None:
    found = outcome("errors:100%@after=1h", 1)
    assert (found.rollout.phase, found.hurt) == ("succeeded", 0)
