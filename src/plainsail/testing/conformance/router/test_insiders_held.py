"""Rules for insiders under load, in trouble, and over deaths of the router and of the control plane: whatever happens,
nobody else meets the insiders' group."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import AsyncIterator

import msgspec
import pytest

from plainsail.domain.match import Match
from plainsail.domain.traffic import Traffic
from plainsail.domain.units import ALL
from plainsail.ports.errors import Transient
from plainsail.ports.router import Router
from plainsail.testing.conformance.bench import needs, story
from plainsail.testing.conformance.router.bench import RouterBench
from plainsail.testing.conformance.router.test_insiders import (
    ALL_FOUR,
    CARRIES,
    COOKIE,
    HEADER,
    KINDS,
    OUTSIDERS,
    ask,
    dark,
)


@story
@needs("serves", "match")
async def test_rules_come_and_go_and_no_request_is_lost(bench: RouterBench) -> None:
    """Rules are added, changed and taken away while users and insiders ask. All are answered, and users never by the
    insiders' group."""
    groups = {"one": bench.group("one", 2), "dark": bench.group("dark", 2)}
    insiders: Counter[tuple[int, str]] = Counter()
    tables = [
        dark(bench, groups, HEADER), dark(bench, groups, COOKIE), dark(bench, groups, Match(header="X-Staff: no")),
        dark(bench, groups, Match(header="X-Staff: no"), HEADER), dark(bench, groups),
    ]  # fmt: skip
    async with bench.running() as router:
        await router.apply(tables[-1], 1)
        async with bench.asking() as seen:
            for wanted in tables * 2:
                await router.apply(wanted, 1)
                now = await ask(bench, [CARRIES["header"]] * 10)
                leads = HEADER in [route.match for route in wanted.routes]
                assert {body[:-2] for _, body in now} == {"dark" if leads else "one"}
                insiders += now
        assert {status for status, _ in (*seen, *insiders)} == {200}
        assert {body[:-2] for _, body in seen} == {"one"}


@story
@needs("serves", "match")
async def test_where_the_insiders_group_has_nobody_they_have_live(bench: RouterBench) -> None:
    """Its instances are gone, or it never had any: insiders are answered by live, and so is everybody else."""
    groups = {"one": bench.group("one", 1), "dark": bench.group("dark", 2)}
    async with bench.running() as router:
        await router.apply(dark(bench, groups, HEADER), 1)
        for one in groups["dark"]:
            await asyncio.to_thread(bench.shut, one)
        assert await ask(bench, [CARRIES["header"], {}] * 20, "POST") == {(200, "one-0"): 40}
        await router.apply(dark(bench, {"one": groups["one"]}, HEADER), 1)
        assert await ask(bench, [CARRIES["header"], {}] * 20, "POST") == {(200, "one-0"): 40}


@pytest.mark.parametrize("trouble", ["500", "close", "shut"])
@story
@needs("serves", "match")
async def test_where_live_fails_nobody_is_sent_to_the_insiders_group(
    bench: RouterBench, trouble: str
) -> None:
    """Live answers 500 or not at all, or its ports are closed: its users are told so. Insiders notice nothing."""
    groups = {"one": bench.group("one", 2), "dark": bench.group("dark", 1)}
    async with bench.running() as router:
        await router.apply(dark(bench, groups, HEADER), 1)
        for one in groups["one"]:
            if trouble == "shut":
                await asyncio.to_thread(bench.shut, one)
            else:
                one.mode = "500" if trouble == "500" else "close"
        for method in ("GET", "POST"):
            seen = await ask(bench, OUTSIDERS[:10] * 3, method)
            assert all(
                status in (0, 500, 502, 503, 504) for status, _ in seen
            )  # 0: the connection was closed
        assert groups["dark"][0].total == 0
        assert await ask(bench, [CARRIES["header"]] * 20) == {(200, "dark-0"): 20}


@story
@needs("serves", "match")
async def test_where_only_insiders_have_somebody_the_others_are_told_so(bench: RouterBench) -> None:
    """A first release that is dark: insiders have it; for everybody else nobody answers, whatever `live` says."""
    groups = {"dark": bench.group("dark", 1)}
    async with bench.running() as router:
        for split, live in (({}, None), ({"one": ALL}, "one")):
            await router.apply(bench.traffic(groups, split, live, insiders=[(HEADER, "dark")]), 1)
            assert await ask(bench, [CARRIES["header"]] * 5) == {(200, "dark-0"): 5}
            assert {status for status, _ in await ask(bench, OUTSIDERS)} <= {502, 503, 504}
        assert groups["dark"][0].total == 10


@story
@needs("serves", "match")
async def test_control_planes_come_and_go_and_rules_stay(bench: RouterBench) -> None:
    """`stop`, or an object that is dropped: insiders have their group all the while, and the next finds all rules."""
    groups = {"one": bench.group("one", 2), "dark": bench.group("dark", 2)}
    wanted = dark(bench, groups, ALL_FOUR, *KINDS.values())
    async with bench.running() as router:
        await router.apply(wanted, 1)
        async with bench.asking() as seen:
            await router.stop()
            await _as_asked(bench)
            for epoch in (1, 2):
                async with bench.another() as again:
                    assert (await again.observe("shop")).traffic == wanted
                    await again.apply(wanted, epoch)
                    await _as_asked(bench)
        assert {(status, body[:3]) for status, body in seen} == {(200, "one")}


@story
@needs("serves", "match", "registered")
async def test_rules_outlive_a_control_plane_that_is_killed(bench: RouterBench) -> None:
    """`kill -9` of its process, also in the midst of an order: outsiders never meet the insiders' group, and the next
    control plane has the table from before or the one that was ordered, and brings it about."""
    groups = {"one": bench.group("one", 2), "dark": bench.group("dark", 2)}
    tables = [dark(bench, groups, HEADER), dark(bench, groups), dark(bench, groups, COOKIE, HEADER)]
    async with bench.running() as router:
        await router.apply(tables[0], 1)
        await router.stop()
        async with bench.asking() as seen:
            for round, wanted in enumerate(tables * 2):
                async with _holder(bench) as holder:
                    await _order(holder, tables[round % 3 - 1])
                    if round < 3:
                        await _order(holder, wanted)
                    else:
                        _begin(holder, wanted)
                        await asyncio.sleep(0.03 * round)
                async with bench.another() as again:
                    found = await _found(bench, again)
                    assert found in ([wanted] if round < 3 else [wanted, tables[round % 3 - 1]])
                    await again.apply(wanted, 1)
                    assert (await again.observe("shop")).traffic == wanted
                    leads = HEADER in [route.match for route in wanted.routes]
                    got = await ask(bench, [CARRIES["header"]] * 4)
                    assert {body[:-2] for _, body in got} == {"dark" if leads else "one"}
        assert {(status, body[:3]) for status, body in seen} == {(200, "one")}


@story
@needs("serves", "match", "is_process")
async def test_killed_it_comes_back_with_its_rules(bench: RouterBench) -> None:
    """After `kill -9` of the router, from the first request on insiders have their group, and nobody else."""
    groups = {"one": bench.group("one", 2), "dark": bench.group("dark", 2)}
    wanted = dark(bench, groups, ALL_FOUR, *KINDS.values())
    async with bench.running() as router:
        await router.apply(wanted, 1)
        async with bench.asking() as seen:
            bench.signal(signal.SIGKILL)
            assert await _found(bench, router) == wanted
            await _as_asked(bench)
        assert {(status, body[:3]) for status, body in seen} <= {(200, "one"), (0, "")}


async def _as_asked(bench: RouterBench) -> None:
    for name, one in CARRIES.items():
        assert {body[:-2] for _, body in await ask(bench, [one] * 2)} == {"dark"}, name
    assert {(status, body[:3]) for status, body in await ask(bench, OUTSIDERS)} == {(200, "one")}


async def _found(bench: RouterBench, router: Router) -> Traffic | None:
    """What it reports as soon as it answers."""
    found: list[Traffic | None] = []

    async def look() -> list[Traffic | None]:
        with contextlib.suppress(Transient):
            found.append((await router.observe("shop")).traffic)
        return found

    return (await bench.until(look, bool))[-1]


HOLDER = """
import asyncio, sys
from pathlib import Path
import msgspec
from plainsail.domain.traffic import Traffic
from plainsail.testing.conformance.plugin import registered
from plainsail.testing.conformance.router.bench import RouterBench

async def hold(name, directory, settings):
    subject = next(one for one in registered(RouterBench) if one.name == name)
    bench = subject.placed(Path(directory))
    bench.settings = msgspec.json.decode(settings)
    async with bench.another() as router:
        for line in iter(sys.stdin.readline, ""):
            await router.apply(msgspec.json.decode(line, type=Traffic), 1)
            print("done", flush=True)

asyncio.run(hold(*sys.argv[1:]))
"""


@contextlib.asynccontextmanager
async def _holder(bench: RouterBench) -> AsyncIterator[Process]:
    """A control plane in a process of its own, killed in the end."""
    settings = msgspec.json.encode(bench.settings).decode()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLDER, bench.name, str(bench.directory), settings, stdin=PIPE, stdout=PIPE
    )
    try:
        yield process
    finally:
        process.kill()
        await process.communicate()


async def _order(holder: Process, wanted: Traffic) -> None:
    _begin(holder, wanted)
    assert holder.stdout
    assert await holder.stdout.readline() == b"done\n", "the control plane died"


def _begin(holder: Process, wanted: Traffic) -> None:
    assert holder.stdin
    holder.stdin.write(msgspec.json.encode(wanted) + b"\n")
