"""Copies by HAProxy: the suite of routers with each HAProxy that there is, and what is HAProxy's own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.real.haproxy_world import binaries, story

from plainsail.domain.traffic import Mirror
from plainsail.domain.units import ALL
from plainsail.drivers.routers.haproxy import HAProxy, mirror
from plainsail.drivers.routers.haproxy import binary as own
from plainsail.ports.errors import Transient, Unsupported
from plainsail.testing.conformance.router import test_mirror as suite
from plainsail.testing.conformance.router.bench import RouterBench
from plainsail.testing.conformance.router.street import Mode

pytestmark = pytest.mark.timeout(120)

PROMISES = (
    suite.test_a_shadow_that_is_gone_fails_nobody,
    suite.test_the_share_is_kept_and_ends_when_it_is_taken_away,
    suite.test_only_the_methods_that_are_named_are_copied,
    suite.test_what_insiders_ask_of_another_group_is_not_copied,
    suite.test_a_copy_carries_what_the_request_did_and_says_that_it_is_one,
    suite.test_bodies_are_compared,
    suite.test_no_more_are_under_way_than_there_is_room_for,
    suite.test_streams_flow_and_sockets_are_not_copied,
)


@pytest.fixture
def bench(tmp_path: Path, binary: str) -> Iterator[RouterBench]:
    made = RouterBench("haproxy", HAProxy, tmp_path)
    made.settings = {**made.settings, "binary": binary}
    yield made
    made.clear()


@binaries
@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
def test_what_routers_promise(bench: RouterBench, promise: Callable[[RouterBench], None]) -> None:
    promise(bench)


@binaries
@pytest.mark.parametrize("mode", ["ok", "500", "close", "slow", "hang"])
def test_users_have_nothing_of_it(bench: RouterBench, mode: Mode) -> None:
    suite.test_users_have_nothing_of_it_however_the_shadow_is(bench, mode)


@binaries
@story
async def test_a_mirror_is_switched_without_a_reload(bench: RouterBench) -> None:
    """On, off, another share: the same worker goes on, and what it counted with it."""
    one, two = suite.both(bench)
    async with bench.running() as router:
        await router.apply(suite.shadowed(bench, one, two, None), 1)
        workers = _workers(bench)
        for share in (ALL, 100, ALL):
            await router.apply(suite.shadowed(bench, one, two, Mirror("two", share, ("GET",))), 1)
            await bench.ask(20)
            await router.apply(suite.shadowed(bench, one, two, None), 1)
        await router.apply(suite.shadowed(bench, one, two), 1)
        found = await suite.came(bench, router, lambda found: found.asked >= 40)
        assert found.live_failures == 0
        assert _workers(bench) == workers


@binaries
@story
async def test_a_reload_begins_anew_and_fails_nobody(bench: RouterBench) -> None:
    """Another service comes while copies are sent."""
    one, two = suite.both(bench)
    async with bench.running() as router:
        await router.apply(suite.shadowed(bench, one, two), 1)
        async with bench.asking() as seen:
            await suite.came(bench, router, lambda found: found.pairs > 20)
            other = bench.traffic(
                {"blog": one}, {"blog": ALL}, "blog", service="blog", hosts=("blog.example",)
            )
            await router.apply(other, 1)
            before = sum(seen.values())
            await suite.came(bench, router, lambda found: found.pairs > 0)
            await bench.until(lambda: asyncio.sleep(0, sum(seen.values())), lambda now: now > before + 50)
        assert set(seen) == {(200, "the same")}


@binaries
@story
async def test_a_haproxy_without_lua_goes_on_without_copies(
    bench: RouterBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told before anything changes, and everything else works."""
    monkeypatch.setattr(own, "has_lua", lambda _: False)
    one, two = suite.both(bench)
    async with bench.running() as router:
        plain = suite.shadowed(bench, one, two, None)
        await router.apply(plain, 1)
        with pytest.raises(Unsupported, match="without Lua"):
            await router.apply(suite.shadowed(bench, one, two), 1)
        assert (await router.observe("shop")).traffic == plain
        assert "lua" not in (bench.site.directory / "haproxy.cfg").read_text()
        assert await bench.ask(10) == {(200, "the same"): 10}


@binaries
def test_lua_is_seen(binary: str) -> None:
    assert own.has_lua(binary)
    assert not own.has_lua("/bin/true")
    assert not own.has_lua("/nowhere")


def test_what_is_no_answer_of_ours_is_refused() -> None:
    assert mirror.parse("") == {}
    assert mirror.parse("g2 1 1 0 1 0 0 0 0 0 0 1 0 0")["g2"].pairs == 1
    for wrong in ("Unknown command", "g2 1 2 3", "g2 1 1 0 1 0 0 0 0 0 0 1 0 x"):
        with pytest.raises(Transient):
            mirror.parse(wrong)


def _workers(bench: RouterBench) -> set[str]:
    """Which HAProxys run from there."""
    return {
        entry.name
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and _below(entry, bench.site.directory)
    }


def _below(entry: Path, directory: Path) -> bool:
    try:
        return (entry / "cwd").readlink() == directory
    except OSError:
        return False
