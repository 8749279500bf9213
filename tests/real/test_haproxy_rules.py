"""Rules for insiders in a real HAProxy: networks, users who are handed on, hand edits, control planes that die at any command."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from tests.real.haproxy_world import (
    Place,
    Street,
    User,
    binaries,
    place,
    story,
    street,
    traffic,
)

from plainsail.domain.match import Match
from plainsail.domain.traffic import GroupShare, Route
from plainsail.domain.units import ALL
from plainsail.drivers.routers.haproxy import HAProxy, cli, rules, template
from plainsail.drivers.routers.haproxy.cli import Session, session

__all__ = ["place", "street"]
HEADER = Match(header="X-Staff: yes")


class Died(BaseException):
    """Of a control plane: nobody catches it."""


async def through_relay(place: Place, source: str, head: str = "") -> str:
    """Ask the worker as an older one hands on, for a user with this address: the instance."""
    kind = "TCP6" if ":" in source else "TCP4"
    mine = "::1" if ":" in source else "127.0.0.1"
    reader, writer = await cli._connect(place.directory, template.RELAY)
    writer.write(
        f"PROXY {kind} {source} {mine} 1234 80\r\nGET / HTTP/1.1\r\nHost: shop\r\n{head}Connection: close\r\n\r\n".encode()
    )
    answer = (await reader.read()).decode()
    writer.close()
    return answer.partition("\r\n\r\n")[2]


@binaries
@story
async def test_networks_are_of_the_address_that_a_user_has(place: Place, street: Street) -> None:
    """Near misses on every side, in both families. An IPv4 address within an IPv6 one counts where the kernel put it, and
    not where a user might have (6to4)."""
    groups = {"g1": street.group("g1", 1), "g2": street.group("g2", 1)}
    networks = ("10.1.0.0/16", "192.0.2.7", "2001:db8:1::/48")
    async with place.router() as router:
        plain = traffic(groups, {"g1": ALL}, "g1")
        led = Route(Match(networks=networks), (GroupShare("g2", ALL),))
        await router.apply(replace(plain, routes=(led, *plain.routes)), 1)
        inside = (
            "10.1.0.0",
            "10.1.255.255",
            "192.0.2.7",
            "2001:db8:1::",
            "2001:db8:1:ffff::1",
            "::ffff:10.1.2.3",
        )
        outside = (
            "10.0.255.255", "10.2.0.0", "192.0.2.6", "192.0.2.8", "2001:db8:0:ffff::", "2001:db8:2::", "::1", "127.0.0.1",
            "2002:0a01:0203::1", "::10.1.2.3", "::ffff:10.2.2.3", "64:ff9b::10.1.2.3",
        )  # fmt: skip
        for source in inside:
            assert await through_relay(place, source) == "g2-0", source
        for source in outside:
            spoofed = "X-Forwarded-For: 10.1.0.1\r\n"
            assert await through_relay(place, source, spoofed) == "g1-0", source


@binaries
@story
async def test_users_whom_an_older_worker_hands_on_are_who_they_were(place: Place, street: Street) -> None:
    """Insiders and outsiders by network, all over connections that they kept through reloads."""
    groups = {"g1": street.group("g1", 1), "g2": street.group("g2", 1)}
    blog = traffic(
        {"g1": street.group("blog", 1)}, {"g1": ALL}, "g1", service="blog", hosts=("blog.example",)
    )
    async with place.router() as router:
        plain = traffic(groups, {"g1": ALL}, "g1")
        led = Route(Match(networks=("127.0.0.8/30",)), (GroupShare("g2", ALL),))
        await router.apply(replace(plain, routes=(led, *plain.routes)), 1)
        for epoch in range(1, 4):
            people = [
                (User(place.port, source=source), "g2-0" if source == "127.0.0.9" else "g1-0")
                for source in ("127.0.0.1", "127.0.0.9", "127.0.0.7") * 10
            ]
            for user, where in people:
                assert (await user.ask())[1] == where
            await (router.remove("blog", epoch) if epoch == 2 else router.apply(blog, epoch))
            for user, where in people:
                assert (await user.ask())[1] == where
                assert (await user.ask())[1] == where
                user.close()


@binaries
@story
async def test_a_value_changes_without_a_reload_and_a_name_with_one(place: Place, street: Street) -> None:
    groups = {"g1": street.group("g1", 1), "g2": street.group("g2", 1)}
    plain = traffic(groups, {"g1": ALL}, "g1")
    async with place.router() as router:
        worker = []
        for match in (HEADER, Match(header="X-Staff: no"), Match(header="X-Admin: no")):
            await router.apply(
                replace(plain, routes=(Route(match, (GroupShare("g2", ALL),)), *plain.routes)), 1
            )
            async with session(place.directory) as line:
                worker.append(await line.ask("get var proc.born"))
            asked = match.header or ""
            assert (await User(place.port).ask(headers=f"{asked}\r\n"))[1] == "g2-0"
            assert (await User(place.port).ask(headers="X-Staff: yes\r\nX-Staff: no\r\n"))[1] == "g1-0"
        assert worker[0] == worker[1] != worker[2]


@binaries
@story
async def test_headers_longer_than_all_buffers_are_nobodys(place: Place, street: Street) -> None:
    groups = {"g1": street.group("g1", 1), "g2": street.group("g2", 1)}
    plain = traffic(groups, {"g1": ALL}, "g1")
    value = "a" * rules.LONGEST
    led = Route(Match(header=f"X-A: {value}"), (GroupShare("g2", ALL),))
    async with place.router() as router:
        await router.apply(replace(plain, routes=(led, *plain.routes)), 1)
        assert (await User(place.port).ask(headers=f"X-A: {value}\r\n"))[1] == "g2-0"
        for more in (1, 512, 4096, 7168, 8192, 12_000, 14_000):
            status, where, _ = await User(place.port).ask(headers=f"X-A: {value}{'a' * more}\r\n")
            assert (status, where) == (200, "g1-0")


EDITS = [
    "set map split-shop.map {key} home",
    "set map split-shop.map {key} 2",
    "set map split-shop.map {key} 9",
    "del map split-shop.map {key}",
    "add map split-shop.map r1.0123456789abcdef.00 1",
    "add map split-shop.map r99.x 1",
    "set map split-shop.map s1.0 g1-0",
    "set map split-shop.map g1 g1",
    "set weight shop/g2-0 100",
]


@binaries
@story
async def test_rules_that_were_edited_by_hand_are_seen_and_put_right(place: Place, street: Street) -> None:
    groups = {name: street.group(name, 1) for name in ("g1", "g2", "g3")}
    plain = traffic(groups, {"g1": ALL}, "g1")
    led = tuple(
        Route(match, (GroupShare(group, ALL),))
        for match, group in ((HEADER, "g2"), (Match(cookie="a=b"), "g3"))
    )
    wanted = replace(plain, routes=(*led, *plain.routes))
    async with place.router() as router:
        for edit in EDITS:
            await router.apply(wanted, 1)
            assert (await router.observe("shop")).traffic == wanted
            async with session(place.directory) as line:
                await line.ask(edit.format(key=rules.key(1, HEADER)))
            assert (await router.observe("shop")).traffic != wanted, edit
        await router.apply(wanted, 1)
        assert (await router.observe("shop")).traffic == wanted
        assert (await User(place.port).ask(headers="X-Staff: yes\r\n"))[1] == "g2-0"


@pytest.mark.parametrize("away", [False, True])
@binaries
@story
async def test_a_control_plane_that_dies_between_any_two_commands_shows_nobody_the_dark_group(
    place: Place, street: Street, monkeypatch: pytest.MonkeyPatch, away: bool
) -> None:
    """A rule comes, or goes away, with its group; users ask where each death left it, before anybody mends it."""
    groups = {"g1": street.group("g1", 1), "g2": street.group("g2", 2)}
    plain = traffic({"g1": groups["g1"]}, {"g1": ALL}, "g1")
    led = Route(HEADER, (GroupShare("g2", ALL),))
    dark = replace(traffic(groups, {"g1": ALL}, "g1"), routes=(led, *plain.routes))
    before, after = (dark, plain) if away else (plain, dark)
    ask, left = Session.ask, 0

    async def dies(self: Session, command: str) -> str:
        nonlocal left
        left -= 1
        if left < 0:
            raise Died
        return await ask(self, command)

    async with place.router() as router:
        for survived in range(60):
            await router.apply(before, 1)
            left = survived
            monkeypatch.setattr(Session, "ask", dies)
            try:
                await router.apply(after, 1)
                done = True
            except Died:
                done = False
            monkeypatch.setattr(Session, "ask", ask)
            user = User(place.port)
            assert {(await user.ask("POST"))[1] for _ in range(6)} == {"g1-0"}, f"after {survived} commands"
            assert (await user.ask(headers="X-Staff: yes\r\n"))[0] == 200
            user.close()
            again = HAProxy(place.config, place.site)
            await again.start()
            await again.apply(after, 1)
            assert (await again.observe("shop")).traffic == after
            await again.stop()
            if done:
                break
        assert survived > 5, "so many commands it takes"
        assert done
