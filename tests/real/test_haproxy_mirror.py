"""Copies by HAProxy: the suite of routers with each HAProxy that there is, and what is HAProxy's own."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.real.haproxy_world import binaries, story

from plainsail.domain.traffic import Member, Mirror
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
        assert _workers(bench) <= workers, "none is new; one of before the service came may have ended"


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


@binaries
@story
async def test_who_is_slow_and_goes_on_is_answered(bench: RouterBench) -> None:
    """A user and an instance of live that need longer for their bodies than either may be silent, as without copies."""
    bench.settings = {**bench.settings, "client": 2.0, "server": 2.0}
    one, two = suite.both(bench)
    async with bench.running() as router, _dribbling() as address:
        wanted = suite.shadowed(bench, one, two, Mirror("two", ALL, ("GET", "POST")))
        slow = replace(wanted, service="slow", hosts=("slow.example",))
        slow = replace(slow, members={**slow.members, "one": (Member("one-slow", address),)})
        for table in (replace(wanted, hosts=("shop.example",)), slow):
            await router.apply(table, 1)
        post = b"POST / HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\nContent-Length: 6\r\n\r\n"
        get = b"GET / HTTP/1.1\r\nHost: slow.example\r\nConnection: close\r\n\r\n"
        said = await asyncio.gather(_sent(bench.port, post, b"slowly"), _sent(bench.port, get, b""))
        assert [answer.partition(b"\r\n")[0] for answer in said] == [b"HTTP/1.1 200 OK"] * 2
        assert said[1].endswith(b"slowly")
        found = await suite.came(bench, router, lambda found: found.pairs == 1)
        assert (found.live_slow, found.slow) == (0, 0), "to send slowly is the user's own time"


@binaries
@story
async def test_a_copy_is_what_live_got_or_is_none(bench: RouterBench) -> None:
    """Nobody can have `Host` or a cookie taken off the copy, by which it would be answered otherwise; and what doesn't fit
    into HAProxy's buffer is dropped, not cut."""
    one, two = suite.both(bench)
    async with bench.running() as router:
        await router.apply(suite.shadowed(bench, one[:1], two, Mirror("two", ALL, ("GET", "POST"))), 1)
        user = bench.user()
        await user.ask("GET", "Cookie: a=b\r\nConnection: keep-alive, Host, Cookie\r\n", "/named")
        await user.ask("POST", "", "/empty", sends="")
        await user.ask("POST", f"X-Long: {'x' * 8000}\r\n", "/long", sends="x" * 8000)
        await user.ask("GET", "", "/last")
        user.close()
        found = await suite.came(bench, router, lambda found: found.pairs == 3)
        assert (found.asked, found.dropped) == (3, 1)
        both = ({_path(head): _said(head) for head, _ in backend.heads} for backend in (one[0], two[0]))
        live, copies = both
        assert copies == {path: said for path, said in live.items() if path != "/long"}


@contextlib.asynccontextmanager
async def _dribbling() -> AsyncIterator[str]:
    """The address of an instance that says a word slowly."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, EOFError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\n")
            await _dribble(writer, b"slowly")
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        yield f"{host}:{port}"


async def _sent(port: int, head: bytes, body: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(head)
    with contextlib.suppress(OSError):
        await _dribble(writer, body)
    answer = await reader.read()
    writer.close()
    return answer


async def _dribble(writer: asyncio.StreamWriter, text: bytes) -> None:
    for at in range(len(text)):
        await asyncio.sleep(0.5)
        writer.write(text[at : at + 1])
        await writer.drain()


def _path(head: str) -> str:
    return head.split(" ", 2)[1]


def _said(head: str) -> set[str]:
    """The fields that are not between neighbours, and not the router's own."""
    fields = {line.lower() for line in head.split("\r\n")[1:] if line}
    return {one for one in fields if one.partition(":")[0] not in ("connection", "plainsail-copy")}
