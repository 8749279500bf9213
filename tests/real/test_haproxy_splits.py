"""Shares to the basis point, sticky users, and what answers when nothing does."""

from __future__ import annotations

import asyncio
import re
from collections import Counter

import pytest
from msgspec.structs import replace
from tests.real.haproxy_world import (
    Place,
    Street,
    User,
    binaries,
    counts,
    place,
    story,
    street,
    traffic,
    users,
)

from plainsail.domain.buckets import bucket
from plainsail.domain.service import Sticky
from plainsail.domain.units import ALL
from plainsail.drivers.routers.haproxy import Config
from plainsail.ports.errors import Rejected, Unsupported

__all__ = ["place", "street"]
pytestmark = binaries


def by_group(seen: Counter[tuple[int, str]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for (status, instance), number in seen.items():
        total[instance.rpartition("-")[0] if status == 200 else str(status)] += number
    return total


@pytest.mark.parametrize("share", [100, 1000, 3333, 5000])
@story
async def test_ten_thousand_requests_are_split_to_the_basis_point(
    place: Place, street: Street, share: int
) -> None:
    live, cand = street.group("g1", 4), street.group("g2", 1)
    async with place.router() as router:
        wanted = traffic({"g1": live, "g2": cand}, {"g1": ALL - share, "g2": share}, "g1")
        await router.apply(wanted, 1)
        await users(place.port, 37)  # wherever the walk stands
        seen = await users(place.port, ALL)
        assert by_group(seen) == {"g1": ALL - share, "g2": share}
        lives = [backend.total for backend in live]
        assert max(lives) - min(lives) <= 2
        assert (await counts(router, "g2")).requests == cand[0].total


@story
async def test_three_groups_and_their_members_share_evenly(place: Place, street: Street) -> None:
    groups = {"g1": street.group("g1", 2), "g2": street.group("g2", 3), "g3": street.group("g3", 2)}
    async with place.router() as router:
        wanted = traffic(groups, {"g1": 5000, "g2": 3000, "g3": 2000}, "g1")
        await router.apply(wanted, 1)
        seen = await users(place.port, ALL)
        assert by_group(seen) == {"g1": 5000, "g2": 3000, "g3": 2000}
        assert {seen[(200, f"g2-{number}")] for number in range(3)} == {1000}
        assert {seen[(200, f"g3-{number}")] for number in range(2)} == {1000}
        assert (await router.observe("shop")).traffic == wanted


@pytest.mark.parametrize("by", ["cookie", "header"])
@story
async def test_sticky_users_are_where_the_arithmetic_says(place: Place, street: Street, by: str) -> None:
    live, cand = street.group("g1", 1), street.group("g2", 1)

    def user(number: int) -> str:
        return f"user {number}é@example.com" if by == "header" else f"u-{number:x}"

    async with place.router() as router:
        sticky = Sticky(cookie="uid") if by == "cookie" else Sticky(header="X-User")
        wanted = traffic({"g1": live, "g2": cand}, {"g1": 7000, "g2": 3000}, "g1", sticky=sticky)
        await router.apply(wanted, 1)
        assert (await router.observe("shop")).traffic == wanted
        client = User(place.port)
        for number in range(1000):
            header = (
                f"Cookie: a=b; uid={user(number)}\r\n" if by == "cookie" else f"X-User: {user(number)}\r\n"
            )
            _, instance, cookie = await client.ask(headers=header)
            assert instance == ("g2-0" if bucket("shop", user(number)) < 3000 else "g1-0")
            assert not cookie, "who has an identity is given none"


@story
async def test_a_salt_deals_users_anew_without_a_reload(place: Place, street: Street) -> None:
    """With the shares, in one commit of the map; a salt that could be something else in the map is refused."""
    live, cand = street.group("g1", 1), street.group("g2", 1)
    sticky = Sticky(cookie="uid")
    async with place.router() as router:
        await router.apply(traffic({"g1": live, "g2": cand}, {"g1": ALL}, "g1", sticky=sticky), 1)
        config = (place.directory / "haproxy.cfg").read_text()
        client = User(place.port)
        for salt, share in (("r-1", 3000), ("r-2", 3000), ("", 5000)):
            split = {"g1": ALL - share, "g2": share}
            wanted = replace(traffic({"g1": live, "g2": cand}, split, "g1", sticky=sticky), salt=salt)
            await router.apply(wanted, 1)
            assert (await router.observe("shop")).traffic == wanted
            for number in range(300):
                _, instance, _ = await client.ask(headers=f"Cookie: uid=u-{number:x}\r\n")
                assert instance == ("g2-0" if bucket("shop", f"u-{number:x}", salt) < share else "g1-0")
        for bad in ("r 1", "r\n1", "../r", "r/1:"):
            with pytest.raises(Rejected):
                await router.apply(replace(wanted, salt=bad), 1)
        assert (place.directory / "haproxy.cfg").read_text().count("server g") == 2
        assert _identity(config) == _identity((place.directory / "haproxy.cfg").read_text())


def _identity(config: str) -> str:
    """Of all that takes a reload to change."""
    return next(line for line in config.splitlines() if "proc.identity" in line)


@story
async def test_a_user_without_a_cookie_gets_one_and_stays(place: Place, street: Street) -> None:
    live, cand = street.group("g1", 1), street.group("g2", 1)
    async with place.router() as router:
        sticky = Sticky(cookie="uid")
        await router.apply(
            traffic({"g1": live, "g2": cand}, {"g1": 5000, "g2": 5000}, "g1", sticky=sticky), 1
        )
        client, seen = User(place.port), Counter[str]()
        for _ in range(100):
            _, first, cookie = await client.ask()
            found = re.fullmatch(
                r"uid=([0-9a-f-]{36}); Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax", cookie
            )
            assert found
            assert first == ("g2-0" if bucket("shop", found[1]) < 5000 else "g1-0"), "at once"
            assert (await client.ask(headers=f"Cookie: uid={found[1]}\r\n"))[1] == first
            seen[first] += 1
        assert min(seen.values()) > 20


@story
async def test_hosts_lead_to_their_services(place: Place, street: Street) -> None:
    shop, blog = street.group("shop", 1), street.group("blog", 1)
    async with place.router() as router:
        await router.apply(traffic({"g1": shop}, {"g1": ALL}, "g1", hosts=("Shop.example", "s.example")), 1)
        await router.apply(
            traffic({"g1": blog}, {"g1": ALL}, "g1", service="blog", hosts=("blog.example",)), 1
        )

        async def at(host: str) -> tuple[int, str]:
            reader, writer = await asyncio.open_connection("127.0.0.1", place.port)
            writer.write(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            answer = (await reader.read()).decode()
            writer.close()
            return int(answer.split(" ")[1]), answer.partition("\r\n\r\n")[2]

        assert (
            await at("shop.example")
            == await at("SHOP.example:8080")
            == await at("s.example")
            == (200, "shop-0")
        )
        assert await at("blog.example") == (200, "blog-0")
        assert await at("else.example") == (404, "No service answers for this host.\n")
        with pytest.raises(Rejected) as taken:
            await router.apply(
                traffic({"g1": blog}, {"g1": ALL}, "g1", service="x", hosts=("blog.example",)), 1
            )
        assert taken.value.code == "host_taken"
        await router.remove("blog", 1)
        assert (await at("blog.example"))[0] == 404
        assert (await router.observe("blog")).traffic is None
        whole = traffic({"g1": shop}, {"g1": ALL}, "g1")
        await router.apply(whole, 1)
        assert (await at("else.example")) == (200, "shop-0")
        assert (await router.observe("shop")).traffic == whole


@story
async def test_nobody_is_said_to_be_nobody(place: Place, street: Street) -> None:
    live = street.group("g1", 1)
    async with place.router() as router:
        assert (await users(place.port, 1)) == {(404, "No service answers for this host.\n"): 1}
        for wanted in (
            traffic({"g1": live}, {}, "g1"),
            traffic({}, {}, None),
            traffic({"g1": live}, {}, None),
        ):
            await router.apply(wanted, 1)
            assert await users(place.port, 3) == {(503, "Nothing of shop is in service.\n"): 3}
            assert (await router.observe("shop")).traffic == wanted
        first = traffic({"g1": live}, {"g1": ALL}, None)
        await router.apply(first, 1)
        assert await users(place.port, 3) == {(200, "g1-0"): 3}
        assert (await router.observe("shop")).traffic == first


@story
async def test_where_live_has_nobody_the_others_answer_for_it(place: Place, street: Street) -> None:
    cand = street.group("g2", 2)
    async with place.router() as router:
        wanted = traffic({"g2": cand}, {"g1": 5000, "g2": 5000}, "g1")
        await router.apply(wanted, 1)
        assert by_group(await users(place.port, 200, "POST")) == {"g2": 200}
        seen = await router.observe("shop")
        assert seen.traffic == wanted
        assert seen.counts["g1"].failures == seen.counts["g1"].shielded == seen.counts["g1"].requests
        assert seen.counts["g1"].requests + seen.counts["g2"].requests == 200
        assert seen.counts["g2"].failures == 0


@story
async def test_what_cannot_be_said_to_haproxy_is_refused(place: Place, street: Street) -> None:
    live = street.group("g1", 1)
    async with place.router() as router:
        good = traffic({"g1": live}, {"g1": ALL}, "g1")
        await router.apply(good, 1)
        for bad in (
            traffic({"g1 weight 1": live}, {"g1": ALL}, "g1"),
            traffic({"g1": live}, {"g1": ALL}, "g1", hosts=("a b",)),
            traffic({"g1": live}, {"g1": ALL}, "g1", service="a\nglobal"),
            traffic({"g1": live}, {"g1": ALL}, "g1", sticky=Sticky(cookie="a;b")),
            traffic({"g1": live}, {"g1": ALL}, "g1", sticky=Sticky(cookie="a#b")),
            traffic({"g1": live}, {"g1": ALL}, "g1", sticky=Sticky(header="a'b")),
        ):
            with pytest.raises(Rejected):
                await router.apply(bad, 1)
        many = {f"g{number}": 1000 for number in range(2, 8)}
        with pytest.raises(Unsupported):
            await router.apply(traffic({"g1": live}, {"g1": 4000, **many}, "g1"), 1)
        assert (await router.observe("shop")).traffic == good


def test_a_wrong_address_is_said_in_one_sentence(binary: str) -> None:
    assert Config(listen="8081", binary=binary).check() == "listen: '8081' is not host:port"
    assert Config(connect=0.0, binary=binary).check() == "connect: must be at least 1 ms"
    assert Config(binary=binary).check() is None
