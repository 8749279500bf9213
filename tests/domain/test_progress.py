"""Single stories of a rollout in the simulated world: what must come out, told one at a time."""

from __future__ import annotations

import pytest

from plainsail.domain.intents import Deploy, Rollback
from plainsail.domain.rollout import Revision, Rollout
from plainsail.domain.service import Placement, Probe, Run, Stop, config_digest
from plainsail.domain.steps import START_WITHIN
from plainsail.domain.strategy import (
    BlueGreen,
    Canary,
    Custom,
    CustomStep,
    Pace,
    Recreate,
    RedBlack,
    Strategy,
)
from plainsail.testing.control import Control
from plainsail.testing.world import Behaviour, World

RUN = Run(command=("serve",), ready=Probe(tcp=True, within=5.0), stop=Stop(drain=2.0, grace=1.0))
GOOD = Behaviour()
CANARY = Canary((1000, 5000))


class Play:
    """A world, and releases deployed to it one after another."""

    def __init__(self, rate: float = 300.0) -> None:
        self.world = World(seed=3, rate=rate)
        self.control = Control(self.world)
        self.serial = 0

    def ask(
        self, version: str, behaviour: Behaviour = GOOD, strategy: Strategy = CANARY, **place: object
    ) -> None:
        self.serial += 1
        digest = "sha256:" + version[-1] * 64
        self.world.behaviours[digest] = behaviour
        settings: dict[str, object] = {"replicas": 4, "pace": Pace(dwell=1.0, deadline=60.0)}
        placement = Placement(**(settings | place))  # type: ignore[arg-type]
        revision = Revision(digest, version, RUN, config_digest(RUN))
        self.control.ask(Deploy(f"r{self.serial:03}", "dev", revision, placement, (strategy,)))

    def deploy(self, version: str, *args: object, within: float = 600.0, **place: object) -> Rollout:
        self.ask(version, *args, **place)  # type: ignore[arg-type]
        return self.control.until_ended(within)

    def live(self) -> str:
        group = self.control.target.group(self.control.target.live)
        return group.revision.version if group else ""

    def running(self) -> int:
        return sum(one.state != "leaving" for one in self.world.provider.instances("shop"))


def test_the_same_release_with_fewer_replicas_shrinks() -> None:
    play = Play()
    play.deploy("v1")
    assert play.running() == 4
    again = play.deploy("v1", replicas=2)
    assert (again.phase, again.reason_code) == ("succeeded", "no_change")
    play.control.run(30.0)
    assert play.running() == 2
    assert play.world.lost == 0


def test_a_release_that_is_taken_back_takes_its_hosts_along() -> None:
    play = Play()
    play.deploy("v1", hosts=("old.example",))
    assert play.deploy("v2", Behaviour(errors=1.0), hosts=("new.example",)).phase == "rolled_back"
    play.control.run(10.0)
    assert play.world.router.tables["shop"].hosts == ("old.example",)
    assert play.deploy("v3", hosts=("new.example",)).phase == "succeeded"
    assert play.world.router.tables["shop"].hosts == ("new.example",)


def test_two_rollbacks_at_once_are_one() -> None:
    play = Play()
    for version in ("v1", "v2"):
        play.deploy(version)
    play.control.ask(Rollback("x1", "alice"))
    play.control.ask(Rollback("x2", "bob"))
    play.control.until_ended(60.0)
    assert play.live() == "v1"
    assert play.control.rollouts["x1"].phase == "succeeded"
    assert [event.rollout for event in play.control.events if event.kind == "intent_refused"] == ["x2"]


def test_a_rollback_during_a_rollout_takes_back_just_that() -> None:
    play = Play()
    for version in ("v1", "v2"):
        play.deploy(version)
    play.ask("v3")
    play.control.run(2.0)
    play.control.ask(Rollback("x1", "ops"))
    assert play.control.until_ended(60.0).phase == "aborted"
    assert play.live() == "v2"


@pytest.mark.parametrize("rate", [0.5, 2.0, 50.0])
def test_blue_green_watches_also_a_quiet_service(rate: float) -> None:
    """After the switch nobody is left to compare with but live's past; what fails everything is seen all the same."""
    play = Play(rate)
    play.deploy("v1", GOOD, BlueGreen(30.0))
    play.control.run(60.0)
    ended = play.deploy("v2", Behaviour(errors=1.0), BlueGreen(30.0))
    assert ended.phase == "rolled_back"
    assert ended.reason_code in ("errors", "max_errors")
    assert play.live() == "v1"


@pytest.mark.parametrize("strategy", [
    RedBlack(keep=120.0), BlueGreen(keep=60.0), Canary((5000,)), Custom((CustomStep(5000, until="dwell", dwell=120.0),)),
])  # fmt: skip
@pytest.mark.slow
def test_a_step_that_is_watched_as_long_as_its_deadline_is_left(strategy: Strategy) -> None:
    """The one counts from when the step is in force, the other from when it was entered."""
    play = Play()
    play.deploy("v1")
    pace = Pace("dwell", dwell=60.0, deadline=60.0)
    assert play.deploy("v2", GOOD, strategy, pace=pace, within=400.0).phase == "succeeded"


def test_time_does_not_count_while_the_router_is_away() -> None:
    play = Play()
    play.deploy("v1")
    play.ask("v2", GOOD, CANARY, pace=Pace(until="dwell", dwell=20.0, deadline=300.0))
    while not play.control.look().share("g2"):
        play.control.run(0.2)
    play.world.router.away_until = play.world.now + 60.0
    play.control.run(59.0)
    rollout = play.control.target.rollout
    assert rollout is not None
    assert rollout.current().name == "10 %"


@pytest.mark.slow
def test_when_neither_release_starts_it_ends_and_says_so() -> None:
    play = Play()
    play.deploy("v1")
    play.ask("v2", Behaviour(never_ready=True), Recreate())
    play.world.behaviours["sha256:" + "1" * 64] = Behaviour(never_ready=True)
    ended = play.control.until_ended(2 * START_WITHIN + 120.0)
    assert (ended.phase, ended.reason_code) == ("failed", "nothing_starts")
    assert "v2 never became ready" in ended.reason
    play.world.behaviours["sha256:" + "1" * 64] = GOOD
    play.control.run(60.0)
    assert play.live() == "v1"
    assert play.control.look().ready(play.control.target.live or "") == 4


@pytest.mark.slow
def test_no_traffic_waits_then_does_what_policy_says() -> None:
    play = Play(rate=0.0)
    play.deploy("v1")
    ended = play.deploy("v2", pace=Pace(dwell=1.0, deadline=30.0, on_unsure="rollback"))
    assert (ended.phase, ended.reason_code) == ("rolled_back", "unsure")
    assert "had had none" in ended.reason or "no requests" in ended.reason
    assert play.deploy("v3", pace=Pace(dwell=1.0, deadline=30.0, on_unsure="advance")).phase == "succeeded"
    play.ask("v4", pace=Pace(dwell=1.0, deadline=30.0, on_unsure="hold"))
    play.control.run(120.0)
    rollout = play.control.target.rollout
    assert rollout is not None
    assert rollout.phase == "paused"


def test_a_crash_is_named_in_the_verdict() -> None:
    play = Play()
    play.deploy("v1")
    ended = play.deploy("v2", Behaviour(crash_after=3.0))
    assert (ended.phase, ended.reason_code) == ("rolled_back", "crashes")
    assert "exited with status 1 after 3 s" in ended.reason
