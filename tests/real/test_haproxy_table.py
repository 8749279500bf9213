"""A service's traffic as a map and back; and control planes that die between any two commands."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.real.haproxy_world import Place, Street, binaries, street, traffic, users

from plainsail.domain.match import Match
from plainsail.domain.service import Shield
from plainsail.domain.traffic import GroupShare, Member, Route, Traffic
from plainsail.domain.units import ALL
from plainsail.drivers.routers.haproxy import HAProxy, table
from plainsail.drivers.routers.haproxy.cli import Session
from plainsail.ports.errors import Transient

__all__ = ["street"]

GROUPS = ("g1", "g2", "g3")
MATCHES = (
    Match(header="X-A: b"),
    Match(cookie="a=b"),
    Match(hosts=("d.example",)),
    Match(networks=("10.0.0.0/8",)),
)


@st.composite
def traffics(draw: st.DrawFn) -> Traffic:
    cuts = sorted(draw(st.lists(st.integers(0, ALL), min_size=2, max_size=2)))
    shares = [cuts[0], cuts[1] - cuts[0], ALL - cuts[1]]
    split = tuple(GroupShare(group, share) for group, share in zip(GROUPS, shares, strict=True))
    chosen = draw(st.sampled_from([split, split[:0], tuple(part for part in split if part.share_bp)]))
    led = st.builds(
        lambda match, group: Route(match, (GroupShare(group, ALL),)),
        st.sampled_from(MATCHES),
        st.sampled_from(GROUPS),
    )
    insiders = tuple(draw(st.lists(led, max_size=3)))
    sizes = {group: draw(st.integers(0, 3)) for group in GROUPS}
    return Traffic(
        service="shop",
        hosts=(),
        routes=draw(st.sampled_from([(), (*insiders, Route(Match(), chosen))])),
        members={
            group: tuple(Member(f"{group}-{number}", f"127.0.0.1:{number + 1}") for number in range(size))
            for group, size in sizes.items()
        },
        live=draw(st.sampled_from([None, *GROUPS])),
        shield=draw(st.builds(Shield, enabled=st.booleans(), budget=st.floats(0, 1))),
        sticky=None,
        slow_after=draw(st.floats(0.001, 100)),
        salt=draw(st.sampled_from(["", "r-1", "r-2"])),
    )


@given(traffics(), st.integers(0, 1000))
def test_what_was_put_in_is_read_back(wanted: Traffic, epoch: int) -> None:
    assert table.traffic(table.entries(wanted, epoch), table.servers(wanted), wanted, 0) == wanted


@given(traffics(), traffics())
def test_what_another_put_in_is_read_as_what_it_does(mine: Traffic, other: Traffic) -> None:
    """Shares are those that requests meet: a group without share may be missing."""
    found = table.traffic(table.entries(other, 2), table.servers(other), mine, 1)
    if other.routes and (other.routes[-1].split or not found.routes[-1].split):
        assert {group: found.share(group) for group in GROUPS} == {
            group: other.share(group) for group in GROUPS
        }
    assert [route.split for route in found.routes[:-1]] == [route.split for route in other.routes[:-1]]
    same = [route.match for route in mine.routes[:-1]] == [route.match for route in other.routes[:-1]]
    assert same == (
        [route.match for route in mine.routes[:-1]] == [route.match for route in found.routes[:-1]]
    )
    assert found.live == other.live
    assert found.salt == other.salt
    assert {group: its for group, its in found.members.items() if its} == {
        group: its for group, its in other.members.items() if its
    }


@given(traffics())
def test_nobody_but_insiders_has_a_group_without_a_share(wanted: Traffic) -> None:
    """Thresholds of buckets, and the weight that the balancer goes by, know only live and groups with a share."""
    found, chosen = table.entries(wanted, 1), table.home(wanted)
    assert chosen in {None, wanted.live, *(group for group in GROUPS if wanted.share(group))}
    lower = 0
    for slot in range(1, table.SLOTS + 1):
        if group := found.get(f"g{slot}"):
            upper = int(found[f"t{slot}"])
            assert upper - lower == (wanted.share(group) if group != chosen else 0)
            lower = upper


@given(st.integers(1, ALL - 1))
def test_nobody_changes_the_group_as_a_live_without_a_share_comes_and_goes(share: int) -> None:
    """Live is to answer for others while candidate and baseline have all users; whether anybody of it is there or not, each
    bucket is the same group's."""
    there: dict[str, tuple[Member, ...]] = {group: (Member(f"{group}-1", "127.0.0.1:1"),) for group in GROUPS}
    split = (GroupShare("g2", share), GroupShare("g3", ALL - share))
    has = Traffic("shop", (), (Route(Match(), split),), there, "g1", Shield(), None, 1.0)
    gone = msgspec.structs.replace(has, members={group: its for group, its in there.items() if group != "g1"})
    assert [_whose(has, bucket) for bucket in (0, share - 1, share, ALL - 1)] == ["g2", "g2", "g3", "g3"]
    assert [_whose(gone, bucket) for bucket in (0, share - 1, share, ALL - 1)] == ["g2", "g2", "g3", "g3"]


def _whose(wanted: Traffic, bucket: int) -> str:
    found = table.entries(wanted, 1)
    slots = [slot for slot in range(1, table.SLOTS + 1) if bucket < table.number(found, f"t{slot}")]
    return found[f"g{slots[0]}"] if slots else found["home"]


@binaries
def test_a_control_plane_may_die_between_any_two_commands(
    binary: str, tmp_path: Path, street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Users notice nothing; the next control plane finds what is there and does it again."""
    g1, g2 = street.group("g1", 2), street.group("g2", 2)
    ask = Session.ask
    left = 0

    async def dies(self: Session, command: str) -> str:
        nonlocal left
        left -= 1
        if left < 0:
            raise Transient("died", "the control plane died")
        return await ask(self, command)

    async def story() -> None:
        nonlocal left
        place = Place(tmp_path, binary)
        async with place.router() as router:
            before = traffic({"g1": g1}, {"g1": ALL}, "g1")
            after = traffic({"g2": g2}, {"g2": ALL}, "g2")
            for survived in range(40):
                await router.apply(before, 1)
                left = survived
                monkeypatch.setattr(Session, "ask", dies)
                done = await _tried(router, after)
                monkeypatch.setattr(Session, "ask", ask)
                seen = await users(place.port, 20, "POST")
                assert {status for status, _ in seen} == {200}, f"after {survived} commands"
                again = HAProxy(place.config, place.site)
                await again.start()
                await again.apply(after, 1)
                assert (await again.observe("shop")).traffic == after
                await again.stop()
                if done:
                    break
            assert survived > 10, "so many commands it takes"
            assert done

    asyncio.run(story())


async def _tried(router: HAProxy, wanted: Traffic) -> bool:
    try:
        await router.apply(wanted, 1)
    except Transient:
        return False
    return True
