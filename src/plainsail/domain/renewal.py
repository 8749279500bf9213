"""Evidence that begins anew when an instance of the candidate is replaced: what that one did, and does yet, is not in it. Pure.

It takes a moment until the router follows the order, and what the instance was asked before then is answered later: at once,
or after the longest request. The router's counters of a group can't be taken apart. So from the order on the candidate is
what the router's log tells of its other instances, until the replaced one is silent; then it is the group's counters again,
from there on. Meanwhile

* the others' failures count as ever, as soon as their requests are over; one that hangs is seen when it is over;
* sources of metrics and the router's quantiles tell of a group and not of an instance: they are not listened to;
* no step is left (`progress`).

That lasts as long as the instance has users or requests under way and `settles` longer, and at most `longest`. Lines of the
log that get lost are nobody's: the others' failures and their good answers are lost alike.
"""

from __future__ import annotations

import msgspec

from plainsail.domain.evidence import Arm, Evidence, Track, Without
from plainsail.domain.observation import Counts, Seen
from plainsail.domain.rollout import Rollout

replace = msgspec.structs.replace

MARGIN = 1.0
"""Seconds for what comes between a request's end and its line, and from an instance's end to the turn that sees it."""


def renewed(evidence: Evidence, rollout: Rollout, seen: Seen, now: float) -> Evidence:
    """The evidence before the judge looks. The same if nobody was replaced."""
    if rollout.retired != evidence.replaced:
        return _begun(evidence, rollout, seen, now)
    if evidence.without is None or not seen.router_up:
        return evidence
    without = _grown(evidence.without, rollout, seen, now)
    quiet = now - without.busy_at >= settles(rollout) or now - without.since >= longest(rollout)
    if quiet and rollout.candidate in seen.counts:
        return _over(evidence, rollout, seen, now)
    return replace(evidence, without=without)


def apart(evidence: Evidence, rollout: Rollout, seen: Seen) -> Seen:
    """What the judge is to look at."""
    if evidence.without is None:
        return seen
    counts = {**seen.counts, rollout.candidate: evidence.without.counts}
    return replace(seen, counts=counts, latency={}, measured={})


def settles(rollout: Rollout) -> float:
    """Seconds that a replaced instance must have been without requests: what it failed last may be with live still, which
    answers instead; once that is past the bound, it has been counted."""
    return rollout.placement.evidence.latency.bound + MARGIN


def longest(rollout: Rollout) -> float:
    """Seconds after the order in which a replaced instance is silent, whatever its requests do: its end is certain."""
    stop = rollout.revision.run.stop
    return stop.drain + stop.grace + settles(rollout)


def _begun(evidence: Evidence, rollout: Rollout, seen: Seen, now: float) -> Evidence:
    """What is known of live, of crashes and of the split is kept."""
    counts = {group: seen.counts[group] for group in evidence.last if group in seen.counts}
    return replace(
        evidence,
        candidate=Arm(crashes=evidence.candidate.crashes),
        live=Arm(crashes=evidence.live.crashes),
        cold=None,
        last={**evidence.last, **counts, rollout.candidate: Counts()},
        opened=now,
        marks=(),
        harm={},
        proof={},
        meters=None,
        replaced=rollout.retired,
        without=Without(now, now, Counts(), _told(rollout, seen)),
        **_listening(evidence, now),
    )


def _over(evidence: Evidence, rollout: Rollout, seen: Seen, now: float) -> Evidence:
    """What is known of the others is kept; from here on the group's counters are theirs."""
    last = {**evidence.last, rollout.candidate: seen.counts[rollout.candidate]}
    return replace(evidence, last=last, without=None, **_listening(evidence, now))


def _listening(evidence: Evidence, now: float) -> dict[str, object]:
    """What tells of groups only begins here; for all arms of a test, or one would be compared with another time of live's."""
    variants = {
        group: replace(one, anew_at=now, tracks=_tracks(one, now)) for group, one in evidence.variants.items()
    }
    return {
        "anew_at": now, "tracks": _tracks(evidence, now), "variants": variants, "tails": {}, "bands": {}, "outset": None,
        "split": None,
    }  # fmt: skip


def _tracks(evidence: Evidence, now: float) -> dict[str, Track]:
    return {name: Track(until=now, tried=max(now, track.tried)) for name, track in evidence.tracks.items()}


def _grown(without: Without, rollout: Rollout, seen: Seen, now: float) -> Without:
    """With what the log told of the others since the last look. Less than before: the log began anew, and all of it is new."""
    told, sum = _told(rollout, seen), without.counts
    for id, found in told.items():
        before = without.last.get(id, Counts())
        sum = _plus(sum, found, Counts() if _less(found, before) else before)
    return Without(
        since=min(without.since, now),
        busy_at=now if _busy(rollout, seen) else min(without.busy_at, now),
        counts=sum,
        last={**without.last, **told},
    )


def _told(rollout: Rollout, seen: Seen) -> dict[str, Counts]:
    """Of each of the candidate's instances that the log knows, but for the replaced."""
    group = seen.groups.get(rollout.candidate)
    ids = [one.id for one in group.instances] if group else []
    return {id: seen.instances[id] for id in ids if id in seen.instances and id not in rollout.retired}


def _busy(rollout: Rollout, seen: Seen) -> bool:
    """Whether a replaced one gets requests, or has some."""
    members = seen.traffic.members.get(rollout.candidate, ()) if seen.traffic else ()
    return any(one.instance in rollout.retired for one in members) or any(
        seen.sessions.get(id) for id in rollout.retired
    )


def _less(found: Counts, before: Counts) -> bool:
    return min(_each(found, before)) < 0


def _plus(sum: Counts, found: Counts, before: Counts) -> Counts:
    new = _each(found, before)
    return Counts(sum.requests + new[0], sum.failures + new[1], sum.shielded + new[2], sum.slow + new[3])


def _each(found: Counts, before: Counts) -> tuple[int, int, int, int]:
    return (
        found.requests - before.requests,
        found.failures - before.failures,
        found.shielded - before.shielded,
        found.slow - before.slow,
    )
