"""Which instances of a group start, leave, stay after all, and end; and how long a crash loop waits. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

FIRST_WAIT = 0.5
LONGEST_WAIT = 30.0
"""Seconds. A service that cannot start is tried twice a minute: seldom enough to cost nothing, often enough that it is
back soon after its database is."""
STEADY = 60.0
"""Seconds of being ready after which a crash begins a new count."""


class Hand(msgspec.Struct, frozen=True):
    """An instance as the decision sees it. Times are in seconds of one clock."""

    id: str
    ready: bool
    was_ready: bool
    since: float
    drain: float
    leaving_at: float | None = None
    ending: bool = False
    """Was sent SIGTERM."""
    foreign: bool = False
    """Of another release than its group is now, or to be replaced: it leaves, whatever is wanted."""


class Moves(msgspec.Struct, frozen=True):
    """What to do now, and when to look again if nothing happens before."""

    start: int = 0
    leave: tuple[str, ...] = ()
    stay: tuple[str, ...] = ()
    """Were leaving, and are wanted again."""
    end: tuple[str, ...] = ()
    again_at: float | None = None


class Backoff(msgspec.Struct, frozen=True):
    """How long a group waits before it starts an instance again: doubling from half a second."""

    wait: float = 0.0
    failed_at: float = 0.0

    def starts_at(self) -> float:
        return self.failed_at + self.wait

    def failed(self, since: float, ready_at: float | None, now: float) -> Backoff:
        """After an instance started at `since` failed. Those of one round that fail together count once."""
        if self.wait and since < self.failed_at:
            return self
        steady = ready_at is not None and now - ready_at >= STEADY
        return Backoff(FIRST_WAIT if steady or not self.wait else min(self.wait * 2, LONGEST_WAIT), now)


def moves(
    hands: Sequence[Hand], wanted: int | None, released: frozenset[str], starts_at: float, now: float
) -> Moves:
    """From what is to what is wanted. `wanted` None: nobody has said yet, so only what is leaving goes on leaving."""
    foreign = [hand for hand in hands if hand.foreign and hand.leaving_at is None]
    staying = sorted((hand for hand in hands if hand.leaving_at is None and not hand.foreign), key=_worth)
    going = sorted((hand for hand in hands if hand.leaving_at is not None and not hand.ending), key=_worth)
    size = len(staying) if wanted is None else wanted
    surplus = [*foreign, *staying[: max(0, len(staying) - size)]]
    missing = max(0, size - len(staying))
    recallable = [hand for hand in going if not hand.foreign]
    recalled = recallable[len(recallable) - min(missing, len(recallable)) :]
    missing -= len(recalled)
    start = missing if now >= starts_at else 0

    leaving = [(hand, now) for hand in surplus]
    leaving += [(hand, hand.leaving_at or now) for hand in going if hand not in recalled]
    over = {hand.id: 0.0 if _may_end(hand, released) else at + hand.drain for hand, at in leaving}
    later = [at for at in over.values() if at > now] + ([starts_at] if missing and not start else [])
    return Moves(
        start,
        tuple(hand.id for hand in surplus),
        tuple(hand.id for hand in recalled),
        tuple(id for id, at in over.items() if at <= now),
        min(later, default=None),
    )


def _worth(hand: Hand) -> tuple[bool, float, str]:
    """Sorts by who leaves first: who is not ready, then who is youngest."""
    return (hand.ready, -hand.since, hand.id)


def _may_end(hand: Hand, released: frozenset[str]) -> bool:
    """Nobody is connected: the router let it go, or never had it."""
    return hand.id in released or not hand.was_ready
