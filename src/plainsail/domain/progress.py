"""How a rollout moves on: one look at the world and the verdict, and at most one step.

The order matters: harm first, then instances that never start, then the condition to leave the step, then its deadline.
"""

from __future__ import annotations

from typing import Literal, assert_never

import msgspec

from plainsail.domain.analyses import waiting
from plainsail.domain.approval import approved, called_for, may_answer_until, unapproved
from plainsail.domain.checking import refused, silent, unanswered
from plainsail.domain.evidence import Evidence, Verdict
from plainsail.domain.finding import at_success, past
from plainsail.domain.lacking import (
    emptied,
    instances,
    nobody_to_go_back_to,
    not_in_force,
    surplus,
    to_take_over,
    unready,
)  # fmt: skip
from plainsail.domain.lifecycle import Changed, end, enter, event, timely, turn_back
from plainsail.domain.observation import Seen
from plainsail.domain.patience import hold, waited, where_to_hold
from plainsail.domain.plan import in_force
from plainsail.domain.rollforward import reached
from plainsail.domain.rollout import Phase, Rollout, Target
from plainsail.domain.shadows import beside, lacking
from plainsail.domain.strategy import Elapsed, Judged, Ready, Settled
from plainsail.domain.suspect import Alone, hint, suspect
from plainsail.domain.trying import harm as harm_of_a_test
from plainsail.domain.trying import outcome as outcome_of_a_test
from plainsail.domain.trying import tried
from plainsail.domain.units import plural, seconds
from plainsail.domain.upkeep import outcome
from plainsail.domain.wayback import against, more_harm

replace = msgspec.structs.replace

STARTS = 3
"""Failed starts in a row of time after which a candidate counts as one that never starts; a first may be bad luck."""

HELD = ("no_data", "mismatch")
"""Why a step is not left by time alone: what is not measured, or compares what is not alike, has not gone well."""


def progress(
    target: Target, seen: Seen, verdict: Verdict | None, now: float, evidence: Evidence | None = None
) -> Changed:
    """The target after this look."""
    target = reached(target, seen)
    rollout = target.rollout
    if rollout is None:
        return Changed(target)
    rollout = replace(timely(rollout, now), verdict=verdict or rollout.verdict)
    seen = seen.without(rollout.retired)
    if rollout.phase in ("progressing", "paused") and rollout.renews():
        one = suspect(rollout, seen, verdict)
        if one is not None:
            return _replaced(target, rollout, one, now)
        harm = _harm(rollout, seen, verdict) or harm_of_a_test(rollout, seen, STARTS)
        if harm is not None:
            ending, reason, code = harm
            answer = _answer(rollout, ending, code)
            if answer != "hold":
                back = answer == "gradual"
                return turn_back(target, rollout, ending, reason, code, "plainsail", now, gradual=back)
            if not _known(rollout) and (watched := where_to_hold(rollout, now)) is not None:
                return hold(target, watched, reason, code, now, against(rollout.verdict))
            if rollout.against is None:
                return turn_back(target, rollout, ending, reason, code, "plainsail", now)
    if rollout.phase == "rolling_back" and more_harm(rollout, verdict):
        assert verdict is not None
        return turn_back(target, rollout, "rolled_back", verdict.sentence, verdict.code, "plainsail", now)
    if rollout.phase in ("progressing", "paused") and (no := refused(rollout)) is not None:
        return turn_back(target, rollout, *no, "plainsail", now)
    return _move(target, rollout, seen, now, evidence)


def tidy(target: Target, seen: Seen) -> Target:
    """The target without the groups that nothing is asked of and nothing is left of."""
    if not seen.router_up:
        return target
    busy, rollout = {target.live}, target.rollout
    if rollout is not None:
        busy = {rollout.candidate, rollout.live, rollout.baseline, rollout.warm, *rollout.others()}
    groups = tuple(
        group
        for group in target.groups
        if group.id in busy or instances(seen, group.id) or seen.share(group.id)
    )
    return target if groups == target.groups else replace(target, groups=groups)


def _harm(rollout: Rollout, seen: Seen, verdict: Verdict | None) -> tuple[Phase, str, str] | None:
    found = seen.groups.get(rollout.candidate)
    version = rollout.revision.version
    if found is not None and found.ready() == 0 and (found.timed_out or found.failed_starts >= STARTS):
        if rollout.reached_bp == 0:
            return "failed", f"{version} never became ready: {found.trouble}", "never_ready"
        return "rolled_back", f"{version} does not start again: {found.trouble}", "never_ready"
    if verdict is not None and verdict.outcome == "fail":
        analysed = rollout.current().during() == "start" and not rollout.reached_bp
        more = hint(rollout, seen, verdict)
        return (
            "failed" if analysed else "rolled_back",
            f"{verdict.sentence}; {more}" if more else verdict.sentence,
            verdict.code,
        )
    return None


def _known(rollout: Rollout) -> bool:
    """It is held for that harm, or somebody went on in spite of it, and no more came since."""
    before = rollout.against
    return before is not None and (before.held or not more_harm(rollout, rollout.verdict))


def _answer(rollout: Rollout, ending: Phase, code: str) -> Literal["rollback", "gradual", "hold"]:
    """To harm, as `on_failure` says. What no user has, or what answers nobody any more, goes back at once."""
    if ending != "rolled_back" or code == "never_ready" or not rollout.reached_bp:
        return "rollback"
    return rollout.placement.pace.on_failure


def _replaced(target: Target, rollout: Rollout, one: Alone, now: float) -> Changed:
    """The rollout goes on without this instance; the provider starts another one."""
    rollout = replace(rollout, retired=(*rollout.retired, one.instance), had=0)
    told = event("instance_replaced", replace(rollout, reason=one.sentence, reason_code="one_instance"), now)
    told = replace(told, data={**told.data, "instance": one.instance})
    return Changed(replace(target, rollout=rollout), (rollout,), (told,))


def _move(target: Target, rollout: Rollout, seen: Seen, now: float, evidence: Evidence | None) -> Changed:
    there = in_force(target, seen)
    if rollout.in_force_at is not None and seen.router_up and not there:
        rollout = replace(rollout, in_force_at=None)  # its time at this share begins anew
    changed = Changed(replace(target, rollout=rollout))
    if rollout.in_force_at is None and there:
        rollout = replace(rollout, in_force_at=now, had=_compared(rollout), reason=_kept(rollout))
        changed = Changed(
            replace(target, rollout=rollout), (rollout,), (event("traffic_moved", rollout, now),)
        )
    if rollout.phase == "paused":
        return changed.then(waited(changed.target, rollout, now))
    if says_nothing := silent(rollout):
        return changed.then(hold(changed.target, rollout, says_nothing, "check_silent", now))
    step = rollout.current()
    match step.leave:
        case Ready(role=role, within=within):
            waits = unready(rollout, seen, role, step.sizes[role])
            if not waits and rollout.in_force_at is not None:
                return changed.then(_next(changed.target, rollout, now))
            if now - rollout.entered_at > within and rollout.phase == "rolling_back":
                why = (
                    f"{rollout.reason}; and the release before does not start again: {waits or 'no traffic'}"
                )
                return changed.then(end(changed.target, rollout, "failed", why, "nothing_starts", now))
            if now - rollout.entered_at > within:
                reason = f"{rollout.revision.version}: {waits or 'its traffic is not in force'} after {seconds(within)}"
                ending: Phase = "rolled_back" if rollout.reached_bp else "failed"
                return changed.then(
                    turn_back(changed.target, rollout, ending, reason, "deadline", "plainsail", now)
                )
            return _because(changed, rollout, waits)
        case Settled(within=within):
            left = sum(instances(seen, group) for group in emptied(rollout)) + surplus(rollout, seen)
            if rollout.in_force_at is not None and (not left or now - rollout.in_force_at > within):
                return changed.then(_next(changed.target, rollout, now))
            if now - rollout.entered_at > within and nobody_to_go_back_to(rollout, seen):
                why = f"{rollout.reason}; and no instance of the release before starts: users stay with what they have"
                return changed.then(end(changed.target, rollout, "failed", why, "nothing_starts", now))
            return _because(
                changed, rollout, f"waiting for {left} old instance{'s' * (left != 1)} to end" if left else ""
            )
        case Elapsed(lasts=lasts):
            return (
                changed
                if now - rollout.entered_at < lasts
                else changed.then(_next(changed.target, rollout, now))
            )
        case Judged(until="compared"):
            return tried(changed, rollout, evidence, now)
        case Judged() as judged:
            return _judge(changed, rollout, judged, there, seen, evidence, now)
        case _:
            assert_never(step.leave)


def _kept(rollout: Rollout) -> str:
    """The reason that still holds when the step's traffic is in force: what it waited for until then does not."""
    waited_for_it = rollout.phase in ("progressing", "finishing") and not rollout.reason_code
    return "" if waited_for_it else rollout.reason


def _judge(
    changed: Changed,
    rollout: Rollout,
    leave: Judged,
    there: bool,
    seen: Seen,
    evidence: Evidence | None,
    now: float,
) -> Changed:
    since, lacks, unsaid = rollout.in_force_at, to_take_over(rollout, seen), unanswered(rollout)
    unsaid = unsaid or unapproved(rollout)
    if lacks:
        why = lacks
    elif since is None or not there:
        why = not_in_force(rollout, seen)
    else:
        why = (
            _renewed(rollout, evidence)
            or _unproven(rollout, leave, evidence)
            or lacking(rollout, evidence)
            or _warming_up(rollout, evidence, now)
        )
        if not why and now - since >= leave.dwell and not unsaid:
            return changed.then(_next(changed.target, _watched(rollout, now), now))
        if not why and now - since >= leave.dwell:
            why = unsaid
            rollout, told = called_for(rollout, now)
            changed = changed.then(Changed(changed.target, (), told))
        why = why or f"watching until {seconds(leave.dwell)} are over{beside(rollout, evidence)}"
    # The time to be watched begins when the step is in force, a moment after it was entered: it may end past the deadline.
    until = max(rollout.entered_at + leave.deadline, (since or rollout.entered_at) + leave.dwell)
    asks = leave.on_unsure == "advance" and not lacks and unsaid and unsaid == unapproved(rollout)
    if (
        asks and now - (since or rollout.entered_at) >= leave.dwell
    ):  # the evidence is not waited for beyond its time
        rollout, told = called_for(rollout, now)
        changed = changed.then(Changed(changed.target, (), told))
        why = unsaid if now >= until else why
    if unsaid and (why == unsaid or leave.on_unsure == "advance"):  # a person has more time than the evidence
        until = max(until, may_answer_until(rollout))
    if now < until:
        return _because(changed, rollout, why)
    late = f"not proven after {seconds(max(leave.deadline, leave.dwell))}: {why}"
    if why == unsaid:
        late = f"not answered after {seconds(until - rollout.entered_at)}: {why}"
    match "rollback" if (lacks or unsaid) and leave.on_unsure == "advance" else leave.on_unsure:
        case "advance":
            return changed.then(_next(changed.target, _watched(rollout, now), now))
        case "rollback":
            ending: Phase = "failed" if leave.until in ("checked", "hooked") else "rolled_back"
            return changed.then(
                turn_back(changed.target, rollout, ending, past(late), "unsure", "plainsail", now)
            )
        case "hold":
            return changed.then(hold(changed.target, rollout, late, "unsure", now))
        case _ as never:
            assert_never(never)


def _renewed(rollout: Rollout, evidence: Evidence | None) -> str:
    """While a replaced instance is not silent, not all is known of the others."""
    if evidence is None or evidence.without is None:
        return ""
    return f"waiting until {rollout.retired[-1]}, which is replaced, has answered what it was asked"


def _unproven(rollout: Rollout, leave: Judged, evidence: Evidence | None) -> str:
    """What the step still lacks, besides time; empty: nothing."""
    verdict, compared = rollout.verdict, rollout.current().during() != "bake"
    if leave.until in ("checked", "hooked") or (leave.until == "advanced" and approved(rollout)):
        return ""
    if leave.until == "advanced":
        it = rollout.service
        return f"waiting for a person: 'plainsail advance {it}' goes on, 'plainsail abort {it}' goes back"
    if leave.until == "analysed":
        return waiting(rollout.placement.evidence, evidence, "start")
    if verdict is None:
        return "" if leave.until == "dwell" else "the judge has not looked yet"
    if leave.until == "dwell" and verdict.code in HELD and (verdict.code != "mismatch" or compared):
        return verdict.sentence
    if leave.until == "proven" and verdict.proven_bp < leave.exposure:
        return verdict.sentence
    fresh = _compared(rollout) - rollout.had
    if fresh < leave.requests:
        return f"{fresh:,} of {plural(leave.requests, 'request')} of the candidate at this step"
    return ""


def _warming_up(rollout: Rollout, evidence: Evidence | None, now: float) -> str:
    """What is not counted yet has not gone well: no step is left by time alone before something is."""
    since = evidence.exposed_at if evidence is not None else None
    left = 0.0 if since is None else rollout.placement.evidence.warm_up - (now - since)
    return (
        f"the candidate warms up for another {seconds(left)}, and nothing is compared before"
        if left > 0.0
        else ""
    )


def _compared(rollout: Rollout) -> int:
    """Requests of the candidate that the judge has taken so far."""
    return rollout.verdict.candidate.requests if rollout.verdict is not None else 0


def _watched(rollout: Rollout, now: float) -> Rollout:
    """The rollout as it leaves a step. How long all users had it is told at the end; a baseline without which the step
    was never in force is given up, and live has its share."""
    if rollout.in_force_at is None:
        return replace(rollout, baseline=None)
    if rollout.current().during() == "bake":
        return replace(rollout, baked=now - rollout.in_force_at)
    return rollout


def _next(target: Target, rollout: Rollout, now: float) -> Changed:
    if rollout.step + 1 < len(rollout.steps()):
        entered = enter(rollout, rollout.step + 1, now)
        if entered.phase == "finishing" and entered.decided_at is None:
            entered = replace(entered, decided_at=now)
        return Changed(replace(target, rollout=entered), (entered,), (event("step_entered", entered, now),))
    if rollout.phase == "rolling_back":
        return end(target, rollout, rollout.ending or "rolled_back", rollout.reason, rollout.reason_code, now)
    told = outcome(target, rollout) or outcome_of_a_test(rollout)
    if told:
        return end(target, rollout, "succeeded", told, "", now)
    verdict, proven = rollout.verdict, ""
    if verdict is not None and verdict.candidate.requests:
        in_spite = rollout.against is not None  # somebody went on
        proven = f": {past(verdict.sentence) if in_spite else at_success(verdict)}"
    baked = f", and was watched with them for {seconds(rollout.baked)}" if rollout.baked else ""
    mended = (
        f", after {plural(len(rollout.retired), 'bad instance was', 'bad instances were')} replaced"
        if rollout.retired
        else ""
    )
    first = "" if rollout.live else " (the first release here: being ready was enough)"
    before = target.group(rollout.live)
    same = before is not None and before.revision.release == rollout.revision.release
    anew = " with its new configuration" if same and rollout.kind == "deploy" else ""
    return end(
        target,
        rollout,
        "succeeded",
        f"{rollout.revision.version} has all users{anew}{mended}{baked}{proven}{first}",
        "",
        now,
    )


def _because(changed: Changed, rollout: Rollout, reason: str) -> Changed:
    """The same, with a fresh reason for those who look; that alone is no event."""
    if rollout.phase == "rolling_back" or not reason:
        return changed
    return Changed(
        replace(changed.target, rollout=replace(rollout, reason=reason)), changed.rollouts, changed.events
    )
