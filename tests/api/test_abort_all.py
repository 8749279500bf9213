"""Abort all reaches every rollout, also when one of them can't be asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.api.practice import DRIVERS
from tests.api.still import ENVIRONMENTS, NOW, Nobody

from plainsail.app.access import OWNER
from plainsail.app.context import Context
from plainsail.app.steer import abort_all
from plainsail.domain.intents import Abort, Deploy
from plainsail.domain.rollout import Revision
from plainsail.domain.service import Placement, Run, Service, config_digest
from plainsail.domain.strategy import BlueGreen
from plainsail.drivers.stores.sql import open_store
from plainsail.drivers.stores.tree import TreeStore
from plainsail.ports.errors import Transient
from plainsail.ports.store import Key

RUN = Run(("bin/serve",))
KEYS = [Key(name, "production") for name in ("a", "b", "c")]


class Busy:
    """A store that can't write to one target just now."""

    def __init__(self, store: Any, key: Key) -> None:
        self._store, self._key = store, key

    def ask(self, key: Key, *rest: Any) -> Any:
        if key == self._key:
            raise Transient("store_busy", "the store is busy", "try again")
        return self._store.ask(key, *rest)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


@pytest.mark.parametrize("busy", KEYS, ids=[key.service for key in KEYS])
def test_one_that_can_not_be_asked_keeps_no_other_from_being_stopped(tmp_path: Path, busy: Key) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'plainsail.db'}")
    places = {"production": Placement()}
    store.put_spec(ENVIRONMENTS, {key.service: Service(RUN, places) for key in KEYS}, None, ())
    revision = Revision(f"sha256:{'1':0>64}", "v1", RUN, config_digest(RUN))
    for key in KEYS:
        store.ask(key, Deploy(f"r-{key.service}", "test", revision, Placement(), (BlueGreen(),)), NOW)
    context = Context(
        store=Busy(store, busy), artifacts=TreeStore(tmp_path / "releases"), live=Nobody(), drivers=DRIVERS,
        now=lambda: NOW, new_id=lambda: "r-1", token_hash="", spool=tmp_path,
    )  # fmt: skip
    with pytest.raises(Transient, match="2 of 3 rollouts") as told:
        abort_all(context, OWNER)
    assert told.value.code == "not_all_aborted"
    assert f"could not ask {busy.service} in production: the store is busy" in told.value.message
    asked = {key for key in KEYS if any(isinstance(one.intent, Abort) for one in store.pending(key))}
    assert asked == set(KEYS) - {busy}
    store.close()
