"""People who steer, and a world that does not hold still, told turn by turn; see `storybook`."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.domain.stage import PACE, RUN, Stage, replace
from tests.domain.storybook import Book

from plainsail.domain.intents import Abort, Advance, Pause, Resume, Rollback
from plainsail.domain.service import Sticky
from plainsail.domain.strategy import BlueGreen

story = Book(Stage)


@pytest.mark.parametrize("tell", story.stories, ids=lambda tell: tell.__name__)
def test_golden(tell: Callable[[Stage], None]) -> None:
    story.read(tell)


@story
def router_away_and_forgetful(stage: Stage) -> None:
    stage.settled("v1")
    stage.turn(stage.deploy("v2"))
    stage.ready("g2")
    stage.turns(3)
    stage.say("it does not answer")
    stage.router_up = False
    stage.turns(2)
    stage.dies("g2")
    stage.turn()
    stage.say("it answers, and has forgotten everything")
    stage.router_up, stage.traffic, stage.counts = True, None, {}
    stage.turns(2)
    stage.ready("g2")
    stage.turns(3)
    stage.say("somebody changed its shares")
    table = stage.seen().traffic
    assert table is not None
    stage.traffic = replace(table, routes=(replace(table.routes[0], split=()),))
    stage.turns(2)
    stage.turn(Abort("r2", "bob"))
    stage.router_up = False
    stage.turns(2)
    stage.router_up = True
    stage.until_quiet()


@story
def steered(stage: Stage) -> None:
    stage.turn(Pause("r0", "bob"))
    stage.settled("v1")
    stage.turn(stage.deploy("v2"))
    stage.turn(Pause("r1", "bob"), Advance("r2", "bob"))
    stage.turn(Pause("r2", "bob", "lunch"))
    stage.turn(Pause("r2", "bob"))
    stage.turn(Resume("r2", "bob"))
    stage.turn(Resume("r2", "bob"))
    stage.ready("g2")
    stage.turns(3)
    stage.turn(Pause("r2", "bob"))
    stage.ask(g2=(0, 0, 0))
    stage.turn()
    stage.turn(Resume("r2", "bob"))
    stage.turn(Advance("r2", "bob", step=0))
    stage.turn(Advance("r2", "bob", step=1))
    stage.turn(Advance("r2", "bob"))
    stage.turn(Pause("r2", "bob"))
    stage.turn(Resume("r2", "bob"))
    stage.ready("g2")
    stage.turns(2)
    stage.turn(Advance("r2", "bob"))
    stage.turn(Abort("r2", "bob", "enough"))
    stage.until_quiet()
    stage.turn(stage.deploy("v3"))
    stage.turn(Abort("r3", "bob"))
    stage.until_quiet()


@story
def paused_by_a_breach(stage: Stage) -> None:
    """Harm ends a pause, too."""
    stage.settled("v1")
    stage.turn(stage.deploy("v2"))
    stage.ready("g2")
    stage.turns(3)
    stage.turn(Pause("r2", "bob"))
    while stage.target.rollout is not None and stage.target.rollout.phase == "paused":
        stage.ask(g2=(10, 0, 0))
        stage.turn()
    stage.until_quiet()


@story
def rolled_back_by_hand(stage: Stage) -> None:
    stage.turn(Rollback("x0", "bob"))
    stage.settled("v1")
    stage.turn(Rollback("x1", "bob"))
    for version in ("v2", "v3"):
        stage.settled(version)
    stage.say("to the last good one; twice at once")
    stage.turn(Rollback("x2", "bob", reason="complaints"), Rollback("x3", "eve"))
    stage.turn()
    stage.ready("g4")
    stage.turns(3)
    stage.until_quiet()
    stage.say("to a release by its name, then to one that was never here")
    stage.turn(Rollback("x4", "bob", f"sha256:{'3' * 64}"))
    stage.until_quiet()
    stage.turn(Rollback("x5", "bob", f"sha256:{'9' * 64}", "why not"))
    stage.say("in mid-rollout")
    stage.turn(stage.deploy("v4"))
    stage.turn(Rollback("x6", "bob"))
    stage.until_quiet()
    stage.turn(stage.deploy("v5"))
    stage.turn(Rollback("x7", "bob", f"sha256:{'1' * 64}"))
    stage.turn(Rollback("x8", "bob", f"sha256:{'3' * 64}"))
    stage.until_quiet()
    stage.turn(stage.deploy("v6"))
    stage.turn(Pause("r6", "bob"))
    stage.turn(Rollback("x9", "bob", reason="and back"))
    stage.until_quiet()


@story
def superseded(stage: Stage) -> None:
    stage.settled("v1")
    stage.turn(stage.deploy("v2"))
    stage.ready("g2")
    stage.turns(3)
    stage.say("a newer one comes while v2 has users")
    stage.turn(stage.deploy("v3"))
    stage.turn()
    stage.ready("g3")
    stage.turns(3)
    stage.gone()
    stage.turns(2)
    stage.say("a newer one comes while v3 goes back")
    stage.turn(Abort("r3", "bob"))
    stage.turn(stage.deploy("v4", BlueGreen(1.0)))
    stage.ready("g4")
    stage.turns(3)
    while stage.target.rollout is not None and stage.target.rollout.phase != "finishing":
        stage.ask()
        stage.turn()
    stage.say("a newer one comes while v4 tidies up")
    stage.turn(stage.deploy("v5"))
    stage.turn()
    stage.say("back to what is live, while what it was replaced by still ends")
    stage.turn(stage.deploy("v4", replicas=3))
    stage.turn()
    stage.say("two at once")
    stage.turn(stage.deploy("v6"), stage.deploy("v7"))
    stage.turns(2)


@story
def the_same_release_again(stage: Stage) -> None:
    stage.settled("v1")
    stage.turn(stage.deploy("v1", replicas=6, hosts=("shop.example",)))
    stage.turns(2)
    stage.ready("g1")
    stage.turn()
    stage.turn(stage.deploy("v1", replicas=1))
    stage.turns(2)
    stage.turn(stage.deploy("v1", replicas=2))
    stage.turns(2)
    stage.gone()
    stage.turn()
    stage.say("with other settings it is a rollout")
    stage.turn(stage.deploy("v1", run=replace(RUN, env={"LOG": "debug"}), replicas=2))
    stage.ready("g2")
    stage.turns(3)
    stage.turn(Rollback("x1", "bob", f"sha256:{'1' * 64}"))
    stage.until_quiet()
    stage.turn(stage.deploy("v1", run=replace(RUN, env={"LOG": "debug"}), replicas=2, again=True))
    stage.settled("v2")
    stage.turn(Rollback("x2", "bob", f"sha256:{'1' * 64}"))
    stage.until_quiet()


@story
def live_at_rest(stage: Stage) -> None:
    stage.settled("v1", replicas=3, hosts=("shop.example",), sticky=Sticky(header="X-User"))
    stage.turns(2)
    stage.say("one is not well, then none is")
    stage.become("g1", "unready")
    stage.turns(2)
    stage.become("g1", "unready", 2)
    stage.turns(2)
    stage.say("they die, and come back")
    stage.dies("g1", 3)
    stage.turns(2)
    stage.ready("g1")
    stage.turns(2)
    stage.say("the provider runs too many, and a group that nobody knows")
    found = stage.groups["g1"]
    stage.groups["g1"] = replace(found, asked=5)
    stage.groups["g9"] = replace(found, group="g9", asked=1, instances=())
    stage.turns(2)
    stage.groups["g1"] = replace(stage.groups["g1"], instances=stage.groups["g1"].instances[:2])
    stage.turns(2)
    stage.say("the router has somebody else's table")
    assert stage.traffic is not None
    stage.traffic = replace(stage.traffic, hosts=("other.example",))
    stage.turns(2)


@story
def resumed_while_the_router_is_away(stage: Stage) -> None:
    """Time at a share begins when it is seen in force, not when somebody says go on."""
    stage.settled("v1")
    stage.turn(stage.deploy("v2", pace=replace(PACE, until="dwell")))
    stage.ready("g2")
    stage.turn(act=False)
    stage.router_up = False
    stage.turn(Pause("r2", "bob"))
    stage.turn(Resume("r2", "bob"))
    stage.turns(12)
    stage.router_up = True
    stage.turns(3)


@story
def only_its_settings_were_bad(stage: Stage) -> None:
    """The release itself is live and well, so it is not put in quarantine."""
    stage.settled("v1")
    stage.turn(stage.deploy("v1", run=replace(RUN, env={"LOG": "debug"})))
    stage.ready("g2")
    stage.turns(3)
    while stage.target.rollout is not None and stage.target.rollout.phase == "progressing":
        stage.ask(g2=(10, 0, 0))
        stage.turn()
    stage.until_quiet()
    stage.say("the same settings are not tried again by accident")
    stage.turn(stage.deploy("v1", run=replace(RUN, env={"LOG": "debug"})))
    stage.say("others are, and may be gone back from: to the first ones, not to the bad ones")
    stage.settled("v1", BlueGreen(0.0), run=replace(RUN, env={"LOG": "warning"}))
    stage.turn(Rollback("r9", "bob"))
    stage.until_quiet()
    stage.say(
        "what was there at first is live; and what was gone back from is not tried again by accident either"
    )
    stage.turn(stage.deploy("v1", run=replace(RUN, env={"LOG": "warning"})))
    stage.turn(stage.deploy("v1", run=replace(RUN, env={"LOG": "warning"}), again=True))
    stage.until_quiet()
    assert stage.target.quarantine == ()


@story
def back_to_what_was_taken_back(stage: Stage) -> None:
    """A release that was good, then bad, and that somebody wants all the same."""
    stage.settled("v1")
    stage.settled("v2")
    stage.turn(stage.deploy("v1", BlueGreen(5.0)))
    stage.ready("g3")
    stage.turns(3)
    while stage.target.rollout is not None and stage.target.rollout.phase == "progressing":
        stage.ask(g3=(100, 0, 0))
        stage.turn()
    stage.until_quiet()
    stage.turn(Rollback("x1", "bob"))
    stage.until_quiet()
    stage.turn(Rollback("x2", "bob", f"sha256:{'1' * 64}"))
    stage.until_quiet()


@story
def live_is_not_well_as_it_begins(stage: Stage) -> None:
    """Live has to carry less than before, so it need not be whole for that."""
    stage.settled("v1")
    stage.become("g1", "unready", 2)
    stage.turn(stage.deploy("v2"))
    stage.ready("g2")
    stage.turns(3)
    stage.say("and then not even one")
    stage.become("g1", "unready", 2)
    stage.become("g2", "unready", 1)
    stage.turns(2)
    stage.turn(Abort("r2", "bob"))
    stage.turns(2)
    stage.say("the router forgets; on a way back one of live is enough")
    stage.traffic = None
    found = stage.groups["g1"]
    stage.groups["g1"] = replace(
        found, instances=(replace(found.instances[0], state="ready"), *found.instances[1:])
    )
    stage.turns(2)
