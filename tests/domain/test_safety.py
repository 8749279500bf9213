"""Safety, whatever happens: random worlds, faults, people, and a control plane that dies between any two actions."""

from __future__ import annotations

import hypothesis.strategies as st
import msgspec
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.domain.safe import check

from plainsail.domain.actions import Action
from plainsail.domain.criteria import Betting, EvidenceCriteria, Metric, Threshold
from plainsail.domain.decide import IDLE, Decision
from plainsail.domain.intents import Abort, Advance, Deploy, Pause, Remove, Restart, Resume, Rollback, Scale
from plainsail.domain.match import Match
from plainsail.domain.mirroring import Differs, Shadow
from plainsail.domain.rollout import ENDED, Revision
from plainsail.domain.service import Placement, Probe, Run, Stop, config_digest
from plainsail.domain.strategy import (
    BlueGreen,
    Canary,
    Chain,
    Custom,
    CustomStep,
    Dark,
    Incremental,
    Judged,
    Pace,
    Recreate,
    RedBlack,
    Rolling,
    RollingCanary,
    RollingRedBlack,
)  # fmt: skip
from plainsail.testing.control import Control
from plainsail.testing.world import Behaviour, World

RUN = Run(command=("serve",), ready=Probe(tcp=True, within=5.0), stop=Stop(drain=2.0, grace=1.0))
CONFIG = config_digest(RUN)

behaviours = st.one_of(
    st.just(Behaviour()),
    st.builds(Behaviour, errors=st.sampled_from([0.0, 0.02, 0.3, 1.0]), slow=st.sampled_from([0.0, 0.5])),
    st.builds(Behaviour, crash_after=st.sampled_from([0.5, 3.0, 20.0])),
    st.just(Behaviour(never_ready=True)),
    st.just(Behaviour(lies=True)),
    st.builds(Behaviour, starts_in=st.sampled_from([0.0, 0.3, 4.0])),
)
shares = st.lists(st.integers(1, 9_999), min_size=1, max_size=4, unique=True).map(sorted).map(tuple)
matches = st.builds(Match, hosts=st.sampled_from([(), ("dark.example",)]), header=st.just("Insider: yes"))
batches = st.sampled_from([(1, 0), (0, 1), (2, 1), (5, 0)])
ends = st.one_of(
    st.builds(Canary, steps=shares),
    st.builds(Incremental, steps=shares),
    st.builds(RollingRedBlack, steps=shares),
    batches.map(lambda batch: Rolling(*batch)),
    st.tuples(shares, batches).map(lambda both: RollingCanary(both[0], *both[1])),
    st.builds(
        BlueGreen, keep=st.sampled_from([0.0, 3.0]), preview=st.none() | matches, switch=st.sampled_from(["automatic", "manual"])
    ),
    st.builds(RedBlack, keep=st.sampled_from([0.0, 3.0])),
)  # fmt: skip
own_steps = st.lists(
    st.builds(
        CustomStep, share=st.integers(0, 9_999), instances=st.none() | st.integers(1, 5), match=st.none() | matches,
        until=st.sampled_from([None, "proven", "dwell", "advanced"]), dwell=st.sampled_from([None, 0.0, 2.0]),
    ),
    min_size=1, max_size=3,
).map(lambda steps: Custom(tuple(sorted(steps, key=lambda step: step.share))))  # fmt: skip
darks = st.builds(
    Dark, match=matches, instances=st.integers(1, 2), lasts=st.none() | st.sampled_from([0.0, 3.0])
)
shadows = st.builds(
    Shadow, share=st.sampled_from([1, 5000, 10_000]), lasts=st.sampled_from([0.5, 3.0]), differs=st.sampled_from([Differs(), Differs(0.1)])
)  # fmt: skip
chains = st.one_of(
    ends.map(lambda one: (one,)),
    st.just((Recreate(),)),
    st.tuples(st.one_of(darks, own_steps)),
    st.tuples(darks, ends),
    st.tuples(shadows, ends),
    st.tuples(darks, shadows, ends),
    st.tuples(shadows),
    st.tuples(darks, own_steps),
)
paces = st.builds(
    Pace,
    until=st.sampled_from(["proven", "dwell"]),
    dwell=st.sampled_from([0.0, 1.0, 5.0]),
    deadline=st.sampled_from([5.0, 30.0]),
    on_unsure=st.sampled_from(["rollback", "advance", "hold"]),
    requests=st.sampled_from([0, 0, 30]),
    bake=st.sampled_from([0.0, 0.0, 4.0]),
    on_failure=st.sampled_from(["rollback", "rollback", "gradual", "hold"]),
)
criteria = st.builds(
    EvidenceCriteria,
    compare=st.sampled_from(["live", "baseline"]),
    judge=st.sampled_from([Betting(), Betting(), Threshold(interval=2.0, failure_limit=1, successes=2)]),
    metrics=st.sampled_from([{}, {}, {"memory": Metric("none", value="memory", during=("start",))}]),
)


class Safety(RuleBasedStateMachine):
    """Rules are what may happen; invariants and `check` are what must hold."""

    @initialize(
        seed=st.integers(0, 1000),
        rate=st.sampled_from([0.0, 1.0, 50.0, 400.0]),
        first=st.booleans(),
        replicas=st.integers(1, 4),
    )
    def begin(self, seed: int, rate: float, first: bool, replicas: int) -> None:
        self.world = World(seed, rate)
        self.control = Control(self.world)
        self.serial = 0
        self.stale: list[tuple[int, Action]] = []
        self.disturbed_at = self.world.now

    @rule(
        behaviour=behaviours,
        chain=chains,
        pace=paces,
        evidence=criteria,
        replicas=st.integers(1, 5),
        again=st.booleans(),
    )
    def deploy(
        self,
        behaviour: Behaviour,
        chain: Chain,
        pace: Pace,
        evidence: EvidenceCriteria,
        replicas: int,
        again: bool,
    ) -> None:
        self.serial += 1
        digest = f"sha256:{self.serial:064x}"
        self.world.behaviours[digest] = behaviour
        revision = Revision(digest, f"v{self.serial}", RUN, CONFIG)
        placement = Placement(replicas=replicas, pace=pace, evidence=evidence)
        self.control.ask(Deploy(f"r{self.serial:04}", "dev", revision, placement, chain, again))

    @precondition(lambda self: self.control.target.rollout is not None)
    @rule(
        behaviour=behaviours,
        chain=chains,
        pace=paces,
        evidence=criteria,
        replicas=st.integers(1, 5),
        odds=st.integers(0, 3),
    )
    def deploy_over_another(
        self,
        behaviour: Behaviour,
        chain: Chain,
        pace: Pace,
        evidence: EvidenceCriteria,
        replicas: int,
        odds: int,
    ) -> None:
        if odds == 3:
            self.deploy(behaviour, chain, pace, evidence, replicas, again=False)

    @precondition(lambda self: self.control.target.rollout is None)
    @rule()
    def rollback(self) -> None:
        self.serial += 1
        self.control.ask(Rollback(f"r{self.serial:04}", "ops"))

    @precondition(lambda self: self.control.target.live is not None)
    @rule(replicas=st.integers(0, 6), declared=st.integers(1, 4))
    def scale(self, replicas: int, declared: int) -> None:
        self.serial += 1
        self.control.ask(Scale(f"r{self.serial:04}", "ops", replicas, declared))

    @precondition(lambda self: self.control.target.live is not None)
    @rule()
    def restart(self) -> None:
        self.serial += 1
        self.control.ask(Restart(f"r{self.serial:04}", "ops"))

    @precondition(lambda self: self.control.target.live is not None and self.control.target.rollout is None)
    @rule(odds=st.integers(0, 2))
    def remove(self, odds: int) -> None:
        self.serial += 1
        if odds == 2:
            self.control.ask(Remove(f"r{self.serial:04}", "ops"))

    @precondition(lambda self: self.control.target.rollout is not None)
    @rule(
        verb=st.sampled_from([Abort, Pause, Resume, Advance]), odds=st.integers(0, 2), gradual=st.booleans()
    )
    def steer(self, verb: type[Abort | Pause | Resume | Advance], odds: int, gradual: bool) -> None:
        assert self.control.target.rollout is not None
        if odds < 2:
            return
        id = self.control.target.rollout.id
        self.control.ask(Abort(id, "ops", gradual=gradual) if verb is Abort else verb(id, "ops"))

    @rule(times=st.sampled_from([1, 2, 5, 20, 60, 150]))
    def tick(self, times: int) -> None:
        for _ in range(times):
            decision = self.decided()
            self.control.record(decision)
            for action in decision.actions:
                self.control.act(action)
            self.world.advance(min(decision.wake_in, IDLE))  # an hour of nothing tells nothing

    @rule(seconds=st.sampled_from([2.0, 10.0, 40.0]))
    def run_on(self, seconds: float) -> None:
        until = self.world.now + seconds
        while self.world.now < until:
            self.tick(1)

    @precondition(lambda self: self.control.target.rollout is not None)
    @rule(seconds=st.sampled_from([1.0, 5.0, 20.0]))
    def run_on_in_a_rollout(self, seconds: float) -> None:
        self.run_on(seconds)

    @rule(after=st.integers(0, 3), recorded=st.booleans())
    def killed_between_two_actions(self, after: int, recorded: bool) -> None:
        """Die before the record, or after it and some of the actions; another takes over with a newer epoch."""
        decision = self.decided()
        if recorded:
            self.control.record(decision)
            for action in decision.actions[:after]:
                self.control.act(action)
        self.stale += [(self.control.epoch, action) for action in decision.actions]
        self.control.epoch += 1

    @precondition(lambda self: bool(self.stale))
    @rule(pick=st.integers(0, 100))
    def the_dead_one_speaks(self, pick: int) -> None:
        """An order of an older epoch arrives late."""
        epoch, action = self.stale.pop(pick % len(self.stale))
        self.control.act(action, epoch)

    @rule(seconds=st.sampled_from([0.3, 3.0, 12.0]))
    def router_away(self, seconds: float) -> None:
        self.world.router.away_until = self.world.now + seconds

    @rule()
    def router_forgets(self) -> None:
        self.world.router.forget()

    @rule(times=st.integers(1, 3))
    def provider_fails(self, times: int) -> None:
        self.world.provider.fails = times

    @rule(pick=st.integers(0, 20))
    def an_instance_dies(self, pick: int) -> None:
        running = self.world.provider.instances("shop")
        if running:
            self.world.provider.kill(running[pick % len(running)].id)

    def decided(self) -> Decision:
        seen = self.control.look()
        decision = self.control.decide(seen)
        assert decision == self.control.decide(seen), "the same inputs give the same decision"
        check(decision, seen)
        return decision

    @invariant()
    def the_record_makes_sense(self) -> None:
        target = self.control.target
        if target.rollout is not None:
            assert not target.rollout.ended()
            assert target.group(target.rollout.candidate) is not None
            assert target.rollout.baseline is None or target.group(target.rollout.baseline) is not None
            assert target.rollout.live is None or target.group(target.rollout.live) is not None
        assert target.live is None or target.group(target.live) is not None
        assert len({group.id for group in target.groups}) == len(target.groups)
        encoded = msgspec.json.encode(target)
        assert msgspec.json.decode(encoded, type=type(target)) == target

    def teardown(self) -> None:
        """In a world that is quiet again every rollout ends, and then the world is as desired and nothing is ordered."""
        if not hasattr(self, "control"):
            return
        self.world.router.away_until = 0.0
        self.world.provider.fails = 0
        for _ in range(40):
            rollout = self.control.target.rollout
            if rollout is not None and rollout.phase == "progressing" and rollout.in_force_at is not None:
                leave = rollout.current().leave
                if isinstance(leave, Judged) and leave.until == "advanced":
                    self.control.ask(Advance(rollout.id, "ops"))
            if rollout is not None and rollout.phase == "paused":
                verb = (
                    Advance
                    if rollout.in_force_at is None and isinstance(rollout.current().leave, Judged)
                    else Abort
                )
                self.control.ask(verb(rollout.id, "ops"))
            self.control.run(200.0)
            if self.control.target.rollout is None and not self.control.asked:
                break
        target = self.control.target
        assert target.rollout is None, "a rollout always ends"
        for over in self.control.rollouts.values():
            assert over.phase in ENDED
        self.at_rest()

    def at_rest(self) -> None:
        target = self.control.target
        live = target.group(target.live)
        well = live is None or self.world.behaviours[live.revision.release] in (
            Behaviour(),
            Behaviour(starts_in=0.3),
        )
        if well:  # A live release that crashes by itself is never at rest.
            self.control.run(60.0)
            assert self.control.decide(self.control.look()).actions == (), (
                "nothing is ordered in a world as desired"
            )
            left = {one.group for one in self.world.provider.instances("shop")}
            assert left <= {target.live}, "nothing runs that nobody asked for"
        table = self.world.router.tables.get("shop")
        if table is not None:
            held = {part.group for route in table.routes for part in route.split if part.share_bp}
            assert held <= {target.live}, "a candidate that was taken back has no users"


TestSafety = Safety.TestCase
TestSafety.settings = settings(
    max_examples=200, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
