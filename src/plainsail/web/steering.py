"""Buttons that do what the command line does. What matters is asked once, with what will happen in numbers; what was seen
goes with every form, and what has moved on since is refused."""

from __future__ import annotations

import asyncio
from typing import Any, Literal

from litestar import Response, post
from litestar.datastructures import FormMultiDict
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from plainsail.app import deploy, queries, releases, status, steer, upkeep
from plainsail.app.access import Refused
from plainsail.app.context import Context
from plainsail.app.documents import RolloutDocument
from plainsail.app.expected import Conflict, Expected
from plainsail.app.sessions import Sessions
from plainsail.ports.errors import Rejected
from plainsail.ports.store import Key
from plainsail.web import sentences
from plainsail.web.following import Following
from plainsail.web.rendering import HEADERS, page
from plainsail.web.target import show
from plainsail.web.visiting import BY_SESSION, Ctx, Signing, Visiting, by_script, page_at, status_of

Verb = Literal[
    "pause", "resume", "advance", "abort", "approve", "reject", "rollback", "deploy", "scale", "restart", "remove"
]  # fmt: skip

DONE: dict[str, str] = {
    "pause": "Pausing", "resume": "Resuming", "advance": "Advancing", "abort": "Aborting", "approve": "Approving",
    "reject": "Rejecting", "rollback": "Going back with", "deploy": "Starting", "scale": "Scaling with",
    "restart": "Restarting with", "remove": "Removing with",
}  # fmt: skip
NONE = "No rollout is under way that does not go back already"


@page_at("/services/{service:str}/{environment:str}/ask/{verb:str}", opt=BY_SESSION, sync_to_thread=True)
def ask(
    context: Ctx, sessions: Signing, request: Visiting, service: FromPath[str], environment: FromPath[str],
    verb: FromPath[Verb], release: FromQuery[str] = "",
) -> Response[str]:  # fmt: skip
    """What will happen, and the form that does it: a dialog, or a page where no script runs."""
    key = Key(service, environment)
    document = status.status(context, request.user, key)
    return page(
        "ask.html" if by_script(request) else "asking.html",
        now=context.now(), key=key, verb=verb, document=document, rollout=document.rollout,
        state=sentences.state(document), live=sentences.live(document), chosen=release,
        possible=(steer.possible(context, request.user, key) | upkeep.possible(context, request.user, key)).get(verb, ""),
        releases=releases.known(context, request.user, service)[:20] if verb == "deploy" else (),
        form_token=sessions.form_token(request.auth),
    )  # fmt: skip


@post("/services/{service:str}/{environment:str}/{verb:str}", opt=BY_SESSION, status_code=200)
async def act(
    context: Ctx, sessions: Signing, following: Following, request: Visiting, service: FromPath[str],
    environment: FromPath[str], verb: FromPath[Verb],
) -> Response[Any]:  # fmt: skip
    """Do it. Refused with 409 and one sentence when things are no longer as they were shown."""
    form = await _form(sessions, request)
    key = Key(service, environment)
    try:
        done = await asyncio.to_thread(_do, context, request, key, verb, form)
    except Rejected as refused:
        following.nudge(key)
        if by_script(request):
            return page("notice.html", status=status_of(refused), tone="bad", message=str(refused))
        return await show(context, request.user, key, status=status_of(refused), notice=str(refused))
    following.nudge(key)
    message = f"{DONE[verb]} rollout {done.id} of {service} {done.version or ''} in {environment}".replace(
        "  ", " "
    )
    if by_script(request):
        return page("notice.html", tone="good", message=message)
    return Redirect(f"/services/{service}/{environment}", status_code=303, headers=HEADERS)


@page_at("/ask/abort-all", opt=BY_SESSION, sync_to_thread=True)
def ask_abort_all(context: Ctx, sessions: Signing, request: Visiting) -> Response[str]:
    """Which rollouts it would take back."""
    keys = context.store.busy()
    found = [status.status(context, request.user, key) for key in keys[:50]]
    documents = [one for one in found if one.rollout is not None and not sentences.goes_back(one.rollout)]
    return page(
        "ask-all.html" if by_script(request) else "asking-all.html",
        now=context.now(), documents=documents, more=max(0, len(keys) - 50), states=sentences,
        form_token=sessions.form_token(request.auth),
    )  # fmt: skip


@post("/abort-all", opt=BY_SESSION, status_code=200)
async def abort_all(
    context: Ctx, sessions: Signing, following: Following, request: Visiting
) -> Response[Any]:
    """Take back every rollout under way. Carries nothing of what was seen: whatever moves is to stop."""
    form = await _form(sessions, request)
    stopped = await asyncio.to_thread(steer.abort_all, context, request.user, _text(form, "reason"))
    for one in stopped:
        following.nudge(Key(one.service, one.environment))
    told = ", ".join(f"{one.service} in {one.environment}" for one in stopped[:10])
    message = f"Aborting {len(stopped)} of them: {told}" if stopped else NONE
    if by_script(request):
        return page("notice.html", tone="good", message=message)
    return Redirect("/", status_code=303, headers=HEADERS)


def _do(context: Context, request: Visiting, key: Key, verb: Verb, form: FormMultiDict) -> RolloutDocument:
    subject, reason = request.user, _text(form, "reason")
    expected = _expected(form)
    match verb:
        case "rollback":
            return steer.rollback(context, subject, key, _text(form, "to") or None, reason, expected)
        case "deploy":
            again = bool(_text(form, "again"))
            return deploy.deploy(context, subject, key, _text(form, "release"), None, again, expected)
        case "scale":
            number = _text(form, "replicas")
            if not number.isdecimal():
                raise Rejected(
                    "replicas_range", f"{number or 'Nothing'} is no number of instances", "write 1 to 1000"
                )
            return upkeep.scale(context, subject, key, int(number), reason, expected)
        case "restart":
            return upkeep.restart(context, subject, key, reason, expected)
        case "remove":
            return upkeep.remove(context, subject, key, reason, expected)
        case _:
            found = queries.rollout(context, subject, key.service, key.environment)
            if expected.rollout and expected.rollout != found.id:
                found = queries.rollout(context, subject, expected.rollout)
            gradual = verb == "abort" and bool(_text(form, "gradual"))
            return steer.steer(context, subject, verb, found.id, key.environment, reason, expected, gradual)


async def _form(sessions: Sessions, request: Visiting) -> FormMultiDict:
    """Raises Refused (`form_foreign`) unless our script sent it, by a header that no other site's page can send, or it
    carries this session's token."""
    form = await request.form()
    if not by_script(request) and not sessions.form_is_ours(request.auth, _text(form, "form_token")):
        raise Refused("form_foreign", "This form is not of your present session", "open the page again")
    return form


def _expected(form: FormMultiDict) -> Expected:
    """What the person saw. Raises Conflict when the form does not say it."""
    step = _text(form, "step")
    if "rollout" not in form or "live" not in form or not (step.isdecimal() or step == ""):
        raise Conflict("moved_on", "The form does not say what you saw", "open the page again")
    return Expected(
        rollout=_text(form, "rollout"), phase=_text(form, "phase"), step=int(step) if step else None,
        live=_text(form, "live"),
    )  # fmt: skip


def _text(form: FormMultiDict, name: str) -> str:
    return str(form.get(name, "")).strip()[:500]


HANDLERS: list[ControllerRouterHandler] = [ask, act, ask_abort_all, abort_all]
