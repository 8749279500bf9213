"""What users keep of a superseded release is judged too, for they may have it for days: until insiders have looked at the newer
one, or a person has approved it. It is held against live as a candidate is, from when it was superseded on; not by `threshold`,
which measures a step at a time."""

from __future__ import annotations

import msgspec

from plainsail.domain.criteria import Betting, EvidenceCriteria
from plainsail.domain.evidence import Evidence, Verdict
from plainsail.domain.judge import begin, judge
from plainsail.domain.lifecycle import Changed, event
from plainsail.domain.observation import Counts, Seen
from plainsail.domain.plan import PATIENCE
from plainsail.domain.quarantine import quarantined, why
from plainsail.domain.rollforward import given_up, in_full
from plainsail.domain.rollout import Group, Rollout, Target
from plainsail.domain.strategy import Exposed

replace = msgspec.structs.replace


def looked(
    target: Target, evidence: Evidence | None, seen: Seen, now: float
) -> tuple[Changed, Evidence | None]:
    """The target after a look at what its users keep: as it was, or with live in its place, if that is worse or gone. What is worse
    is in quarantine from then on; where live was made smaller it is there in full before it has so many users more."""
    rollout = target.rollout
    kept = target.group(rollout.warm) if rollout is not None else None
    if rollout is None or kept is None or not _keeps(rollout, seen):
        return Changed(target), evidence
    version = kept.revision.version
    if not seen.ready(kept.id):
        reason = f"no instance of {version} answers any more, so who had it has live again"
        return _told(target, given_up(rollout), reason, "superseded_gone", now), evidence
    found = Changed(target)
    by_bets = isinstance(rollout.placement.evidence.judge, Betting)
    if rollout.worse_at is None and by_bets and evidence is not None and evidence.rollout == rollout.id:
        known, said = _judged(evidence.variants.get(kept.id), kept, rollout, seen, now)
        evidence = replace(evidence, variants={kept.id: known})
        if said.outcome == "fail":
            reason = f"who had {version}, which is superseded, goes back to live: {said.sentence}"
            bad = replace(in_full(rollout), worse_at=now)
            found = _told(_without(target, kept), bad, reason, said.code, now)
    return found.then(_given_up(found.target, seen, now)), evidence


def handed(target: Target) -> Exposed | None:
    """What a deploy takes over that supersedes the rollout under way: nothing that is known to be bad."""
    rollout = target.rollout
    found = rollout.exposed() if rollout is not None else None
    group = target.group(found.group) if found is not None else None
    if rollout is None or group is None or (group.id == rollout.warm and rollout.worse_at is not None):
        return None
    one = group.revision
    return None if why(target, one.release, one.config, one.version) else found


def _without(target: Target, kept: Group) -> Target:
    """The target with what was found to be worse in quarantine. If the newer one is the same release, its configuration was."""
    rollout, live = target.rollout, target.group(target.live)
    newer = rollout.revision if rollout is not None else kept.revision
    if newer.release == kept.revision.release:
        return quarantined(target, kept.revision, newer)
    return quarantined(target, kept.revision, live.revision if live is not None else None)


def _given_up(target: Target, seen: Seen, now: float) -> Changed:
    """Once live can take its users, or has had the time to start that its probe gives it."""
    rollout, live = target.rollout, target.group(target.live)
    if rollout is None or live is None or rollout.worse_at is None:
        return Changed(target)
    late = now - rollout.worse_at > PATIENCE * live.revision.run.ready.within
    if not late and seen.ready(live.id) < rollout.current().sizes.get("live", 0):
        return Changed(target)
    rollout = given_up(rollout)
    return Changed(replace(target, rollout=rollout), (rollout,))


def _keeps(rollout: Rollout, seen: Seen) -> bool:
    """Users have it now, and live can take them."""
    under_way = rollout.phase in ("progressing", "paused") and rollout.current().share("warm") > 0
    return under_way and seen.router_up and rollout.live is not None and seen.ready(rollout.live) > 0


def _judged(
    known: Evidence | None, kept: Group, rollout: Rollout, seen: Seen, now: float
) -> tuple[Evidence, Verdict]:
    """By what the router counts and the provider sees: sources of metrics are asked about the newer one."""
    asked = rollout.placement.evidence
    criteria: EvidenceCriteria = replace(asked, compare="live", metrics={}, judge=Betting())
    crashes = {id: group.crashes for id, group in seen.groups.items()}
    if known is None:
        counted = seen.counts.get(kept.id, Counts())
        known = replace(
            begin(now), rollout=rollout.id, exposed_at=now, last={kept.id: counted},
            crashes={kept.id: crashes.get(kept.id, 0)},
        )  # fmt: skip
    return judge(
        known, seen.counts, crashes, kept.id, rollout.live, criteria, (), None, now,
        seen.groups[kept.id].trouble, share=seen.share(kept.id),
    )  # fmt: skip


def _told(target: Target, rollout: Rollout, why: str, code: str, now: float) -> Changed:
    happened = event("superseded_taken_back", replace(rollout, reason=why, reason_code=code), now)
    return Changed(replace(target, rollout=rollout), (rollout,), (happened,))
