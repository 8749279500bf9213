"""A control plane over the simulated world for scenes: the production decision, with a store that can fail and a death that
keeps only what was stored. It takes its turns as `engine.turn` does: look, decide, record, act."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Literal, Protocol

import msgspec
from tests.soak.scene import ENVIRONMENT, RUN, SERVICE, Killed, Scene, deploys

from plainsail.domain.actions import Action, Fleet, Send, Withdraw
from plainsail.domain.checking import due, open_questions
from plainsail.domain.checks import Told
from plainsail.domain.decide import Decision, decide
from plainsail.domain.evidence import Evidence
from plainsail.domain.intents import Deploy, Intent
from plainsail.domain.observation import Seen
from plainsail.domain.rollout import Revision, Rollout, Target
from plainsail.domain.service import Placement, config_digest
from plainsail.domain.strategy import Recreate
from plainsail.engine.turn import RECORD_EVERY
from plainsail.ports.errors import Fenced, Transient
from plainsail.testing.behaviour import Behaviour
from plainsail.testing.world import World, done

replace = msgspec.structs.replace

CONFIG = config_digest(RUN)
STALE = 20
"""Orders of dead control planes that are kept to arrive late."""
REACTS = 0.02
"""Seconds from what the provider notices to the turn that sees it."""
LATEST = 10.0
"""Seconds between two looks of a loop that is late, at most: twice what it takes while nothing is under way."""
TURNS = 20_000
"""Of one scene; a hundred times what most take."""


Said = Literal["go", "no_go", "not_yet", "none"]
ANSWERS: tuple[Said, ...] = ("go", "go", "go", "go", "go", "not_yet", "not_yet", "none", "none", "no_go")


class Witness(Protocol):
    """Hears of every turn. Raises AssertionError where something does not hold."""

    def decided(self, decision: Decision, seen: Seen, intents: tuple[Intent, ...]) -> None: ...

    def recorded(self, decision: Decision, seen: Seen) -> None: ...

    def acted(self, seen: Seen) -> None: ...


class Plane:
    """One target's control plane and all that is around it."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.world = World(scene.seed, scene.rate, grain=scene.grain)
        self.world.provider.changed = self._nudge
        self.target = Target(SERVICE, ENVIRONMENT, serial=scene.serial)
        self.evidence: Evidence | None = None
        self.asked: list[Intent] = []
        self.rollouts: dict[str, Rollout] = {}
        self.stale: list[tuple[int, Action]] = []
        self.ahead = 0.0
        """Seconds that the control plane's clock is ahead of the world's."""
        self.skew = 0.0
        """Seconds that the machine's is; it is read when a control plane begins."""
        self.kill: Killed | None = None
        self.store_away_until = self.store_full_until = self.slow_until = self.slow_by = 0.0
        self.tell: Callable[[str], None] = lambda line: None
        self.turns = 0
        self.is_quiet = False
        self._told: dict[str, Told] = {}
        self._others = Random(scene.seed)
        self._epoch = 1
        self._stored: tuple[Target, Evidence | None] = (self.target, None)
        self._recorded_at = 0.0
        self._wait = 0.0
        self._nudged = False

    def make_live(self, witness: Witness) -> None:
        """The release that users have when the scene begins."""
        if self.scene.live is None:
            return
        asked = deploys(self.scene)
        placement = Placement(replicas=self.scene.live, sticky=asked[0].placement.sticky if asked else None)
        self.ask(Deploy("r0", "dev", revision(0), placement, (Recreate(),)))
        for _ in range(50):
            self.world.advance(min(1.0, self.turn(witness)))
            if self.target.rollout is None and self.target.live is not None:
                return
        raise AssertionError("the release that should be live never is")

    def ask(self, intent: Intent) -> None:
        self.asked.append(intent)
        self._nudged = True

    def run(self, until: float, witness: Witness) -> None:
        """Take turns as they are due until then."""
        while self.world.now < until:
            self._pass(min(until, self.world.now + self._due(self.turn(witness))))

    def turn(self, witness: Witness) -> float:
        """Take one; the seconds until the next is due."""
        self.turns += 1
        assert self.turns < TURNS, f"it comes to an end in {TURNS:,} turns"
        self._nudged = False
        world, now = self.world, self._clock()
        if world.now < self.store_away_until and (self.asked or self.target.rollout is not None):
            return RECORD_EVERY
        intents, seen = tuple(self.asked), self.look()
        decision = decide(self.target, self.evidence, intents, seen, now)
        witness.decided(decision, seen, intents)
        killed, self.kill = self.kill, None
        if killed is not None and not killed.recorded:
            self._take_over(killed, ())
            return 0.0
        if not self._record(decision, bool(intents), now):
            return RECORD_EVERY
        witness.recorded(decision, seen)
        if world.now < self.slow_until:
            world.advance(self.slow_by)
        given = decision.actions if killed is None else decision.actions[: killed.after]
        for action in given:
            self._act(action, self._epoch)
        witness.acted(seen)
        if killed is not None:
            self._take_over(killed, decision.actions)
            return 0.0
        quiet = not decision.actions and not decision.changed
        self._wait = (
            min(LATEST, max(decision.wake_in, self._wait * self.scene.late)) if quiet else decision.wake_in
        )
        return decision.wake_in

    def late_order(self, pick: int, witness: Witness) -> None:
        if self.stale:
            epoch, action = self.stale.pop(pick % len(self.stale))
            self._act(action, epoch)
            witness.acted(self.world.look(SERVICE))

    def quiet(self) -> None:
        """Nothing of the world fails from here on, and whoever is asked says go."""
        self.is_quiet = True
        self.store_away_until = self.store_full_until = self.slow_until = 0.0
        self.world.router.away_until = 0.0
        self.world.provider.fails = 0

    def look(self) -> Seen:
        """What is seen now, by the control plane's clock."""
        seen = replace(self.world.look(SERVICE), at=self._clock(), told=self._heard())
        return seen if self.scene.quantiles else replace(seen, latency={})

    def decide(self, seen: Seen) -> Decision:
        """What would be decided now."""
        return decide(self.target, self.evidence, (), seen, seen.at)

    def _heard(self) -> dict[str, Told]:
        """What those say who are asked by checks and hooks: whatever it is; go, once the world is quiet."""
        rollout = self.target.rollout
        if not self.target.errands and (rollout is None or not rollout.current().checks):
            return {}
        now, open_now = self._clock(), open_questions(self.target)
        self._told = {key: told for key, told in self._told.items() if key in open_now}
        for one in due(self.target, now):
            said: Said = "go" if self.is_quiet else self._others.choice(ANSWERS)
            self._told[one.question.key] = Told(now, said)
        return self._told

    def _due(self, wake_in: float) -> float:
        """Seconds to the next turn."""
        return wake_in if not self.scene.late or not wake_in else max(wake_in, self._wait)

    def _pass(self, due: float) -> None:
        """Let the world live until then, or until the provider notices something."""
        world = self.world
        while world.now < due and not self._nudged:
            world.advance(min(due, max(world.next_at(), world.now)) - world.now)
        if self._nudged:
            world.advance(REACTS)

    def _record(self, decision: Decision, done: bool, now: float) -> bool:
        """As the engine: what changed at once, running numbers once a second. False if it can't."""
        numbers = decision.target.rollout is not None and now - self._recorded_at >= RECORD_EVERY
        if decision.changed or done or numbers:
            if self.world.now < self.store_full_until:
                self._off_traffic(decision)
                return False
            evidence = decision.evidence if numbers or decision.changed else self._stored[1]
            self._stored = (decision.target, evidence)
            self._recorded_at = now if numbers or decision.changed else self._recorded_at
        self.target, self.evidence = decision.target, decision.evidence
        self.rollouts |= {rollout.id: rollout for rollout in decision.rollouts}
        self.asked.clear()
        return True

    def _off_traffic(self, decision: Decision) -> None:
        """What is done without a record: users are taken off a release that is on its way back, and what was seen is kept."""
        before, after = self.target.rollout, decision.target.rollout
        if after is not None and after.phase == "rolling_back":
            for action in decision.actions:
                if isinstance(action, Send):
                    self._act(action, self._epoch)
        if before is not None and after is not None and before.id == after.id:
            self.evidence = decision.evidence

    def _take_over(self, killed: Killed, orders: tuple[Action, ...]) -> None:
        """Another one begins with what is stored. What the dead one had written down and still wanted may arrive at any time."""
        self.stale = [*self.stale, *((self._epoch, order) for order in orders)][-STALE:]
        self._epoch += 1
        self.skew += killed.skew
        self.ahead = self.skew
        self.world.advance(killed.gone)
        target, evidence = self._stored
        self.target = msgspec.json.decode(msgspec.json.encode(target), type=Target)
        assert self.target == target, "what is stored is what is read"
        rollout = target.rollout
        kept = evidence is not None and rollout is not None and evidence.rollout == rollout.id
        self.evidence = evidence if kept else None
        self._nudged = True

    def _act(self, action: Action, epoch: int) -> None:
        """Give one order. A driver that fails is tried again next turn; a stale order is refused."""
        try:
            match action:
                case Send(traffic=traffic):
                    done(self.world.router.apply(traffic, epoch))
                case Withdraw(service=service):
                    done(self.world.router.remove(service, epoch))
                case Fleet():
                    done(self.world.provider.apply(action, epoch))
        except (Transient, Fenced) as refused:
            self.tell(f"{type(action).__name__.lower()} of epoch {epoch} is not carried out: {refused}")

    def _clock(self) -> float:
        return self.world.now + self.ahead

    def _nudge(self, service: str) -> None:
        self._nudged = True


def revision(number: int) -> Revision:
    return Revision(digest(number), f"v{number}", RUN, CONFIG)


def digest(number: int) -> str:
    return f"sha256:{number:064x}"


def sound(like: Behaviour) -> bool:
    """Nothing ever happens to its instances by itself, and users get what they ask for."""
    return like == Behaviour(like.starts_in)
