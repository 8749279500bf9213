"""One turn of the loop as a pure function: intents, the world and the clock in; new state, events and orders out.

`plainsail simulate` and the engine both call this and nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from plainsail.domain import arms, aside, bands
from plainsail.domain.actions import Action
from plainsail.domain.checking import heard
from plainsail.domain.criteria import EvidenceCriteria, Threshold
from plainsail.domain.events import Event
from plainsail.domain.evidence import Arm, Evidence, Verdict
from plainsail.domain.intents import Intent
from plainsail.domain.judge import begin, judge
from plainsail.domain.kept import looked
from plainsail.domain.lifecycle import Changed
from plainsail.domain.observation import Seen
from plainsail.domain.past import OWN, remembered
from plainsail.domain.plan import plan
from plainsail.domain.progress import progress, tidy
from plainsail.domain.renewal import apart, renewed
from plainsail.domain.rollforward import reached
from plainsail.domain.rollout import SUSPECTED, Rollout, Target
from plainsail.domain.shadows import copying, judged_by, mirrored, told
from plainsail.domain.standing import warned, watch
from plainsail.domain.steer import steer
from plainsail.domain.strategy import Judged
from plainsail.domain.threshold import Place, measure
from plainsail.domain.trail import Point, Tally, longer
from plainsail.domain.units import ALL
from plainsail.domain.weighing import harm_logs, shares, way

FAST = 0.1
"""Seconds to the next look while a candidate has traffic: a tenth of a second of a bad release is what users may feel."""
BRISK = 0.2
"""While something is on its way without users in danger."""
IDLE = 5.0
"""While nothing is under way; what drivers notice by themselves, and people's wishes, wake the loop sooner. So it is only
for what somebody did to the router by hand, and each look costs a millisecond for every service there is."""

CALM, TESTED = 1.0, 600.0
"""Seconds between looks, after so many seconds, while variants are tested and nothing is suspected of any. A test lasts for weeks
with what has been watched for a while, and ten looks a second of that are a part of a core."""

AT_REST = 3600.0
"""While nothing was ever deployed: there is nothing to look after, so a target of which nothing runs costs nothing."""


class Decision(msgspec.Struct, frozen=True):
    """What one turn decided. `changed` is false when nothing but the running numbers is new."""

    target: Target
    evidence: Evidence | None
    rollouts: tuple[Rollout, ...]
    events: tuple[Event, ...]
    actions: tuple[Action, ...]
    changed: bool
    wake_in: float


def decide(
    target: Target, evidence: Evidence | None, intents: Sequence[Intent], seen: Seen, now: float
) -> Decision:
    """Raises nothing that is not a defect: every input has an answer."""
    changed = Changed(reached(target, seen))
    for intent in intents:
        changed = changed.then(steer(changed.target, intent, now))
    changed = changed.then(heard(changed.target, seen.told, now))
    evidence, verdict = _judged(changed.target, evidence, seen, now)
    kept, evidence = looked(changed.target, evidence, seen, now)
    changed = changed.then(kept)
    changed = changed.then(progress(changed.target, seen, verdict, now, evidence))
    target_after = _at_rest(tidy(changed.target, seen), seen, now)
    actions = plan(target_after, seen)
    return Decision(
        target=target_after,
        evidence=evidence,
        rollouts=_latest(changed.rollouts),
        events=changed.events,
        actions=actions,
        changed=bool(
            changed.events
            or intents
            or target_after.groups != target.groups
            or target_after.errands != target.errands
        ),
        wake_in=_wake_in(target_after, seen, bool(actions)),
    )


def _judged(
    target: Target, evidence: Evidence | None, seen: Seen, now: float
) -> tuple[Evidence | None, Verdict | None]:
    """The judge looks from the first request of the candidate until all users are moved or it is on its way back."""
    rollout = target.rollout
    if rollout is None:
        return None, None
    if evidence is None or evidence.rollout != rollout.id:
        evidence = msgspec.structs.replace(begin(now), rollout=rollout.id)
    under_watch = rollout.phase in ("progressing", "paused") or rollout.goes_back_gradually()
    if not under_watch or rollout.kind != "deploy":
        return evidence, None
    evidence = arms.followed(evidence, rollout)
    evidence = watch(renewed(evidence, rollout, seen, now), seen, rollout.live)
    evidence = mirrored(evidence, rollout, seen, now)
    seen = judged_by(evidence, rollout, apart(evidence, rollout, seen))
    if (evidence.exposed_at is None or now < evidence.exposed_at) and arms.exposed(rollout, seen):
        evidence = msgspec.structs.replace(evidence, exposed_at=now)
    exposures = tuple(step.leave.exposure for step in rollout.course.steps if isinstance(step.leave, Judged))
    exposures = () if copying(rollout) else exposures
    leave = rollout.current().leave
    live = _beside(seen, rollout)
    criteria = arms.shared_out(_criteria(rollout, live), rollout.trial)
    crashes = {id: group.crashes for id, group in seen.groups.items()}
    warm = _warm(evidence, rollout, now)
    if warm and evidence.exposed_at is not None and evidence.without is None:
        evidence = bands.watch(evidence, seen, rollout.candidate, live, rollout.placement.evidence.alpha, now)
    if isinstance(rollout.placement.evidence.judge, Threshold):
        asked = leave.exposure if isinstance(leave, Judged) else 0
        share, trouble = seen.share(rollout.candidate), _trouble(seen, rollout.candidate)
        place = Place(rollout.step, asked, share, trouble, warm, copying(rollout) is not None)
        evidence, verdict = measure(
            evidence, seen.counts, crashes, seen.measured, rollout.candidate, live, criteria, place, now
        )  # fmt: skip
        trail = longer(evidence.trail, _point(verdict, place.share_bp, now))
        return msgspec.structs.replace(evidence, trail=trail), _said(verdict, evidence, rollout)
    evidence, verdict = judge(
        evidence, seen.counts, crashes, rollout.candidate, live, criteria, exposures,
        (leave.exposure or None) if isinstance(leave, Judged) else None, now, _trouble(seen, rollout.candidate),
        past=_past(target, rollout, evidence, live is None) if rollout.watched() else None,
        expected=_expected(seen, rollout, live) if evidence.without is None else None,
        latency=seen.latency, measured=seen.measured,
        before=rollout.verdict, warm=warm, share=seen.share(rollout.candidate),
    )  # fmt: skip
    evidence, verdict = arms.judged(evidence, verdict, rollout, seen, criteria, exposures, now, warm)
    tests = (*evidence.tests, *sorted(evidence.harm.keys() - set(evidence.tests)))
    point = _point(verdict, seen.share(rollout.candidate), now, tests, criteria)
    evidence = aside.noted(evidence, verdict, criteria, now)
    evidence = msgspec.structs.replace(evidence, tests=tests, trail=longer(evidence.trail, point))
    return evidence, _said(verdict, evidence, rollout)


def _said(verdict: Verdict, evidence: Evidence, rollout: Rollout) -> Verdict:
    return told(warned(verdict, evidence, rollout), evidence, rollout)


def _expected(seen: Seen, rollout: Rollout, live: str | None) -> float | None:
    """The candidate's part of both sides' requests, as the router is told; None unless both have users. Where users stick to
    a side, a busy few make any split uneven, and insiders come to the candidate besides: nothing is wrong with that."""
    if live is None:
        return None
    ours, theirs, table = seen.share(rollout.candidate), seen.share(live), seen.traffic
    uneven = table is not None and (table.sticky is not None or len(table.routes) > 1)
    return ours / (ours + theirs) if ours and theirs and not uneven else None


def _warm(evidence: Evidence, rollout: Rollout, now: float) -> bool:
    """Whether the candidate has had users for as long as it is given to warm up. It warms up with its users: what is asked
    before the first of them counts."""
    since = evidence.exposed_at
    return since is None or now - since >= rollout.placement.evidence.warm_up


def _criteria(rollout: Rollout, live: str | None) -> EvidenceCriteria:
    """What is asked, with whom it is really compared at this look: with live where the baseline is not there."""
    asked = rollout.placement.evidence
    if rollout.baseline is not None and live in (None, rollout.baseline):
        return asked
    return msgspec.structs.replace(asked, compare="live")


def _point(
    verdict: Verdict,
    share_bp: int,
    now: float,
    tests: Sequence[str] = (),
    criteria: EvidenceCriteria | None = None,
) -> Point:
    """What each test brings to the purse is on the scale of the lines of an explanation (`weighing.py`)."""
    ours, theirs = (Tally(arm.requests, arm.failures, arm.slow) for arm in (verdict.candidate, verdict.live))
    each: tuple[float, ...] = ()
    if criteria is not None:
        logs = harm_logs(verdict)
        parts = shares(logs, criteria)
        each = tuple(
            round(way(logs[test] + math.log(parts[test]), criteria.alpha) or 0.0, 2) if test in logs else 0.0
            for test in tests
        )
    return Point(round(now, 2), share_bp, ours, theirs, round(verdict.harm, 4), round(verdict.good, 4), each)


def _trouble(seen: Seen, group: str) -> str:
    found = seen.groups.get(group)
    return found.trouble if found else ""


def _beside(seen: Seen, rollout: Rollout) -> str | None:
    """The group it is compared with: its baseline, or live while that has no users. Nobody when all users are the candidate's:
    there is no point in waiting for others'."""
    for group in (rollout.control(), rollout.live):
        if group is not None and seen.share(group):
            return group
    return None if seen.share(rollout.candidate) else rollout.control()


def _past(target: Target, rollout: Rollout, evidence: Evidence, alone: bool) -> Arm:
    """What it is held against when all users are its own: this rollout's window, or what is known from before. Until then
    what is known from before: it doesn't change, and its bound is worked out once."""
    bound = rollout.placement.evidence.latency.bound
    if alone and evidence.live.requests >= OWN:
        return evidence.live
    return target.past.arm() if target.past is not None and target.past.slow_after == bound else Arm()


def _at_rest(target: Target, seen: Seen, now: float) -> Target:
    """With what live's users meet, while it has all of them."""
    if (
        target.rollout is not None
        or target.live is None
        or not seen.router_up
        or seen.share(target.live) < ALL
    ):
        return target
    bound = target.placement.evidence.latency.bound
    past = remembered(target.past, target.live, seen.counts.get(target.live), bound, now)
    return msgspec.structs.replace(target, past=past)


def _latest(rollouts: tuple[Rollout, ...]) -> tuple[Rollout, ...]:
    return tuple({rollout.id: rollout for rollout in rollouts}.values())


def _wake_in(target: Target, seen: Seen, busy: bool) -> float:
    rollout = target.rollout
    if rollout is None:
        if busy or target.errands:
            return BRISK
        return IDLE if target.groups or seen.groups or not seen.router_up else AT_REST
    if _tested_calmly(rollout, seen.at):
        return CALM
    exposed = any(part.role == "candidate" and part.share_bp for part in rollout.current().split)
    return FAST if exposed or seen.share(rollout.candidate) or rollout.phase == "rolling_back" else BRISK


def _tested_calmly(rollout: Rollout, now: float) -> bool:
    since, verdict = rollout.in_force_at, rollout.verdict
    calm = verdict is not None and verdict.outcome != "fail" and verdict.harm < SUSPECTED
    return rollout.current().tests() and calm and since is not None and now - since > TESTED
