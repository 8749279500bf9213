"""What a person asks of a rollout under way: the whole of what follows, and why it is refused."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace
from tests.domain.onway import NOW, V1, V2, V3, course, on_way, revision, target

from plainsail.domain import upkeep
from plainsail.domain.checks import Word
from plainsail.domain.courses import rollback_course
from plainsail.domain.intents import (
    Abort,
    Advance,
    Approve,
    Intent,
    Pause,
    Reject,
    Remove,
    Restart,
    Resume,
    Rollback,
    Scale,
)
from plainsail.domain.lifecycle import Changed, begin, end, enter, event, never_began, refused, turn_back
from plainsail.domain.rollout import Against, Configured, Group, Phase, Rollout, Target
from plainsail.domain.steer import steer
from plainsail.domain.strategy import AB, Strategy
from plainsail.domain.trial import Decided, Trial

HELD = Against(failed=True, held=True)


@pytest.mark.parametrize("asked", [Abort, Pause, Resume, Advance, Approve, Reject])
@pytest.mark.parametrize("one", [None, on_way(id="r3")])
def test_what_is_not_under_way_is_not_steered(asked: Any, one: Rollout | None) -> None:
    intent = asked("r2", "bob")
    expected = refused(target(one), intent, NOW, "rollout r2 is not under way")
    assert steer(target(one), intent, NOW) == expected


@pytest.mark.parametrize(
    ("intent", "does"),
    [
        (Scale("x1", "bob", 6, 4), upkeep.scale),
        (Restart("x1", "bob", "memory"), upkeep.restart),
        (Remove("x1", "bob"), upkeep.remove),
    ],
)
def test_upkeep_is_asked_for_as_all_else_is(intent: Any, does: Any) -> None:
    assert steer(target(), intent, NOW) == does(target(), intent, NOW)


@pytest.mark.parametrize("gradual", [False, True])
@pytest.mark.parametrize(("why", "said"), [("", "aborted by bob"), ("enough", "enough")])
def test_an_abort_takes_it_back(gradual: bool, why: str, said: str) -> None:
    one = on_way("50 %")
    expected = turn_back(target(one), one, "aborted", said, "aborted", "bob", NOW, gradual=gradual)
    assert steer(target(one), Abort("r2", "bob", why, gradual), NOW) == expected


@pytest.mark.parametrize(
    ("intent", "known", "goes"),
    [
        (Abort("r2", "bob"), HELD, True),
        (Abort("r2", "bob", gradual=True), HELD, False),
        (Abort("r2", "bob"), None, False),
        (Pause("r2", "bob"), HELD, False),
        (Resume("r2", "bob"), None, False),
        (Advance("r2", "bob"), HELD, False),
    ],
)
def test_on_its_way_back_all_that_can_be_asked_is_to_go_at_once(
    intent: Intent, known: Against | None, goes: bool
) -> None:
    one = on_way(0, phase="rolling_back", against=known)
    if goes:
        expected = turn_back(target(one), one, "aborted", "aborted by bob", "aborted", "bob", NOW)
    else:
        expected = refused(target(one), intent, NOW, "rollout r2 is on its way back already")
    assert steer(target(one), intent, NOW) == expected


@pytest.mark.parametrize(("why", "said"), [("", "paused by bob"), ("lunch", "lunch")])
def test_a_pause_lasts_from_now_on(why: str, said: str) -> None:
    one = on_way()
    paused = replace(one, phase="paused", reason=said, reason_code="paused", held_at=NOW)
    expected = Changed(target(paused), (paused,), (event("rollout_paused", paused, NOW, by="bob"),))
    assert steer(target(one), Pause("r2", "bob", why), NOW) == expected


@pytest.mark.parametrize(
    ("phase", "intent", "why"),
    [
        ("paused", Pause("r2", "bob"), "rollout r2 is paused"),
        ("finishing", Pause("r2", "bob"), "rollout r2 is finishing"),
        ("progressing", Resume("r2", "bob"), "rollout r2 is progressing, not paused"),
        ("finishing", Resume("r2", "bob"), "rollout r2 is finishing, not paused"),
    ],
)
def test_only_what_goes_on_is_paused_and_only_what_is_paused_goes_on(
    phase: Phase, intent: Intent, why: str
) -> None:
    one = on_way(phase=phase)
    assert steer(target(one), intent, NOW) == refused(target(one), intent, NOW, why)


@pytest.mark.parametrize(("since", "then"), [(1.0, NOW), (None, None)])
def test_who_resumes_begins_the_step_anew_and_asks_the_silent_again(
    since: float | None, then: float | None
) -> None:
    words = {"1/0": Word("silent", 1.0), "1/1": Word("go", 1.0), "0/0": Word("silent", 1.0)}
    one = on_way(
        phase="paused", reason="lunch", reason_code="paused", held_at=1.0, called_at=2.0, words=words,
        in_force_at=since, against=replace(HELD, held=False),
    )  # fmt: skip
    resumed = replace(
        one, phase="progressing", reason="", reason_code="", entered_at=NOW, in_force_at=then, held_at=None,
        called_at=None, words={"1/1": Word("go", 1.0), "0/0": Word("silent", 1.0)},
    )  # fmt: skip
    expected = Changed(target(resumed), (resumed,), (event("rollout_resumed", resumed, NOW, by="bob"),))
    assert steer(target(one), Resume("r2", "bob"), NOW) == expected
    unharmed = replace(one, against=None)
    assert steer(target(unharmed), Resume("r2", "bob"), NOW).rollouts == (replace(resumed, against=None),)


def test_what_is_held_for_harm_is_not_resumed() -> None:
    one = on_way(phase="paused", against=HELD)
    why = "rollout r2 is held because users were worse off: advance or abort it"
    intent = Resume("r2", "bob")
    assert steer(target(one), intent, NOW) == refused(target(one), intent, NOW, why)


@pytest.mark.parametrize("step", [None, 1])
@pytest.mark.parametrize("phase", ["progressing", "paused"])
def test_who_advances_enters_the_next_step(step: int | None, phase: Phase) -> None:
    one = on_way(phase=phase, baseline="g3")
    entered = enter(one, 2, NOW)
    assert entered.baseline == "g3"
    expected = Changed(target(entered), (entered,), (event("step_entered", entered, NOW, by="bob"),))
    assert steer(target(one), Advance("r2", "bob", step), NOW) == expected


def test_a_step_that_was_left_is_not_left_again() -> None:
    one, intent = on_way("50 %"), Advance("r2", "bob", 1)
    expected = refused(target(one), intent, NOW, "rollout r2 has left that step already")
    assert steer(target(one), intent, NOW) == expected


@pytest.mark.parametrize(
    "one",
    [
        on_way("start"),
        on_way("100 %"),
        on_way("start", phase="paused"),
        on_way("10 %", in_force_at=None),
        on_way("finish", phase="finishing"),
    ],
)
def test_instances_are_waited_for_whoever_wants_to_go_on(one: Rollout) -> None:
    intent = Advance("r2", "bob")
    why = "there is no evidence to skip here: instances must be ready first"
    assert steer(target(one), intent, NOW) == refused(target(one), intent, NOW, why)


def test_who_goes_on_where_the_baseline_never_came_gives_it_up() -> None:
    one = on_way(phase="paused", in_force_at=None, baseline="g3")
    entered = enter(replace(one, baseline=None), 2, NOW)
    expected = Changed(target(entered), (entered,), (event("step_entered", entered, NOW, by="bob"),))
    assert steer(target(one), Advance("r2", "bob"), NOW) == expected


def test_a_test_goes_on_with_its_winner() -> None:
    one = a_test(then="ask", decided=Decided("winner", "blue is better", NOW, "g3"))
    before = replace(target(one), groups=(*target(one).groups, Group("g3", "variant", V3, 4, "blue")))
    entered = enter(replace(one, candidate="g3", revision=V3), one.step + 1, NOW)
    expected = Changed(
        replace(before, rollout=entered), (entered,), (event("step_entered", entered, NOW, by="bob"),)
    )
    assert steer(before, Advance("r2", "bob"), NOW) == expected
    kept, intent = a_test(then="keep"), Advance("r2", "bob")
    why = "this test keeps live whatever it shows: abort it, or wait for its end"
    assert steer(target(kept), intent, NOW) == refused(target(kept), intent, NOW, why)


def test_yes_and_no_are_said_to_the_step_that_asks() -> None:
    one = on_way(course=course(approvals=("10%",)), words={"1/approval": Word("not_yet", 1.0)})
    yes = steer(target(one), Approve("r2", "bob"), NOW)
    assert yes.rollouts[0].words["1/approval"] == Word("go", NOW, by="bob")
    no = steer(target(one), Reject("r2", "bob"), NOW)
    assert no == turn_back(target(one), one, "aborted", "rejected by bob", "rejected", "bob", NOW)


# To the release before.


def rolled_back(before: Target, intent: Rollback, to: Any = V3) -> Changed:
    """The live release in quarantine, and that one on its way at once."""
    live = before.group(before.live)
    assert live is not None
    kept = tuple(one for one in before.quarantine if one not in (to.release, live.revision.release))
    freed = replace(before, quarantine=(*kept, live.revision.release))
    way = rollback_course(live.replicas, live.replicas)
    return begin(
        freed, intent, to, "rollback", "rollback", None, way, before.placement, NOW, why=intent.reason
    )


@pytest.mark.parametrize(
    ("intent", "quarantine"),
    [
        (Rollback("x1", "bob", reason="complaints"), ()),
        (Rollback("x1", "bob", V3.release), (V3.release, V2.release)),
    ],
)
def test_a_rollback_brings_the_last_good_one_and_keeps_out_what_was_live(
    intent: Rollback, quarantine: tuple[str, ...]
) -> None:
    before = target(good=(V3, revision("v9")), quarantine=quarantine)
    before = replace(before, groups=(Group("g1", "live", V1, 6),))
    changed = steer(before, intent, NOW)
    assert changed == rolled_back(before, intent)
    assert [(group.id, group.replicas) for group in changed.target.groups] == [("g1", 6), ("g2", 6)]


def test_back_to_the_same_release_it_is_the_configuration_that_is_kept_out() -> None:
    before = target(good=(replace(V1, config="old"),))
    after = steer(before, Rollback("x1", "bob"), NOW).target
    assert (after.quarantine, after.misconfigured) == ((), (Configured(V1.release, V1.config),))


@pytest.mark.parametrize(
    ("intent", "why"),
    [
        (Rollback("x1", "bob"), "there is no good release before"),
        (Rollback("x1", "bob", "sha256:0123456789abcdef"), "release 0123456789ab was not live here"),
    ],
)
def test_where_there_is_none_to_go_back_to_that_is_on_record(intent: Rollback, why: str) -> None:
    assert steer(target(), intent, NOW) == never_began(
        target(), intent, V1, why, "nothing_to_go_back_to", NOW
    )
    nobody = Target("shop", "production", good=(V3,))
    assert steer(nobody, Rollback("x1", "bob"), NOW) == refused(
        nobody, Rollback("x1", "bob"), NOW, "there is no good release before"
    )
    assert steer(nobody, intent, NOW) == refused(nobody, intent, NOW, why)


@pytest.mark.parametrize(
    "one",
    [on_way(), on_way(phase="paused"), on_way(0, phase="rolling_back", against=HELD, ending="rolled_back")],
)
@pytest.mark.parametrize(("why", "said"), [("", "rollback asked by bob"), ("and back", "and back")])
def test_a_rollback_takes_back_what_is_on_its_way_and_not_one_more(one: Rollout, why: str, said: str) -> None:
    before, intent = target(one, good=(V3,)), Rollback("x1", "bob", reason=why)
    back = turn_back(before, one, "aborted", said, "aborted", "bob", NOW)
    told = refused(back.target, intent, NOW, "r2 is taken back instead")
    assert steer(before, intent, NOW) == back.then(told)


def test_a_rollback_under_way_is_not_asked_for_twice() -> None:
    one, intent = on_way("start", kind="rollback"), Rollback("x1", "bob")
    before = target(one, good=(V3,))
    assert steer(before, intent, NOW) == refused(before, intent, NOW, "r2 goes back already")
    named = Rollback("x1", "bob", V3.release)
    cleared = end(before, one, "superseded", "a rollback was asked for", "superseded", NOW)
    assert steer(before, named, NOW) == cleared.then(rolled_back(cleared.target, named))


@pytest.mark.parametrize(
    ("one", "ending"),
    [
        (on_way("finish", phase="finishing", reason="v2 has all users"), ("succeeded", "v2 has all users", "")),
        (on_way(0, phase="rolling_back", ending="rolled_back", reason="bad", reason_code="errors"),
         ("rolled_back", "bad", "errors")),
        (on_way(0, phase="rolling_back", reason="bad", reason_code="errors"), ("aborted", "bad", "errors")),
    ],
)  # fmt: skip
def test_what_is_nearly_over_is_over_when_a_rollback_comes(
    one: Rollout, ending: tuple[Phase, str, str]
) -> None:
    before, intent = target(one, good=(V3,)), Rollback("x1", "bob")
    cleared = end(before, one, *ending, NOW)
    to = cleared.target.good[0]
    assert steer(before, intent, NOW) == cleared.then(rolled_back(cleared.target, intent, to))


def test_what_is_under_way_goes_on_where_there_is_none_to_go_back_to() -> None:
    one, intent = on_way(), Rollback("x1", "bob", "sha256:999")
    before = target(one)
    expected = never_began(before, intent, V1, "release 999 was not live here", "nothing_to_go_back_to", NOW)
    assert steer(before, intent, NOW) == expected


def a_test(decided: Decided | None = None, **test: Any) -> Rollout:
    """Users are divided."""
    asked: Strategy = AB("conversion", **test)
    assert isinstance(asked, AB)
    way = course((asked,))
    number = next(number for number, step in enumerate(way.steps) if step.tests())
    trial = Trial(asked, ("g2", "g3"), ("red", "blue"), decided)
    return on_way(number, course=way, trial=trial, reached_bp=2500)
