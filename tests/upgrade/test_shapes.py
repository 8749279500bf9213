"""Nothing that is stored changes its shape unnoticed: what people have on disk must be readable tomorrow."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
import pytest
from tests.upgrade.make_states import STATES, kept
from tests.upgrade.shapes import AREAS, About, fingerprints, present

from plainsail.drivers._kit import journal
from plainsail.drivers.routers.haproxy import shelf
from plainsail.drivers.stores import tree
from plainsail.drivers.stores.sql import shapes

MAKE = ".venv/bin/python -m tests.upgrade.make_states"


def what_to_do(now: About, states: list[About]) -> list[str]:
    """Sentences for whoever has changed something that is stored."""
    of_now = [one for one in states if (one.versions, one.revision) == (now.versions, now.revision)]
    if not of_now:
        return [f"No kept state has the versions {now.versions} and revision {now.revision}; run: {MAKE}"]
    newest, said = of_now[-1], []
    for name, area in AREAS.items():
        before, after = newest.shapes[name], now.shapes[name]
        changed = sorted(one for one in before.keys() | after.keys() if before.get(one) != after.get(one))
        if changed and newest.released:
            said.append(
                f"{', '.join(changed)}: stored by {newest.plainsail}, which people have, in another shape. Raise "
                f"{area.constant}, add the step from {area.version} to {area.upgrades}, then run: {MAKE}"
            )
        elif changed:
            said.append(
                f"{', '.join(changed)}: stored in another shape than in tests/upgrade/states/{newest.name}, which was "
                f"never released. Write it again and look at the difference: {MAKE} --anew"
            )
    return said


def test_every_stored_shape_is_kept() -> None:
    said = what_to_do(present(), list(kept().values()))
    assert not said, "\n".join(said)


def test_a_change_without_a_new_version_is_told_what_to_do() -> None:
    now = present()
    old = msgspec.structs.replace(
        now, shapes={**now.shapes, "haproxy": {**now.shapes["haproxy"], "State": "?"}}
    )
    released = msgspec.structs.replace(old, released=True)
    assert what_to_do(now, [old]) == [
        "State: stored in another shape than in tests/upgrade/states/0.1.0-shape1, which was never released. Write it "
        f"again and look at the difference: {MAKE} --anew"
    ]
    (said,) = what_to_do(now, [released])
    assert "Raise VERSION in drivers/routers/haproxy/shelf.py, add the step from 1 to UPGRADES" in said
    raised = msgspec.structs.replace(now, versions={**now.versions, "haproxy": 2})
    (said,) = what_to_do(raised, [released])
    assert said.endswith(f"run: {MAKE}")
    assert what_to_do(raised, [released, raised]) == []


def test_there_is_a_step_from_every_version() -> None:
    for name, upgrades in {
        "store": shapes.UPGRADES, "process": journal.UPGRADES, "haproxy": shelf.UPGRADES, "tree": tree.UPGRADES,
    }.items():  # fmt: skip
        assert sorted(upgrades) == list(range(1, AREAS[name].version)), f"{AREAS[name].upgrades} lacks a step"


def test_every_directory_is_a_state() -> None:
    states = kept()
    assert {path.parent for path in STATES.glob("*/*")} == states.keys()
    assert [path.name for path in states] == [about.name for about in states.values()]


class Inner(msgspec.Struct, frozen=True):
    """Prose."""

    size: int = 1


class Before(msgspec.Struct, frozen=True):
    kind: Literal["a", "b"]
    inner: Inner = Inner()
    description: str = ""


@pytest.mark.parametrize(
    ("name", "kind", "changed"),
    [
        ("kind", Literal["a", "b"], False),
        ("kind", Literal["a", "b", "c"], True),
        ("kind", str, True),
        ("sort", Literal["a", "b"], True),
        ("kind", Annotated[Literal["a", "b"], msgspec.Meta(description="Prose.")], False),
    ],
)
def test_a_fingerprint_tells_shapes_apart_and_nothing_else(name: str, kind: object, changed: bool) -> None:
    after = msgspec.defstruct(
        "Before", [(name, kind), ("inner", Inner, Inner(2)), ("description", str, "other")]
    )
    assert (fingerprints((Before,)) != fingerprints((after,))) is changed
