"""A world in which nothing happens by itself: the story says what becomes of instances and what users ask."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from tests.domain.storybook import changes, shown

from plainsail.domain.actions import Action, Fleet, Send, Withdraw
from plainsail.domain.criteria import ErrorCriteria, EvidenceCriteria
from plainsail.domain.decide import Decision, decide
from plainsail.domain.evidence import Evidence
from plainsail.domain.intents import Deploy, Intent
from plainsail.domain.observation import (
    Counts,
    GroupSeen,
    Instance,
    InstanceState,
    Measured,
    Mirrored,
    Seen,
    Unmeasured,
)
from plainsail.domain.rollout import Revision, Rollout, Target
from plainsail.domain.service import Placement, Probe, Run, Stop, config_digest
from plainsail.domain.strategy import Canary, Chain, Pace, Strategy
from plainsail.domain.traffic import Traffic

RUN = Run(("serve",), ready=Probe(tcp=True, within=5.0), stop=Stop(drain=2.0, grace=1.0))
PACE = Pace(dwell=1.0, deadline=60.0)
EASY = EvidenceCriteria(errors=ErrorCriteria(margin=0.05, max=0.3), beta=0.2)
CANARY = Canary((1000, 5000))
LONGEST = 2000
"""Turns of one story: twenty times what the longest takes. One that waits for what never comes fails at once, and doesn't turn
until its time is up (`make mutants` breaks decisions in just such ways)."""
replace = msgspec.structs.replace


class Stage:
    """One service. Every turn is told: what was decided, and all that changed by it."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.target = Target("shop", "production")
        self.evidence: Evidence | None = None
        self.lines: list[str] = []
        self.groups: dict[str, GroupSeen] = {}
        self.traffic: Traffic | None = None
        self.sessions: dict[str, int] = {}
        self.counts: dict[str, Counts] = {}
        self.measured: dict[str, Measured | Unmeasured] = {}
        self.mirrored: dict[str, Mirrored] = {}
        self.router_up = True
        self.serial = 0
        self.deploys = 0
        self.taken = 0

    # What people do.

    def deploy(
        self, version: str, strategy: Strategy | Chain = CANARY, again: bool = False, run: Run = RUN,
        **place: Any,
    ) -> Deploy:  # fmt: skip
        self.deploys += 1
        settings: dict[str, Any] = {"replicas": 4, "pace": PACE, "evidence": EASY}
        placed = Placement(**(settings | place))
        revision = Revision(f"sha256:{version[-1] * 64}", version, run, config_digest(run))
        chain = strategy if isinstance(strategy, tuple) else (strategy,)
        return Deploy(f"r{self.deploys}", "ada", revision, placed, chain, again)

    def settled(self, version: str, strategy: Strategy = CANARY, **place: Any) -> None:
        """A release is brought to all users; how is not told."""
        told = len(self.lines)
        self.turn(self.deploy(version, strategy, **place))
        for _ in range(600):
            if self.target.rollout is None:
                break
            self.ready(*self.groups)
            self.gone()
            self.ask()
            self.turn()
        for _ in range(3):
            self.ready(*self.groups)
            self.gone()
            self.turn()
        assert self.target.rollout is None
        del self.lines[told:]
        self.say(f"{version} has all users")

    # What happens in the world.

    def say(self, what: str) -> None:
        self.lines += ["", f"# {what}"]

    def ready(self, *groups: str) -> None:
        """All that start are ready now."""
        for group in groups:
            self._each(group, lambda one: replace(one, state="ready") if one.state == "starting" else one)

    def become(self, group: str, state: InstanceState, number: int = 1) -> None:
        """So many of the group's ready ones."""
        left = number

        def change(one: Instance) -> Instance:
            nonlocal left
            if one.state != "ready" or not left:
                return one
            left -= 1
            return replace(one, state=state)

        self._each(group, change)

    def gone(self) -> None:
        """Those on their way out are gone."""
        for group, seen in list(self.groups.items()):
            kept = tuple(one for one in seen.instances if one.state != "leaving")
            self.groups[group] = replace(seen, instances=kept)
            if not kept and not seen.asked:
                del self.groups[group]

    def dies(self, group: str, number: int = 1, trouble: str = "exited with status 1 after 9 s") -> None:
        seen = self.groups[group]
        self.groups[group] = replace(
            seen, instances=seen.instances[number:], crashes=seen.crashes + number, trouble=trouble
        )

    def fails_to_start(self, group: str, number: int = 1, timed_out: bool = False) -> None:
        seen = self.groups[group]
        trouble = "not ready within 5 s" if timed_out else "exited with status 2 after 0.1 s"
        self.groups[group] = replace(
            seen, instances=seen.instances[number:], failed_starts=seen.failed_starts + number,
            timed_out=seen.timed_out + number * timed_out, trouble=trouble,
        )  # fmt: skip

    def ask(self, **bad: tuple[int, int, int]) -> None:
        """A hundred requests by the split in force; of a group's so many: failed, shielded, slow."""
        for part in self.traffic.routes[-1].split if self.traffic else ():
            before, (failed, shielded, slow) = (
                self.counts.get(part.group, Counts()),
                bad.get(part.group, (0, 0, 0)),
            )
            self.counts[part.group] = Counts(
                before.requests + part.share_bp // 100, before.failures + failed, before.shielded + shielded,
                before.slow + slow,
            )  # fmt: skip

    def copied(self, pairs: int = 20, failures: int = 0, differing: int = 0) -> None:
        """To whom the mirror in force copies: so many, of which some failed or were answered otherwise, live's well."""
        mirror = self.traffic.mirror if self.traffic else None
        if mirror is None:
            return
        before = self.mirrored.get(mirror.group, Mirrored())
        self.mirrored[mirror.group] = replace(
            before,
            asked=before.asked + pairs,
            answered=before.answered + pairs,
            pairs=before.pairs + pairs,
            failures=before.failures + failures,
            statuses=before.statuses + failures,
            differing=before.differing + failures + differing,
        )

    # What is decided.

    def turn(self, *intents: Intent, act: bool = True) -> Decision:
        self.taken += 1
        assert self.taken < LONGEST, "the story waits for what never comes"
        seen = self.seen()
        decision = decide(self.target, self.evidence, intents, seen, self.now)
        assert decision == decide(self.target, self.evidence, intents, seen, self.now)
        self._tell(decision, intents)
        self.target, self.evidence = decision.target, decision.evidence
        for action in decision.actions if act else ():
            self._act(action)
        self.now += decision.wake_in
        return decision

    def turns(self, number: int) -> None:
        for _ in range(number):
            self.turn()

    def until_quiet(self, at_most: int = 60) -> None:
        """Turns with a helpful world, until nothing is ordered any more."""
        for _ in range(at_most):
            self.ready(*self.groups)
            self.gone()
            self.ask()
            if not self.turn().actions and self.target.rollout is None:
                return
        raise AssertionError("it never comes to rest")

    def seen(self) -> Seen:
        if not self.router_up:
            return Seen(self.now, dict(self.groups), router_up=False)
        return Seen(
            self.now, dict(self.groups), True, self.traffic, dict(self.sessions), dict(self.counts),
            measured=dict(self.measured), mirrored=dict(self.mirrored),
        )  # fmt: skip

    def _act(self, action: Action) -> None:
        match action:
            case Send(traffic=traffic):
                self.traffic = traffic
            case Withdraw():
                self.traffic = None
            case Fleet(groups=orders, released=released):
                wanted = {order.group: order.replicas for order in orders}
                for group in sorted(wanted.keys() | self.groups.keys()):
                    self._resize(group, wanted.get(group, 0))
                for group in self.groups:
                    self._each(group, lambda one: None if one.id in released else one)

    def _resize(self, group: str, size: int) -> None:
        seen = self.groups.get(group)
        if seen is None:
            if not size:
                return
            seen = GroupSeen(group, 0)
        staying = [one.id for one in seen.instances if one.state != "leaving"]
        for _ in range(size - len(staying)):
            self.serial += 1
            fresh = Instance(
                f"i{self.serial}", group, "starting", f"127.0.0.1:{20_000 + self.serial}", self.now
            )
            seen = replace(seen, instances=(*seen.instances, fresh))
        leaving = set(staying[size:])
        instances = tuple(
            replace(one, state="leaving") if one.id in leaving else one for one in seen.instances
        )
        self.groups[group] = replace(seen, asked=size, instances=instances)

    def _each(self, group: str, change: Callable[[Instance], Instance | None]) -> None:
        seen = self.groups[group]
        kept = tuple(new for one in seen.instances if (new := change(one)) is not None)
        self.groups[group] = replace(seen, instances=kept)

    def _tell(self, decision: Decision, intents: tuple[Intent, ...]) -> None:
        told = [f"asked: {type(intent).__name__.lower()} {intent.rollout}" for intent in intents]
        for event in decision.events:
            data = " ".join(
                f"{name}={shown(value)}" for name, value in event.data.items() if name != "release"
            )
            told.append(
                f"{event.kind} {event.rollout} by {event.by}: {event.reason!r} {event.code!r}"
                f"{f' ({data})' if data else ''}"
            )
            assert (event.at, event.service, event.environment) == (self.now, "shop", "production")
        told += [f"recorded: {_of_rollout(rollout)}" for rollout in decision.rollouts]
        told += changes(view(self.target), view(decision.target))
        told += [order(action) for action in decision.actions]
        trail = decision.evidence.trail if decision.evidence else ()
        if trail and (self.evidence is None or trail != self.evidence.trail):
            told.append(f"trail: {shown(msgspec.to_builtins(trail[-1]))}")
        wake = f"next in {decision.wake_in:g} s"
        self.lines.append(f"{self.now:.1f}: {'changed' if decision.changed else 'nothing new'}, {wake}")
        self.lines += [f"    {line}" for line in told]


def view(target: Target) -> dict[str, Any]:
    """What a story tells of it."""
    rollout = target.rollout
    return {
        "live": target.live,
        "serial": target.serial,
        "placement": _placed(target.placement),
        "groups": {
            group.id: f"{group.role} {_revision(group.revision)} x{group.replicas}" for group in target.groups
        },
        "good": " ".join(map(_revision, target.good)),
        "quarantine": " ".join(release[-2:] for release in target.quarantine),
        "misconfigured": " ".join(one.release[-2:] for one in target.misconfigured),
        "rollout": None if rollout is None else _of_rollout(rollout),
        "in force": rollout and rollout.in_force_at,
        "reached": rollout and rollout.reached_bp,
        "why": rollout and f"{rollout.reason!r} {rollout.reason_code!r}",
        "verdict": rollout and rollout.verdict and f"{rollout.verdict.outcome}: {rollout.verdict.sentence}",
    }


def _of_rollout(one: Rollout) -> str:
    ending = f" to be {one.ending}" if one.ending else ""
    ended = f", ended {one.ended_at:.1f}" if one.ended_at is not None else ""
    decided = f", decided {one.decided_at:.1f}" if one.decided_at is not None else ""
    return (
        f"{one.id} {one.kind} {one.strategy} of {_revision(one.revision)} by {one.by}: {one.candidate} after {one.live}, "
        f"x{one.replicas} {_placed(one.placement)}; {one.phase}{ending} step {one.step} {one.current().name!r} since "
        f"{one.entered_at:.1f}, began {one.started_at:.1f}{decided}{ended}"
    )


def _revision(one: Revision) -> str:
    return f"{one.version}{'' if one.config == config_digest(RUN) else ' configured'}"


def _placed(one: Placement) -> str:
    sticky = f" sticky {one.sticky.cookie or one.sticky.header}" if one.sticky else ""
    return f"x{one.replicas} at {' '.join(one.hosts) or 'any host'}{sticky}{'' if one.shield.enabled else ' unshielded'}"


def order(action: Action) -> str:
    match action:
        case Send(traffic=table):
            *rules, route = table.routes
            insiders = "".join(f"; insiders {one.split[0].group}" for one in rules)
            split = " ".join(f"{part.group}={part.share_bp}" for part in route.split) or "to nobody"
            members = " ".join(
                f"{group}:{','.join(one.instance for one in its)}" for group, its in table.members.items()
            )
            more = f"{'' if table.shield.enabled else '; unshielded'}{'; sticky' if table.sticky else ''}"
            if (mirror := table.mirror) is not None:
                more += f"; copies {mirror.group}={mirror.share_bp} of {' '.join(mirror.methods)}"
            hosts = " ".join(table.hosts) or "any host"
            return f"send {split}; live {table.live}; members {members or 'none'}; {hosts}; slow after {table.slow_after:g} s{more}{insiders}"
        case Withdraw(service=service):
            return f"withdraw {service}"
        case Fleet(groups=groups, released=released):
            orders = ", ".join(
                f"{one.group} {one.version} {one.release[-2:]} x{one.replicas}" for one in groups
            )
            return f"fleet: {orders}{f'; released {chr(32).join(released)}' if released else ''}"
