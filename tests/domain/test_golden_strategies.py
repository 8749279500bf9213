"""Each strategy told turn by turn: a good release, a bad one in the middle, and what people do to it; see `storybook`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.domain.stage import PACE, Stage, replace
from tests.domain.storybook import Book

from plainsail.domain.intents import Abort, Advance, Pause, Resume
from plainsail.domain.match import Match
from plainsail.domain.mirroring import Shadow
from plainsail.domain.service import Sticky
from plainsail.domain.strategy import (
    BlueGreen,
    Canary,
    Custom,
    CustomStep,
    Dark,
    Incremental,
    RedBlack,
    Rolling,
    RollingCanary,
    RollingRedBlack,
)

story = Book(Stage)
BY_CLOCK = replace(PACE, until="dwell", dwell=0.3)
INSIDERS = Match(hosts=("dark.shop.example",))


@pytest.mark.parametrize("tell", story.stories, ids=lambda tell: tell.__name__)
def test_golden(tell: Callable[[Stage], None]) -> None:
    story.read(tell)


@story
def incremental(stage: Stage) -> None:
    """By user, in the middle of it harm."""
    place: dict[str, Any] = {"sticky": Sticky(cookie="who"), "pace": BY_CLOCK}
    stage.settled("v1", **place)
    stage.turn(stage.deploy("v2", Incremental((1000, 5000)), **place))
    _on_to(stage, 3)
    stage.until_quiet()
    stage.say("the next one fails at a half of the users")
    stage.turn(stage.deploy("v3", Incremental((1000, 5000)), **place))
    _on_to(stage, 2)
    _fails(stage, "g3")
    stage.until_quiet()


@story
def red_black(stage: Stage) -> None:
    """The old one is kept warm, and harm takes all users back to it with one order."""
    stage.settled("v1")
    stage.turn(stage.deploy("v2", RedBlack(keep=5.0)))
    stage.until_quiet()
    stage.say("the next one fails while it is watched")
    stage.turn(stage.deploy("v3", RedBlack(keep=60.0)))
    _on_to(stage, 1)
    _fails(stage, "g3")
    stage.turn()
    stage.say("all users are live's again, and nothing was started for that")
    stage.until_quiet()


@story
def rolling(stage: Stage) -> None:
    """Instance by instance; aborted in the middle of the next, users follow live's instances as they come."""
    stage.settled("v1")
    stage.turn(stage.deploy("v2", Rolling(), pace=BY_CLOCK))
    stage.until_quiet()
    stage.turn(stage.deploy("v3", Rolling(), pace=BY_CLOCK))
    _on_to(stage, 3)
    stage.say("three of four")
    _until_in_force(stage)
    stage.turn(Abort("r3", "bob"))
    stage.turn()
    stage.say("one of live's is there")
    _one_is_ready(stage, "g2")
    stage.turns(2)
    stage.say("and the last")
    stage.until_quiet()


@story
def rolling_that_is_superseded(stage: Stage) -> None:
    """Live has two of four left, and the superseded one three: one of live's ends, and batch by batch the newer one takes over."""
    stage.settled("v1")
    stage.turn(stage.deploy("v2", Rolling(), pace=BY_CLOCK))
    _on_to(stage, 3)
    _until_in_force(stage)
    stage.gone()
    stage.turn(stage.deploy("v3", Rolling(), pace=BY_CLOCK))
    for batch in ("one of four", "two of four", "three of four"):
        stage.say(batch)
        stage.turns(2)
        _until_in_force(stage)
        assert _share(stage, "g1") == 2500, "the superseded one's users have it, or the newer one"
        assert sum(seen.alive() for seen in stage.groups.values()) <= 5, (
            "there is none more than was asked for"
        )
        _on_to(stage, stage.target.rollout.step + 1 if stage.target.rollout else 0)
    stage.until_quiet()


@story
def rolling_that_is_superseded_on_its_way_back(stage: Stage) -> None:
    """Live has two of four left; the aborted one's users come back to live as its instances do, and then have the newer one."""
    stage.settled("v1")
    stage.turn(stage.deploy("v2", Rolling(), pace=BY_CLOCK))
    _on_to(stage, 3)
    _until_in_force(stage)
    stage.gone()
    stage.turn(Abort("r2", "bob"))
    stage.turn(stage.deploy("v3", Rolling(), pace=BY_CLOCK))
    shares = []
    for _ in range(3):
        stage.turns(2)
        shares.append(_share(stage, "g2"))
        stage.say("another one of live's is ready")
        _one_is_ready(stage, "g1")
    stage.turns(2)
    assert shares == sorted(shares, reverse=True), "never more than it had"
    assert (shares[0], _share(stage, "g2")) == (5000, 0), "not all at once to the two that are left"
    stage.until_quiet()


@story
def canary_that_a_blue_green_supersedes(stage: Stage) -> None:
    """Half of the users have the canary, and keep it while insiders look at the newer one; then all have that at once."""
    stage.settled("v1")
    stage.turn(stage.deploy("v2", Canary((1000, 5000))))
    _on_to(stage, 2)
    _until_in_force(stage)
    stage.turn(stage.deploy("v3", BlueGreen(1.0, preview=INSIDERS, switch="manual")))
    _on_to(stage, 1)
    stage.turns(3)
    stage.say("a person switches")
    assert (_share(stage, "g1"), _share(stage, "g2")) == (5000, 5000)
    stage.turn(Advance("r3", "bob"))
    stage.turns(2)
    assert _share(stage, "g3") == 10_000
    stage.until_quiet()


@story
def rolling_that_fails(stage: Stage) -> None:
    """Live has two of four left; its instances come one by one, and the users with them."""
    stage.settled("v1")
    stage.turn(stage.deploy("v2", Rolling(), pace=BY_CLOCK))
    _on_to(stage, 3)
    _until_in_force(stage)
    stage.gone()
    _fails(stage, "g2")
    stage.turns(2)
    for _ in range(3):
        stage.say("another one of live's is ready")
        _one_is_ready(stage, "g1")
        stage.turns(2)
    stage.until_quiet()


@story
def rolling_back_to_what_does_not_start(stage: Stage) -> None:
    """A way back whose instances don't come does not leave users with the bad release for ever."""
    stage.settled("v1")
    stage.turn(stage.deploy("v2", Rolling(), pace=BY_CLOCK))
    _on_to(stage, 3)
    _until_in_force(stage)
    stage.gone()
    stage.turn(Abort("r2", "bob"))
    stage.turns(2)
    stage.say("twice the time that a start may take")
    stage.now += 10.0
    stage.turns(3)
    stage.gone()
    stage.turns(3)


@story
def rolling_with_one_that_does_not_start(stage: Stage) -> None:
    """Live gives up no instance whose place nobody has taken, however good the answers; in the end it goes back, also if
    what is unsure may go on: evidence does not carry users."""
    stage.settled("v1")
    pace = replace(BY_CLOCK, deadline=2.0, on_unsure="advance")
    stage.turn(stage.deploy("v2", Rolling(), pace=pace))
    _on_to(stage, 2)
    _until_in_force(stage)
    stage.gone()
    stage.say("one of the new dies, and the one in its place is never ready")
    stage.dies("g2")
    for _ in range(60):
        stage.ask()
        stage.turn()
        assert stage.target.rollout is not None
        if stage.target.rollout.phase == "rolling_back":
            break
        assert stage.groups["g1"].ready() == 3
    assert stage.target.rollout is not None
    assert stage.target.rollout.phase == "rolling_back"


@story
def rolling_without_room(stage: Stage) -> None:
    """Never more than four: the old end first, the last of them before the last new one starts."""
    stage.settled("v1")
    stage.turn(stage.deploy("v2", Rolling(max_surge=0, max_unavailable=2), pace=BY_CLOCK))
    for _ in range(60):
        if stage.target.rollout is None:
            break
        stage.ready(*stage.groups)
        stage.gone()
        stage.turn()
        assert sum(seen.alive() for seen in stage.groups.values()) <= 4
        assert sum(seen.ready() for seen in stage.groups.values()) >= 2
    assert stage.target.live == "g2"


@story
def rolling_red_black(stage: Stage) -> None:
    """The old shrink as the new are proven; harm with half of the users, when live has three of four."""
    stage.settled("v1")
    stage.turn(stage.deploy("v2", RollingRedBlack((2500, 5000)), pace=BY_CLOCK))
    stage.until_quiet()
    stage.turn(stage.deploy("v3", RollingRedBlack((2500, 5000)), pace=BY_CLOCK))
    _on_to(stage, 2)
    _until_in_force(stage)
    stage.gone()
    _fails(stage, "g3")
    stage.turn()
    stage.until_quiet()


@story
def rolling_canary(stage: Stage) -> None:
    """A canary beside all of the old, then the rest of it; paused and aborted."""
    stage.settled("v1")
    stage.turn(stage.deploy("v2", RollingCanary((1000,), max_surge=2), pace=BY_CLOCK))
    _on_to(stage, 2)
    stage.turn(Pause("r2", "bob"))
    stage.turn(Resume("r2", "bob"))
    stage.until_quiet()
    stage.turn(stage.deploy("v3", RollingCanary((1000,)), pace=BY_CLOCK))
    _on_to(stage, 1)
    stage.turn(Abort("r3", "bob"))
    stage.until_quiet()


@story
def preview_and_switch(stage: Stage) -> None:
    """Insiders see the new one, and users move when a person says so."""
    strategy = BlueGreen(keep=3.0, preview=INSIDERS, switch="manual")
    stage.settled("v1")
    stage.turn(stage.deploy("v2", strategy))
    _on_to(stage, 1)
    _until_in_force(stage)
    stage.say("it waits for a person")
    stage.turns(3)
    stage.turn(Advance("r2", "bob", step=1))
    stage.until_quiet()
    stage.say("the next one is aborted before anybody has it")
    stage.turn(stage.deploy("v3", strategy))
    _on_to(stage, 1)
    _until_in_force(stage)
    stage.turn(Abort("r3", "bob"))
    stage.until_quiet()


@story
def dark(stage: Stage) -> None:
    """Alone: insiders have it until a person says so, then all users."""
    stage.settled("v1")
    stage.turn(stage.deploy("v2", Dark(INSIDERS, instances=2)))
    stage.turn()
    stage.say("one is ready: insiders have it, and it waits for the other")
    stage.become("g2", "ready")
    _one_is_ready(stage, "g2")
    stage.turns(2)
    stage.ready("g2")
    stage.turns(2)
    stage.say("neither is ready for a while: insiders are users like all others")
    well = stage.groups["g2"]
    stage.become("g2", "unready", 2)
    stage.turns(2)
    stage.groups["g2"] = well
    stage.turns(2)
    stage.turn(Advance("r2", "bob"))
    stage.until_quiet()


@story
def dark_that_nobody_answers(stage: Stage) -> None:
    """A week later it goes back, whatever `on_unsure` says of shares."""
    stage.settled("v1")
    stage.turn(stage.deploy("v2", Dark(INSIDERS), pace=replace(PACE, on_unsure="advance")))
    _on_to(stage, 1)
    _until_in_force(stage)
    stage.turn()
    stage.say("seven days later")
    stage.now += 7 * 86_400.0
    stage.until_quiet()


@story
def own_steps(stage: Stage) -> None:
    """Insiders until a person says so, a quarter on one instance more than needed, then three quarters in 2 s."""
    steps = (
        CustomStep(match=INSIDERS, until="advanced"),
        CustomStep(2500, instances=2, match=INSIDERS, until="dwell", dwell=1.0),
        CustomStep(7500, until="dwell", dwell=2.0, deadline=30.0),
    )
    stage.settled("v1")
    stage.turn(stage.deploy("v2", Custom(steps)))
    _on_to(stage, 1)
    _until_in_force(stage)
    stage.turn(Advance("r2", "bob"))
    stage.until_quiet()
    stage.say("the next one fails with a quarter")
    stage.turn(stage.deploy("v3", Custom(steps)))
    _on_to(stage, 1)
    _until_in_force(stage)
    stage.turn(Advance("r3", "bob"))
    _until_in_force(stage)
    _fails(stage, "g3")
    stage.until_quiet()


@story
def dark_then_canary_then_bake(stage: Stage) -> None:
    """A chain in one rollout; it ends watched. The next one fails while it is baked, and live is warm."""
    chain = (Dark(INSIDERS, lasts=1.0), Canary((1000, 5000)))
    place: dict[str, Any] = {"pace": replace(BY_CLOCK, bake=2.0)}
    stage.settled("v1", **place)
    stage.turn(stage.deploy("v2", chain, **place))
    stage.until_quiet(120)
    stage.turn(stage.deploy("v3", chain, **place))
    _on_to(stage, 5)
    _until_in_force(stage)
    _fails(stage, "g3")
    stage.until_quiet()


@story
def shadow(stage: Stage) -> None:
    """Copies first: without one it is not left; then a canary, whose evidence begins from zero. The next one fails its copies."""
    chain = (Shadow(lasts=1.0), Canary((1000,)))
    stage.settled("v1")
    stage.turn(stage.deploy("v2", chain, pace=BY_CLOCK))
    _on_to(stage, 1)
    _until_in_force(stage)
    stage.turns(8)
    stage.say("its time is over, and nothing was copied")
    stage.turn()
    stage.copied(differing=1)
    stage.turn()
    stage.say("now something was")
    stage.until_quiet()
    stage.turn(stage.deploy("v3", chain, pace=BY_CLOCK))
    _on_to(stage, 1)
    _until_in_force(stage)
    for _ in range(40):
        if stage.target.rollout is None or stage.target.rollout.phase == "rolling_back":
            break
        stage.ask()
        stage.copied(failures=10)
        stage.turn()
    stage.say("nobody has seen it")
    stage.until_quiet()


def _on_to(stage: Stage, step: int) -> None:
    """A helpful world and good answers, until the rollout enters this step."""
    for _ in range(200):
        rollout = stage.target.rollout
        assert rollout is not None
        assert rollout.phase == "progressing"
        if rollout.step == step:
            return
        stage.ready(*stage.groups)
        stage.gone()
        stage.ask()
        stage.turn()
    raise AssertionError(f"step {step} is never reached")


def _until_in_force(stage: Stage) -> None:
    for _ in range(20):
        rollout = stage.target.rollout
        assert rollout is not None
        if rollout.in_force_at is not None:
            return
        stage.ready(*stage.groups)
        stage.turn()
    raise AssertionError("its traffic never comes in force")


def _fails(stage: Stage, group: str) -> None:
    """A third of what the candidate answers, until that is noticed."""
    for _ in range(60):
        stage.ask(**{group: (_share(stage, group) // 300, 0, 0)})
        stage.turn()
        if stage.target.rollout is None or stage.target.rollout.phase == "rolling_back":
            return
        stage.ready(*stage.groups)
    raise AssertionError("nobody notices")


def _share(stage: Stage, group: str) -> int:
    return stage.traffic.share(group) if stage.traffic else 0


def _one_is_ready(stage: Stage, group: str) -> None:
    seen = stage.groups[group]
    first = next((one.id for one in seen.instances if one.state == "starting"), None)
    stage.groups[group] = replace(
        seen,
        instances=tuple(replace(one, state="ready") if one.id == first else one for one in seen.instances),
    )
