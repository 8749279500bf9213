"""The webhook notifier against a real HTTP server."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from plainsail.domain.events import Event, Kind
from plainsail.drivers.notifiers.webhook import Webhook, message
from plainsail.ports.errors import Rejected, Transient


class Chat:
    """A chat's incoming webhook: what it was told, and what it answers."""

    def __init__(self) -> None:
        self.heard: list[dict[str, str]] = []
        self.status = 200
        chat = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                chat.heard.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
                self.send_response(chat.status)
                self.send_header("content-length", "0")
                self.send_header("location", "/elsewhere")
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/services/T0/B0/secret"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def chat() -> Iterator[Chat]:
    running = Chat()
    yield running
    running.server.shutdown()
    running.server.server_close()


def event(kind: Kind = "rollout_ended", phase: str = "rolled_back", **fields: str) -> Event:
    data: dict[str, str | int | float | bool | None] = {"phase": phase, "version": "1.4", "reached_bp": 1000}
    reason = fields.pop("reason", "12 of 300 requests failed")
    return Event(kind, 0.0, "shop", "production", "r-1", reason=reason, data=data, **fields)


def test_it_tells_the_sentence(chat: Chat) -> None:
    asyncio.run(Webhook(chat.url).tell(event()))
    assert chat.heard == [
        {"text": "shop in production: 1.4 was rolled back at 10 %: 12 of 300 requests failed"}
    ]


def test_it_tells_only_what_needs_a_person(chat: Chat) -> None:
    async def all_kinds() -> None:
        webhook = Webhook(chat.url)
        await webhook.tell(event("step_entered"))
        await webhook.tell(event("instance_failed"))
        await webhook.tell(event(phase="superseded"))
        await webhook.tell(event("rollout_paused", reason="not proven after 30 min"))
        await webhook.tell(event("rollout_turned_back", by="owner", reason="fire"))

    asyncio.run(all_kinds())
    assert [one["text"] for one in chat.heard] == [
        "shop in production: 1.4 is on hold: not proven after 30 min",
        "shop in production: 1.4 is being taken back (by owner): fire",
    ]


def test_nobodys_text_mentions_everybody() -> None:
    assert "&lt;!channel&gt;" in str(message(event(reason="<!channel>")))


@pytest.mark.parametrize("status", [302, 404, 500])
def test_a_refusal_may_work_later(chat: Chat, status: int) -> None:
    chat.status = status
    with pytest.raises(Transient) as raised:
        asyncio.run(Webhook(chat.url).tell(event()))
    assert raised.value.code == "webhook_refused"
    assert len(chat.heard) == 1


@pytest.mark.parametrize("address", ["http://hooks.example/x", "ftp://localhost/x", "hooks.example", ""])
def test_addresses_that_are_refused(address: str) -> None:
    with pytest.raises(Rejected) as raised:
        Webhook(address)
    assert raised.value.code == "webhook_address"
    assert address not in raised.value.message or not address
