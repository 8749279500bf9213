"""Tells people of a rollout's end through a Slack-compatible incoming webhook (Slack, Mattermost, Rocket.Chat, Teams)."""

from __future__ import annotations

import ipaddress
import logging
from contextvars import ContextVar
from urllib.parse import urlsplit

import httpx2
import msgspec

from plainsail.domain.events import Event
from plainsail.domain.units import percent
from plainsail.ports.errors import Rejected, Transient
from plainsail.ports.notifier import Notifier

TIMEOUT = 5.0
"""Seconds; a chat that does not answer must not keep others waiting."""

_telling: ContextVar[bool] = ContextVar("telling", default=False)


def _no_address(_: logging.LogRecord) -> bool:
    return not _telling.get()


# The client logs the address of every request, and this one is a secret.
logging.getLogger("httpx2").addFilter(_no_address)

TITLES = {
    "succeeded": "succeeded",
    "rolled_back": "was rolled back",
    "aborted": "was aborted",
    "failed": "failed",
}


class Webhook:
    """Posts `{"text": ...}`. The address is a secret: it is in no message and no log."""

    def __init__(self, url: str) -> None:
        """Raises Rejected (`webhook_address`) unless it is https, or http on this machine."""
        self._url = url
        parts = urlsplit(url)
        if not parts.hostname or not (
            parts.scheme == "https" or (parts.scheme == "http" and _here(parts.hostname))
        ):
            raise Rejected(
                "webhook_address", "The webhook's address is neither https nor http on this machine",
                "write one such as https://hooks.example/...",
            )  # fmt: skip

    async def tell(self, event: Event) -> None:
        """Only of what a person wants to be found for: an end, a way back, a hold, a question, what a step says."""
        text = message(event)
        if text is None:
            return
        token = _telling.set(True)
        try:
            # Redirects are not followed: they could lead inside.
            async with httpx2.AsyncClient(timeout=TIMEOUT, follow_redirects=False) as client:
                answer = await client.post(self._url, json={"text": text})
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            # From None: the cause would carry the address into a log.
            raise Transient(
                "webhook_unreachable", f"The webhook does not answer: {type(error).__name__}"
            ) from None
        finally:
            _telling.reset(token)
        if not answer.is_success:
            raise Transient(
                "webhook_refused", f"The webhook answered {answer.status_code}", "check its address"
            )


def message(event: Event) -> str | None:
    """`shop in production: 1.4 was rolled back at 10 %: ...`; None for what needs no person."""
    version = event.data.get("version", "")
    match event.kind:
        case "rollout_ended":
            phase = str(event.data.get("phase", ""))
            if phase == "superseded":
                return None
            what = TITLES.get(phase, phase)
            reached = event.data.get("reached_bp")
            if phase == "rolled_back" and isinstance(reached, int) and reached:
                what += f" at {percent(reached)}"
        case "rollout_turned_back" if event.code in ("winner", "no_difference"):
            return None  # a test that is over; its end tells how it came out
        case "rollout_turned_back":
            what = "is being taken back"
        case "rollout_paused":
            what = "is on hold"
        case "approval_asked":
            what = "waits for a person"
        case "step_entered" if event.data.get("notify"):
            what = f"has reached the step {event.data.get('step', '')}"
            event = msgspec.structs.replace(event, reason=str(event.data["notify"]))
        case "hook_ended" if event.data.get("answer") != "go":
            what = "is over"
        case "rollout_unanswered":
            what = "is on hold, and goes back soon"
        case _:
            return None
    told = f"{event.service} in {event.environment}: {version} {what}"
    by = "" if event.by == "plainsail" else f" (by {event.by})"
    return _harmless(f"{told}{by}: {event.reason}" if event.reason else told + by)


def _harmless(text: str) -> str:
    """Slack's control characters, as its documentation escapes them: nobody's text mentions everybody."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _here(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_notifier(webhook: Webhook) -> Notifier:
    return webhook
