"""Writes the example store of the present revision and shape; run it when either has grown:

    .venv/bin/python -m tests.upgrade.make_example

Examples of earlier versions stay for ever: they stand for the stores that people have. It is a dump rather than a
database so that a review can read it; a changed domain type that can't read it any more needs a new `SHAPE` and a step
in `UPGRADES`, not a new dump under the old name.
"""

from __future__ import annotations

import contextlib
import sqlite3
import sys
import tempfile
from pathlib import Path

import msgspec
from tests.real import store_samples as samples
from tests.real.store_samples import SHOP, STAGING

from plainsail.domain.rollout import SHAPE
from plainsail.drivers.stores.sql import SqlStore, open_store
from plainsail.drivers.stores.sql.tables import HEAD

DIRECTORY = Path(__file__).parent
EXAMPLE = DIRECTORY / f"store-{HEAD}-shape-{SHAPE}.sql"


def fill(store: SqlStore) -> None:
    """A rollout that ended, one under way with its evidence, intents done and waiting, releases, a spec."""
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


def main() -> None:
    if EXAMPLE.exists() and "--anew" not in sys.argv:
        sys.exit(
            f"{EXAMPLE.name} is there already. Nothing released may have written it to overwrite it with --anew"
        )
    with tempfile.TemporaryDirectory() as directory:
        with contextlib.closing(open_store(samples.url(Path(directory)))) as store:
            fill(store)
        with contextlib.closing(sqlite3.connect(Path(directory) / "plainsail.db")) as database:
            EXAMPLE.write_text("\n".join(database.iterdump()) + "\n")


if __name__ == "__main__":
    main()
