"""A table goes in, is in force, and is read back: shares, members, services, and what is refused."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from plainsail.domain.buckets import bucket
from plainsail.domain.service import Shield, Sticky
from plainsail.domain.traffic import Traffic
from plainsail.domain.units import ALL
from plainsail.ports.errors import Rejected, Unsupported
from plainsail.ports.router import Router
from plainsail.testing.conformance.bench import needs, story
from plainsail.testing.conformance.router.bench import RouterBench, by_group

REQUESTS = 1000


@story
async def test_what_is_applied_is_what_is_observed(bench: RouterBench) -> None:
    """`observe` reports the table in force, equal to what was applied: members, shares, live, shield. Groups without a
    share, a service without members and one that nobody answers are tables too."""
    one, two = bench.group("one", 2), bench.group("two", 1)
    groups = {"one": one, "two": two}
    tables = [
        bench.traffic({"one": one}, {"one": ALL}, "one"),
        bench.traffic(groups, {"one": ALL}, "one"),
        bench.traffic(groups, bench.shares(1000), "one"),
        bench.traffic(groups, bench.shares(ALL // 2), "one", shield=Shield(enabled=False)),
        bench.traffic({"one": one[:1], "two": two}, {"two": ALL}, "two"),
        bench.traffic({"two": two}, {"two": ALL}, "two"),
        bench.traffic({"two": two}, {"two": ALL}, None),
        bench.traffic({"two": two}, {}, "two"),
        bench.traffic({}, {}, None),
    ]
    async with bench.running() as router:
        for wanted in (*tables, *reversed(tables)):
            await router.apply(wanted, 1)
            assert (await router.observe("shop")).traffic == wanted


@story
async def test_doing_it_again_does_no_harm(bench: RouterBench) -> None:
    """`apply` is set-shaped: the same table any number of times, under the same or a newer epoch, is the same table."""
    groups = {"one": bench.group("one", 2), "two": bench.group("two", 1)}
    wanted = bench.traffic(groups, bench.shares(2500), "one")
    async with bench.running() as router:
        for epoch in (1, 1, 1, 2, 3):
            await router.apply(wanted, epoch)
            assert (await router.observe("shop")).traffic == wanted


@story
async def test_of_a_service_it_was_never_told_of_it_knows_nothing(bench: RouterBench) -> None:
    """`observe` says None rather than fail, before the first `apply` and after `remove`."""
    one = bench.group("one", 1)
    async with bench.running() as router:
        assert (await router.observe("shop")).traffic is None
        await router.apply(bench.traffic({"one": one}, {"one": ALL}, "one"), 1)
        assert (await router.observe("blog")).traffic is None
        await router.remove("shop", 1)
        assert (await router.observe("shop")).traffic is None
        await router.remove("shop", 1)
        await router.remove("blog", 1)
        if bench.serves:
            assert "one" not in by_group(await bench.ask())
        again = bench.traffic({"one": one}, {"one": ALL}, "one")
        await router.apply(again, 1)
        assert (await router.observe("shop")).traffic == again


@pytest.mark.parametrize("share", [0, 100, 2500, ALL // 2, ALL])
@story
@needs("serves", "splits")
async def test_shares_are_kept(bench: RouterBench, share: int) -> None:
    """Of users' requests each group gets its share: all or nothing exactly, anything between as near as chance allows
    (five standard deviations), and every member its part."""
    groups = {"one": bench.group("one", 2), "two": bench.group("two", 2)}
    async with bench.running() as router:
        wanted = bench.traffic(groups, bench.shares(share), "one")
        await router.apply(wanted, 1)
        got = by_group(await bench.ask(REQUESTS))
        part = wanted.share("two") / ALL
        assert got["one"] + got["two"] == REQUESTS
        assert abs(got["two"] - REQUESTS * part) <= 5 * (REQUESTS * part * (1 - part)) ** 0.5
        for group, backends in groups.items():
            for one in backends:
                assert one.total >= got[group] / len(backends) / 3


@story
@needs("serves")
async def test_changes_lose_no_request(bench: RouterBench) -> None:
    """Whatever is changed, users on kept and on new connections are answered: switches between groups, members that
    come and go, shares up and down. New members and shares are raised before old ones are lowered."""
    one, two = bench.group("one", 2), bench.group("two", 2)
    groups = {"one": one, "two": two}
    tables = [
        bench.traffic({"one": one}, {"one": ALL}, "one"),
        bench.traffic(groups, {"one": ALL}, "one"),
        bench.traffic(groups, bench.shares(1000), "one"),
        bench.traffic(groups, bench.shares(ALL // 2), "one"),
        bench.traffic(groups, {"two": ALL}, "two"),
        bench.traffic({"two": two}, {"two": ALL}, "two"),
        bench.traffic({"one": one, "two": two[:1]}, {"two": ALL}, "two"),
        bench.traffic({"one": one[:1]}, {"one": ALL}, "one"),
    ]
    async with bench.running() as router:
        await router.apply(tables[0], 1)
        async with bench.asking() as seen:
            for number in range(24):
                await router.apply(tables[number % len(tables)], 1)
                await asyncio.sleep(0.05)
        got = by_group(seen)
        assert set(got) == {"one", "two"}, "nobody was told anything but an answer"


@story
@needs("serves")
async def test_a_switch_holds_from_the_moment_apply_returns(bench: RouterBench) -> None:
    """When `apply` has returned, no new request goes where it must not: neither over a new connection nor over one
    that a user has kept."""
    one, two = bench.group("one", 1), bench.group("two", 1)
    before = bench.traffic({"one": one}, {"one": ALL}, "one")
    after = bench.traffic({"two": two}, {"two": ALL}, "two")
    async with bench.running() as router:
        kept = bench.user()
        for wanted, name in ((before, "one-0"), (after, "two-0")) * 3:
            await router.apply(wanted, 1)
            assert [(await kept.ask())[1] for _ in range(5)] == [name] * 5
            assert await bench.ask(20, keep=False) == {(200, name): 20}


@story
@needs("serves")
async def test_who_is_no_member_any_more_finishes_what_it_has_begun(bench: RouterBench) -> None:
    """A member that is no longer named gets nothing new, but the answer it is giving comes to its end. `sessions` counts
    its open connection as long as it has one; then it is forgotten."""
    one, two = bench.group("one", 1), bench.group("two", 1)
    async with bench.running() as router:
        await router.apply(bench.traffic({"one": one}, {"one": ALL}, "one"), 1)
        reader, writer = await asyncio.open_connection("127.0.0.1", bench.port)
        writer.write(b"GET /stream HTTP/1.1\r\nHost: shop.example\r\n\r\n")
        assert b"200" in await reader.readuntil(b"\r\n\r\n")
        await bench.comes(router, lambda seen: seen.sessions.get("one-0") == 1)
        await router.apply(bench.traffic({"two": two}, {"two": ALL}, "two"), 1)
        for _ in range(10):
            assert await reader.read(1000), "the stream goes on"
        assert (await router.observe("shop")).sessions.get("one-0") == 1
        assert await bench.ask(20) == {(200, "two-0"): 20}
        writer.close()
        await bench.comes(router, lambda seen: not seen.sessions.get("one-0"))


@story
@needs("serves")
async def test_instances_that_died_are_passed_over(bench: RouterBench) -> None:
    """A member that refuses connections costs no user anything while its group has others."""
    one = bench.group("one", 3)
    async with bench.running() as router:
        wanted = bench.traffic({"one": one}, {"one": ALL}, "one")
        await router.apply(wanted, 1)
        await asyncio.to_thread(bench.shut, one[0])
        assert by_group(await bench.ask(60, "POST")) == {"one": 60}
        assert (await router.observe("shop")).traffic == wanted, "what is wanted is the engine's to say"


@story
@needs("serves")
async def test_where_nobody_is_users_are_told_at_once(bench: RouterBench) -> None:
    """A group with a share and without members, or a split of nobody: refused, or users are answered 5xx or by the other
    groups; never kept waiting, and never given another service."""
    one = bench.group("one", 1)
    async with bench.running() as router:
        for wanted in (
            bench.traffic({"one": one}, {}, "one"),
            bench.traffic({}, {}, None),
            bench.traffic({}, {"one": ALL}, "one"),
            bench.traffic({"one": one}, {"two": ALL}, "one"),
        ):
            try:
                await router.apply(wanted, 1)
            except (Rejected, Unsupported):
                continue
            assert set(by_group(await bench.ask(5))) <= {"one", "502", "503", "504"}
        whole = bench.traffic({"one": one}, {"one": ALL}, "one")
        await router.apply(whole, 1)
        assert by_group(await bench.ask(5)) == {"one": 5}


@story
async def test_services_do_not_disturb_each_other(bench: RouterBench) -> None:
    """Tables, hosts and removal of one service are its own, also where groups and instances have the same names; while
    another comes and goes, users of the first lose nothing."""
    shop, blog = bench.group("one", 1), bench.group("two", 1)
    async with bench.running() as router:
        first = bench.traffic({"g": shop}, {"g": ALL}, "g", hosts=("shop.example",))
        second = bench.traffic({"g": blog}, {"g": ALL}, "g", service="blog", hosts=("blog.example",))
        await router.apply(first, 5)
        async with bench.asking() as seen:
            await router.apply(second, 1)
            assert (await router.observe("shop")).traffic == first
            assert (await router.observe("blog")).traffic == second
            if bench.serves:
                assert by_group(await bench.ask(5, host="blog.example")) == {"two": 5}
                assert by_group(await bench.ask(5, host="shop.example")) == {"one": 5}
            await router.remove("blog", 1)
            assert (await router.observe("blog")).traffic is None
            assert (await router.observe("shop")).traffic == first
            if bench.serves:
                assert not {"one", "two"} & set(by_group(await bench.ask(1, host="blog.example")))
        assert set(by_group(seen)) <= {"one"}


@story
async def test_looks_and_changes_at_once_do_no_harm(bench: RouterBench) -> None:
    """`observe` while an `apply` is under way reports the table before or the one after, and no third."""
    groups = {"one": bench.group("one", 2), "two": bench.group("two", 2)}
    tables = [bench.traffic(groups, bench.shares(share), "one") for share in (0, 5000)]
    async with bench.running() as router:
        await router.apply(tables[0], 1)
        for number in range(1, 7):
            found = await asyncio.gather(
                router.observe("shop"), router.apply(tables[number % 2], 1), router.observe("shop")
            )
            assert all(seen.traffic in tables for seen in (found[0], found[2]))
            assert (await router.observe("shop")).traffic == tables[number % 2]


@story
async def test_what_cannot_be_a_name_is_refused_and_changes_nothing(bench: RouterBench) -> None:
    """Names that would be understood as something else by what is behind the driver raise Rejected, or are taken letter
    by letter. The traffic in force stays as it was."""
    one = bench.group("one", 1)
    good = bench.traffic({"one": one}, {"one": ALL}, "one")
    async with bench.running() as router:
        await router.apply(good, 1)
        for name in ("a b", "a\nb", "a;b", "../a", "a{b}", "a#b", "", '"', "\x00"):
            for bad in (
                replace(bench.traffic({"one": one}, {"one": ALL}, "one"), hosts=(name,)),
                bench.traffic({name: one}, {name: ALL}, name),
                bench.traffic({"one": one}, {"one": ALL}, "one", service=name, hosts=("other.example",)),
            ):
                await _refused_or_taken(router, bad)
            await router.apply(good, 1)
            assert (await router.observe("shop")).traffic == good
            if bench.serves:
                assert await bench.ask(3) == {(200, "one-0"): 3}


@story
async def test_what_it_cannot_do_is_unsupported(bench: RouterBench) -> None:
    """What the driver's Capabilities deny raises Unsupported, and changes nothing."""
    groups = {"one": bench.group("one", 1), "two": bench.group("two", 1)}
    can = bench.driver.capabilities
    whole = bench.traffic(groups, {"one": ALL}, "one")
    beyond: list[Traffic] = []
    if not can.sticky_cookie:
        beyond.append(replace(whole, sticky=Sticky(cookie="who")))
    if not can.sticky_header:
        beyond.append(replace(whole, sticky=Sticky(header="X-User")))
    if not can.shield:
        beyond.append(replace(whole, shield=Shield()))
    if can.granularity_bp != 1:
        beyond.append(bench.traffic(groups, {"one": ALL - 1, "two": 1}, "one"))
    async with bench.running() as router:
        await router.apply(whole, 1)
        for wanted in beyond:
            with pytest.raises(Unsupported):
                await router.apply(wanted, 1)
            assert (await router.observe("shop")).traffic == whole


@story
@needs("serves", "splits", "sticky_header")
async def test_users_stay_where_their_header_says(bench: RouterBench) -> None:
    """With `sticky.header`, who carries the same identity meets the same group as long as shares stay; when a share
    grows, those who had the group keep it and others join."""
    await _stays(bench, Sticky(header="X-User"), "X-User: user-{}")


@story
@needs("serves", "splits", "sticky_cookie")
async def test_users_stay_where_their_cookie_says(bench: RouterBench) -> None:
    """The same with `sticky.cookie`; and a user without the cookie is given one, and stays where it was then."""
    async with bench.running() as router:
        groups = {"one": bench.group("one", 1), "two": bench.group("two", 1)}
        wanted = bench.traffic(groups, bench.shares(ALL // 2), "one", sticky=Sticky(cookie="who"))
        await router.apply(wanted, 1)
        for _ in range(5):
            _, first, cookie = await bench.user().ask()
            assert cookie.startswith("who=")
            again, given = bench.user(), cookie.partition(";")[0]
            assert [(await again.ask(headers=f"Cookie: {given}\r\n"))[1] for _ in range(10)] == [first] * 10
    await _stays(bench, Sticky(cookie="who"), "Cookie: who=user-{}")


@story
@needs("serves", "splits", "sticky_header")
async def test_who_stays_where_is_read_from_the_documented_hash(bench: RouterBench) -> None:
    """So that users keep what they have when another router takes over (`plainsail.domain.buckets`). A salt deals them anew,
    and without it each is back where they were."""
    groups = {"one": bench.group("one", 1), "two": bench.group("two", 1)}
    wanted = bench.traffic(groups, bench.shares(ALL // 2), "one", sticky=Sticky(header="X-User"))
    share = wanted.share("two")
    async with bench.running() as router:
        for salt in ("", "r-1", "r-2", ""):
            table = replace(wanted, salt=salt)
            await router.apply(table, 1)
            assert (await router.observe("shop")).traffic == table
            client = bench.user()
            for number in range(100):
                _, said, _ = await client.ask(headers=f"X-User: user-{number}\r\n")
                assert said == ("two-0" if bucket("shop", f"user-{number}", salt) < share else "one-0")


async def _stays(bench: RouterBench, sticky: Sticky, identity: str) -> None:
    groups = {"one": bench.group("one", 1), "two": bench.group("two", 1)}
    async with bench.running() as router:
        before: set[int] = set()
        for share in (0.1, 0.5, 0.9):
            wanted = bench.traffic(groups, bench.shares(round(share * ALL)), "one", sticky=sticky)
            await router.apply(wanted, 1)
            assert (await router.observe("shop")).traffic == wanted
            client = bench.user()
            now = [
                {
                    n
                    for n in range(150)
                    if (await client.ask(headers=identity.format(n) + "\r\n"))[1] == "two-0"
                }
                for _ in range(2)
            ]
            assert now[0] == now[1]
            assert abs(len(now[0]) - 150 * share) <= 5 * (150 * share * (1 - share)) ** 0.5
            assert before <= now[0]
            before = now[0]


async def _refused_or_taken(router: Router, bad: Traffic) -> None:
    try:
        await router.apply(bad, 1)
    except (Rejected, Unsupported):
        return
    assert (await router.observe(bad.service)).traffic == bad
    await router.remove(bad.service, 1)
