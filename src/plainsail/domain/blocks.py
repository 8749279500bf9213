"""Blocks of time: cumulative counts of two groups become what each had since the last comparison."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from plainsail.domain.evidence import Arm, Evidence, Mark
from plainsail.domain.observation import Counts

replace = msgspec.structs.replace

OPEN_FOR = 1.0
"""Seconds that live's requests wait for one of the candidate's to be compared with; older ones say little about now."""
GAPS = 10.0
"""Live is taken to be without traffic after this many of its mean gaps between requests: by chance once in 20,000."""
QUIET_AT_LEAST, QUIET_AT_MOST = 1.0, 1800.0
"""Seconds, bounds on that: a pause of the router's own counting is no silence, and a new release is not left unwatched."""
QUIET_AT_FIRST = 30.0
"""While live has not had a request yet, so that nothing is known of its gaps."""


NONE = Counts(-1)
"""Of a group that was not seen."""


class Compared(msgspec.Struct, frozen=True):
    """What both sides had in a block that closed. `live.requests` is 0 when live has no traffic at all."""

    candidate: Counts
    live: Counts


def advance(
    evidence: Evidence, counts: Mapping[str, Counts], candidate: str, live: str | None, now: float
) -> tuple[Evidence, Compared | None]:
    """The evidence with what is new in the counts, and the block that closed by it, if one did.

    A block closes when both sides have had a request; that depends on how many requests there were, never on how they
    went, so it favours nobody. A candidate whose live side has fallen silent (all users moved) is looked at alone.

    The candidate's group was made for this rollout, so all it ever counted is its own: it starts from zero. Live's
    counts began long before, so its first sight is where they start. Counts below zero are no counts: as if not seen.
    """
    counts = {
        group: found for group in (candidate, live) if group and _sound(found := counts.get(group, NONE))
    }
    if now < evidence.live_at:
        evidence = _set_back(evidence, evidence.live_at - now, now)
    evidence = _watch_live(evidence, counts, live, now)
    new = _since(evidence.last.get(candidate, Counts()), counts.get(candidate))
    control = _since(evidence.last[live], counts.get(live)) if live in evidence.last else Counts()
    if not new.requests:
        return _drop_old(evidence, counts, live, now), None
    if not control.requests and live is not None and now - evidence.live_at < _quiet(evidence):
        return evidence, None
    ours, theirs = _settled(new), _settled(control)
    last = {candidate: _taken(counts[candidate], new, ours)}
    if live in evidence.last:
        last[live] = _taken(counts[live], control, theirs) if control.requests else evidence.last[live]
    evidence = replace(
        evidence,
        last=last,
        opened=now,
        candidate=_add(evidence.candidate, ours),
        live=_add(evidence.live, theirs),
    )
    return evidence, Compared(ours, theirs)


def marked(evidence: Evidence, before: Evidence) -> Evidence:
    """With a mark where things stood before this block: nothing is suspected yet."""
    mark = Mark(before.opened, before.candidate, before.live)
    return replace(evidence, marks=(*evidence.marks[-1:], mark))


def lately(evidence: Evidence) -> Mark | None:
    """What both sides had since the first mark, the block before suspicion rose; None without one."""
    if not evidence.marks:
        return None
    mark = evidence.marks[0]
    return Mark(mark.at, _less(evidence.candidate, mark.candidate), _less(evidence.live, mark.live))


def count_crashes(
    evidence: Evidence, crashes: Mapping[str, int], candidate: str, live: str | None
) -> Evidence:
    """Adds new crashes to both arms; the candidate's from zero, live's from the first look, as with requests."""
    seen = {group: crashes[group] for group in (candidate, live) if group is not None and group in crashes}
    if seen == evidence.crashes:
        return evidence
    return replace(
        evidence,
        crashes={**evidence.crashes, **seen},
        candidate=_crashed(evidence.candidate, evidence.crashes.get(candidate, 0), seen.get(candidate)),
        live=_crashed(
            evidence.live, evidence.crashes.get(live or "", seen.get(live or "", 0)), seen.get(live or "")
        ),
    )


def _crashed(arm: Arm, before: int, after: int | None) -> Arm:
    if after is None or after == before:
        return arm
    return replace(arm, crashes=arm.crashes + (after - before if after > before else after))


def _set_back(evidence: Evidence, by: float, now: float) -> Evidence:
    """The clock was set back: live's silence is counted from here, and what was is as long ago as it was at its last request,
    or its mean gap would be nothing and it would be silent at once."""
    return replace(
        evidence,
        since=evidence.since - by,
        live_at=now,
        opened=min(evidence.opened, now),
        marks=tuple(replace(mark, at=mark.at - by) for mark in evidence.marks),
    )


def _watch_live(evidence: Evidence, counts: Mapping[str, Counts], live: str | None, now: float) -> Evidence:
    if live is None or live not in counts:
        return evidence
    found = counts[live]
    if live not in evidence.last:
        return replace(
            evidence,
            last={**evidence.last, live: found},
            opened=now,
            live_at=now,
            live_counted=found.requests,
            live_seen=0,  # of somebody else, a baseline say, whose gaps are others
        )
    if found.requests == evidence.live_counted:
        return evidence
    more = found.requests - evidence.live_counted
    return replace(
        evidence,
        live_at=now,
        live_counted=found.requests,
        live_seen=evidence.live_seen + (more if more > 0 else found.requests),
    )


def _drop_old(evidence: Evidence, counts: Mapping[str, Counts], live: str | None, now: float) -> Evidence:
    """Without what live did while the candidate had nothing to compare it with."""
    if live not in evidence.last or live not in counts or now - evidence.opened < OPEN_FOR:
        return evidence
    return replace(evidence, last={**evidence.last, live: counts[live]}, opened=now)


def _quiet(evidence: Evidence) -> float:
    """Seconds without a request after which live counts as without traffic."""
    if not evidence.live_seen:
        return QUIET_AT_FIRST
    gap = (evidence.live_at - evidence.since) / evidence.live_seen
    return min(QUIET_AT_MOST, max(QUIET_AT_LEAST, GAPS * gap))


def _since(last: Counts, found: Counts | None) -> Counts:
    """What is new. A smaller number than before means that the router began anew: then all it counted is new."""
    if found is None:
        return Counts()
    new = Counts(
        requests=found.requests - last.requests,
        failures=found.failures - last.failures,
        shielded=found.shielded - last.shielded,
        slow=found.slow - last.slow,
    )
    return found if min(new.requests, new.failures, new.shielded, new.slow) < 0 else new


def _sound(found: Counts) -> bool:
    return min(found.requests, found.failures, found.shielded, found.slow) >= 0


def _settled(new: Counts) -> Counts:
    """Without the mishaps of requests that are not in this block: one that hung is slow at once and fails much later."""
    failures = min(new.failures, new.requests)
    return Counts(new.requests, failures, min(new.shielded, failures), min(new.slow, new.requests))


def _taken(found: Counts, new: Counts, settled: Counts) -> Counts:
    """Where the next block starts: what was left out of this one is in it."""
    return Counts(
        requests=found.requests,
        failures=found.failures - (new.failures - settled.failures),
        shielded=found.shielded - (new.shielded - settled.shielded),
        slow=found.slow - (new.slow - settled.slow),
    )


def _add(arm: Arm, block: Counts) -> Arm:
    return replace(
        arm,
        requests=arm.requests + block.requests,
        failures=arm.failures + block.failures,
        shielded=arm.shielded + block.shielded,
        slow=arm.slow + block.slow,
    )


def _less(arm: Arm, before: Arm) -> Arm:
    return Arm(
        requests=arm.requests - before.requests,
        failures=arm.failures - before.failures,
        shielded=arm.shielded - before.shielded,
        slow=arm.slow - before.slow,
        crashes=arm.crashes - before.crashes,
    )
