"""Rolling: batches of new instances, and what ends of the old ones in each; users follow the instances.

The old ones are live's and, where a superseded candidate has users, warm's. They are counted together: there are never more
than `replicas` and `max_surge` in all, nor fewer ready than `replicas` less `max_unavailable`. Which of them end is read from
who has users: most of warm's first, for the new ones take its users first. Live's that are gone already are not started again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from plainsail.domain.steps import Asked, both, needed, split_at, switch
from plainsail.domain.strategy import Role, Step
from plainsail.domain.units import ALL

replace = msgspec.structs.replace

STRAIN = 1.5
"""Times what each old instance would have if users were spread evenly over them. Live's users are not warm's, so with few
instances the ones have more to do than the others: one of two with nearly all users would have twice as much, and then there
is one more in all. The first batch of a rolling over three instances without `max_surge` gives 1.5 times the usual to each."""


class Old(msgspec.Struct, frozen=True):
    """Instances that have what the new ones do not have yet."""

    live: int
    warm: int = 0


def rolled(before: Sequence[Step], surge: int, missing: int, asked: Asked) -> tuple[Step, ...]:
    """Batches of `surge + missing` new instances, from those on that carry users already; in each, the old ones whose
    place was taken before end. So there are never more than `replicas + surge`, nor fewer ready than `replicas - missing`.
    Nobody who has the new release is taken back to begin with."""
    new, share = carrying(before, asked), before[-1].share("candidate") if before else 0
    steps = [*_caught_up(before, new, asked)]
    share = max(share, steps[-1].share("candidate") if steps else 0)
    surge, missing = _batch(surge, missing, asked)
    old = _there(before, asked)
    while new + surge + missing < asked.replicas:
        old = _left(old, new, share, missing, asked)
        new += surge + missing
        share = max(share, _carried(new, missing, asked))
        sizes: dict[Role, int] = {"live": max(old.live, min(1, asked.live)), "candidate": new}
        if old.warm:
            sizes["warm"] = old.warm
        steps.append(Step(f"{new} of {asked.replicas}", sizes, split_at(share, False), asked.judged()))
    return tuple(steps)


def last(steps: Sequence[Step], surge: int, missing: int, asked: Asked) -> Old:
    """The old ones while the last of the new are started."""
    missing, share = _batch(surge, missing, asked)[1], steps[-1].share("candidate") if steps else 0
    return _left(_there(steps, asked), carrying(steps, asked), share, missing, asked)


def handed(steps: Sequence[Step], live: int) -> tuple[Step, ...]:
    """Where the last of the old end before the last of the new are started, their users go to those that are ready."""
    if live or not steps or not steps[-1].share("candidate") or not steps[-1].sizes["live"]:
        return ()
    given = switch(steps[-1].sizes["candidate"], 0)
    return (replace(given, name=f"100 % on {given.sizes['candidate']}"),)


def carrying(steps: Sequence[Step], asked: Asked) -> int:
    """New instances that stand for as many old ones at the end of these steps."""
    share = steps[-1].share("candidate") if steps else 0
    return min(steps[-1].sizes["candidate"], needed(share, asked.replicas)) if share else 0


def _caught_up(before: Sequence[Step], new: int, asked: Asked) -> tuple[Step, ...]:
    """The share that the instances of the canary carry, before the first batch: with few instances that alone is a great
    part of the users, and they would jump to it together with the batch."""
    share = new * ALL // asked.replicas
    if not before or not before[-1].share("candidate") < share < ALL:
        return ()
    sizes = both(asked.live, before[-1].sizes["candidate"])
    return (Step(f"{new} of {asked.replicas}", sizes, split_at(share, False), asked.judged()),)


def _batch(surge: int, missing: int, asked: Asked) -> tuple[int, int]:
    """What can be had of these: one instance of each old release always answers, and a batch is never empty, or it would not
    end."""
    missing = min(missing, asked.replicas - 1)
    if asked.taken is not None:
        missing = min(missing, max(asked.replicas - 2, int(not surge)))
    return surge or int(not missing), missing


def _there(before: Sequence[Step], asked: Asked) -> Old:
    """The old ones at the end of these steps."""
    taken, live = asked.taken, before[-1].sizes["live"] if before else asked.live
    if taken is None:
        return Old(live)
    if before:
        return Old(live, before[-1].sizes.get("warm", taken.instances))
    return Old(live if taken.live is None else min(live, taken.live), taken.instances)


def _left(old: Old, new: int, share: int, missing: int, asked: Asked) -> Old:
    """Which of the old ones stay beside so many new ones that are ready and have this share, while a batch more is started."""
    total, taken = _remaining(new, missing, asked), asked.taken
    if taken is None:
        return Old(total)
    if share >= taken.share_bp or not total:
        return Old(min(old.live, total))
    theirs = ALL - taken.share_bp, taken.share_bp - share
    fitting, wider = (_fitting(old, max(2, total) + more, theirs) for more in (0, 1))
    strained = _strain(fitting, theirs) > STRAIN * sum(theirs) / total
    return wider if strained and _strain(wider, theirs) < _strain(fitting, theirs) else fitting


def _remaining(new: int, missing: int, asked: Asked) -> int:
    """Old instances beside so many new ones that are ready, while a batch more is started."""
    least = 0 if new else min(1, asked.live)
    return max(least, math.ceil(asked.live * (asked.replicas - new) / asked.replicas) - missing)


def _fitting(old: Old, room: int, theirs: tuple[int, int]) -> Old:
    """As many of both as there is room for, so that none has more to do than it must."""
    if old.live + old.warm <= room or not old.live:
        return Old(old.live, min(old.warm, room))
    lives = range(max(1, room - old.warm), min(old.live, room - 1) + 1)
    each = [Old(live, room - live) for live in reversed(lives)]
    return min(each, key=lambda one: _strain(one, theirs))


def _strain(old: Old, theirs: tuple[int, int]) -> float:
    """Basis points of the users that the busiest instance has."""
    live, warm = theirs
    return max(live / max(1, old.live), warm / max(1, old.warm))


def _carried(new: int, missing: int, asked: Asked) -> int:
    """The share of so many new instances. Where there is no room any more for one of warm's beside one of live's, they have all
    of warm's users, unless that is too much for them."""
    share, taken = new * ALL // asked.replicas, asked.taken
    if taken is None or share >= taken.share_bp or _remaining(new, missing, asked) != 1:
        return share
    return taken.share_bp if taken.share_bp / new <= STRAIN * (ALL - share) else share
