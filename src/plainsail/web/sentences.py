"""A target's state in a word, in a sentence, and in parts of all users. The words are the command line's."""

from __future__ import annotations

from typing import Literal

import msgspec

from plainsail.app.documents import GroupDocument, RolloutDocument, StatusDocument, StepDocument
from plainsail.domain.release import short
from plainsail.domain.units import ALL, percent
from plainsail.spec.diagnostics import listed

Tone = Literal["good", "busy", "held", "bad", "none"]
"""Each has its own mark and its own word; the colour only repeats them."""


class State(msgspec.Struct, frozen=True):
    tone: Tone
    word: str
    """For a narrow place."""
    sentence: str
    reason: str = ""
    """Why, or what is waited for."""


class Part(msgspec.Struct, frozen=True):
    """A group's part of all users, as a bar shows it."""

    version: str
    """With its variant, in a test."""
    role: str
    share_bp: int
    offset_bp: int


class Insiders(msgspec.Struct, frozen=True):
    """A rule in force, and the release that it leads to."""

    version: str
    whom: str


class Stage(msgspec.Struct, frozen=True):
    """A step and where the rollout stands: `done`, `now`, `later`; of one that was taken back: `last`, and `never`."""

    step: StepDocument
    number: int
    mark: Literal["done", "now", "later", "last", "never"]


def state(document: StatusDocument) -> State:
    """What a person is told first."""
    rollout = document.rollout
    trouble = "; ".join(f"{driver}: {text}" for driver, text in document.trouble.items())
    if rollout is not None:
        return _under_way(document, rollout, trouble)
    found = live(document)
    if found is None:
        return _nothing_runs(document, trouble)
    if document.observed_at is None:
        return State(
            "held", "not seen yet", f"{found.version} should have all users; nobody has looked yet", trouble
        )
    if trouble:
        return State("bad", "trouble", f"{_users(found)}, but something is wrong", trouble)
    if found.ready < found.replicas:
        why = found.trouble or "an instance is being replaced"
        return State(
            "held", f"{found.ready} of {found.replicas} ready", f"{_users(found)}; {_ready(found)}", why
        )
    return State("good", "live", f"{_users(found)}; {_ready(found)}", aftermath(document.last_rollout))


def parts(document: StatusDocument) -> tuple[Part, ...]:
    """Groups with users: live first, as the bar is read from the left."""
    found: list[Part] = []
    offset = 0
    for group in document.groups:
        if group.share_bp:
            found.append(Part(called(group), group.role, group.share_bp, offset))
            offset += group.share_bp
    return tuple(found)


def insiders(document: StatusDocument) -> tuple[Insiders, ...]:
    """Who has a release whatever the shares, by the rules that are in force."""
    versions = {group.group: group.version for group in document.groups}
    return tuple(
        Insiders(" and ".join(versions.get(one.group, one.group) for one in route.split), route.match.told())
        for route in document.routes[:-1]
    )


def stages(rollout: RolloutDocument) -> tuple[Stage, ...]:
    return tuple(Stage(step, index + 1, _mark(rollout, index)) for index, step in enumerate(rollout.steps))


def _mark(rollout: RolloutDocument, index: int) -> Literal["done", "now", "later", "last", "never"]:
    if rollout.phase == "succeeded":
        return "done"
    if rollout.ended_at is not None:  # its step counts the way back; how far it came is in the share it had
        reached = max(
            (n for n, one in enumerate(rollout.steps) if one.share_bp <= rollout.reached_bp), default=0
        )
        return "done" if index < reached else "last" if index == reached else "never"
    if index == rollout.step and rollout.started_at is not None:
        return "now"
    return "done" if index < rollout.step else "later"


def aftermath(rollout: RolloutDocument | None) -> str:
    """What became of the last rollout, if it is worth a word beside a service that is well."""
    if rollout is None or rollout.phase in ("succeeded", "superseded"):
        return ""
    done = {"rolled_back": "taken back", "aborted": "aborted", "failed": "not started"}.get(
        rollout.phase, rollout.phase
    )
    reached = f" at {percent(rollout.reached_bp)}" if rollout.reached_bp else ""
    return f"{name(rollout)} was {done}{reached}: {rollout.reason}"


def outcome(phase: str) -> Tone:
    """How a phase looks."""
    tones: dict[str, Tone] = {
        "succeeded": "good", "rolled_back": "bad", "failed": "bad", "rolling_back": "bad", "aborted": "held",
        "paused": "held", "gated": "held", "pending": "busy", "progressing": "busy", "finishing": "busy",
    }  # fmt: skip
    return tones.get(phase, "none")


def capital(text: str, name: str = "") -> str:
    """A reason as a sentence of its own; names of releases and drivers stay as they are."""
    first = text.partition(" ")[0]
    return text[:1].upper() + text[1:] if first.isalpha() and first != name else text


def called(group: GroupDocument) -> str:
    """A group as people tell it from others: in a test several run one release."""
    return f"{group.version} {group.variant}".strip()


def name(rollout: RolloutDocument) -> str:
    """The release as people call it."""
    return rollout.version or short(rollout.release or "") or "the last good release"


def goes_back(rollout: RolloutDocument) -> bool:
    """Its users are on their way off a bad release already, and abort all leaves it alone."""
    return rollout.kind == "rollback" or (rollout.phase == "rolling_back" and not rollout.gradual)


def _under_way(document: StatusDocument, rollout: RolloutDocument, trouble: str) -> State:
    candidate = next((one for one in document.groups if one.group == rollout.candidate), None)
    before = next((one for one in document.groups if one.group == rollout.live), None)
    tested = [one for one in document.groups if one.variant and one.role == "variant" and one.share_bp]
    share = sum(one.share_bp for one in tested) or (candidate.share_bp if candidate else 0)
    new, old = name(rollout), before.version if before else None
    if candidate and before and candidate.release == before.release and candidate.config != before.config:
        new, old = f"{new} with the new configuration", f"{old} with the old one"
    why = "; ".join(filter(None, (rollout.reason, trouble)))
    each = f", as {listed([one.variant for one in tested], 'and')}" if tested else ""
    has = f"{new} has {percent(share)} of the users{each}" if share else f"{new} has no users yet"
    rest = f", {old} has the rest" if old and share and share < ALL else ""
    if rollout.kind in ("scale", "restart", "remove") and rollout.phase in ("progressing", "finishing"):
        return _upkeep(rollout, new, share, why)
    match rollout.phase:
        case "pending":
            return State("busy", "waiting", f"{new} is about to begin", why)
        case "paused" | "gated":
            return State(
                "held",
                f"{rollout.phase} at {percent(share)}",
                f"{rollout.phase.capitalize()}: {has}{rest}",
                why,
            )
        case "finishing":
            return State(
                "busy", "finishing", f"{new} has all users; {old or 'what was before'} is ending", why
            )
        case "rolling_back":
            to = f"; users go back to {old}" if old else ""
            way = " step by step" if rollout.gradual else ""
            return State("bad", "going back", f"{new} is being taken back{way}{to}", why)
        case _ if rollout.kind == "rollback":
            return State(
                "bad", "going back", f"Going back to {new}: it has {percent(share)} of the users", why
            )
        case _ if not share:
            return _unseen(document, candidate, new, old, why)
        case _:
            return State("busy", percent(share), f"{has}{rest}", why)


def _unseen(
    document: StatusDocument, candidate: GroupDocument | None, new: str, old: str | None, why: str
) -> State:
    """No user has it yet, but perhaps insiders do."""
    keeps = f"; all users have {old}" if old else "; it is the first release here"
    if candidate is not None and any(
        part.group == candidate.group for route in document.routes[:-1] for part in route.split
    ):
        return State("busy", "insiders", f"Insiders have {new}; all other users have {old}", why)
    if old and candidate is not None and candidate.ready >= candidate.replicas > 0:
        return State("busy", "ready", f"{new} is ready{keeps}", why)
    return State("busy", "starting", f"{new} is starting{keeps}", why)


def _upkeep(rollout: RolloutDocument, new: str, share: int, why: str) -> State:
    match rollout.kind:
        case "scale":
            return State("busy", "scaling", f"{new} is on its way to {rollout.steps[0].name}", why)
        case "remove":
            return State("bad", "being removed", f"{new} is being removed", why)
        case _:
            has = (
                f"{percent(share)} of the users have new instances" if share else "new instances are starting"
            )
            return State("busy", "restarting", f"{new} is being restarted: {has}", why)


def _nothing_runs(document: StatusDocument, trouble: str) -> State:
    if trouble:
        return State("bad", "trouble", "Nothing runs here, and something is wrong", trouble)
    why = aftermath(document.last_rollout)
    return State("none", "empty", "Nothing runs here yet", why)


def live(document: StatusDocument) -> GroupDocument | None:
    return next((one for one in document.groups if one.role == "live"), None)


def _users(live: GroupDocument) -> str:
    if live.share_bp == ALL:
        return f"{live.version} has all users"
    return (
        f"{live.version} has {percent(live.share_bp)} of the users"
        if live.share_bp
        else f"{live.version} has no users"
    )


def _ready(live: GroupDocument) -> str:
    return f"{live.ready} of {live.replicas} instances ready"
