"""The planner: what should be, what is seen -> the orders that close the gap, and no more.

It holds the safety of traffic: a group gets a share only with ready instances behind it, the new is raised before the
old is lowered, and nothing that still carries users is made smaller. It knows steps, not strategies.
"""

from __future__ import annotations

import msgspec

from plainsail.domain.actions import Action, Fleet, GroupOrder, Send, Withdraw
from plainsail.domain.match import Match
from plainsail.domain.observation import Seen
from plainsail.domain.rollout import Rollout, Target
from plainsail.domain.strategy import Copies
from plainsail.domain.traffic import GroupShare, Member, Mirror, Route, Traffic
from plainsail.domain.units import ALL

Split = dict[str, int]
"""Basis points by group; sums to 10,000, or empty: nobody answers."""
PATIENCE = 2.0
"""Times the probe's `within` that a gradual way back waits for live's instances: a first start may be bad luck. Then the
few that are ready have all users, as with every other way back: the release that is taken back is no place to stay."""


class Wanted(msgspec.Struct, frozen=True):
    """What should be, before it is known what can be."""

    sizes: dict[str, int]
    split: Split
    live: str | None
    """The group that answers for others."""
    careful: bool
    """A share may rise only when all instances asked for are ready; on a way back, one is enough."""
    inside: tuple[tuple[Match, str], ...] = ()
    """Who has which group, whatever the split."""
    mirror: Mirror | None = None
    backed_up: bool = False
    """Live is a group that users had before: some of its instances are better for them than none, or than a candidate."""
    known: bool = False
    """Users have had the candidate: what is left of it is better for them than nobody."""


def plan(target: Target, seen: Seen) -> tuple[Action, ...]:
    """Orders, in the order to give them; empty when the world is as desired. Same inputs, same orders."""
    seen = seen.without(target.retired())
    want = _by_and_by(wanted(target), target, seen)
    split = reachable(want, seen)
    inside = _inside(want, seen)
    sizes = sustained(want, seen, {**{group: ALL for _, group in inside}, **split})
    traffic = _traffic(target, want, sizes, split, seen)
    fleet = _fleet(target, sizes, seen)
    return (*_routing(target, traffic, seen), *((fleet,) if _differs(fleet, seen) else ()))


def _routing(target: Target, traffic: Traffic, seen: Seen) -> tuple[Action, ...]:
    """What the router is told, if anything."""
    if not seen.router_up:
        return ()
    if unknown(target):
        return (Withdraw(target.service),) if seen.traffic is not None else ()
    nothing = seen.traffic is None and not traffic.members
    return () if nothing or seen.traffic == traffic else (Send(traffic),)


def unknown(target: Target) -> bool:
    """Whether the router is to know nothing of the service: nothing of it is left, or the end of its removal is near."""
    rollout = target.rollout
    if rollout is None:
        return target.live is None and not target.groups
    return rollout.kind == "remove" and rollout.phase != "rolling_back" and rollout.current().finishing


def wanted(target: Target) -> Wanted:
    """The present step of the rollout under way; without one, the live group in full."""
    rollout = target.rollout
    sizes = {group.id: 0 for group in target.groups}
    if rollout is None:
        live = target.group(target.live)
        if live is None:
            return Wanted(sizes, {}, None, careful=False)
        return Wanted({**sizes, live.id: live.replicas}, {live.id: ALL}, live.id, careful=False)
    step = rollout.current()
    for role, size in step.sizes.items():
        group = rollout.group(role)
        if group in sizes:
            sizes[group] = size
    split: Split = {}
    for part in step.split:
        group = (
            rollout.group(part.role) or rollout.live
        )  # the share of a baseline that was given up is live's
        if group is not None:
            split[group] = split.get(group, 0) + part.share_bp
    inside = tuple(
        (one.match, group) for one in step.inside if (group := rollout.group(one.role)) is not None
    )
    backs_up = rollout.live is not None and step.sizes.get("live", 0) > 0
    live_id = rollout.live if backs_up else rollout.candidate
    careful = rollout.phase != "rolling_back"
    mirror = _mirror(step.copies, rollout)
    return Wanted(sizes, split, live_id, careful, inside, mirror, backs_up, rollout.reached_bp > 0)


def _mirror(copies: Copies | None, rollout: Rollout) -> Mirror | None:
    group = rollout.group(copies.role) if copies is not None else None
    return (
        Mirror(group, copies.share_bp, copies.methods) if copies is not None and group is not None else None
    )


def _by_and_by(want: Wanted, target: Target, seen: Seen) -> Wanted:
    """Where users come back to live gradually, they do as its instances come: the few that are left would not carry all of
    them. Who has them (the candidate, or one that was superseded) never has more than it had, and after `PATIENCE` no more
    than the step says: some instances may never come."""
    rollout = target.rollout
    if rollout is None or rollout.live is None or not rollout.current().gradual:
        return want
    live = rollout.live
    others = {group: share for group, share in _in_force(seen).items() if group != live and seen.ready(group)}
    has, ready, size = sum(others.values()), seen.ready(live), want.sizes[live]
    least = {group: min(share, others.get(group, 0)) for group, share in want.split.items() if group != live}
    if (least and rollout.phase != "rolling_back") or live not in want.split:
        return want
    if ready >= size or _late(target, rollout, seen):
        kept = {group: share for group, share in least.items() if share}
        return msgspec.structs.replace(want, split={live: ALL - sum(kept.values()), **kept})
    stays = min(has, max(sum(least.values()), ALL - ALL * ready // size))
    kept = {group: part for group, share in others.items() if (part := share * stays // has)}
    return msgspec.structs.replace(want, split={live: ALL - sum(kept.values()), **kept})


def _late(target: Target, rollout: Rollout, seen: Seen) -> bool:
    """Live's instances have had the time to start that its probe gives them."""
    live = target.group(rollout.live)
    return live is not None and seen.at - rollout.entered_at > PATIENCE * live.revision.run.ready.within


def reachable(want: Wanted, seen: Seen) -> Split:
    """The split that can be had now: the wanted one if it has ready instances behind every share, else the one in
    force without the groups that have none."""
    if not want.split:
        return {}
    now = _in_force(seen)
    if all(_carries(group, share, want, now, seen) for group, share in want.split.items() if share):
        return {group: share for group, share in want.split.items() if share}
    kept = {group: share for group, share in now.items() if seen.ready(group)}
    lost = ALL - sum(kept.values())
    if not lost:
        return kept
    if not now and want.careful and not (want.backed_up or want.known):
        return {}  # a first release gets users when all of it is ready
    heirs = [group for group in (want.live, *want.split, *kept) if group is not None and seen.ready(group)]
    if not heirs:
        # Live's name for what answers nobody: a release that is to take over begins where live has all users.
        return now or ({want.live: ALL} if want.backed_up and want.live is not None else {})
    return {**kept, heirs[0]: kept.get(heirs[0], 0) + lost}


def sustained(want: Wanted, seen: Seen, split: Split) -> dict[str, int]:
    """Sizes that never make a group smaller while it has users, or is about to have."""
    sizes = dict(want.sizes)
    for group, size in want.sizes.items():
        found = seen.groups.get(group)
        if found is None:
            continue
        used = not seen.router_up or seen.share(group) or split.get(group)
        enough = seen.router_up and 0 < size <= found.ready()
        if used and not enough:
            sizes[group] = max(size, found.asked)
    return sizes


def in_force(target: Target, seen: Seen) -> bool:
    """Whether the router does what the present step wants."""
    if unknown(target):
        return seen.router_up and seen.traffic is None
    want = wanted(target)
    split = {group: share for group, share in want.split.items() if share}
    routes = seen.traffic.routes[:-1] if seen.traffic else ()
    inside = tuple((route.match, route.split[0].group) for route in routes)
    mirror = seen.traffic.mirror if seen.traffic else None
    return seen.router_up and _in_force(seen) == split and inside == want.inside and mirror == want.mirror


def _inside(want: Wanted, seen: Seen) -> tuple[tuple[Match, str], ...]:
    """The rules that can be had now: insiders of a group without a ready instance are users like all others."""
    return tuple((match, group) for match, group in want.inside if seen.ready(group))


def _in_force(seen: Seen) -> Split:
    routes = seen.traffic.routes if seen.traffic else ()
    return {part.group: part.share_bp for part in routes[-1].split if part.share_bp} if routes else {}


def _carries(group: str, share: int, want: Wanted, now: Split, seen: Seen) -> bool:
    rises = share > now.get(group, 0)
    known = group == want.live and (now or want.backed_up)
    full = rises and want.careful and not known
    return seen.ready(group) >= ((want.sizes.get(group) or 1) if full else 1)


def _traffic(target: Target, want: Wanted, sizes: dict[str, int], split: Split, seen: Seen) -> Traffic:
    place = target.placement
    watch = target.rollout.placement if target.rollout else place
    trial = target.rollout.trial if target.rollout else None
    members = {group: _members(group, seen) for group, size in sizes.items() if size or split.get(group)}
    parts = tuple(GroupShare(group, split[group]) for group in _ordered(split, target.rollout))
    rules = tuple(Route(match, (GroupShare(group, ALL),)) for match, group in _inside(want, seen))
    return Traffic(
        service=target.service,
        hosts=place.hosts,
        routes=(*rules, Route(Match(), parts)),
        members={group: found for group, found in members.items() if found},
        live=want.live,
        shield=watch.shield,
        # A test can do with no user who changes between arms: what was asked for with it holds at once.
        sticky=watch.sticky if trial else place.sticky,
        slow_after=watch.evidence.latency.bound,
        # nobody is sent copies who can't take them
        mirror=want.mirror if want.mirror is not None and seen.ready(want.mirror.group) else None,
        unshielded_rules=not (rules and trial),
        # not before those who had something else have live: another hash would deal them anew
        salt=trial.salt if trial and set(split) <= {want.live, *trial.groups} else "",
    )


def _ordered(split: Split, rollout: Rollout | None) -> list[str]:
    """As routers divide users who stay: in the order the groups were made (g9, g10), the candidate's from the first bucket on, so
    that who has it keeps it while the shares of others grow. Above them those of what it supersedes, which it takes from their
    lower end, and keeps when the rest of them have live."""
    baseline, warm = (rollout.baseline, rollout.warm) if rollout else (None, None)
    return sorted(split, key=lambda one: (one == baseline, one == warm, len(one), one))


def _members(group: str, seen: Seen) -> tuple[Member, ...]:
    """The ready ones. If none is but some were, those: an answer that may fail beats none at all."""
    found = seen.groups.get(group)
    if not found:
        return ()
    for state in ("ready", "unready"):
        chosen = [Member(one.id, one.address) for one in found.instances if one.state == state]
        if chosen:
            return tuple(sorted(chosen))
    return ()


def _fleet(target: Target, sizes: dict[str, int], seen: Seen) -> Fleet:
    orders = tuple(
        GroupOrder(
            group.id,
            group.revision.release,
            group.revision.version,
            group.revision.run,
            sizes[group.id],
            target.retired(group.id),
        )
        for group in target.groups
    )
    known = (
        {member.instance for group in seen.traffic.members.values() for member in group}
        if seen.traffic
        else set()
    )
    released = tuple(
        sorted(
            one.id
            for found in seen.groups.values()
            for one in found.instances
            if one.state == "leaving" and one.id not in known and not seen.sessions.get(one.id)
        )
    )
    return Fleet(target.service, target.environment, orders, released if seen.router_up else ())


def _differs(fleet: Fleet, seen: Seen) -> bool:
    sizes = {order.group: order.replicas for order in fleet.groups}
    for found in seen.groups.values():
        if found.asked != sizes.get(found.group, 0) or found.alive() != found.asked:
            return True
    return bool(fleet.released) or any(size and group not in seen.groups for group, size in sizes.items())
