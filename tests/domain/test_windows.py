"""Windows of metric sources: no gap, no overlap, nothing of the future, nothing outside of what is asked for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plainsail.domain.courses import course
from plainsail.domain.criteria import Averaged, EvidenceCriteria, Metric
from plainsail.domain.match import Match
from plainsail.domain.observation import Seen
from plainsail.domain.rollout import Revision, Rollout
from plainsail.domain.service import Placement, Run, Shield
from plainsail.domain.strategy import Canary, Pace
from plainsail.domain.traffic import GroupShare, Route, Traffic
from plainsail.domain.windows import Stage, Standing, due, standing

STAGES: tuple[Stage, ...] = ("start", "steps", "bake")
MEAN = Averaged("n", "sum", "squares")
T0 = 1_800_000_000.0
ROLLOUT = Rollout(
    "r1", "shop", "production", "deploy", "ada", "canary", Revision("sha256:1", "1", Run(("serve",)), "sha256:2"),
    "c", "l", 4, Placement(), course(Canary((1000,)), Pace(), 4, 4), T0, T0, in_force_at=T0, phase="progressing",
)  # fmt: skip

times = st.floats(0.0, 5000.0).map(lambda offset: T0 + offset)
lengths = st.sampled_from([1.0, 7.5, 10.0, 25.0, 60.0, 3600.0])
values = st.builds(
    Metric, source=st.just("s"), value=st.just("q"), every=lengths, delay=st.sampled_from([0.0, 3.0, 90.0])
)


def at(stage: Stage = "steps", share: int = 1000, began: float = T0, stepped: float = T0) -> Standing:
    return Standing(stage, share, began, stepped)


@given(values, st.one_of(st.just(0.0), times), st.one_of(st.just(0.0), times), times, times)
def test_a_window_lies_behind_what_was_taken_and_before_now(
    metric: Metric, taken: float, asked: float, now: float, began: float
) -> None:
    window = due(metric, taken, asked, now, at(began=began))
    if window is not None:
        since, until = window
        assert since == max(taken, began)
        assert since < until <= now - metric.delay
        assert until - since > metric.every * (1 - 1e-6)
        assert until > asked


@given(
    values,
    st.lists(st.tuples(st.floats(0.05, 400.0), st.sampled_from(["taken", "failed", "late"])), max_size=60),
)
def test_however_looks_fall_windows_follow_each_other(metric: Metric, looks: list[tuple[float, str]]) -> None:
    """Pauses of the control plane, reads that fail, and answers that come after further looks."""
    now, taken, asked = T0, 0.0, 0.0
    waiting: tuple[float, float] | None = None
    covered: list[tuple[float, float]] = []
    for pause, fate in looks:
        now += pause
        if waiting is not None:
            covered.append(waiting)
            taken, waiting = waiting[1], None
            continue
        window = due(metric, taken, asked, now, at())
        if window is None:
            continue
        asked = window[1]
        if fate == "taken":
            covered.append(window)
            taken = window[1]
        elif fate == "late":
            waiting = window
    ends = [T0, *(until for _, until in covered)]
    assert [since for since, _ in covered] == ends[: len(covered)]


@given(values, times)
def test_one_look_after_every_window_misses_none(metric: Metric, began: float) -> None:
    taken = asked = 0.0
    lengths = []
    for look in range(1, 20):
        now = began + metric.delay + look * metric.every + 0.05
        window = due(metric, taken, asked, now, at(began=began))
        assert window is not None
        taken = asked = window[1]
        lengths.append(window[1] - window[0])
    assert all(abs(length - metric.every) < 1e-3 for length in lengths)


def test_a_window_that_failed_is_asked_again_with_what_came_since() -> None:
    metric = Metric("s", value="q", every=60.0)
    assert due(metric, 0.0, 0.0, T0 + 61, at()) == (T0, T0 + 60)
    assert due(metric, 0.0, T0 + 60, T0 + 69, at()) is None
    assert due(metric, 0.0, T0 + 60, T0 + 70.5, at()) == (T0, T0 + 70)


@given(values, times, st.floats(0.1, 5000.0))
def test_a_clock_set_back_brings_nothing_until_time_is_there_again(
    metric: Metric, taken: float, back: float
) -> None:
    assert due(metric, taken, taken, taken - back, at(began=T0 - 9999)) is None


def test_a_mean_is_asked_over_all_the_time() -> None:
    metric = Metric("s", mean=MEAN, every=10.0)
    assert due(metric, T0 + 40, T0 + 40, T0 + 50.2, at()) == (T0, T0 + 50)
    assert due(metric, T0 + 40, T0 + 40, T0 + 49.9, at()) is None


@given(times, st.floats(0.0, 500.0))
def test_after_a_replacement_nothing_is_asked_of_before(exposed: float, later: float) -> None:
    """A mean is asked over all the time: the users of an instance that was replaced would be in it for ever."""
    anew = exposed + later
    group = GroupShare("c", 10_000)
    traffic = Traffic("shop", ("x",), (Route(Match(), (group,)),), {}, "l", Shield(), None, 1.0)
    stands = standing(ROLLOUT, EvidenceCriteria(), Seen(anew, traffic=traffic), exposed, anew)
    assert stands is not None
    assert stands.began == stands.stepped == anew
    for metric in (Metric("s", mean=MEAN, every=10.0), Metric("s", value="q", every=10.0)):
        window = due(metric, anew, anew, anew + 10.5, stands)
        assert window is not None
        assert window == pytest.approx((anew, anew + 10.0), rel=0, abs=1e-3)


@given(values, st.sampled_from(STAGES), st.sets(st.sampled_from(STAGES), min_size=1), st.sampled_from([0, 100, 1000, 10000]),
       st.sets(st.sampled_from([100, 1000]), max_size=2))  # fmt: skip
def test_nothing_is_asked_outside_of_during_and_at(
    metric: Metric, stage: Stage, during: set[Stage], share: int, shares: set[int]
) -> None:
    metric = Metric(
        "s", value="q", every=metric.every, during=tuple(sorted(during)), at=tuple(sorted(shares))
    )
    window = due(metric, 0.0, 0.0, T0 + 1e5, at(stage, share))
    assert (window is not None) == (stage in during and (not shares or share in shares))


def test_at_a_share_windows_begin_with_it() -> None:
    metric = Metric("s", value="q", every=10.0, at=(1000,))
    assert due(metric, T0 + 5, 0.0, T0 + 131, at(stepped=T0 + 100)) == (T0 + 100, T0 + 130)
