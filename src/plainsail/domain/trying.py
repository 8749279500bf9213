"""A test under way: how it begins, how it is decided, and what becomes of the users then."""

from __future__ import annotations

import shlex

import msgspec

from plainsail.domain import comparing
from plainsail.domain.comparing import Comparison
from plainsail.domain.evidence import Evidence
from plainsail.domain.lifecycle import Changed, enter, event, turn_back
from plainsail.domain.observation import Seen
from plainsail.domain.rollout import Group, Phase, Revision, Rollout, Target
from plainsail.domain.service import Placement, config_digest
from plainsail.domain.steps import ASKED_WITHIN, START_WITHIN
from plainsail.domain.strategy import AB, Chain
from plainsail.domain.trial import Decided, Trial, test_in
from plainsail.domain.units import seconds

replace = msgspec.structs.replace


def revisions(revision: Revision, chain: Chain) -> tuple[Revision, ...]:
    """What is run of it, that which becomes the candidate first: in a test its variants."""
    test = test_in(chain)
    return (revision,) if test is None else _revisions(revision, test)


def begun(began: Changed, revision: Revision, chain: Chain) -> Changed:
    """The rollout as a test, with the groups of all its variants. `revision`: the release without any of them."""
    test = test_in(chain)
    rollout, target = began.rollouts[-1], began.target
    if test is None or rollout.live is None or rollout.ended():
        return began
    called, each = tuple(test.variants) or ("",), _revisions(revision, test)
    more = [
        Group(f"g{target.serial + place}", "variant", each[place], rollout.replicas, called[place])
        for place in range(1, len(each))
    ]
    groups = tuple(
        replace(one, role="variant", variant=called[0]) if one.id == rollout.candidate else one
        for one in target.groups
    )
    names = tuple(test.variants) or (revision.version,)
    trial = Trial(test, (rollout.candidate, *(one.id for one in more)), names, salt=rollout.id)
    rollout = replace(rollout, trial=trial)
    serial = target.serial + len(more)
    target = replace(target, serial=serial, groups=(*groups, *more), rollout=rollout)
    return Changed(target, (*began.rollouts[:-1], rollout), began.events)


def harm(rollout: Rollout, seen: Seen, starts: int) -> tuple[Phase, str, str] | None:
    """What ends a test of several variants at once, besides the judge. While nobody answers for one of them its users
    would be given another one, and so would those behind it in the split."""
    trial, step = rollout.trial, rollout.current()
    if trial is None or len(trial.groups) == 1:
        return None
    for group in trial.groups:
        found = seen.groups.get(group)
        if found is None or found.ready():
            continue
        if found.timed_out or found.failed_starts >= starts:
            return "failed", f"{trial.name(group)} never became ready: {found.trouble}", "never_ready"
        if step.tests() and rollout.in_force_at is not None:
            why = f" ({found.trouble})" if found.trouble else ""
            return "failed", f"no instance of {trial.name(group)} is ready any more{why}", "never_ready"
    return None


def tried(changed: Changed, rollout: Rollout, evidence: Evidence | None, now: float) -> Changed:
    """A look at a test: decided, waiting for a person, or still open."""
    trial, target = rollout.trial, changed.target
    assert trial is not None
    if trial.decided is not None:
        return _asked(changed, rollout, trial, trial.decided, now)
    began = evidence.exposed_at if evidence is not None else None
    patience = max(START_WITHIN, rollout.placement.pace.deadline)
    if began is None and now - rollout.entered_at > patience:
        why = f"users were not divided within {seconds(patience)}: an instance is not ready, or the router does not answer"
        return changed.then(turn_back(target, rollout, "failed", why, "deadline", "plainsail", now))
    found = _compared(rollout, trial, evidence)
    late = began is not None and now >= began + trial.asked.lasts
    decided = decide(trial, found, late=late, now=now)
    early = began is None or now - began < min(rollout.placement.pace.dwell, trial.asked.lasts)
    if decided is None or (early and decided.code != "mismatch"):
        return _open(changed, rollout, standing(found))
    rollout = replace(rollout, trial=replace(trial, decided=decided))
    if decided.code == "mismatch":
        why = f"{decided.sentence}; live stays"
        return changed.then(turn_back(target, rollout, "failed", why, decided.code, "plainsail", now))
    if not decided.winner or trial.asked.then == "keep":
        return changed.then(_kept(target, rollout, trial, decided, now))
    if trial.asked.then == "ask":
        why = _question(rollout, trial, decided)
        told = replace(event("rollout_paused", rollout, now), reason=why, code="winner")
        waiting = replace(rollout, reason=why, reason_code="winner", decided_at=now)
        return changed.then(Changed(replace(target, rollout=waiting), (waiting,), (told,)))
    going = enter(promoted(target, replace(rollout, decided_at=now)), rollout.step + 1, now)
    happened = event("step_entered", replace(going, reason=decided.sentence, reason_code="winner"), now)
    return changed.then(Changed(replace(target, rollout=going), (going,), (happened,)))


def decide(trial: Trial, found: Comparison, *, late: bool, now: float) -> Decided | None:
    """What the comparison says; None: nothing yet. `late`: it has lasted as long as it may."""
    if found.voided:
        return Decided("mismatch", f"the comparison is void: {found.voided}", now)
    margin, kpi = trial.asked.margin, found.kpi
    name = comparing.winner(found, margin, late=late)
    if name:
        group = trial.groups[trial.names.index(name)]
        against = comparing.told(found, name).replace(", better by ", ", by ")
        said = f"{name} is better by {kpi}: {against}{comparing.among(found, name)}"
        return Decided("winner", said, now, group)
    if comparing.none_better(found, margin):
        more = f" by more than {comparing.distance(found, margin)}" if margin else ""
        return Decided("no_difference", f"no variant is better by {kpi}{more}: {_all(found)}", now)
    if late:
        after = seconds(trial.asked.lasts)
        return Decided("no_difference", f"no difference in {kpi} is shown after {after}: {_all(found)}", now)
    return None


def standing(found: Comparison) -> str:
    """A test that is not decided yet, in one clause."""
    if not any(one.n for one in found.arms):
        why = f": {found.missing}" if found.missing else ""
        return f"{found.kpi} is not known yet{why}"
    return f"not decided by {found.kpi} yet: {_all(found)}"


def promoted(target: Target, rollout: Rollout) -> Rollout:
    """With the winner, if there is one, as the candidate."""
    decided = rollout.trial.decided if rollout.trial is not None else None
    group = target.group(decided.winner) if decided is not None else None
    return rollout if group is None else replace(rollout, candidate=group.id, revision=group.revision)


def no_advance(rollout: Rollout) -> str:
    """Why a person can't go on from this step of a test, in one clause; empty: it can be done, or is no test."""
    trial = rollout.trial
    if trial is None or not rollout.current().tests():
        return ""
    if trial.asked.then == "keep":
        return "this test keeps live whatever it shows: abort it, or wait for its end"
    if trial.decided is None and len(trial.groups) > 1:
        return "no variant has won yet: abort the test, or wait for its end"
    return ""


def outcome(rollout: Rollout) -> str:
    """Why a winner has all users; empty: it is no test, or a person went on without a decision."""
    trial = rollout.trial
    if trial is None or trial.decided is None or not trial.decided.winner:
        return ""
    return f"{trial.decided.sentence}; {trial.name(trial.decided.winner)} has all users"


def undone(live: Group, placement: Placement, env: dict[str, str]) -> dict[str, str]:
    """Variables by which live won a test and that are not in `env`: a deploy with that would undo the winner. Of a test that
    is no longer declared, all that differ."""
    if not live.variant:
        return {}
    test = test_in(placement.strategy)
    variant = test.variants.get(live.variant) if test is not None else None
    return {
        key: value
        for key, value in live.revision.run.env.items()
        if env.get(key) != value and (variant is None or key in variant.env)
    }


def compared(rollout: Rollout, evidence: Evidence | None) -> Comparison | None:
    """A test's numbers, from what is stored of it; None: it is no test."""
    return None if rollout.trial is None else _compared(rollout, rollout.trial, evidence)


def _compared(rollout: Rollout, trial: Trial, evidence: Evidence | None) -> Comparison:
    return comparing.compare(trial, evidence, rollout.placement.evidence, rollout.live or "")


def _kept(target: Target, rollout: Rollout, trial: Trial, decided: Decided, now: float) -> Changed:
    stays = "live stays"
    if decided.winner:
        stays = f"live stays, as asked; {_how(rollout, trial.asked, trial.name(decided.winner))}"
    why = f"{decided.sentence}; {stays}"
    return turn_back(target, rollout, "succeeded", why, decided.code, "plainsail", now)


def _how(rollout: Rollout, test: AB, name: str) -> str:
    """How the winner is given to all."""
    variant = test.variants.get(name)
    words = ["plainsail", "deploy", rollout.service, rollout.revision.version, "--to", rollout.environment]
    deploy = f"'{shlex.join(words)} --strategy canary' gives it to all"
    if variant is None or not variant.env:
        return deploy
    env = ", ".join(f"{key}: {value}" for key, value in variant.env.items())
    return f"with 'env: {{{env}}}' in the file {deploy}"


def _question(rollout: Rollout, trial: Trial, decided: Decided) -> str:
    name = trial.name(decided.winner)
    choice = f"'plainsail advance {rollout.service}' gives {name} to all, 'plainsail abort {rollout.service}' keeps live"
    return f"{decided.sentence}; waiting for a person: {choice}"


def _asked(changed: Changed, rollout: Rollout, trial: Trial, decided: Decided, now: float) -> Changed:
    """The winner is known, and a person says what it gets."""
    patience = max(ASKED_WITHIN, rollout.placement.pace.deadline)
    if now - decided.at <= patience:
        return _open(changed, rollout, _question(rollout, trial, decided), "winner")
    why = f"{decided.sentence}; nobody said in {seconds(patience)} what it gets, so live stays"
    return changed.then(turn_back(changed.target, rollout, "succeeded", why, decided.code, "plainsail", now))


def _open(changed: Changed, rollout: Rollout, reason: str, code: str = "") -> Changed:
    """The same, with a fresh reason for those who look; that alone is no event."""
    fresh = replace(rollout, reason=reason, reason_code=code)
    return Changed(replace(changed.target, rollout=fresh), changed.rollouts, changed.events)


def _all(found: Comparison) -> str:
    return ", and ".join(f"{one.name} {comparing.told(found, one.name)}" for one in found.variants())


def _revisions(revision: Revision, test: AB) -> tuple[Revision, ...]:
    """Each variant's: a configuration is part of what can be put back."""
    runs = [replace(revision.run, env={**revision.run.env, **one.env}) for one in test.variants.values()] or [
        revision.run
    ]
    return tuple(replace(revision, run=run, config=config_digest(run)) for run in runs)
