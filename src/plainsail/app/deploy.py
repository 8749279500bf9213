"""Starts a rollout, or shows the steps it would take."""

from __future__ import annotations

import re
from itertools import chain

import msgspec

from plainsail.app import naming
from plainsail.app.access import Refused, Subject, allow
from plainsail.app.context import Context
from plainsail.app.documents import RolloutDocument, StepDocument, step_documents
from plainsail.app.expected import Conflict, Expected, agreed
from plainsail.app.status import rollout_by_id
from plainsail.app.wording import on_harm
from plainsail.domain import quarantine
from plainsail.domain.checkpoints import way as whole_way
from plainsail.domain.checks import names
from plainsail.domain.intents import Deploy
from plainsail.domain.kept import handed
from plainsail.domain.release import Release, short
from plainsail.domain.rollout import Revision, Target
from plainsail.domain.service import Environment, Placement, config_digest, run_in
from plainsail.domain.strategy import KINDS, SIMPLE, Chain, chain_name, name_of
from plainsail.domain.trial import OTHERS, test_in
from plainsail.domain.upkeep import meant, sized
from plainsail.ports.errors import NotFound, Rejected
from plainsail.ports.store import Key
from plainsail.spec.abilities import beyond
from plainsail.spec.diagnostics import did_you_mean, shown
from plainsail.spec.drivers import Drivers
from plainsail.spec.stops import unplaced
from plainsail.spec.ways import going

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class Plan(msgspec.Struct, frozen=True):
    """The way a rollout would go, and the way back it would take."""

    service: str
    environment: str
    release: str
    version: str
    live: str | None
    """Version that users have now."""
    strategy: str
    steps: tuple[StepDocument, ...]
    back: tuple[StepDocument, ...]
    hooks: dict[str, tuple[str, ...]] = {}
    """Who is told when it is over, by outcome: `after`, `failure`."""
    harm: str = ""
    """What is done when users are worse off, in words; empty: they go back at once."""
    reconfigures: bool = False
    """The release is the one that users have: what is new is its configuration."""
    variants: dict[str, str] = {}
    """What the roles of a test are called in it: `candidate`, `variant-2`, `variant-3`; empty: it names no variants."""
    then: str = ""
    """What a test does with its winner: `keep`, `promote` or `ask`; empty: it is no test."""


def deploy(
    context: Context,
    subject: Subject,
    key: Key,
    release: str,
    strategy: str | None = None,
    again: bool = False,
    expected: Expected | None = None,
) -> RolloutDocument:
    """Raises NotFound (service, environment, release), Refused (quarantine, predecessor), Rejected (strategies),
    Conflict (`moved_on`)."""
    allow(subject, "deploy")
    declared, placement, environment = naming.placed(context, key.service, key.environment)
    made = _held(context, key.service, release)
    run = run_in(declared, placement)
    _pass_gates(context, key, environment, made, config_digest(run), again)
    intent = Deploy(
        rollout=context.new_id(), by=subject.name, again=again, placement=placement,
        revision=Revision(made.digest, made.version, run, config_digest(run)),
        strategy=fitting(context.drivers, placement, environment, strategy),
    )  # fmt: skip
    with agreed(context, key, expected):
        context.store.ask(key, intent, context.now())
    context.live.nudge(key)
    return rollout_by_id(context, intent.rollout)


def plan(
    context: Context,
    subject: Subject,
    key: Key,
    release: str,
    strategy: str | None = None,
    again: bool = False,
) -> Plan:
    """What `deploy` would do; refuses what it would refuse, and changes nothing."""
    allow(subject, "read")
    declared, placement, environment = naming.placed(context, key.service, key.environment)
    made = _to_be(context, key.service, release) or _held(context, key.service, release)
    config = config_digest(run_in(declared, placement))
    _pass_gates(context, key, environment, made, config, again)
    chosen = fitting(context.drivers, placement, environment, strategy)
    state = meant(naming.target(context, key))
    live, placement, exposed = state.group(state.live), sized(state, placement), handed(state)
    test = test_in(chosen) if live else None
    way = whole_way(chosen, placement, live.replicas if live else None, exposed)
    return Plan(
        key.service, key.environment, made.digest, made.version, live.revision.version if live else None,
        chain_name(chosen), step_documents(way.steps), step_documents(way.back),
        {moment: named for moment in ("after", "failure") if (named := names(getattr(placement.hooks, moment)))},
        on_harm(placement.pace),
        live is not None and live.revision.release == made.digest and live.revision.config != config,
        dict(zip(("candidate", *OTHERS), test.variants, strict=False)) if test else {}, test.then if test else "",
    )  # fmt: skip


def _to_be(context: Context, service: str, text: str) -> Release | None:
    """A release that a plan asks about by its whole digest: it need not be here yet, and is not made by asking."""
    if not DIGEST.fullmatch(text) or context.store.release(text, service) is not None:
        return None
    return Release(text, service, short(text), 0.0)


def _held(context: Context, service: str, text: str) -> Release:
    release = naming.release(context, service, text)
    if not context.artifacts.has(release.digest):
        raise NotFound(
            "release_missing", f"The files of {release.version} are gone", "deploy its directory again"
        )
    return release


def _pass_gates(
    context: Context, key: Key, environment: Environment, release: Release, config: str, again: bool
) -> None:
    state = naming.target(context, key)
    if state.rollout is not None and state.rollout.kind == "remove":
        raise Conflict(
            "being_removed", f"{key.service} is being removed from {key.environment} ({state.rollout.id})",
            f"keep it: plainsail abort {key.service} --env {key.environment}; or apply and deploy when that is over",
        )  # fmt: skip
    kept_out = quarantine.why(state, release.digest, config, release.version)
    if kept_out and not again:
        other = "release" if release.digest in state.quarantine else "configuration"
        raise Refused(
            "quarantined", kept_out, f"deploy another {other}, or the same with --again if that is meant"
        )
    before = _predecessor(context, key.service, environment)
    if before is not None and not _was_live(context, Key(key.service, before), release.digest):
        raise Refused(
            "predecessor", f"{release.version} ({short(release.digest)}) has not passed {before}, which {key.environment} asks for",
            f"deploy it there first: plainsail deploy {key.service} {short(release.digest)} --to {before}",
        )  # fmt: skip


def _predecessor(context: Context, service: str, environment: Environment) -> str | None:
    """The environment to have passed: the nearest up the chain in which the service is placed."""
    environments, placements = context.store.environments(), naming.service(context, service).placements
    for _ in environments:  # no longer than the chain, whatever it looks like
        before = environment.after
        if before is None or before in placements or before not in environments:
            return before if before in placements else None
        environment = environments[before]
    return None


def _was_live(context: Context, key: Key, digest: str) -> bool:
    state = context.store.target(key) or Target(key.service, key.environment)
    live = state.group(state.live)
    if live is not None and live.revision.release == digest:
        return True
    if digest in state.quarantine:
        return False
    rollouts = context.store.rollouts(key.service, key.environment, limit=1000)
    return any(one.took_over() and one.revision.release == digest for one in rollouts)


def strategy_of(placement: Placement, name: str | None) -> Chain:
    """The placement's, or the named one alone: as the placement has it, else with its defaults. Raises Rejected
    (`strategy_unknown`, `strategy_unwritten`)."""
    if name is None:
        return placement.strategy
    written = {name_of(one): one for one in placement.strategy}
    if name in written:
        return (written[name],)
    if name in SIMPLE:
        return (SIMPLE[name],)
    if name in KINDS:
        raise Rejected(
            "strategy_unwritten", f"The strategy {shown(name)} needs keys, and the service's file does not have it",
            f"write 'strategy: {{{name}: ...}}' there, with what it needs, and apply it",
        )  # fmt: skip
    raise Rejected(
        "strategy_unknown", f"There is no strategy {shown(name)}",
        did_you_mean(name, KINDS) or f"there are {', '.join(SIMPLE)}",
    )  # fmt: skip


def fitting(drivers: Drivers, placement: Placement, environment: Environment, name: str | None) -> Chain:
    """As `strategy_of`; it must go with the router, which may have changed since the file was applied, and one that is not
    the file's with the rest of that. Raises Rejected (`strategy_unfit`)."""
    chosen = strategy_of(placement, name)
    asked, router = msgspec.structs.replace(placement, strategy=chosen), environment.router
    can = drivers.capabilities.get(router.name)
    beyond_it = beyond(asked, router.name, can, lambda: drivers.lacking(router)) if can else ()
    for fault in unplaced(asked) if name is not None else ():
        raise Rejected("strategy_unfit", fault.message, fault.hint)
    for fault in chain(going(asked) if name is not None else (), beyond_it):
        if fault.keys[:1] == ("strategy",) or fault.keys == (
            "pace",
        ):  # the rest goes without saying, for this once
            raise Rejected("strategy_unfit", fault.message, fault.hint)
    return chosen
