"""Ways back, step by step: which shares lie in between, and what makes one at once of it."""

from __future__ import annotations

from typing import Any

import pytest
from tests.domain.handmade import parts, rollout, step

from plainsail.domain.evidence import Arm, Verdict
from plainsail.domain.rollout import Against, Phase, Rollout
from plainsail.domain.service import Placement
from plainsail.domain.strategy import Course, Elapsed, Judged, Pace, Settled, Step
from plainsail.domain.units import ALL
from plainsail.domain.wayback import against, at_once, gradually, more_harm, shortest, takes_time

AWAY = Step("stop new", {"live": 3, "candidate": 0}, (), Settled(9.0))
AGAIN = Step("start old", {"live": 4, "candidate": 0}, (), Settled(9.0))
HOME = Step("back", {"live": 4, "candidate": 0}, parts(live=ALL), Settled(9.0), finishing=True)


def shared(share: int, candidate: int = 2) -> Step:
    split = parts(candidate=share, live=ALL - share) if share < ALL else parts(candidate=ALL)
    return step(f"{share}", {"live": 4, "candidate": candidate}, split=split)


def on_its_way(at: int, *shares: int, **more: Any) -> Rollout:
    steps = [shared(share, number + 1) for number, share in enumerate(shares)]
    pace = Placement(pace=Pace(dwell=7.0))
    settings: dict[str, Any] = {"back": (HOME,), "step": at, "placement": pace}
    return rollout(*steps, **(settings | more))


def between(share: int, candidate: int) -> Step:
    """A share on a gradual way back, with as many instances of the candidate as it had when it turned."""
    name = f"{share / 100:g} %"
    split = parts(candidate=share, live=ALL - share)
    return Step(name, {"live": 4, "candidate": candidate}, split, Elapsed(7.0), gradual=True)


def test_the_shares_of_the_way_there_come_in_reverse() -> None:
    assert gradually(on_its_way(3, 100, 1000, 2500, 5000)) == (
        between(2500, 4), between(1000, 4), between(100, 4), HOME,
    )  # fmt: skip


def test_shares_that_it_never_had_and_those_of_nobody_are_left_out() -> None:
    assert gradually(on_its_way(2, 0, 100, 5000, 7500)) == (between(100, 3), HOME)
    assert gradually(on_its_way(1, 0, 100)) == (HOME,)
    assert gradually(on_its_way(0, 1, 100)) == (HOME,)
    assert gradually(on_its_way(1, 1, 2)) == (between(1, 2), HOME)


def test_each_share_comes_once_and_none_as_large_as_what_it_has() -> None:
    assert gradually(on_its_way(3, 1000, 1000, 5000, 5000)) == (between(1000, 4), HOME)


@pytest.mark.parametrize("phase", ["progressing", "paused", "finishing"])
def test_also_where_it_is_held_or_all_have_it(phase: Phase) -> None:
    assert gradually(on_its_way(1, 5000, ALL, phase=phase)) == (between(5000, 2), HOME)


def test_a_way_back_that_has_begun_or_leads_nowhere_is_the_one_at_once() -> None:
    under_way = on_its_way(0, 5000, phase="rolling_back", back=(between(2500, 1), HOME))
    assert gradually(under_way) == (HOME,)
    assert gradually(on_its_way(1, 1000, 5000, live=None)) == (HOME,)
    assert gradually(on_its_way(1, 1000, 5000, phase="pending")) == (HOME,)


def test_a_step_without_a_word_of_instances_has_none_in_between() -> None:
    last = Step("back", {"candidate": 0}, parts(live=ALL), Settled(9.0))
    here = step("here", {"live": 4}, split=parts(candidate=5000, live=5000))
    (first, _) = gradually(rollout(shared(1000), here, back=(last,), step=1))
    assert first.sizes == {"live": 0, "candidate": 0}


def test_live_has_in_between_what_it_has_in_the_end() -> None:
    way = gradually(on_its_way(1, 1000, 5000, back=(AWAY, HOME)))
    assert [one.sizes["live"] for one in way] == [4, 3, 4]
    assert way[1:] == (AWAY, HOME)


# At once.


def test_at_once_means_without_the_shares_in_between() -> None:
    way = Course((), (between(5000, 2), AWAY, between(100, 2), HOME))
    assert at_once(way) == (AWAY, HOME)
    assert takes_time(way.back)
    assert not takes_time((AWAY, HOME))
    assert not takes_time(())


def asked_before(until: Any = "hooked", **more: Any) -> Rollout:
    """The hook `before` is asked; another way back would begin with the end of the new release."""
    here = step("before", {"live": 4}, split=parts(live=ALL), leave=Judged(until, 0, 0.0, 60.0, "hold"))
    return rollout(here, **({"back": (AWAY, AGAIN, HOME)} | more))


def test_of_what_was_not_begun_nothing_is_taken_back() -> None:
    assert shortest(asked_before()) == (HOME,)
    assert shortest(asked_before("checked")) == (AWAY, AGAIN, HOME)
    assert shortest(rollout(step(leave=Settled(9.0)), back=(AWAY, AGAIN, HOME))) == (AWAY, AGAIN, HOME)


def test_a_way_back_that_is_under_way_goes_on() -> None:
    asked = Step("asked", {"live": 4}, parts(live=ALL), Judged("hooked", 0, 0.0, 60.0, "hold"))
    assert shortest(rollout(step(), back=(asked, HOME), phase="rolling_back")) == (asked, HOME)


# Harm that comes on the way back.


def verdict(outcome: Any = "fail", harm: float = 1.0, crashes: int = 0) -> Verdict:
    return Verdict(outcome, "", harm=harm, candidate=Arm(100, crashes=crashes), live=Arm(100, crashes=9))


def test_what_is_known_against_it_is_that_of_the_verdict() -> None:
    assert against(None) == Against(failed=False, harm=0.0, crashes=0, held=False)
    assert against(verdict("fail", 1.5, 2)) == Against(failed=True, harm=1.5, crashes=2)
    assert against(verdict("unsure", 0.5, 1)) == Against(failed=False, harm=0.5, crashes=1)


def back_for(known: Against | None) -> Rollout:
    return on_its_way(0, 5000, against=known)


def test_harm_that_is_found_out_on_the_way_back_is_more() -> None:
    unwanted = back_for(Against(failed=False, harm=0.9, crashes=3))
    assert more_harm(unwanted, verdict(harm=1.0, crashes=3))
    assert not more_harm(unwanted, verdict("unsure", 5.0, 9))
    assert not more_harm(unwanted, verdict("pass"))
    assert not more_harm(unwanted, None)


@pytest.mark.parametrize(
    ("harm", "crashes", "more"),
    [(1.2, 3, False), (2.1, 3, False), (2.25, 3, True), (3.0, 3, True), (1.2, 4, True), (1.2, 2, False)],
)
def test_harm_that_is_known_is_more_when_it_is_as_sure_once_again(
    harm: float, crashes: int, more: bool
) -> None:
    """Or when one more instance crashes."""
    assert (
        more_harm(back_for(Against(failed=True, harm=1.25, crashes=3)), verdict("fail", harm, crashes))
        is more
    )


def test_who_is_not_on_a_gradual_way_back_is_not_asked() -> None:
    assert not more_harm(back_for(None), verdict())
