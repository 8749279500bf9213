"""Rules for insiders: who carries all that a rule names reaches its group, and nobody else ever does.

A header or cookie counts if it comes once and its value is the very one; a network, if the connection comes from there,
whatever headers say.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import cycle, islice
from typing import Any

from msgspec.structs import replace

from plainsail.domain.match import Match
from plainsail.domain.observation import Counts
from plainsail.domain.service import Sticky
from plainsail.domain.traffic import Traffic
from plainsail.domain.units import ALL
from plainsail.ports.errors import Rejected, Unsupported
from plainsail.testing.conformance.bench import needs, story
from plainsail.testing.conformance.router.bench import RouterBench
from plainsail.testing.conformance.router.street import Backend, User

HOST, NEAR = Match(hosts=("www-dark.shop.example",)), Match(networks=("127.0.0.8/30",))
HEADER, COOKIE = Match(header="X-Staff: yes, all of us"), Match(cookie="insider=Kx7%20z")
ALL_FOUR = Match(HOST.hosts, HEADER.header, COOKIE.cookie, NEAR.networks)
KINDS = {"host": HOST, "header": HEADER, "cookie": COOKIE, "network": NEAR}

Who = dict[str, str]
"""`host`, `source` and `headers` of a user."""
CARRIES: dict[str, Who] = {
    "host": {"host": "www-dark.shop.example"},
    "header": {"headers": "X-Staff: yes, all of us\r\n"},
    "cookie": {"headers": "Cookie: insider=Kx7%20z\r\n"},
    "network": {"source": "127.0.0.9"},
}
ALSO_INSIDERS: list[Who] = [
    {"host": "WWW-Dark.Shop.Example:8080"},
    {"headers": "x-staff:   yes, all of us \r\n"},
    {"headers": "Cookie: a=b; insider=Kx7%20z; c=d\r\n"},
    {"headers": "Cookie: a=b\r\nCookie: insider=Kx7%20z\r\n"},
    {"source": "127.0.0.8"},
    {"source": "127.0.0.11", "headers": "X-Forwarded-For: 127.0.0.1\r\n"},
]
OUTSIDERS: list[Who] = [
    {},
    *({"host": host} for host in ("dark.shop.example", "www-dark.shop.example.org", "www-dark", "xwww-dark.shop.example")),
    *(
        {"headers": f"{line}\r\n"}
        for line in (
            "X-Staff: Yes, all of us", "X-Staff: yes, all of u", "X-Staff: yes, all of us.", "X-Staff: yes", "X-Staff:",
            "X-Staff: all of us", "X-Staff: yes,  all of us", 'X-Staff: "yes, all of us"', "X-Staff: yes,\r\nX-Staff: all of us",
            "X-Staff: yes, all of us\r\nX-Staff: no", "X-Staff: no\r\nX-Staff: yes, all of us",
            "X-Staff: yes, all of us\r\nX-Staff: yes, all of us", "X-Staf: yes, all of us", "X-Staff2: yes, all of us",
            "Cookie: X-Staff=yes, all of us", f"X-Staff: yes, all of us{'s' * 6000}",
            "Cookie: insider=kx7%20z", "Cookie: insider=Kx7 z", "Cookie: insider=Kx7%20", "Cookie: insider=Kx7%20z2",
            'Cookie: insider="Kx7%20z"', "Cookie: Insider=Kx7%20z", "Cookie: insider2=Kx7%20z", "Cookie: xinsider=Kx7%20z",
            "Cookie: insider=; a=insider=Kx7%20z", "Cookie: insider", "Cookie: insider=Kx7%20z; insider=no",
            "Cookie: insider=no; insider=Kx7%20z", "Cookie: insider=no\r\nCookie: insider=Kx7%20z",
            "Insider: Kx7%20z", "X-Forwarded-For: 127.0.0.9", "X-Forwarded-For: 127.0.0.9, 127.0.0.1", "X-Real-IP: 127.0.0.9",
            "Forwarded: for=127.0.0.9", "True-Client-IP: 127.0.0.9", "X-Forwarded-Host: www-dark.shop.example",
        )
    ),
    *({"source": source} for source in ("127.0.0.7", "127.0.0.12", "127.0.1.9", "127.8.0.9")),
    {"source": "127.0.0.12", "headers": "X-Forwarded-For: 127.0.0.9\r\n"},
]  # fmt: skip
REQUESTS = 2000


async def ask(bench: RouterBench, who: Sequence[Who], method: str = "GET") -> Counter[tuple[int, str]]:
    """One request of each, over connections that those of the same place share."""
    seen: Counter[tuple[int, str]] = Counter()
    users: dict[tuple[str, str | None], User] = {}
    for one in who:
        host, source = one.get("host", "shop.example"), one.get("source")
        user = users.setdefault((host, source), bench.user(host=host, source=source))
        status, body, _ = await user.ask(method, headers=one.get("headers", ""))
        seen[(status, body if status == 200 else "")] += 1
    for user in users.values():
        user.close()
    return seen


def both(*names: str) -> Who:
    """Somebody who carries all of these."""
    found: dict[str, str] = {}
    for name in names:
        found |= {key: found.get(key, "") + value for key, value in CARRIES[name].items()}
    return found


def dark(bench: RouterBench, groups: dict[str, list[Backend]], *matches: Match, **more: Any) -> Traffic:
    """Everybody has `one`; insiders have `dark`."""
    return bench.traffic(groups, {"one": ALL}, "one", insiders=[(match, "dark") for match in matches], **more)


@story
@needs("match")
async def test_rules_for_insiders_are_observed_as_they_were_asked_for(bench: RouterBench) -> None:
    """`observe` reports the whole table: every rule with its match, in order, and who is in its group."""
    groups = {"one": bench.group("one", 2), "dark": bench.group("dark", 2), "two": bench.group("two", 1)}
    odd = Match(header='X-Who: "Zoë" #1 %[src] $HOME \\', cookie="__Host-who=%22'")
    tables = [
        dark(bench, groups),
        *(dark(bench, groups, match) for match in KINDS.values()),
        dark(bench, groups, ALL_FOUR),
        dark(bench, groups, *KINDS.values(), ALL_FOUR),
        dark(bench, groups, *reversed(KINDS.values())),
        dark(bench, groups, odd, Match(networks=("2001:db8::/32", "10.0.0.0/8", "::1/128"))),
        dark(bench, groups, Match(header="X-Staff: no"), hosts=("shop.example", "www.shop.example")),
        bench.traffic(groups, bench.shares(2500), "one", insiders=[(HEADER, "dark"), (COOKIE, "two"), (HOST, "one")]),
        dark(bench, {"one": groups["one"]}, HEADER),
        bench.traffic({"dark": groups["dark"]}, {}, None, insiders=[(HEADER, "dark")]),
        replace(dark(bench, groups, HEADER), unshielded_rules=False),
    ]  # fmt: skip
    async with bench.running() as router:
        for wanted in (*tables, *reversed(tables)):
            await router.apply(wanted, 1)
            assert (await router.observe("shop")).traffic == wanted


@story
@needs("serves", "match")
async def test_who_carries_what_a_rule_names_reaches_its_group_and_nobody_else_does(
    bench: RouterBench,
) -> None:
    """By host, header, cookie and network; 2,000 others, whose host, header, cookie or network is nearly right, do not."""
    groups = {"one": bench.group("one", 2), "dark": bench.group("dark", 2)}
    insiders = [*CARRIES.values(), *ALSO_INSIDERS]
    async with bench.running() as router:
        await router.apply(dark(bench, groups, *KINDS.values()), 1)
        for one in insiders:
            assert {body for _, body in await ask(bench, [one] * 4)} == {"dark-0", "dark-1"}, one
        for one in OUTSIDERS:
            assert {body[:3] for _, body in await ask(bench, [one])} == {"one"}, one
        asked = sum(backend.total for backend in groups["dark"])
        seen = await ask(bench, list(islice(cycle(OUTSIDERS), REQUESTS)))
        assert {(status, body[:3]) for status, body in seen} == {(200, "one")}
        assert asked == sum(backend.total for backend in groups["dark"]) == 4 * len(insiders)


@story
@needs("serves", "match")
async def test_all_that_a_rule_names_must_hold(bench: RouterBench) -> None:
    """With four conditions, whoever carries three of them is an outsider. Each alone holds if one of its values does."""
    groups = {"one": bench.group("one", 1), "dark": bench.group("dark", 1)}
    several = replace(ALL_FOUR, hosts=("a.example", *HOST.hosts), networks=("10.0.0.0/8", *NEAR.networks))
    async with bench.running() as router:
        for match in (ALL_FOUR, several):
            await router.apply(dark(bench, groups, match), 1)
            assert await ask(bench, [both(*CARRIES)] * 5) == {(200, "dark-0"): 5}
            for missing in CARRIES:
                almost = both(*(name for name in CARRIES if name != missing))
                assert await ask(bench, [almost] * 5) == {(200, "one-0"): 5}, f"without its {missing}"


@story
@needs("serves", "match")
async def test_a_hosts_rule_leads_to_the_service_beside_its_own_hosts(bench: RouterBench) -> None:
    """`hosts` of a rule need not be among the service's; without the rule they are nobody's again."""
    groups = {"one": bench.group("one", 1), "dark": bench.group("dark", 1)}
    own = ("shop.example",)
    async with bench.running() as router:
        await router.apply(dark(bench, groups, HOST, hosts=own), 1)
        assert await ask(bench, [CARRIES["host"], {}]) == {(200, "dark-0"): 1, (200, "one-0"): 1}
        await router.apply(dark(bench, groups, hosts=own), 1)
        seen = await ask(bench, [CARRIES["host"], {}])
        assert seen[(200, "one-0")] == 1
        assert not {body for _, body in seen} & {"dark-0"}


@story
@needs("serves", "match", "splits", "counts")
async def test_rules_and_splits_do_not_disturb_each_other(bench: RouterBench) -> None:
    """Insiders of two rules have their groups, one of which has a share as well; the others are split as without rules.
    All is counted for the group that was asked."""
    groups = {"one": bench.group("one", 1), "two": bench.group("two", 1), "dark": bench.group("dark", 1)}
    wanted = bench.traffic(
        groups, bench.shares(2500), "one", insiders=[(HEADER, "dark"), (COOKIE, "two"), (NEAR, "one")]
    )
    async with bench.running() as router:
        await router.apply(wanted, 1)
        assert await ask(bench, [CARRIES["header"]] * 100) == {(200, "dark-0"): 100}
        assert await ask(bench, [CARRIES["cookie"]] * 100) == {(200, "two-0"): 100}
        assert await ask(bench, [CARRIES["network"]] * 100) == {(200, "one-0"): 100}
        part, turns = wanted.share("two") / ALL, 400
        mixed = await ask(bench, [{}, CARRIES["header"]] * turns)
        assert mixed[(200, "dark-0")] == turns
        assert abs(mixed[(200, "two-0")] - turns * part) <= 5 * (turns * part * (1 - part)) ** 0.5
        expected = {name: Counts(group[0].total) for name, group in groups.items()}
        seen = await bench.comes(router, lambda seen: seen.counts == expected)
        if bench.able(bench.driver, "instances"):
            seen = await bench.comes(router, lambda seen: len(seen.instances) == 3)
            assert seen.instances == {f"{name}-0": count for name, count in expected.items()}
        assert set(seen.latency) <= set(groups)


@story
@needs("serves", "match")
async def test_the_first_rule_that_holds_decides(bench: RouterBench) -> None:
    """Somebody who carries what two rules name goes where the first leads."""
    groups = {name: bench.group(name, 1) for name in ("one", "two", "dark")}
    async with bench.running() as router:
        for first, second in (("dark", "two"), ("two", "dark"), ("one", "dark")):
            wanted = bench.traffic(groups, {"one": ALL}, "one", insiders=[(HEADER, first), (COOKIE, second)])
            await router.apply(wanted, 1)
            assert await ask(bench, [both("header", "cookie")] * 5) == {(200, f"{first}-0"): 5}
            assert await ask(bench, [CARRIES["cookie"]] * 5) == {(200, f"{second}-0"): 5}


@story
@needs("serves", "match", "splits", "shield", "counts")
async def test_an_insider_sees_what_the_release_answers_and_a_user_is_shielded(bench: RouterBench) -> None:
    """Who looks on purpose is not answered by live in the release's place, not even while the shield is on for the users
    of the same group. Whom a test's rule leads is a user."""
    groups = {"one": bench.group("one", 1), "two": bench.group("two", 1, "500")}
    wanted = bench.traffic(groups, bench.shares(ALL // 2), "one", insiders=[(HEADER, "two")])
    async with bench.running() as router:
        await router.apply(wanted, 1)
        assert await ask(bench, [{}] * 20) == {(200, "one-0"): 20}
        theirs = groups["two"][0].total
        assert theirs
        assert await ask(bench, [CARRIES["header"]] * 20) == {(500, ""): 20}
        assert groups["two"][0].total == theirs + 20
        two = Counts(theirs + 20, failures=theirs + 20, shielded=theirs)
        expected = {"one": Counts(20 - theirs), "two": two}
        await bench.comes(router, lambda seen: seen.counts == expected)
        await router.apply(replace(wanted, unshielded_rules=False), 1)
        assert await ask(bench, [CARRIES["header"]] * 20) == {(200, "one-0"): 20}


@story
@needs("serves", "match", "splits", "sticky_cookie")
async def test_insiders_keep_their_cookie_and_their_place_among_users(bench: RouterBench) -> None:
    """Who had a cookie keeps it as an insider, and is where it was when the rule is gone. Who has none is given one."""
    groups = {name: bench.group(name, 1) for name in ("one", "two", "dark")}
    tables = [
        bench.traffic(groups, bench.shares(ALL // 2), "one", sticky=Sticky(cookie="who"), insiders=rules)
        for rules in ([], [(HEADER, "dark")])
    ]
    async with bench.running() as router:
        await router.apply(tables[0], 1)
        was: dict[str, str] = {}
        while len(set(was.values())) < 2 or len(was) < 10:
            _, where, cookie = await bench.user(keep=False).ask()
            was[cookie.partition(";")[0]] = where
        user = bench.user()
        for wanted in tables * 2:
            await router.apply(wanted, 1)
            for cookie, where in was.items():
                for headers in (
                    f"Cookie: {cookie}\r\n",
                    f"Cookie: {cookie}\r\n{CARRIES['header']['headers']}",
                ):
                    inside = "X-Staff" in headers and len(wanted.routes) > 1
                    assert await user.ask(headers=headers) == (200, "dark-0" if inside else where, "")
        _, where, cookie = await user.ask(headers=CARRIES["header"]["headers"])
        assert (where, cookie[:4]) == ("dark-0", "who=")


@story
@needs("match")
async def test_values_that_could_be_read_otherwise_are_refused_or_taken_letter_by_letter(
    bench: RouterBench,
) -> None:
    """Quotes, line ends, percent signs, spaces and the like in any part of a match: Rejected, or the very match is in
    force. The table before stays as it was when one is refused."""
    groups = {"one": bench.group("one", 1), "dark": bench.group("dark", 1)}
    good = dark(bench, groups, HEADER)
    texts = (
        "a b",
        "a\nb",
        'a"b',
        "a'b",
        "a%[src]b",
        "a}b",
        "a#b",
        "a\\b",
        "$HOME",
        "",
        " ",
        "\x00",
        "a,b",
        "a)b",
        "é",
    )
    async with bench.running() as router:
        await router.apply(good, 1)
        for text in texts:
            for match in (
                Match(hosts=(text,)), Match(networks=(text,)), Match(header=text), Match(header=f"X-A: {text}"),
                Match(header=f"{text}: a"), Match(cookie=text), Match(cookie=f"a={text}"), Match(cookie=f"{text}=a"),
            ):  # fmt: skip
                bad, before = dark(bench, groups, match), (await router.observe("shop")).traffic
                try:
                    await router.apply(bad, 1)
                except (Rejected, Unsupported):
                    assert (await router.observe("shop")).traffic == before
                else:
                    assert (await router.observe("shop")).traffic == bad
                    if bench.serves:
                        assert await ask(bench, [{}]) == {(200, "one-0"): 1}
        await router.apply(good, 1)
        assert (await router.observe("shop")).traffic == good
        if bench.serves:
            assert await ask(bench, [CARRIES["header"], {}]) == {(200, "dark-0"): 1, (200, "one-0"): 1}
