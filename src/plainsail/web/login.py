"""Signing in: the token once, or a one-time link that whoever holds the token asks for (`plainsail open`)."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.datastructures import Cookie
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from plainsail.app.access import OPEN, PAGE, identify
from plainsail.app.sessions import LASTS, Sessions
from plainsail.ports.errors import Rejected
from plainsail.web.rendering import HEADERS, page
from plainsail.web.visiting import BY_SESSION, Ctx, Signing, Visiting, page_at

BEFORE = {PAGE: True, OPEN: True}


@page_at("/login", opt=BEFORE, sync_to_thread=False)
def login(sessions: Signing, request: Visiting, next: FromQuery[str] = "/") -> Response[Any]:
    """The form; whoever is signed in goes on."""
    try:
        sessions.identify(request.auth)
    except Rejected:
        return page("login.html", message="", next=_local(next))
    return Redirect(_local(next), status_code=303, headers=HEADERS)


@post("/login", opt=BEFORE, status_code=200)
async def sign_in(context: Ctx, sessions: Signing, request: Visiting) -> Response[Any]:
    """The token is compared and forgotten; the browser gets a session."""
    form = await request.form()
    place = _local(str(form.get("next", "/")))
    try:
        identify(str(form.get("token", "")).strip(), context.token_hash)
    except Rejected as refused:
        message = {
            "token_missing": "Nothing was entered.",
            "token_wrong": "This token is not known here. Is it from the data directory of this control plane?",
        }[refused.code]
        return page("login.html", status=401, message=message, next=place)
    return Redirect(place, status_code=303, headers=HEADERS, cookies=[_session(sessions, request)])


@get("/enter/{code:str}", opt=BEFORE, sync_to_thread=False)
def enter(
    sessions: Signing, request: Visiting, code: FromPath[str], next: FromQuery[str] = "/"
) -> Response[Any]:
    """A one-time link. Not for HEAD: who looks whether it is there doesn't use it up."""
    if not sessions.take_code(code):
        message = "This link was used or is over a minute old. Ask for a new one with `plainsail open`."
        return page("login.html", status=401, message=message, next="/")
    return page("entering.html", cookies=[_session(sessions, request)], next=_local(next))


@post("/logout", opt=BY_SESSION, status_code=200, sync_to_thread=False)
def logout(sessions: Signing, request: Visiting) -> Response[Any]:
    """Only this browser forgets; no form token, since a sign-out that somebody else asks for harms nobody."""
    gone = Cookie(key=sessions.cookie, value="", path="/", max_age=0, httponly=True, samesite="strict")
    return Redirect("/login", status_code=303, headers=HEADERS, cookies=[gone])


def _session(sessions: Sessions, request: Visiting) -> Cookie:
    return Cookie(
        key=sessions.cookie, value=sessions.begin(), path="/", max_age=int(LASTS), httponly=True,
        samesite="strict", secure=request.url.scheme == "https",
    )  # fmt: skip


def _local(place: str) -> str:
    """A path of ours, never an address elsewhere."""
    plain = place.startswith("/") and not place.startswith("//") and "\\" not in place and place.isprintable()
    return place if plain and not place.startswith("/login") else "/"


HANDLERS: list[ControllerRouterHandler] = [login, sign_in, enter, logout]
