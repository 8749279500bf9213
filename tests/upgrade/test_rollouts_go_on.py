"""A rollout that an earlier version began is brought to its end by this one: migrated, judged, planned, turn by turn.

The world has forgotten everything (as after all was ended at once): instances and traffic come from the store alone.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.real import store_samples as samples
from tests.upgrade.make_states import STATES
from tests.upgrade.situations import BAD, GOOD, SITUATIONS, Plane, deploy, digest, key
from tests.upgrade.test_store_upgrade import load

from plainsail.domain.intents import Abort, Resume
from plainsail.domain.units import ALL
from plainsail.drivers.stores.sql import open_store
from plainsail.testing.world import World


@pytest.fixture(params=sorted(STATES.glob("*/rollouts.sql")), ids=lambda path: path.parent.name)
def plane(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Plane]:
    load(request.param, tmp_path)
    with contextlib.closing(open_store(samples.url(tmp_path))) as store:
        world = World(seed=11)
        world.now = 40.0 + max(written.event.at for written in store.events(-1, limit=1))  # its lease is over
        yield Plane(store, world)


def settled(plane: Plane, service: str, release: int, phase: str) -> None:
    """The service serves this release and nothing else, with all its instances, and nobody is told otherwise."""
    plane.until("its rollout ended", lambda: plane.target(service).rollout is None, service)
    assert plane.rollout(service).phase == phase, plane.rollout(service).reason
    plane.run(30.0, service)
    target = plane.target(service)
    live = target.group(target.live)
    assert live is not None
    assert live.revision.release == digest(release)
    assert plane.share(service, live.id) == ALL
    (found,) = (one for one in plane.world.look(service).groups.values() if one.instances)
    assert (found.group, found.ready()) == (live.id, 3)
    assert [group.id for group in target.groups] == [live.id]


def test_all_situations_are_there(plane: Plane) -> None:
    assert {key.service for key in plane.store.targets()} == set(SITUATIONS)
    phases = {service: plane.rollout(service).phase for service in SITUATIONS}
    assert phases == {
        "idle": "succeeded", "canary": "progressing", "turning-back": "rolling_back", "paused": "paused",
        "quarantined": "rolled_back", "blue-green": "progressing",
    }  # fmt: skip


def test_an_idle_service_is_held(plane: Plane) -> None:
    plane.run(10.0, "idle")
    settled(plane, "idle", 1, "succeeded")


def test_a_canary_goes_on_with_its_evidence(plane: Plane) -> None:
    before, rollout = plane.evidence("canary"), plane.rollout("canary")
    assert before is not None
    assert before.candidate.requests > 100
    plane.run(1.0, "canary")
    after = plane.evidence("canary")
    assert after is not None
    assert after.since == before.since
    assert after.candidate.requests >= before.candidate.requests
    assert all(after.proof[name][0] >= log[0] - 1.0 for name, log in before.proof.items()), "not begun anew"
    assert plane.rollout("canary").step >= rollout.step
    settled(plane, "canary", GOOD, "succeeded")


def test_a_canary_that_turns_out_bad_is_taken_back(plane: Plane) -> None:
    plane.world.behaviours[digest(GOOD)] = plane.world.behaviours[digest(BAD)]
    settled(plane, "canary", 1, "rolled_back")


def test_one_that_was_turning_back_goes_back(plane: Plane) -> None:
    settled(plane, "turning-back", 1, "rolled_back")
    assert digest(BAD) in plane.target("turning-back").quarantine


def test_one_that_was_paused_stays_so_until_it_is_resumed(plane: Plane) -> None:
    plane.run(60.0, "paused")
    assert plane.rollout("paused").phase == "paused"
    assert plane.share("paused", plane.rollout("paused").candidate) == 1000
    plane.store.ask(key("paused"), Resume("paused-2", "bob"), plane.world.now)
    settled(plane, "paused", GOOD, "succeeded")


def test_one_that_was_paused_can_be_aborted(plane: Plane) -> None:
    plane.store.ask(key("paused"), Abort("paused-2", "bob"), plane.world.now)
    plane.run(1.0, "paused")
    settled(plane, "paused", 1, "aborted")


def test_what_was_quarantined_stays_so_unless_it_is_meant(plane: Plane) -> None:
    plane.run(5.0, "quarantined")
    plane.store.ask(key("quarantined"), deploy("quarantined", BAD, id="again"), plane.world.now)
    plane.run(5.0, "quarantined")
    assert (plane.rollout("quarantined").id, plane.rollout("quarantined").reason_code) == (
        "again", "quarantined",
    )  # fmt: skip
    plane.world.behaviours.clear()
    meant = deploy("quarantined", BAD, again=True, id="meant")
    plane.store.ask(key("quarantined"), meant, plane.world.now)
    plane.run(1.0, "quarantined")
    settled(plane, "quarantined", BAD, "succeeded")


def test_a_switch_that_was_being_watched_ends_well(plane: Plane) -> None:
    settled(plane, "blue-green", GOOD, "succeeded")
