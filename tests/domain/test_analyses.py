"""What is still awaited of metrics that are asked before the first user."""

from __future__ import annotations

from typing import Any

import pytest

from plainsail.domain.analyses import waiting
from plainsail.domain.criteria import Counted, EvidenceCriteria, Metric, Threshold
from plainsail.domain.evidence import Evidence, Told, Track

START = Metric(source="s", value="q", min=1.0, max=5.0, during=("start",))


def _evidence(track: Track) -> Evidence:
    return Evidence(0.0, opened=0.0, live_at=0.0, tracks={"smoke": track})


def _told(number: float | None, note: str = "") -> Track:
    return Track(
        told=(Told(5.0, 9.0, None, "earlier"), Told(10.0, 2.0, None), Told(20.0, number, None, note))
    )


@pytest.mark.parametrize(
    ("track", "why"),
    [
        (Track(), "no window yet"),
        (Track(missing="the source did not answer"), "the source did not answer"),
        (_told(None), "no number in the last window"),
        (_told(None, "no requests"), "no requests"),
        (_told(5.25), "5.25, with a limit of 5"),
        (_told(0.5), "0.5, with 1 as the least"),
    ],
)
def test_what_is_missing_is_said(track: Track, why: str) -> None:
    criteria = EvidenceCriteria(metrics={"smoke": START})
    assert waiting(criteria, _evidence(track), "start") == f"waiting for smoke ({why})"


@pytest.mark.parametrize("number", [1.0, 3.0, 5.0])
def test_a_window_within_its_limits_is_enough(number: float) -> None:
    assert not waiting(EvidenceCriteria(metrics={"smoke": START}), _evidence(_told(number)), "start")


@pytest.mark.parametrize("limits", [{}, {"min": 1.0}, {"max": 5.0}])
def test_of_a_metric_with_one_limit_the_other_is_not_asked(limits: dict[str, Any]) -> None:
    one = Metric(source="s", value="q", during=("start",), **limits)
    assert not waiting(EvidenceCriteria(metrics={"smoke": one}), _evidence(_told(3.0)), "start")


def test_without_evidence_nothing_was_told() -> None:
    assert (
        waiting(EvidenceCriteria(metrics={"smoke": START}), None, "start")
        == "waiting for smoke (no window yet)"
    )


def test_thresholds_want_so_many_good_ones() -> None:
    criteria = EvidenceCriteria(metrics={"smoke": START}, judge=Threshold(successes=3))
    one, enough = (Track(told=_told(2.0).told, passed=passed) for passed in (2, 3))
    assert waiting(criteria, _evidence(one), "start") == "waiting for smoke (good in 2 of 3 windows)"
    assert not waiting(criteria, _evidence(enough), "start")


def test_only_those_that_decide_here_are_awaited_in_order() -> None:
    counted = Metric(source="s", counts=Counted("a", "b"), during=("start",))
    metrics = {
        "b": counted, "a": counted, "shown": Metric(source="s", value="q", during=("start",), role="informative"),
        "dry": Metric(source="s", value="q", during=("start",), dry_run=True), "later": Metric(source="s", value="q"),
    }  # fmt: skip
    found = waiting(EvidenceCriteria(metrics=metrics), None, "start")
    assert found == "waiting for a (no window yet), b (no window yet)"
    assert waiting(EvidenceCriteria(metrics=metrics), None, "bake") == "waiting for later (no window yet)"
