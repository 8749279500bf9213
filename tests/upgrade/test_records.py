"""What drivers write down beside the store: read as earlier versions wrote it, upgraded, and refused if it is newer."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.upgrade.make_states import STATES

from plainsail.drivers._kit import adoption, journal
from plainsail.drivers._kit.journal import Journal
from plainsail.drivers._kit.records import decode
from plainsail.drivers.routers.haproxy import Config, HAProxy
from plainsail.drivers.routers.haproxy.shelf import STATE, Shelf
from plainsail.drivers.stores.tree import TreeStore
from plainsail.ports.errors import Broken
from plainsail.ports.site import Site

states = pytest.mark.parametrize("state", sorted(STATES.iterdir()), ids=lambda path: path.name)


def newer(path: Path) -> bytes:
    """Make it one of a version that nobody knows yet; its content."""
    data = msgspec.json.decode(path.read_bytes())
    path.write_bytes(msgspec.json.encode({**data, "record": 9000, "shape": "of tomorrow"}))
    return path.read_bytes()


@states
def test_instances_of_earlier_versions_are_found(state: Path, tmp_path: Path) -> None:
    place = keep(state, tmp_path)
    (instance,), (group,) = tuple(place.instances()), tuple(place.groups())
    assert (instance.id, instance.version, instance.port, instance.ready.http) == (
        "shop-2-1",
        "1.2",
        20123,
        "/healthz",
    )
    assert instance.process
    assert (instance.process.pid, instance.well, instance.record) == (4242, True, journal.VERSION)
    assert (group.asked, group.crashes, group.failed_starts, group.timed_out) == (2, 1, 2, 1)
    assert group.trouble == "exited with status 1 after 0.2 s"


@states
@pytest.mark.parametrize("name", ["shop-2-1.json", "group.json"])
def test_instances_of_a_newer_version_are_not_taken_for_strays(
    state: Path, name: str, tmp_path: Path
) -> None:
    place = keep(state, tmp_path)
    path = tmp_path / "services" / "shop" / "shop-2" / name
    content = newer(path)
    with pytest.raises(Broken) as refused:
        adoption.find(place)
    assert refused.value.code == "record_newer"
    assert "9000" in str(refused.value)
    assert path.read_bytes() == content
    assert (tmp_path / "services" / "shop" / "shop-2" / "shop-2-1.json").exists()


def keep(state: Path, directory: Path) -> Journal:
    place = directory / "services" / "shop" / "shop-2"
    place.mkdir(parents=True)
    shutil.copy(state / "instance.json", place / "shop-2-1.json")
    shutil.copy(state / "group.json", place / "group.json")
    return Journal(directory)


@states
def test_the_routers_state_of_earlier_versions_is_read(state: Path, tmp_path: Path) -> None:
    shutil.copy(state / "haproxy.json", tmp_path / STATE)
    shelf = Shelf(tmp_path, lambda port, services: "")
    shelf.load()
    kept = shelf.state.services["shop"]
    assert (kept.epoch, kept.traffic.share("shop-2"), kept.traffic.hosts) == (7, 1000, ("shop.example",))
    assert shelf.state.log_port == 30123
    assert shelf.state.earlier.before["169"]["shop"]["shop-2"].requests == 4


@states
def test_the_routers_state_of_a_newer_version_starts_nothing(state: Path, tmp_path: Path) -> None:
    shutil.copy(state / "haproxy.json", tmp_path / STATE)
    content = newer(tmp_path / STATE)
    router = HAProxy(
        Config(listen="127.0.0.1:1"), Site("production", tmp_path, TreeStore(tmp_path / "releases"))
    )
    with pytest.raises(Broken) as refused:
        asyncio.run(router.start())
    assert refused.value.code == "record_newer"
    assert (tmp_path / STATE).read_bytes() == content
    assert not (tmp_path / "haproxy.cfg").exists()


@states
def test_a_damaged_release_is_told_by_its_manifest(state: Path, tmp_path: Path) -> None:
    digest = "sha256:" + 64 * "0"
    store = TreeStore(tmp_path)
    tree = tmp_path / "trees" / "sha256" / (64 * "0")
    tree.mkdir()
    (tree / "index.html").write_text("changed")
    manifest = tree.with_suffix(".json")
    shutil.copy(state / "manifest.json", manifest)
    with pytest.raises(Broken, match=r"not what was received: bin/serve, index\.html"):
        store.check(digest)
    newer(manifest)
    with pytest.raises(Broken) as refused:
        store.check(digest)
    assert refused.value.code == "record_newer"
    manifest.write_text("[]")
    with pytest.raises(Broken) as damaged:
        store.check(digest)
    assert damaged.value.code == "release_damaged"


class Third(msgspec.Struct, frozen=True):
    """A record as of version 3."""

    names: tuple[str, ...]
    record: int = 3


STEPS = {
    1: lambda data: {**data, "names": data["name"]},
    2: lambda data: {**data, "names": data["names"].split()},
}


@pytest.mark.parametrize(
    "stored",
    [
        {"name": "a b"},
        {"record": 1, "name": "a b"},
        {"record": 2, "names": "a b"},
        {"record": 3, "names": ["a", "b"]},
    ],
)
def test_records_are_upgraded_step_by_step(stored: dict[str, Any]) -> None:
    assert decode(msgspec.json.encode(stored), Third, Path("x"), 3, STEPS) == Third(("a", "b"))
