"""The store against a plain dictionary, under any order of claims, writes, questions and passing time."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import hypothesis.strategies as st
import msgspec
from hypothesis import HealthCheck, settings
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from plainsail.domain.events import Event
from plainsail.domain.evidence import Evidence
from plainsail.domain.intents import Abort, Deploy, Intent
from plainsail.domain.rollout import Rollout, Target
from plainsail.ports.errors import Fenced, Rejected
from plainsail.ports.store import Key, Store
from plainsail.testing.conformance.store import samples
from plainsail.testing.conformance.store.bench import StoreBench
from plainsail.testing.conformance.store.samples import SHOP, STAGING

replace = msgspec.structs.replace

KEYS = st.sampled_from([SHOP, STAGING])
HOLDERS = st.sampled_from(["a", "b"])
TIMES = st.sampled_from([0.0, 1.0, 5.0, 20.0])


class Row:
    """What the store should hold of a target."""

    def __init__(self, key: Key) -> None:
        self.target = Target(key.service, key.environment)
        self.epoch, self.holder, self.held_until, self.due_at = 0, "", 0.0, 0.0
        self.intents: dict[int, Intent] = {}


class StoreAndModel(RuleBasedStateMachine):
    """Two control planes, each with a store object of its own, on one store."""

    bench: StoreBench
    """Set for each driver."""

    epochs: Bundle[tuple[Key, int]] = Bundle("epochs")

    @initialize()
    def start(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="store-model-"))
        self.place = type(self.bench)(self.bench.name, self.bench.driver, self.directory)
        self.bench.copy_to(self.place)
        self.stores = {holder: self.place.open() for holder in "ab"}
        self.rows = {key: Row(key) for key in (SHOP, STAGING)}
        self.rollouts: dict[str, Rollout] = {}
        self.evidence: dict[str, Evidence] = {}
        self.events: list[Event] = []
        self.asked: set[str] = set()
        self.now = 100.0

    @rule(seconds=TIMES)
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(target=epochs, key=KEYS, holder=HOLDERS, lease=TIMES)
    def claim(
        self, key: Key, holder: str, lease: float
    ) -> tuple[Key, int] | MultipleResults[tuple[Key, int]]:
        row = self.rows[key]
        claimed = self.stores[holder].claim(key, holder, self.now, lease)
        if row.held_until > self.now and row.holder != holder:
            assert claimed is None
            return multiple()
        row.epoch, row.holder, row.held_until = row.epoch + 1, holder, self.now + lease
        assert claimed is not None
        assert claimed.epoch == row.epoch
        assert claimed.target == row.target
        under_way = row.target.rollout
        assert claimed.evidence == (self.evidence.get(under_way.id) if under_way else None)
        return key, claimed.epoch

    @rule(
        held=epochs, holder=HOLDERS, change=st.sampled_from(["nothing", "next", "move", "end"]),
        told=st.integers(0, 3), due_in=TIMES, lease=TIMES, take=st.booleans(),
    )  # fmt: skip
    def save(
        self,
        held: tuple[Key, int],
        holder: str,
        change: str,
        told: int,
        due_in: float,
        lease: float,
        take: bool,
    ) -> None:
        key, epoch = held
        row = self.rows[key]
        wanted, rollouts = self._changed(row.target, change)
        events = [samples.event(len(self.events) + n, key=key) for n in range(told)]
        done = list(row.intents) if take else []
        try:
            self.stores[holder].save(
                wanted, epoch, rollouts=rollouts, events=events, done=done,
                due_at=self.now + due_in, held_until=self.now + lease,
            )  # fmt: skip
        except Fenced:
            assert epoch != row.epoch
            return
        assert epoch == row.epoch
        row.target, row.due_at, row.held_until = wanted, self.now + due_in, self.now + lease
        row.intents = {} if take else row.intents
        self.rollouts |= {one.id: one for one in rollouts}
        self.events += events

    @rule(held=epochs, holder=HOLDERS, requests=st.integers(0, 2**53))
    def save_evidence(self, held: tuple[Key, int], holder: str, requests: int) -> None:
        key, epoch = held
        row = self.rows[key]
        under_way = row.target.rollout
        if under_way is None:
            return
        evidence = samples.evidence(under_way.id, requests)
        try:
            self.stores[holder].save_evidence(under_way.id, key, epoch, evidence)
        except Fenced:
            assert epoch != row.epoch
            return
        assert epoch == row.epoch
        self.evidence[under_way.id] = evidence

    @rule(held=consumes(epochs), holder=HOLDERS)
    def release(self, held: tuple[Key, int], holder: str) -> None:
        key, epoch = held
        row = self.rows[key]
        try:
            self.stores[holder].release_claim(key, epoch)
        except Fenced:
            assert epoch != row.epoch
            return
        assert epoch == row.epoch
        row.holder, row.held_until = "", 0.0

    @rule(key=KEYS, holder=HOLDERS, rollout=st.sampled_from(["x", "y", "z"]), abort=st.booleans())
    def ask(self, key: Key, holder: str, rollout: str, abort: bool) -> None:
        intent: Intent = Abort(rollout, "bob") if abort else samples.deploy(rollout)
        row = self.rows[key]
        try:
            id = self.stores[holder].ask(key, intent, self.now)
        except Rejected:
            assert not abort
            assert rollout in self.asked
            return
        assert abort or rollout not in self.asked
        assert id not in row.intents
        row.intents[id] = intent
        row.due_at = min(row.due_at, self.now)
        self.asked |= set() if abort else {rollout}

    @rule(holder=HOLDERS)
    def start_again(self, holder: str) -> None:
        self.stores[holder].close()
        self.stores[holder] = self.place.open()

    @invariant()
    def it_holds_what_the_model_holds(self) -> None:
        """Seen by one and the other in turn."""
        self.looks = getattr(self, "looks", 0) + 1
        holder = "ab"[self.looks % 2]
        if hasattr(self, "stores"):
            self._compare(holder, self.stores[holder])

    def _compare(self, holder: str, store: Store) -> None:
        for key, row in self.rows.items():
            assert store.target(key) == row.target
            assert {one.id: one.intent for one in store.pending(key)} == row.intents
            wanted = {one.rollout for one in row.intents.values() if isinstance(one, Deploy)}
            assert all(store.asked(rollout) for rollout in wanted)
        assert {one.id: one for one in store.rollouts()} == self.rollouts
        assert all(store.evidence(id) == self.evidence.get(id) for id in self.rollouts)
        assert [one.event for one in store.events()] == self.events
        due = store.due(self.now, holder)
        for key, row in self.rows.items():
            to_do = row.due_at <= self.now or row.intents
            if not to_do or (row.held_until > self.now and row.holder != holder):
                assert key not in due
            elif row.held_until <= self.now:
                assert key in due

    def _changed(self, before: Target, change: str) -> tuple[Target, list[Rollout]]:
        """The target after an engine's turn, and the rollouts that changed with it."""
        after = replace(before, serial=before.serial + 1)
        under_way = before.rollout
        match change:
            case "next":
                begun = samples.rollout(
                    f"{before.environment}-{after.serial}", key=Key(before.service, before.environment)
                )
                ended = [replace(under_way, phase="superseded", ended_at=self.now)] if under_way else []
                return replace(after, rollout=begun), [begun, *ended]
            case "move" if under_way:
                moved = replace(under_way, step=under_way.step + 1, phase="paused")
                return replace(after, rollout=moved), [moved]
            case "end" if under_way:
                return replace(after, rollout=None), [
                    replace(under_way, phase="succeeded", ended_at=self.now)
                ]
        return after, []

    def teardown(self) -> None:
        for store in getattr(self, "stores", {}).values():
            store.close()
        shutil.rmtree(getattr(self, "directory", ""), ignore_errors=True)


def test_any_order_of_claims_writes_questions_and_time(bench: StoreBench) -> None:
    """Two holders claim, save, ask, release and start again in any order: the store holds what a dictionary would."""
    bench.filled().close()

    class OfThisDriver(StoreAndModel):
        pass

    OfThisDriver.bench = bench
    run_state_machine_as_test(
        OfThisDriver,
        settings=settings(
            max_examples=30, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )  # fmt: skip
