"""A control plane in the simulated world: the production decision, with a record that survives its death."""

from __future__ import annotations

from plainsail.domain.actions import Action, Fleet, Send, Withdraw
from plainsail.domain.decide import Decision, decide
from plainsail.domain.events import Event
from plainsail.domain.evidence import Evidence
from plainsail.domain.intents import Intent
from plainsail.domain.observation import Seen
from plainsail.domain.rollout import Rollout, Target
from plainsail.ports.errors import Fenced, Transient
from plainsail.testing.world import World, done


class Control:
    """Takes turns for one target. What `record` keeps is all that is left when it is killed."""

    def __init__(self, world: World, service: str = "shop", environment: str = "production") -> None:
        self.world = world
        self.target = Target(service, environment)
        self.evidence: Evidence | None = None
        self.epoch = 1
        self.asked: list[Intent] = []
        self.events: list[Event] = []
        self.rollouts: dict[str, Rollout] = {}

    def ask(self, intent: Intent) -> None:
        self.asked.append(intent)

    def look(self) -> Seen:
        return self.world.look(self.target.service)

    def decide(self, seen: Seen) -> Decision:
        return decide(self.target, self.evidence, tuple(self.asked), seen, self.world.now)

    def record(self, decision: Decision) -> None:
        self.target, self.evidence = decision.target, decision.evidence
        self.events += decision.events
        self.rollouts |= {rollout.id: rollout for rollout in decision.rollouts}
        self.asked.clear()

    def act(self, action: Action, epoch: int | None = None) -> None:
        """Give one order. A driver that fails is tried again next turn; a stale order is refused."""
        epoch = self.epoch if epoch is None else epoch
        try:
            match action:
                case Send(traffic=traffic):
                    done(self.world.router.apply(traffic, epoch))
                case Withdraw(service=service):
                    done(self.world.router.remove(service, epoch))
                case Fleet():
                    done(self.world.provider.apply(action, epoch))
        except (Transient, Fenced):
            return

    def turn(self) -> Decision:
        decision = self.decide(self.look())
        self.record(decision)
        for action in decision.actions:
            self.act(action)
        return decision

    def run(self, seconds: float) -> None:
        """Take turns as they are due for so long, and let the world live in between."""
        until = self.world.now + seconds
        while self.world.now < until:
            self.world.advance(min(self.turn().wake_in, until - self.world.now))

    def until_ended(self, within: float) -> Rollout:
        """Run until no rollout is under way; the last one."""
        until = self.world.now + within
        while self.world.now < until:
            decision = self.turn()
            if self.target.rollout is None and not self.asked:
                return self.last()
            self.world.advance(decision.wake_in)
        raise AssertionError(f"the rollout has not ended after {within:g} s: {self.target.rollout}")

    def last(self) -> Rollout:
        return max(self.rollouts.values(), key=lambda rollout: (rollout.started_at, rollout.id))
