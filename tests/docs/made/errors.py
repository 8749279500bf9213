"""docs/reference/errors.md, from every place where the code makes an error."""

from __future__ import annotations

from collections.abc import Mapping

from tests.docs.made import meanings
from tests.docs.made.reasons import REASONS
from tests.docs.made.source import Raised, classes, raised

from plainsail.api import problems
from plainsail.app import access, expected
from plainsail.cli import exits
from plainsail.cli.main import SAID
from plainsail.ports import errors

GROUPS = {
    "Commands": meanings.COMMANDS,
    "Asking the control plane": meanings.ASKING,
    "Releases": meanings.RELEASES,
    "Store and disk": meanings.STORE,
    "Routers, instances, webhook": meanings.DRIVERS,
    "Simulate": meanings.SIMULATE,
}
ELSEWHERE = {
    "usage": "2", "internal": "500 · 1", "unreachable": "8", "spec_invalid": "422 · 2", "timed_out": "event",
    "request_invalid": "400 · 2", "bad_request": "400 · 2", "not_found": "404 · 3",
    "method_not_allowed": "405 · 2", "request_entity_too_large": "413 · 2",
}  # fmt: skip
"""Codes that are not made by raising one of our classes: HTTP status and exit code."""

OPENING = """\
# Errors

Every error says what happened, the number, and what to do; and it has a code that does not change, for programs. The API
answers with a problem document (RFC 9457) whose `code` and `next_step` are these; with `--json` a command prints the same
document. This page lists every code there is (`python -m tests.docs.made` makes it; a code without a line fails a test).

Errors are one small tree, and the engine decides by class alone:

| class | means | the engine | HTTP | exit code |
|---|---|---|---|---|
"""

BELOW = """
The last column has the HTTP status and the exit code. `event` stands for what no request and no command ends with: drivers
meet it while they work. It is shown by `plainsail status`, told once as the event
[`driver_failed`](events.md#driver_failed), and tried again.
[Troubleshoot](../how-to/troubleshoot.md) begins at what you see instead.
"""

TREE = (
    ("Transient", "may work if tried again", "tries again; traffic stays as it is"),
    ("Rejected", "the input is wrong", "does not try the same again"),
    ("NotFound", "what was named is not there (a kind of Rejected)", "the same"),
    ("Conflict", "not possible as things are now (a kind of Rejected)", "the same"),
    ("Refused", "understood, and refused for good (a kind of Rejected)", "the same"),
    ("Unidentified", "no token that is known (a kind of Rejected)", "the same"),
    ("Unsupported", "this target can't do that", "does not try the same again"),
    ("Fenced", "somebody newer holds this target", "lets go, touches nothing"),
    ("Broken", "a person must look", "tells, and tries again; traffic stays as it is"),
)


def page() -> str:
    places = by_code()
    parts = [OPENING + "\n".join(map(_class_row, TREE)) + "\n" + BELOW]
    for title, group in GROUPS.items():
        rows = [_row(code, *group[code], places.get(code, ())) for code in group]
        parts.append(
            f"## {title}\n\n| code | means | what to do | class | met as |\n|---|---|---|---|---|\n"
            + "\n".join(rows)
            + "\n"
        )
    reasons = [f'| <a id="reason-{code}"></a>`{code}` | {text} |' for code, text in REASONS.items()]
    parts.append(
        "## Reasons of rollouts\n\nNo errors: why a rollout, a verdict or an event is what it is, in `reason_code` and `code`.\n\n"
        "| code | means |\n|---|---|\n" + "\n".join(reasons) + "\n"
    )
    return "\n".join(parts)


def by_code() -> Mapping[str, tuple[Raised, ...]]:
    """Where each code is made."""
    found: dict[str, tuple[Raised, ...]] = {}
    for one in raised():
        if one.code:
            found[one.code] = (*found.get(one.code, ()), one)
    return found


def explained() -> set[str]:
    return {code for group in GROUPS.values() for code in group}


def _row(code: str, means: str, todo: str, places: tuple[Raised, ...]) -> str:
    kinds = ", ".join(dict.fromkeys(one.kind for one in places if one.kind != "Refusal"))
    met = ELSEWHERE.get(code) or ", ".join(dict.fromkeys(_met(one) for one in places))
    return f'| <a id="{code}"></a>`{code}` | {means} | {todo} | {kinds} | {met} |'


def _met(one: Raised) -> str:
    if one.kind == "Refusal":
        return str(getattr(exits, one.exit_code))
    room = one.where.split("/")[0]
    if room == "drivers" and "stores" not in one.where:
        return "event"
    if room in ("local", "spec", "wiring.py"):
        return str(_exit_here(one.kind))
    status = {"disk_full": 507, "too_large": 413}.get(one.code) or _status(one.kind)
    return f"{status} · {exits.of_status(status)}"


def _class_row(row: tuple[str, str, str]) -> str:
    name, means, engine = row
    status = _status(name)
    return f"| {name} | {means} | {engine} | {status} | {exits.of_status(status)} |"


def _class(name: str) -> type[errors.Failure]:
    assert name in classes()
    for room in (errors, access, expected, problems):
        if hasattr(room, name):
            kind: type[errors.Failure] = getattr(room, name)
            return kind
    raise AssertionError(f"{name} is an error of a module this page does not know")


def _status(name: str) -> int:
    return next(status for kind, status in problems.STATUS if issubclass(_class(name), kind))


def _exit_here(name: str) -> int:
    return next(
        (SAID[kind.__name__] for kind in _class(name).__mro__ if kind.__name__ in SAID), exits.INTERNAL
    )
