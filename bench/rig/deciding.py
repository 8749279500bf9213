"""The deciding request: the first one after which the judge, had it looked at that very moment, would have said no.

The looks are replayed: from what the last look before the verdict had counted, the requests that instances wrote down
are added one by one, each when it became countable (answered; or past the latency bound, if that was earlier), and the
production decision is asked after each of the candidate's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from bench.rig.app import RECORD
from bench.rig.watched import Look
from plainsail.domain.decide import decide
from plainsail.domain.observation import Counts, Seen

replace = msgspec.structs.replace


class Asked(msgspec.Struct, frozen=True):
    """A request as an instance saw it."""

    came: float
    countable: float
    failed: bool
    slow: bool


def asked(place: Path, version: str, bound: float) -> list[Asked]:
    """All that instances of this version were asked, in the order in which it became countable."""
    found = []
    for file in place.glob(f"{version}-*"):
        data = file.read_bytes()
        for came, answered, bad in RECORD.iter_unpack(data[: len(data) // RECORD.size * RECORD.size]):
            slow = not answered or answered - came > bound
            found.append(Asked(came, came + bound if slow else answered, bad and not slow, slow))
    return sorted(found, key=lambda one: one.countable)


def deciding(looks: Sequence[Look], candidate: Sequence[Asked], live: Sequence[Asked]) -> tuple[float, bool]:
    """When the deciding request became countable; and whether the replay found it (else it is the last mishap that the
    verdict's look can have seen)."""
    at, look = next((n, one) for n, one in enumerate(looks) if _turns_back(one, one.seen))
    before = looks[at - 1]
    ours, theirs = _groups(look)
    fresh = [one for one in candidate if before.at < one.countable <= look.at]
    for number, one in enumerate(fresh, 1):
        beside = [other for other in live if before.at < other.countable <= one.countable]
        counts = {
            ours: _more(before.seen.counts.get(ours, Counts()), fresh[:number]),
            theirs: _more(before.seen.counts.get(theirs, Counts()), beside),
        }
        if _turns_back(look, _seen(look, counts, one.countable)):
            return one.countable, True
    bad = [one.countable for one in candidate if (one.failed or one.slow) and one.countable <= look.at]
    return max(bad), False


def verdict_at(looks: Sequence[Look]) -> float:
    """When the look was that saw it."""
    return next(one.at for one in looks if _turns_back(one, one.seen))


def _turns_back(look: Look, seen: Seen) -> bool:
    before = look.target.rollout
    if before is None or before.phase != "progressing":
        return False
    after = decide(look.target, look.evidence, (), seen, seen.at).target.rollout
    return after is not None and after.phase == "rolling_back"


def _seen(look: Look, counts: Mapping[str, Counts], at: float) -> Seen:
    return replace(look.seen, counts={**look.seen.counts, **counts}, at=look.now - (look.at - at))


def _groups(look: Look) -> tuple[str, str]:
    rollout = look.target.rollout
    assert rollout is not None and rollout.live is not None  # noqa: PT018
    return rollout.candidate, rollout.live


def _more(counts: Counts, new: Sequence[Asked]) -> Counts:
    return replace(
        counts, requests=counts.requests + len(new), failures=counts.failures + sum(one.failed for one in new),
        slow=counts.slow + sum(one.slow for one in new),
    )  # fmt: skip
