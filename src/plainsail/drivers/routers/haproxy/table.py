"""One service's traffic as the entries of a HAProxy map, and back. Pure.

HAProxy reads these entries for every request, so one commit of the map changes everything at once:

    epoch            who wrote it: an older one is refused
    state            `open`, or `none`: nobody answers
    live home        the live group; the group that carries balancer weight (live, or the last of the split)
    order groups     groups of the split in order; groups that have members
    t1 g1 n1 s1.0    slot 1: buckets below t1 are group g1's, whose n1 servers are s1.0, s1.1, ... Slots 2 to 4 alike
    r1.SHAPE.VALUES  where rule 1 leads insiders: a slot, or `home`; see `rules`
    i.NAME           the group of server NAME
    slow_us width_us the latency bound, and the width of the time slices in which waiting requests are counted
    shield method.M  `on` or `off`; methods that may be asked again
    looking          `on`: who is led by a rule is not shielded, for they look on purpose
    budget_ppm       part of the service's requests that may be asked again, in millionths
    salt             of the hash that users are divided by (`domain.buckets`); no such key: the one without
    copies ...       who gets copies of which requests; see `mirror`
"""

from __future__ import annotations

import msgspec

from plainsail.domain.match import Match
from plainsail.domain.service import Shield
from plainsail.domain.traffic import GroupShare, Member, Route, Traffic
from plainsail.domain.units import ALL
from plainsail.drivers.routers.haproxy import mirror, rules
from plainsail.ports.errors import Unsupported

SLOTS = 4
"""Groups beside the home group that can have a share, or insiders, at once."""
NONE = "-"
HOME = "home"
"""Where a rule leads whose group has the balancer's weight."""
UNKNOWN = "unknown.invalid"
"""A host of what is in force and nobody asked for."""


class Server(msgspec.Struct, frozen=True):
    """A server as HAProxy should have it."""

    address: str
    weight: int


WEIGHT = 100
"""Of each server of the home group; all others have 0 and are reached by name only."""


def home(traffic: Traffic) -> str | None:
    """The group whose servers the balancer may choose: live, unless nobody is there and somebody is elsewhere. Never one
    that only insiders have: what is tried again, and whatever else goes astray, ends here. In live's place the last of the
    split, which has the upper buckets anyway: so nobody who sticks to a group changes it as live goes or comes back."""
    split = traffic.routes[-1].split if traffic.routes else ()
    wishes = [traffic.live] if traffic.live is not None else []
    wishes += [part.group for part in reversed(split) if part.share_bp]
    return next((group for group in wishes if traffic.members.get(group)), wishes[0] if wishes else None)


def servers(traffic: Traffic) -> dict[str, Server]:
    """By name, which is the instance's."""
    chosen = home(traffic)
    return {
        member.instance: Server(member.address, WEIGHT if group == chosen else 0)
        for group, members in traffic.members.items()
        for member in members
    }


def entries(traffic: Traffic, epoch: int) -> dict[str, str]:
    """Raises Unsupported for more groups than there is room for."""
    split = traffic.routes[-1].split if traffic.routes else ()
    chosen = home(traffic)
    closed = chosen is None or (bool(traffic.routes) and not split)
    found = {
        "epoch": str(epoch),
        "state": "none" if closed else "open",
        "live": traffic.live or NONE,
        "home": chosen or NONE,
        "order": ",".join(part.group for part in split) or (NONE if traffic.routes else "*"),
        "groups": ",".join(sorted(traffic.members)) or NONE,
        "slow_us": str(micros(traffic.slow_after)),
        "width_us": str(width(traffic.slow_after)),
        "shield": "on" if traffic.shield.enabled else "off",
        "looking": "on" if traffic.unshielded_rules else "off",
        "budget_ppm": str(round(traffic.shield.budget * 1_000_000)),
        **{f"method.{method}": "1" for method in traffic.shield.methods},
        **({"salt": traffic.salt} if traffic.salt else {}),
        **mirror.entries(traffic),
    }
    others = {part.group: part.share_bp for part in split if part.group != chosen and part.share_bp}
    insiders = [(route.match, part.group) for route in traffic.routes[:-1] for part in route.split]
    others |= {group: 0 for _, group in insiders if group != chosen and group not in others}
    if len(others) > SLOTS:
        raise Unsupported(
            "haproxy_groups",
            f"{len(others)} groups beside {chosen} have a share or insiders; {SLOTS} are possible",
        )
    upper = 0
    for slot, (group, share) in enumerate(others.items(), 1):
        upper += share
        members = traffic.members.get(group, ())
        found |= {f"t{slot}": str(upper), f"g{slot}": group, f"n{slot}": str(len(members))}
        found |= {f"s{slot}.{place}": member.instance for place, member in enumerate(members)}
    slots = {group: str(slot) for slot, group in enumerate(others, 1)}
    found |= {
        rules.key(number, match): slots.get(group, HOME) for number, (match, group) in enumerate(insiders, 1)
    }
    for group, members in traffic.members.items():
        found |= {f"i.{member.instance}": group for member in members}
    return found


def traffic(found: dict[str, str], present: dict[str, Server], base: Traffic, epoch: int) -> Traffic:
    """What these entries and servers amount to. `base`: what was asked for; equal to it if all is as asked."""
    asked = entries(base, epoch)
    same = {**found, "epoch": ""} == {**asked, "epoch": ""}
    return msgspec.structs.replace(
        base if same else _reread(found, base),
        members=_members(found, present),
    )


def micros(duration: float) -> int:
    return round(duration * 1_000_000)


def width(slow_after: float) -> int:
    """Microseconds: a quarter of the bound, so that a hanging request is noticed at most that much late."""
    return max(10_000, micros(slow_after) // 4)


def number(found: dict[str, str], key: str, default: int = 0) -> int:
    """Hand-written nonsense is 0, as it is for HAProxy."""
    try:
        return int(found.get(key, default))
    except ValueError:
        return 0


def _reread(found: dict[str, str], base: Traffic) -> Traffic:
    live = found.get("live", NONE)
    return msgspec.structs.replace(
        base,
        routes=_insiders(found, base) + _routes(found),
        live=None if live == NONE else live,
        shield=Shield(
            found.get("shield") == "on",
            tuple(key.removeprefix("method.") for key in found if key.startswith("method.")),
            number(found, "budget_ppm") / 1_000_000,
        ),
        slow_after=number(found, "slow_us") / 1_000_000,
        mirror=mirror.reread(found),
        unshielded_rules=found.get("looking") == "on",
        salt=found.get("salt", ""),
    )


def _insiders(found: dict[str, str], base: Traffic) -> tuple[Route, ...]:
    """Rules that were asked for and are in force, with the groups that they lead to. Of another all we know is that it is
    there."""
    asked = {rules.key(number, route.match): route.match for number, route in enumerate(base.routes[:-1], 1)}
    return tuple(
        Route(
            asked.get(key, Match(hosts=(UNKNOWN,))),
            (GroupShare(found.get(HOME if leads == HOME else f"g{leads}", NONE), ALL),),
        )
        for key, leads in sorted(_rules(found).items(), key=lambda one: int(one[0].partition(".")[0][1:]))
    )


def _rules(found: dict[str, str]) -> dict[str, str]:
    return {key: leads for key, leads in found.items() if rules.MARK.fullmatch(key)}


def _routes(found: dict[str, str]) -> tuple[Route, ...]:
    """The default rule: from the thresholds that requests are sent by, not from what somebody meant."""
    order = found.get("order", NONE)
    if order == "*":
        return ()
    if found.get("state") != "open":
        return (Route(Match(), ()),)
    shares: dict[str, int] = {}
    lower = 0
    for slot in range(1, SLOTS + 1):
        upper = min(ALL, max(lower, number(found, f"t{slot}")))
        group = found.get(f"g{slot}")
        if group is not None and upper > lower:
            shares[group] = shares.get(group, 0) + upper - lower
            lower = upper
    rest = found.get("home", NONE)
    shares[rest] = shares.get(rest, 0) + ALL - lower
    listed = [group for group in order.split(",") if group != NONE]
    listed += [group for group, share in shares.items() if share and group not in listed]
    return (Route(Match(), tuple(GroupShare(group, shares.get(group, 0)) for group in listed)),)


def _members(found: dict[str, str], present: dict[str, Server]) -> dict[str, tuple[Member, ...]]:
    """Servers by group as requests reach them: the home group's by weight, whoever has any; those of a slot by its
    list, where a gap is a member without a name; all others are warm and only known to be somebody's."""
    chosen = found.get("home", NONE)
    named = found.get("groups", NONE)
    groups: dict[str, set[str]] = {} if named == NONE else {group: set() for group in named.split(",")}
    slots = dict(_slots(found))
    for group, names in slots.items():
        if there := {name for name in names if name in present or not name}:
            groups.setdefault(group, set()).update(there)
    for name, server in present.items():
        group = found.get(f"i.{name}", chosen)
        if server.weight:
            groups.setdefault(chosen, set()).add(name)
        elif group != chosen and group not in slots:
            groups.setdefault(group, set()).add(name)
    return {
        group: tuple(sorted(Member(name, present[name].address if name else "") for name in names))
        for group, names in groups.items()
    }


def _slots(found: dict[str, str]) -> list[tuple[str, list[str]]]:
    """The group and the servers of each slot in use."""
    led = set(_rules(found).values())
    return [
        (found[f"g{slot}"], [found.get(f"s{slot}.{place}", "") for place in range(number(found, f"n{slot}"))])
        for slot in range(1, SLOTS + 1)
        if f"g{slot}" in found and (number(found, f"t{slot}") or str(slot) in led)
    ]
