"""docs/reference/events.md, from domain/events.py and the functions that make events."""

from __future__ import annotations

from typing import get_args

import msgspec
from tests.docs.made.source import comments_above, fields

from plainsail.app.documents import EventDocument
from plainsail.domain.courses import course
from plainsail.domain.events import Event, Kind
from plainsail.domain.lifecycle import event
from plainsail.domain.rollout import Phase, Revision, Rollout
from plainsail.domain.service import Placement, Run
from plainsail.domain.strategy import Canary

OPENING = """\
# Events

Everything that happened, in the past tense, written in the same transaction as the state it changed. So nothing happens
without an event, and no event is of something that did not happen. This page is made from the code
(`python -m tests.docs.made`).

Read them with [`plainsail watch --json`](cli.md) (one a line, as they come), `plainsail history --json`, or
[`GET /api/v1/events`](api.md#get-events) (with `after` and `wait`, so that none is missed). [Follow what
happens](../how-to/follow.md) shows all three. The [webhook](../how-to/notifications.md) tells a few of them to people.

## Fields
"""

EXPLAINED = """
`data` of events that a rollout makes: `phase` and `kind` (`deploy`, `rollback`) of it at that moment, `version` and
`release` (digest) of what it brings, `step` by name, and `reached_bp`, the largest share of users so far in basis points
(10,000 = all). The words that `code` can be are [the reasons](errors.md#reasons-of-rollouts).
"""

AT = 1790000000.0
DIGEST = "sha256:e3a8a4bfcd11…"
ROLLOUT = Rollout(
    id="r-1rsf6tjv2p", service="shop", environment="production", kind="deploy", by="owner", strategy="canary",
    revision=Revision(DIGEST, "2.0", Run(("serve",)), "sha256:…"), candidate="g2", live="g1", replicas=2,
    placement=Placement(), course=course(Canary(), Placement().pace, 2, 2), started_at=AT, entered_at=AT,
    phase="progressing", reached_bp=1000, step=2,
)  # fmt: skip
WORSE = "7 of 7 candidate requests failed (100 %) against 0 of 193 live (0 %); with a margin of 0.5 points the odds against chance are 220 to 1"


def example(kind: Kind) -> Event:
    """As it could be; those of rollouts are made by the function that makes them all."""
    match kind:
        case "spec_applied":
            return Event(
                kind,
                AT,
                "shop",
                by="owner",
                code="changed",
                reason="service shop changed: in.production.replicas",
            )
        case "release_made":
            data: dict[str, str | int | float | bool | None] = {
                "release": DIGEST,
                "version": "2.0",
                "commit": "c0ffee…",
            }
            return Event(kind, AT, "shop", by="owner", reason="2.0 of shop was made", data=data)
        case "intent_refused":
            return Event(
                kind,
                AT,
                "shop",
                "production",
                ROLLOUT.id,
                "owner",
                f"rollout {ROLLOUT.id} is not under way",
                "refused",
            )
        case "instance_failed":
            return _seen(
                kind, "an instance of g2 exited with status 1 after 0.2 s", "instance_failed", {"group": "g2"}
            )
        case "instance_replaced":
            alone = (
                "shop-g2-4f1c9a alone is bad: 9 of 9 requests failed (100 %) against 0 of 27 (0 %) of the candidate's 3 "
                "others; it is replaced"
            )
            told = _of_rollout(kind, "progressing", alone, "one_instance")
            return msgspec.structs.replace(told, data={**told.data, "instance": "shop-g2-4f1c9a"})
        case "superseded_taken_back":
            worse = "who had 1.9, which is superseded, goes back to live: 9 of 120 requests failed"
            return _of_rollout(kind, "progressing", worse, "errors")
        case "drift_corrected":
            return _seen(kind, "the router was changed by somebody else; put back", "drift", {})
        case "driver_failed":
            return _seen(kind, "router: HAProxy does not answer; see its output", "haproxy_unreachable", {})
        case "rollout_started" | "step_entered" | "traffic_moved" | "rollout_resumed":
            return event(
                kind,
                ROLLOUT,
                AT,
                by="owner" if kind in ("rollout_started", "rollout_resumed") else "plainsail",
            )
        case "rollout_paused":
            return _of_rollout(kind, "paused", "paused by owner", "paused", "owner")
        case "rollout_unanswered":
            soon = "nobody has decided yet, and it goes back in 1 h: paused by owner"
            return _of_rollout(kind, "paused", soon, "paused")
        case "approval_asked":
            why = "waiting for approval: 'plainsail approve shop' goes on, 'plainsail reject shop' takes it back"
            return _of_rollout(kind, "progressing", why, "approval")
        case "approval_given":
            return _of_rollout(kind, "progressing", "approved by owner: seen", "approved", "owner")
        case "check_answered":
            said = _of_rollout(
                kind, "progressing", "the check smoke says no-go: 12 of 300 failed", "check_no_go"
            )
            return msgspec.structs.replace(said, data={**said.data, "check": "smoke", "answer": "no_go"})
        case "hook_ended":
            over: dict[str, str | int | float | bool | None] = {
                "hook": "after", "check": "webhook", "answer": "silent", "version": "2.0",
            }  # fmt: skip
            return _seen(kind, "the hook 'after' webhook does not answer: no connection", "hook_silent", over)
        case "rollout_turned_back":
            return _of_rollout(kind, "rolling_back", WORSE, "errors")
        case "rollout_ended":
            return _of_rollout(kind, "rolled_back", WORSE, "errors")


def page() -> str:
    about = fields(EventDocument) | fields(Event)
    rows = [
        "| field | meaning |", "|---|---|",
        "| `id` | Its place in the order of all events; what to give as `after`. |",
        *(f"| `{field}` | {about.get(field) or SAID[field]} |" for field in Event.__struct_fields__),
    ]  # fmt: skip
    meanings = comments_above("domain/events.py")
    kinds = [_kind(kind, meanings[kind]) for kind in get_args(Kind)]
    return OPENING + "\n" + "\n".join(rows) + "\n" + EXPLAINED + "\n## Kinds\n\n" + "\n".join(kinds)


SAID = {
    "kind": "What happened: one of those below.",
    "environment": "Empty if it is about no single environment.",
    "data": "More, by kind.",
}


def _kind(kind: Kind, meaning: str) -> str:
    shown = example(kind)
    keys = ", ".join(f"`{key}`" for key in shown.data) or "none"
    document = {"id": 412, **msgspec.to_builtins(shown)}
    text = msgspec.json.format(msgspec.json.encode(document), indent=2).decode()
    return f"### {kind}\n\n{meaning} Data: {keys}.\n\n```json\n{text}\n```\n"


def _seen(kind: Kind, reason: str, code: str, data: dict[str, str | int | float | bool | None]) -> Event:
    return Event(kind, AT, "shop", "production", ROLLOUT.id, reason=reason, code=code, data=data)


def _of_rollout(kind: Kind, phase: Phase, reason: str, code: str, by: str = "plainsail") -> Event:
    step = 0 if phase in ("rolling_back", "rolled_back") else ROLLOUT.step
    rollout = msgspec.structs.replace(ROLLOUT, phase=phase, step=step, reason=reason, reason_code=code)
    return event(kind, rollout, AT, by=by)
