"""A mirror: copies go where they are to go and carry what they are to carry; nobody waits for them, nobody sees an answer to
one, and each is counted beside live's answer to the same request."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

import pytest

from plainsail.domain.match import Match
from plainsail.domain.observation import Counts, Mirrored
from plainsail.domain.traffic import Mirror, Traffic
from plainsail.domain.units import ALL
from plainsail.ports.errors import Unsupported
from plainsail.ports.router import Router, RouterSeen
from plainsail.testing.conformance.bench import needs, story
from plainsail.testing.conformance.router.bench import RouterBench
from plainsail.testing.conformance.router.street import Backend, Mode

GETS = Mirror("two", ALL, ("GET",))
REQUESTS = 100


def both(
    bench: RouterBench, mode: Mode = "ok", says: str = "the same"
) -> tuple[list[Backend], list[Backend]]:
    """Live's instances, and the shadow's; all of them say the same, unless told otherwise."""
    one, two = bench.group("one", 2), bench.group("two", 1, mode)
    for backend in one:
        backend.says = "the same"
    for backend in two:
        backend.says = says
    return one, two


def shadowed(
    bench: RouterBench, one: list[Backend], two: list[Backend], mirror: Mirror | None = GETS
) -> Traffic:
    return bench.traffic({"one": one, "two": two}, {"one": ALL}, "one", mirror=mirror)


async def came(
    bench: RouterBench, router: Router, holds: Callable[[Mirrored], object] = lambda _: True
) -> Mirrored:
    """What came of the copies, once it is so."""

    def found(seen: RouterSeen) -> bool:
        return bool(holds(seen.mirrored.get("two", Mirrored())))

    return (await bench.comes(router, found)).mirrored["two"]


@story
@needs("mirror")
async def test_a_mirror_is_observed_as_it_was_asked_for(bench: RouterBench) -> None:
    one, two = bench.group("one", 1), bench.group("two", 2)
    async with bench.running() as router:
        for mirror in (
            GETS,
            Mirror("two", 1, ("POST", "GET", "HEAD")),
            None,
            Mirror("two", 2500, ("DELETE",)),
            None,
        ):
            wanted = shadowed(bench, one, two, mirror)
            await router.apply(wanted, 1)
            assert (await router.observe("shop")).traffic == wanted


@story
@needs("not mirror")
async def test_what_cannot_be_copied_is_refused(bench: RouterBench) -> None:
    one, two = bench.group("one", 1), bench.group("two", 1)
    async with bench.running() as router:
        with pytest.raises(Unsupported):
            await router.apply(shadowed(bench, one, two), 1)


@pytest.mark.parametrize("mode", ["ok", "500", "close", "slow", "hang"])
@story
@needs("serves", "mirror")
async def test_users_have_nothing_of_it_however_the_shadow_is(bench: RouterBench, mode: Mode) -> None:
    """Every user is answered by live, and what became of each copy is known in the end."""
    one, two = both(bench, mode)
    async with bench.running() as router:
        await router.apply(shadowed(bench, one, two), 1)
        got = await bench.ask(REQUESTS)
        assert got == {(200, "the same"): REQUESTS}
        assert sum(backend.total for backend in one) == REQUESTS
        found = await came(bench, router, lambda found: found.pairs + found.dropped == REQUESTS)
        assert found.asked == found.pairs, "live answered all"
        assert found.live_failures == 0
        failed = found.pairs if mode in ("500", "close", "hang") else 0
        assert (found.failures, found.statuses, found.differing) == (failed, failed, failed)
        assert found.answered == (0 if mode in ("close", "hang") else found.asked)
        assert found.slow == (found.pairs if mode in ("slow", "hang") else 0)
        seen = await bench.comes(router, lambda seen: seen.counts["one"] == Counts(REQUESTS))
        assert seen.counts.get("two", Counts()) == Counts(), "a copy is no request of a user's"


@story
@needs("serves", "mirror")
async def test_a_shadow_that_is_gone_fails_nobody(bench: RouterBench) -> None:
    one, two = both(bench)
    async with bench.running() as router:
        await router.apply(shadowed(bench, one, two), 1)
        bench.shut(two[0])
        assert await bench.ask(REQUESTS) == {(200, "the same"): REQUESTS}
        found = await came(bench, router, lambda found: found.pairs + found.dropped == REQUESTS)
        assert (found.failures, found.answered) == (found.pairs, 0)


@story
@needs("serves", "mirror")
async def test_the_share_is_kept_and_ends_when_it_is_taken_away(bench: RouterBench) -> None:
    one, two = both(bench)
    async with bench.running() as router:
        await router.apply(shadowed(bench, one, two, Mirror("two", 2500, ("GET",))), 1)
        await bench.ask(400)
        found = await came(bench, router, lambda found: found.pairs + found.dropped >= 99)
        assert abs(found.asked + found.dropped - 100) <= 1
        await router.apply(shadowed(bench, one, two, None), 1)
        before = two[0].total
        await bench.ask(REQUESTS)
        assert two[0].total == before


@story
@needs("serves", "mirror")
async def test_only_the_methods_that_are_named_are_copied(bench: RouterBench) -> None:
    one, two = both(bench)
    async with bench.running() as router:
        await router.apply(shadowed(bench, one, two), 1)
        await bench.ask(20, "POST")
        await bench.ask(10, "DELETE")
        await bench.ask(5)
        await came(bench, router, lambda found: found.pairs == 5)
        assert set(two[0].asked) == {"GET"}
        await router.apply(shadowed(bench, one, two, Mirror("two", ALL, ("DELETE", "PATCH", "OPTIONS"))), 1)
        for method in ("DELETE", "PATCH", "OPTIONS"):
            await bench.ask(5, method)
        await came(bench, router, lambda found: found.pairs == 20)
        assert two[0].asked == {"GET": 5, "DELETE": 5, "PATCH": 5, "OPTIONS": 5}


@story
@needs("serves", "mirror", "match")
async def test_what_insiders_ask_of_another_group_is_not_copied(bench: RouterBench) -> None:
    """Who gets copies may have insiders of its own; it is compared with live, and not with itself."""
    one, two = both(bench)
    wanted = bench.traffic(
        {"one": one, "two": two}, {"one": ALL}, "one", insiders=[(Match(header="X-Staff: yes"), "two")], mirror=GETS
    )  # fmt: skip
    async with bench.running() as router:
        await router.apply(wanted, 1)
        user = bench.user()
        for number in range(20):
            assert (await user.ask(headers="X-Staff: yes\r\n" if number % 2 else ""))[0] == 200
        user.close()
        found = await came(bench, router, lambda found: found.pairs == 10)
        assert found.asked == 10
        assert two[0].total == 20, "ten insiders, and ten copies"


@story
@needs("serves", "mirror")
async def test_a_copy_carries_what_the_request_did_and_says_that_it_is_one(bench: RouterBench) -> None:
    """Path, query, host, headers and body, as live got them; not what is between two neighbours only (RFC 9110, 7.6.1). Nobody
    but a router can say that a request is a copy, and nobody can take off it what tells a service whose it is."""
    one, two = both(bench)
    async with bench.running() as router:
        await router.apply(shadowed(bench, one, two, Mirror("two", ALL, ("GET", "POST"))), 1)
        user = bench.user()
        headers = "X-Own: 1\r\nX-Own: 2\r\nCookie: a=b\r\nConnection: Host, Cookie\r\nTE: trailers\r\nPlainsail-Copy: 7\r\n"
        await user.ask("POST", headers, "/a%20b?q=1&r=%26", sends="x=1&y=ü")
        await user.ask("GET", "X-Own: 3\r\n", "/plain")
        user.close()
        await came(bench, router, lambda found: found.pairs == 2)
        (posted, body), (got, _) = sorted(two[0].heads, key=lambda one: not one[0].startswith("POST"))
        lines = {line.partition(":")[0].lower() for line in posted.split("\r\n")[1:]}
        fields = [line.lower() for line in posted.split("\r\n")]
        assert posted.startswith("POST /a%20b?q=1&r=%26 HTTP/1.1\r\n")
        assert body.decode() == "x=1&y=ü"
        assert "host: shop.example" in fields
        assert [line for line in fields if line.startswith("x-own")] == ["x-own: 1", "x-own: 2"]
        assert "cookie: a=b" in fields
        assert not lines & {"te", "user-agent", "accept"}
        assert "plainsail-copy: 1" in fields
        assert sum(line.startswith("plainsail-copy") for line in fields) == 1
        assert "x-own: 3" in got.lower()
        for backend in one:
            assert not any("plainsail-copy" in head.lower() for head, _ in backend.heads)


@story
@needs("serves", "mirror")
async def test_bodies_are_compared(bench: RouterBench) -> None:
    """Short ones whole, others by their length; where the length is the same and long, as the same."""
    one, two = both(bench)
    async with bench.running() as router:
        await router.apply(shadowed(bench, one, two), 1)
        pairs = differing = 0
        for ours, theirs, differs in (
            ("the same", "the same", False),
            ("one", "two", True),
            ("", "", False),
            ("", "x", True),
            ("x" * 100_000, "x" * 100_000, False),
            ("x" * 100_000, "x" * 99_999, True),
            ("x", "x" * 100_000, True),
        ):
            for backend in one:
                backend.says = ours
            two[0].says = theirs
            assert await bench.ask(10) == {(200, ours): 10}
            pairs, differing = pairs + 10, differing + 10 * differs
            found = await came(bench, router, _pairs(pairs))
            assert (found.compared, found.bodies, found.differing) == (pairs, differing, differing), (
                ours[:9], theirs[:9],
            )  # fmt: skip
            assert (found.statuses, found.failures) == (0, 0)


@story
@needs("serves", "mirror")
async def test_no_more_are_under_way_than_there_is_room_for(bench: RouterBench) -> None:
    """Copies that hang take their places for their time, and what finds none is counted as dropped."""
    one, two = both(bench, "hang")
    async with bench.running() as router:
        await router.apply(shadowed(bench, one, two), 1)
        assert await bench.ask(400) == {(200, "the same"): 400}
        found = await came(bench, router, lambda found: found.pairs + found.dropped == 400)
        assert 0 < found.asked < 400
        assert two[0].total <= found.asked
        for backend in two:
            backend.mode = "ok"
        await bench.ask(10)
        again = await came(bench, router, lambda again: again.answered == 10)
        assert again.dropped == found.dropped, "all places are free again"


@story
@needs("serves", "mirror")
async def test_streams_flow_and_sockets_are_not_copied(bench: RouterBench) -> None:
    """The first word of a stream that never ends comes, although it is copied; a WebSocket is the user's alone."""
    one, two = both(bench)
    async with bench.running() as router:
        await router.apply(shadowed(bench, one, two), 1)
        for path, headers, word in (
            ("/stream", "", b"data: first"),
            ("/ws", "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
             "Sec-WebSocket-Version: 13\r\n", b"data: tick"),
        ):  # fmt: skip
            reader, writer = await asyncio.open_connection("127.0.0.1", bench.port)
            writer.write(f"GET {path} HTTP/1.1\r\nHost: shop.example\r\n{headers}\r\n".encode())
            async with asyncio.timeout(20):
                await reader.readuntil(word)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
        await came(bench, router, lambda found: found.asked == 1)
        assert {head.split(" ", 2)[1] for head, _ in two[0].heads} <= {"/stream"}
        assert await bench.ask(10) == {(200, "the same"): 10}


def _pairs(number: int) -> Callable[[Mirrored], bool]:
    return lambda found: found.pairs == number
