"""Live pages: one look for however many follow, the newest for whoever is slow, all of it for whoever comes back."""

from __future__ import annotations

import asyncio
import json
import re
import threading
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import httpx2
from tests.api.practice import practice, until
from tests.api.still import browser, sign_in, still

from plainsail.domain.recent import GroupSample, Sample
from plainsail.ports.errors import NotFound, Transient
from plainsail.testing.world import Behaviour
from plainsail.web import curves
from plainsail.web.stream import BEAT, BUSY, CALM, LONGEST, Feed, Hub, Picture, pause

SHOP = "/live/services/shop/production"


class Counter:
    """A view of a number that grows by itself, a thousand times a second."""

    fragments: Mapping[str, str] = {"number": "notice.html", "still": "notice.html"}

    def __init__(self) -> None:
        self.looks = 0
        self.fails = 0
        self.began = time.monotonic()

    async def look(self) -> Picture:
        self.looks += 1
        if self.fails:
            self.fails -= 1
            raise Transient("busy", "the store is busy")
        count = int((time.monotonic() - self.began) * 1000)
        return Picture({"tone": "good", "message": f"count {count}"}, busy=True)

    def later(self, after: float) -> tuple[float, dict[str, bytes]]:
        return after, {}


class Defective(Counter):
    """Its first look raises what nobody foresaw."""

    async def look(self) -> Picture:
        if not self.looks:
            self.looks += 1
            raise ZeroDivisionError
        return await super().look()


class Waiting(Counter):
    """Its looks wait for somebody else."""

    def __init__(self) -> None:
        super().__init__()
        self.thrice = asyncio.Event()

    async def look(self) -> Picture:
        await asyncio.sleep(0.3)
        if self.looks >= 2:
            self.thrice.set()
        return await super().look()


class Gone(Counter):
    async def look(self) -> Picture:
        raise NotFound("gone", "it is gone")


async def take(stream: AsyncIterator[bytes], seconds: float, pause: float = 0.0) -> list[str]:
    """What arrives in this time; a slow reader waits between two messages."""
    messages: list[str] = []
    try:
        async with asyncio.timeout(seconds):
            async for message in stream:
                messages.append(message.decode())
                if pause:
                    await asyncio.sleep(pause)
    except TimeoutError:
        pass
    return messages


def fragments(messages: list[str]) -> list[str]:
    return [message for message in messages if "hx-partial" in message]


def follow(hub: Hub, view: Counter, last_id: str = "") -> AsyncIterator[bytes]:
    return hub.follow("key", lambda: view, last_id, lambda: True)


def test_many_pages_share_one_look_and_none_gets_more_than_four_a_second() -> None:
    async def story() -> None:
        hub, view = Hub(time.time), Counter()
        taken = await asyncio.gather(*(take(follow(hub, view), 2.0) for _ in range(50)))
        most = 2.0 / BUSY + 2
        assert view.looks <= most
        for messages in taken:
            assert 0 < len(fragments(messages)) <= most

    asyncio.run(story())


def test_what_a_look_waits_for_keeps_no_page_old() -> None:
    async def run() -> None:
        view = Waiting()
        task = asyncio.create_task(Feed(view, time.time, lambda: 1000).run())
        async with asyncio.timeout(60):
            await view.thrice.wait()
        task.cancel()

    asyncio.run(run())


def test_many_dear_views_are_looked_at_less_often_but_are() -> None:
    assert pause(True, 0.001, 1) == BUSY
    assert pause(False, 0.001, 1) == CALM
    assert pause(True, 0.01, 100) == 5.0
    assert pause(True, 2.0, 100) == LONGEST


def test_a_slow_page_skips_to_the_newest() -> None:
    async def story() -> None:
        hub, view = Hub(time.time), Counter()
        slow, _ = await asyncio.gather(take(follow(hub, view), 4.0, pause=0.6), take(follow(hub, view), 4.0))
        counts = [int(re.findall(r"count (\d+)", message)[0]) for message in fragments(slow)]
        assert counts == sorted(counts)
        assert counts[-1] > 1500
        assert len(counts) < view.looks

    asyncio.run(story())


def test_who_comes_back_gets_what_changed_and_a_stranger_gets_all() -> None:
    async def story() -> None:
        hub, view = Hub(time.time), Counter()
        other = asyncio.create_task(take(follow(hub, view), 5.0))  # keeps the feed alive
        first = await take(follow(hub, view), 1.0)
        last_id = re.findall(r"^id: (\S+)", first[-1], re.M)[0]
        back = (await take(follow(hub, view, last_id), 1.0))[0]
        stranger = (await take(follow(hub, view, "another.1.999.5"), 1.0))[0]
        confused = (await take(follow(hub, view, last_id.rsplit(".", 2)[0] + ".x.y"), 1.0))[0]
        for whole in (stranger, confused):
            assert {"#number", "#still"} <= set(re.findall(r'hx-target="([^"]+)"', whole))
        assert "hx-partial" in back
        other.cancel()

    asyncio.run(story())


def test_a_feed_ends_with_its_last_page_and_all_streams_end_when_the_server_stops() -> None:
    async def story() -> None:
        hub, view = Hub(time.time), Counter()
        stream = follow(hub, view)
        await anext(stream)
        assert hub.followed() == {"key": 1}
        await stream.aclose()  # type: ignore[attr-defined]  # an async generator
        assert hub.followed() == {}
        looks = view.looks
        await asyncio.sleep(3 * BUSY)
        assert view.looks == looks
        going = asyncio.create_task(take(follow(hub, view), 60.0))
        await asyncio.sleep(0.5)
        threading.Thread(target=hub.close).start()
        await asyncio.wait_for(going, 20.0)
        assert hub.followed() == {}

    asyncio.run(story())


def test_a_look_that_fails_leaves_the_page_as_it_was_and_tells_its_age() -> None:
    async def story() -> None:
        now = [100.0]
        hub, view = Hub(lambda: now[0]), Counter()
        stream = follow(hub, view)
        await anext(stream)
        view.fails = 1000
        now[0] = 130.0
        messages = await take(stream, BEAT + 3.0)
        told = json.loads(re.findall(r"data: (\{.*\})", messages[-1])[0])
        assert told["now"] == 130.0
        assert told["seen"] == 100.0

    asyncio.run(story())


def test_a_defect_of_one_look_does_not_end_the_looking() -> None:
    async def story() -> None:
        stream = follow(Hub(time.time), Defective())
        async with asyncio.timeout(60.0):
            while "hx-partial" not in (await anext(stream)).decode():
                pass

    asyncio.run(story())


def test_what_is_no_more_ends_its_stream() -> None:
    async def story() -> None:
        messages = await take(Hub(time.time).follow("key", Gone, "", lambda: True), 20.0)
        assert "event: gone" in messages[-1]

    asyncio.run(story())


def test_a_page_follows_a_rollout_to_its_end(tmp_path: Path) -> None:
    with practice(tmp_path) as plane:
        client = browser(plane.url)
        sign_in(client)
        plane.live("v1")
        rollout = plane.deploy(plane.release("v2", Behaviour(errors=0.2)))
        seen, began = "", time.monotonic()
        with client.stream("GET", SHOP) as stream:
            for part in stream.iter_text():
                seen += part
                if "v2 was taken back" in seen and "event: samples" in seen and "event: trail" in seen:
                    break
                assert time.monotonic() - began < 60
        assert plane.ended(rollout)["phase"] == "rolled_back"
        messages = [part for part in seen.split("\n\n") if "hx-partial" in part]
        assert len(messages) <= (time.monotonic() - began) / BUSY + 2


def test_streams_do_not_keep_a_server_from_stopping(tmp_path: Path) -> None:
    ended = threading.Event()

    def read(url: str) -> None:
        client = browser(url)
        sign_in(client)
        try:
            with client.stream("GET", "/live/services") as stream:
                for _ in stream.iter_bytes():
                    pass
        except httpx2.HTTPError:
            pass
        ended.set()

    with still(tmp_path) as plane:
        threading.Thread(target=read, args=(plane.url,), daemon=True).start()
        until(plane.pages.hub.followed)
    assert ended.wait(20)


def test_a_service_that_is_not_there_has_no_stream(tmp_path: Path) -> None:
    with still(tmp_path) as plane:
        assert plane.browser.get("/live/services/none/production").status_code == 404
        assert plane.browser.get("/live/rollouts/none").status_code == 404


def sample(at: float, requests: int, failures: int, share: int = 1000) -> Sample:
    return Sample(at, {"g1": GroupSample(share, 1, requests, failures, 0)})


def test_rates_are_of_the_last_seconds_and_a_router_that_began_anew_is_no_negative_rate() -> None:
    samples = [sample(float(at), at * 100, at * 2) for at in range(30)]
    last = curves.moments(samples, 28.5)[0]
    assert last.at == 29.0
    assert last.groups["g1"][:4] == (10.0, 2.0, 0.0, 100.0)
    anew = curves.moments([*samples, sample(30.0, 5, 0)], 29.5)[0]
    assert anew.groups["g1"][:4] == (10.0, None, None, None)
    assert curves.moments(samples, 29.0) == []


def test_a_long_past_is_sent_thinned() -> None:
    samples = [sample(float(at), at, 0) for at in range(5000)]
    found = curves.moments(samples, 0.0)
    assert len(found) <= curves.MOST + 1
    assert found[-1].at == 4999.0
