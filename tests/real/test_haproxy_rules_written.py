"""Rules for insiders as they are written for HAProxy: no value gets out of its place, and what can't be said is refused."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.real.haproxy_world import (
    ALWAYS,
    binaries,
)

from plainsail.domain.match import Match
from plainsail.domain.service import Sticky
from plainsail.domain.traffic import GroupShare, Member, Route, Traffic
from plainsail.domain.units import ALL
from plainsail.drivers.routers.haproxy import Config, checks, mirror, rules, table, template
from plainsail.drivers.routers.haproxy.template import Kept
from plainsail.ports.errors import Rejected, Unsupported
from plainsail.spec.checks import TOKEN

EVERYBODY = Route(Match(), (GroupShare("g1", ALL),))
HEADER = Match(header="X-Staff: yes")

hostile = st.text(
    st.sampled_from("ab1-._:=/ \t\r\n\v\0\"'%[](){}\\#$,;*!é\u202e\x85\u2028\ud800"), max_size=12
)
pieces = st.sampled_from(
    ["X-A: b", "a=b", "\n    use-server two if TRUE", "%[src]", "a #", "10.0.0.0/8", "::/0", "a.example", "} || { always_true"]
)  # fmt: skip
texts = hostile | pieces | st.builds(str.__add__, pieces, hostile) | st.builds(str.__add__, hostile, pieces)
odd = st.text(st.sampled_from("ab1:=.-/%[](){}'#$<>@|&!*"), min_size=1, max_size=12)
spaced = st.builds('{} "{}" {}'.format, odd, hostile, odd) | st.text(min_size=1, max_size=8)


def several(good: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[str, ...]]:
    """Mostly good ones, lest one bad value hides what the others would do."""
    return st.just(()) | st.lists(good, max_size=3).map(tuple) | st.lists(good | texts, max_size=3).map(tuple)


matches = st.builds(
    Match,
    hosts=several(st.from_regex(rules.HOST, fullmatch=True) | st.sampled_from(["A.Example", "b.example"])),
    header=st.none() | odd.map("X-A: {}".format) | spaced.map("x-b:{}".format) | texts,
    cookie=st.none()
    | odd.map("a={}".format)
    | odd.map("__Host-b={}".format)
    | hostile.map("a={}".format)
    | texts,
    networks=several(
        st.ip_addresses().map(str) | st.sampled_from(["10.0.0.0/8", "fd00::/8", "0.0.0.0/0", "::/0"])
    ),
)


def table_of(*insiders: Match) -> Traffic:
    led = tuple(Route(match, (GroupShare("g2", ALL),)) for match in insiders)
    members: dict[str, tuple[Member, ...]] = {
        name: (Member(f"{name}-0", f"127.0.0.1:{port}"),) for name, port in (("g1", 1), ("g2", 2))
    }
    return Traffic("shop", (), (*led, EVERYBODY), members, "g1", ALWAYS, None, 1.0)


def taken(wanted: Traffic) -> bool:
    try:
        checks.check(wanted, {})
    except Rejected as error:
        code, said = error.code, str(error)
    else:
        return True
    assert code in ("match_invalid", "host_invalid")
    assert said.isprintable()
    return False


def written(wanted: Traffic) -> tuple[str, dict[str, str]]:
    kept = {"shop": Kept(wanted, 1)}
    return template.render(Config(), 100, 5000, kept), template.map_files(kept)


LINE = re.compile(
    r"acl (?:ruled var\(txn\.rule\) -m found|looking str\(looking\),map_str\(split-shop\.map\) -m str on|tunnelled src [0-9a-f:]+/\d+|r1_host req\.hdr\(host\),host_only,lower -m str [a-z0-9.-]+"
    r"|r1_near var\(txn\.r1_near\) -m bool|r1_net[46] src [0-9a-f.:]+/\d+|r1_(?:fhdr|cook) req\.(?:fhdr|cook)_cnt\([^\s()\"'#$%\\,]+\) eq 1)"
    r"|http-request set-var\(txn\.(?:r1_near\) bool\(true\) if r1_net[46](?: !tunnelled)?"
    r"|r1_(fhdr|cook)\) req\.\1\([^\s()\"'#$%\\,]+\),hex"
    r"|rule\) str\(r1\.[0-9a-f]{16}\)(?:,concat\(\.,txn\.r1_(?:fhdr|cook)\))*,map_str\(split-shop\.map\) if !ruled(?: r1_(?:host|near|fhdr|cook))+)"
)
"""All that a rule may become."""


@settings(max_examples=1000)
@given(matches)
def test_whatever_a_match_holds_stays_in_its_place(match: Match) -> None:
    """It is refused, or it adds to the configuration nothing but lines of these forms, and to the map one entry whose key
    has no value in it but in hexadecimal."""
    wanted, plain = table_of(match), table_of()
    if match.everybody() or not taken(wanted):
        return
    text, files = written(wanted)
    without, files_without = written(plain)
    common = [line for line in text.splitlines() if "proc.identity" not in line]
    added = [line.strip() for line in common if line not in without.splitlines()]
    own = [line for line in added if "r1" in line or line.startswith("acl ")]
    assert all(LINE.fullmatch(line) for line in own)
    bare = [re.sub(r"( if !ruled| !ruled| \|\| ruled)$", "", line) for line in added if line not in own]
    known = {
        *(line.strip() for line in without.splitlines()),
        "http-request disable-l7-retry if ruled looking",
    }
    assert all(line in known or line.startswith("http-request set-var(txn.k) var(txn.rule)") for line in bare)
    entries = set(files["split-shop.map"].splitlines()) - set(files_without["split-shop.map"].splitlines())
    led = [entry for entry in entries if entry.startswith("r")]
    assert len(led) == 1
    assert re.fullmatch(r"r1\.[0-9a-f]{16}(\.[0-9A-F]+){0,2} 1", led[0])
    assert all(re.fullmatch(r"[a-z0-9.-]+ shop", line) for line in files["hosts.map"].splitlines())
    assert {row.split()[0] for row in files["hosts.map"].splitlines()} == {
        host.lower() for host in match.hosts
    }


@given(matches, matches)
def test_other_matches_have_other_keys(one: Match, other: Match) -> None:
    """A map of one rule opens nothing under the configuration of another."""
    if not one.everybody() and not other.everybody() and taken(table_of(one)) and taken(table_of(other)):
        same = rules.key(1, one) == rules.key(1, other)
        assert same == (written(table_of(one)) == written(table_of(other)))
        assert rules.key(1, one) != rules.key(2, one)


def test_what_may_be_written_as_a_name_is_what_we_take() -> None:
    """No file passes `check` whose names are refused later; and nothing that ends a word, a quote or a line is among them."""
    for sign in map(chr, range(0x250)):
        assert bool(TOKEN.fullmatch(f"u{sign}")) == bool(rules.FIELD.fullmatch(f"u{sign}")), sign
        assert not TOKEN.fullmatch(f"u{sign}") or sign.isascii()
    assert not any(TOKEN.fullmatch(sign) for sign in " \t\r\n\"'`#$%\\(){}[],;=:<>?@/")


SIGNS = "!&*+.^_|~-"
"""All that a name may hold besides letters and digits."""

ODD = [
    Match(header="X-A: \"b\" 'c' %[src] $HOME # \\ } || { always_true"),
    Match(header="!&*+.^_|~-: Zoë"),
    Match(cookie="__Host-a.b=%22[]{}()'#$<>?@"),
    Match(cookie="!&*+.^_|~-=="),
    Match(hosts=tuple(f"h{number}.example" for number in range(100))),
    Match(networks=(*(f"10.{number}.0.0/16" for number in range(200)), "2001:db8::/32", "::/0", "0.0.0.0/0")),
    Match(header=f"X-A: {'é' * 256}", cookie=f"a={'b' * 512}"),
]


@binaries
def test_haproxy_takes_what_we_take(binary: str, tmp_path: Path) -> None:
    """Its own check of the file, for each odd match alone and for all together."""
    for number, insiders in enumerate([*([one] for one in ODD), ODD]):
        wanted = replace(
            table_of(*insiders),
            sticky=Sticky(header=f"u{SIGNS}") if number % 2 else Sticky(cookie=f"u{SIGNS}"),
        )
        assert taken(wanted)
        text, files = written(wanted)
        for name, content in {**files, mirror.FILE: mirror.script(), "haproxy.cfg": text}.items():
            (tmp_path / name).write_text(content)
        checked = subprocess.run(
            [binary, "-c", "-f", "haproxy.cfg"], cwd=tmp_path, capture_output=True, check=False
        )
        assert checked.returncode == 0, checked.stderr.decode()
        assert b"WARNING" not in checked.stderr


@pytest.mark.parametrize(
    ("match", "code"),
    [
        (Match(hosts=("a b",)), "host_invalid"),
        (Match(header="X-Staff"), "match_invalid"),
        (Match(header="X-Staff:  "), "match_invalid"),
        (Match(header="X-Staff: a\nb"), "match_invalid"),
        (Match(header="X Staff: a"), "match_invalid"),
        (Match(header="X-A: " + "a" * 513), "match_invalid"),
        (Match(cookie="a=b c"), "match_invalid"),
        (Match(cookie='a="b"'), "match_invalid"),
        (Match(cookie="a=b;c"), "match_invalid"),
        (Match(networks=("10.0.0.1/8",)), "match_invalid"),
        (Match(networks=("fe80::%eth0/64",)), "match_invalid"),
        (Match(networks=("everywhere",)), "match_invalid"),
        (Match(), "match_invalid"),
    ],
)
def test_what_cannot_be_looked_for_is_refused(match: Match, code: str) -> None:
    with pytest.raises(Rejected) as refused:
        checks.check(table_of(HEADER, match), {})
    assert refused.value.code == code


def test_tables_that_are_no_tables_of_rules_are_unsupported() -> None:
    good = table_of(HEADER)
    split = (GroupShare("g1", 5000), GroupShare("g2", 5000))
    for routes in (
        good.routes[:1],
        (Route(HEADER, split), EVERYBODY),
        (Route(HEADER, ()), EVERYBODY),
        (
            *(Route(Match(header=f"X-A: {n}"), good.routes[0].split) for n in range(rules.RULES + 1)),
            EVERYBODY,
        ),
    ):
        with pytest.raises(Unsupported) as refused:
            checks.check(replace(good, routes=routes), {})
        assert refused.value.code == "haproxy_rules"
    many = tuple(Route(Match(header=f"X-A: {n}"), (GroupShare(f"d{n}", ALL),)) for n in range(5))
    with pytest.raises(Unsupported) as refused:
        checks.check(replace(good, routes=(*many, EVERYBODY)), {})
    assert refused.value.code == "haproxy_groups"


@pytest.mark.parametrize("own", ["hosts", "match"])
def test_a_host_of_another_service_is_refused(own: str) -> None:
    """Whether it is a host of its own or of a rule, of either service, in whatever case."""
    dark = replace(table_of(Match(hosts=("Dark.example",))), hosts=("shop.example",))
    other = replace(table_of(), service="blog", hosts=("dark.Example",))
    if own == "match":
        other = replace(table_of(Match(hosts=("dark.example",))), service="blog", hosts=("blog.example",))
    for one, there in ((dark, other), (other, dark)):
        with pytest.raises(Rejected) as refused:
            checks.check(one, {there.service: Kept(there, 1)})
        assert refused.value.code == "host_taken"
    checks.check(dark, {"shop": Kept(other, 1)})


def test_live_that_has_nobody_is_not_replaced_by_insiders() -> None:
    """Nor by a group that is named without a share."""
    dark = table_of(HEADER)
    alone = replace(dark, members={"g2": dark.members["g2"]})
    named = replace(
        alone, routes=(*alone.routes[:1], Route(Match(), (GroupShare("g1", ALL), GroupShare("g2", 0))))
    )
    for wanted in (
        alone,
        named,
        replace(alone, live=None),
        replace(alone, live=None, routes=(alone.routes[0], Route(Match(), ()))),
    ):
        assert {server.weight for server in table.servers(wanted).values()} == {0}
