"""Metric sources beside router and provider: what changes is made anew, what can't be made is in nobody's way, and people
are told who does not answer."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import msgspec
import pytest

from plainsail import wiring
from plainsail.app.access import OWNER
from plainsail.app.apply import apply
from plainsail.domain.criteria import EvidenceCriteria, Metric
from plainsail.domain.driver import Driver
from plainsail.domain.service import Document, Environment, Placement, Run, Service
from plainsail.drivers.stores.sql import open_store
from plainsail.drivers.stores.tree import TreeStore
from plainsail.engine.turn import Site
from plainsail.local.doctor.sources import metric_sources
from plainsail.ports.errors import Broken, Failure
from plainsail.ports.metrics import Ask
from plainsail.testing.world import World

NOWHERE = Driver("prometheus", {"url": "http://127.0.0.1:9"})
"""The discard port, where nothing listens."""


def environment(**metrics: Driver) -> Environment:
    return Environment(Driver("simulated"), metrics=metrics)


def asking(source: str, query: str = "up") -> Service:
    metric = Metric(source, value=query, max=1.0)
    return Service(
        Run(("serve",)), {"production": Placement(evidence=EvidenceCriteria(metrics={"m": metric}))}
    )


def ask(query: str) -> Ask:
    return Ask(
        "m", {"value": query}, "shop", "production", "g1", "sha256:0", "v1", ("127.0.0.1:1",), 1000.0, 1010.0
    )


class Sites(wiring.Sites):
    """With a simulated router and provider, which count how often they were made."""

    made = 0

    def make(self, environment: str, router: Driver, provider: Driver) -> Site:
        self.made += 1
        world = World()
        return Site(world.router, world.provider)


async def declared(sites: Sites, one: Environment) -> Site:
    assert sites._store is not None
    sites._store.put_spec({"production": one}, {}, None, ())
    sites.forget()
    return await sites.get("production")


def test_only_the_source_that_changed_is_made_anew(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'plainsail.db'}")

    async def story() -> None:
        sites = Sites(tmp_path, store, TreeStore(tmp_path / "releases"))
        first = await declared(sites, environment(a=NOWHERE, b=NOWHERE))
        same = await declared(sites, msgspec.structs.replace(environment(a=NOWHERE, b=NOWHERE), after=None))
        assert same == first, "nothing changed"
        other = Driver("prometheus", {"url": "http://127.0.0.1:9", "timeout": 1.0})
        then = await declared(sites, environment(a=NOWHERE, b=other, c=NOWHERE))
        assert then != first, "who holds targets with it takes them anew"
        assert (then.router, then.provider, sites.made) == (first.router, first.provider, 1)
        assert then.metrics["a"] is first.metrics["a"]
        assert then.metrics["b"] is not first.metrics["b"]
        assert set(then.metrics) == {"a", "b", "c"}
        with pytest.raises(Broken) as gone:
            await first.metrics["b"].read(ask("up"))
        assert gone.value.code == "source_gone"
        assert set((await declared(sites, environment(c=NOWHERE))).metrics) == {"c"}
        await sites.stop()

    asyncio.run(story())
    store.close()


def test_a_source_whose_driver_is_not_installed_keeps_no_environment_from_being_taken(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'plainsail.db'}")

    async def story() -> None:
        sites = Sites(tmp_path, store, TreeStore(tmp_path / "releases"))
        site = await declared(
            sites,
            environment(
                gone=Driver("from-a-package-that-was-removed"), wrong=Driver("prometheus", {"url": 7})
            ),
        )
        with pytest.raises(Failure) as missing:
            await site.metrics["gone"].read(ask("up"))
        assert missing.value.code == "driver_missing"
        with pytest.raises(Broken) as broken:
            await site.metrics["wrong"].read(ask("up"))
        assert broken.value.code == "source_broken"
        await sites.stop()

    asyncio.run(story())
    store.close()


def test_who_does_not_answer_is_told_with_the_reason() -> None:
    well = f"{sys.executable} -c 'print(1)'"
    environments = {"production": environment(silent=NOWHERE, script=Driver("command"))}
    answers = {
        one.source: one
        for one in wiring.probed(environments, {"shop": asking("script", well), "till": asking("silent")})
    }
    assert answers["script"].trouble == ""
    assert answers["script"].asked == "shop's m"
    assert "127.0.0.1:9" in answers["silent"].trouble


def test_a_source_that_nobody_asks_is_only_started() -> None:
    (answer,) = wiring.probed({"production": environment(idle=NOWHERE)}, {})
    assert (answer.asked, answer.trouble) == ("", "")


def test_the_doctor_warns_and_runs_no_command(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    document = Document(
        1,
        environments={"production": environment(silent=NOWHERE, script=Driver("command"))},
        services={"shop": asking("silent"), "till": asking("script", f"touch {mark}")},
    )
    found = list(metric_sources(document))
    assert [one.state for one in found] == ["ok", "warn"]
    assert "silent of production says nothing" in found[1].found
    assert not mark.exists(), "a file that somebody else wrote must run nothing"
    assert list(metric_sources(None)) == []


SPEC = """\
schema: 1
environments:
  production:
    router: {haproxy: {listen: 127.0.0.1:18080}}
    metrics: {silent: {prometheus: {url: "http://127.0.0.1:9"}}}
services:
  shop:
    run: {command: [serve]}
    in:
      production: {evidence: {metrics: {m: {source: silent, value: up, max: 1}}}}
"""


def test_apply_registers_all_the_same_and_says_who_is_silent(tmp_path: Path) -> None:
    plane = wiring.build(tmp_path)
    planned = apply(plane.context, OWNER, [("plainsail.yaml", SPEC)], dry_run=True)
    assert planned.warnings == (), "nobody is asked about what may come"
    done = apply(plane.context, OWNER, [("plainsail.yaml", SPEC)])
    assert {change.name for change in done.changes} == {"production", "shop"}
    (warning,) = done.warnings
    assert warning.startswith("The metric source silent of production says nothing: ")
    plane.store.close()
