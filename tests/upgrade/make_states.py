"""Writes the kept state of the present plainsail: what its store, its drivers and its releases look like on disk.

    .venv/bin/python -m tests.upgrade.make_states [--anew | --release]

States of released versions stay for ever: they stand for the data that people have, and this program must load, migrate
and go on with each. `--release` marks the present one as released, at a release; until then `--anew` writes it again. It
is all text, so that a review can read it.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec
from tests.real import store_samples as samples
from tests.real.store_samples import SHOP, STAGING
from tests.upgrade import situations
from tests.upgrade.shapes import About, present

from plainsail.domain.observation import Counts
from plainsail.domain.release import Entry
from plainsail.domain.service import Probe, Stop
from plainsail.drivers._kit.journal import GroupRecord, InstanceRecord
from plainsail.drivers._kit.proc import Identity
from plainsail.drivers._kit.replicas import Backoff
from plainsail.drivers.routers.haproxy.shelf import Earlier, State
from plainsail.drivers.routers.haproxy.template import Kept
from plainsail.drivers.stores.sql import SqlStore, open_store
from plainsail.drivers.stores.tree import Manifest
from plainsail.testing.world import World

STATES = Path(__file__).parent / "states"


def kept() -> dict[Path, About]:
    """All kept states, by directory, oldest first."""
    found = {
        path.parent: msgspec.json.decode(path.read_bytes(), type=About)
        for path in STATES.glob("*/about.json")
    }
    return dict(sorted(found.items(), key=lambda one: [*one[1].versions.values(), one[1].plainsail]))


def main(options: list[str]) -> None:
    about = present()
    directory = STATES / about.name
    there = kept().get(directory)
    if "--release" in options:
        assert there is not None
        assert there.shapes == about.shapes, "first write it: --anew"
        _write(directory / "about.json", msgspec.structs.replace(there, released=True))
        return
    if there is not None and there.released:
        sys.exit(f"{about.name} was released: it stays as it is. Raise what has changed first")
    if there is not None and "--anew" not in options:
        sys.exit(f"{about.name} is there already; it was never released, so --anew writes it again")
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    (directory / "rows.sql").write_text(_dump(fill))
    (directory / "rollouts.sql").write_text(_dump(_arrive))
    _write(directory / "instance.json", INSTANCE)
    _write(directory / "group.json", GROUP)
    _write(directory / "haproxy.json", STATE)
    _write(directory / "manifest.json", MANIFEST)
    _write(directory / "about.json", about)


def fill(store: SqlStore) -> None:
    """Each kind of row: a rollout that ended, one under way with its evidence, intents done and waiting, releases."""
    store.put_spec(samples.ENVIRONMENTS, samples.SERVICES, samples.NOTIFY, [samples.event(0)])
    for n in (1, 2):
        store.add_release(samples.release(n), [samples.event(n)])
    first = store.ask(SHOP, samples.deploy("r1"), now=3.0)
    held = store.claim(SHOP, "example", now=4.0, lease=30.0)
    assert held
    ended = msgspec.structs.replace(samples.rollout("r0", at=1.0), phase="rolled_back", ended_at=2.0)
    under_way = samples.rollout("r1", at=4.0)
    store.save(
        msgspec.structs.replace(samples.target(), rollout=under_way), held.epoch, rollouts=[ended, under_way],
        events=[samples.event(4, "r1"), samples.event(5, "r1")], done=[first], due_at=5.0, held_until=34.0,
    )  # fmt: skip
    store.save_evidence("r1", SHOP, held.epoch, samples.evidence("r1"))
    for intent in samples.INTENTS:
        store.ask(STAGING, intent, now=6.0)


INSTANCE = InstanceRecord(
    id="shop-2-1", service="shop", group="shop-2", release=samples.digest(2), version="1.2", port=20123, since=1.7e9,
    began_at=100.5, ready=Probe(http="/healthz"), live=Probe(tcp=True), stop=Stop(drain=2.0, grace=3.0),
    process=Identity(4242, 100, "b00t"), cgroups=("/sys/fs/cgroup/plainsail/shop-2-1",), well=True, ready_at=101.0,
)  # fmt: skip
GROUP = GroupRecord(
    service="shop", group="shop-2", release=samples.digest(2), asked=2, crashes=1, failed_starts=2, timed_out=1,
    trouble="exited with status 1 after 0.2 s", backoff=Backoff(), boot="b00t",
)  # fmt: skip
STATE = State(
    services={"shop": Kept(samples.traffic(), 7)}, log_port=30123,
    earlier=Earlier("170", {"": {"shop": {"shop-1": Counts(9, 1)}}, "169": {"shop": {"shop-2": Counts(4, 1, 1, 1)}}}),
)  # fmt: skip
MANIFEST = Manifest((Entry("bin/serve", "exec", 64 * "a"), Entry("index.html", "file", 64 * "b")))


def _arrive(store: SqlStore) -> None:
    situations.begin(store)
    situations.arrive(situations.Plane(store, World(seed=7)))


def _dump(fill: Callable[[SqlStore], None]) -> str:
    with tempfile.TemporaryDirectory() as directory:
        with contextlib.closing(open_store(samples.url(Path(directory)))) as store:
            fill(store)
        with contextlib.closing(sqlite3.connect(Path(directory) / "plainsail.db")) as database:
            return "\n".join(database.iterdump()) + "\n"


def _write(path: Path, value: msgspec.Struct) -> None:
    path.write_bytes(msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n")


if __name__ == "__main__":
    main(sys.argv[1:])
