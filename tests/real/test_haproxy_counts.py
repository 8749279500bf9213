"""What HAProxy counts, against what the backends saw and what the users got. Exact, request by request."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest
from tests.real.haproxy_world import (
    Backend,
    Mode,
    Place,
    Street,
    User,
    binaries,
    counts,
    place,
    story,
    street,
    traffic,
    until,
    users,
)  # fmt: skip

from plainsail.domain.observation import Counts
from plainsail.domain.service import Shield

__all__ = ["place", "street"]
pytestmark = binaries

REQUESTS = 400


def statuses(seen: Counter[tuple[int, str]]) -> Counter[int]:
    total: Counter[int] = Counter()
    for (status, _), number in seen.items():
        total[status] += number
    return total


def asked(group: list[Backend]) -> int:
    return sum(backend.total for backend in group)


@pytest.mark.parametrize("method", ["GET", "POST"])
@story
async def test_a_candidate_that_refuses_connections_costs_no_user_anything(
    place: Place, street: Street, method: str
) -> None:
    live, cand = street.group("g1", 2), street.group("g2", 1)
    async with place.router() as router:
        await router.apply(traffic({"g1": live, "g2": cand}, {"g1": 7500, "g2": 2500}, "g1"), 1)
        await asyncio.to_thread(street.shut, cand[0])
        seen = await users(place.port, REQUESTS, method)
        assert statuses(seen) == {200: REQUESTS}
        found = (await router.observe("shop")).counts
        assert found["g1"].requests + found["g2"].requests == REQUESTS
        assert abs(found["g2"].requests - REQUESTS // 4) <= 2
        assert found["g2"].failures == found["g2"].shielded == found["g2"].requests
        assert found["g1"].failures == found["g1"].shielded == 0


@story
async def test_a_candidate_that_closes_without_an_answer_has_failed(place: Place, street: Street) -> None:
    live, cand = street.group("g1", 2), street.group("g2", 1, "close")
    async with place.router() as router:
        await router.apply(traffic({"g1": live, "g2": cand}, {"g1": 7500, "g2": 2500}, "g1"), 1)
        assert statuses(await users(place.port, REQUESTS)) == {200: REQUESTS}
        gets = asked(cand)
        assert await counts(router, "g2") == Counts(gets, failures=gets, shielded=gets)
        seen = statuses(await users(place.port, REQUESTS, "POST", keep=False))
        posts = asked(cand) - gets
        assert seen == {200: REQUESTS - posts, 502: posts}
        assert await counts(router, "g2") == Counts(gets + posts, failures=gets + posts, shielded=gets)


@story
async def test_a_hanging_candidate_is_noticed_while_it_hangs(
    binary: str, tmp_path: Path, street: Street
) -> None:
    live, cand = street.group("g1", 2), street.group("g2", 1, "hang")
    place = Place(tmp_path, binary, server=5.0)
    async with place.router() as router:
        await router.apply(traffic({"g1": live, "g2": cand}, {"g1": 5000, "g2": 5000}, "g1"), 1)
        waiting = [asyncio.create_task(User(place.port, within=30).ask()) for _ in range(40)]

        async def noticed() -> bool:
            return (await counts(router, "g2")).slow == 20

        await until(noticed)
        assert await counts(router, "g2") == Counts(20, slow=20)
        assert not all(task.done() for task in waiting)
        answers = await asyncio.gather(*waiting)
        assert [status for status, _, _ in answers] == [200] * 40, "live answers after `server`"
        assert await counts(router, "g2") == Counts(20, failures=20, shielded=20, slow=20)
        assert await counts(router, "g1") == Counts(20)


@story
async def test_users_who_give_up_are_not_failures_and_nothing_is_taken_back(
    place: Place, street: Street
) -> None:
    live, cand = street.group("g1", 1), street.group("g2", 1, "hang")
    async with place.router() as router:
        await router.apply(traffic({"g1": live, "g2": cand}, {"g1": 5000, "g2": 5000}, "g1"), 1)
        waiting = [asyncio.create_task(User(place.port, within=30).ask()) for _ in range(20)]

        async def noticed() -> bool:
            return (await counts(router, "g2")).slow == 10

        await until(noticed)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        seen = [await counts(router, "g2") for _ in range(10)]
        assert seen == [Counts(10, slow=10)] * 10
        await asyncio.to_thread(street.shut, cand[0])  # what still hung ends
        after = await counts(router, "g2")
        assert (after.requests, after.slow) == (10, 10)


@story
async def test_a_slow_candidate_is_slow_and_nothing_else(place: Place, street: Street) -> None:
    live, cand = street.group("g1", 2), street.group("g2", 1, "slow")
    async with place.router() as router:
        await router.apply(traffic({"g1": live, "g2": cand}, {"g1": 5000, "g2": 5000}, "g1"), 1)
        seen = await users(place.port, 40, at_once=20)
        assert statuses(seen) == {200: 40}
        found = (await router.observe("shop")).counts
        assert found == {"g1": Counts(20), "g2": Counts(20, slow=20)}

        async def logged() -> bool:
            latency = (await router.observe("shop")).latency
            return len(latency) == 2 and all(one.coverage == 1.0 for one in latency.values())

        await until(logged)
        latency = (await router.observe("shop")).latency
        assert latency["g2"].p50 > 0.5 > latency["g1"].p50


@pytest.mark.parametrize(("mode", "status"), [("500", 500), ("close", 502)])
@story
async def test_lives_own_failures_stay_as_they_are(
    place: Place, street: Street, mode: Mode, status: int
) -> None:
    live, cand = street.group("g1", 2, mode), street.group("g2", 1)
    async with place.router() as router:
        await router.apply(traffic({"g1": live, "g2": cand}, {"g1": 7500, "g2": 2500}, "g1"), 1)
        seen = statuses(await users(place.port, REQUESTS, keep=False))
        tried = asked(cand)
        assert seen == {200: tried, status: REQUESTS - tried}
        assert asked(live) == REQUESTS - tried, "asked once each"
        found = (await router.observe("shop")).counts
        assert found == {"g1": Counts(REQUESTS - tried, failures=REQUESTS - tried), "g2": Counts(tried)}


@story
async def test_a_dead_live_instance_is_passed_over_and_all_dead_are_lives_failure(
    place: Place, street: Street
) -> None:
    live = street.group("g1", 3)
    async with place.router() as router:
        await router.apply(traffic({"g1": live}, {"g1": 10_000}, "g1"), 1)
        await asyncio.to_thread(street.shut, live[0])
        assert statuses(await users(place.port, REQUESTS, "POST")) == {200: REQUESTS}
        assert await counts(router, "g1") == Counts(REQUESTS)
        for backend in live[1:]:
            await asyncio.to_thread(street.shut, backend)
        seen = await users(place.port, 20)
        assert seen == {(503, "No instance of shop can be reached.\n"): 20}
        assert await counts(router, "g1") == Counts(REQUESTS + 20, failures=20)


@story
async def test_in_an_outage_of_all_the_budget_is_kept_too(place: Place, street: Street) -> None:
    """A second try that fails as well has been made all the same: no storm on a live group that is down."""
    live, cand = street.group("g1", 2, "500"), street.group("g2", 1, "500")
    async with place.router() as router:
        shield = Shield(budget=0.1)
        await router.apply(
            traffic({"g1": live, "g2": cand}, {"g1": 5000, "g2": 5000}, "g1", shield=shield), 1
        )
        assert statuses(await users(place.port, REQUESTS)) == {500: REQUESTS}
        repeats = asked(live) + asked(cand) - REQUESTS
        assert 0 < repeats <= 0.1 * REQUESTS + 8, "4 may be under way at once, with two tries each"


@story
async def test_without_a_shield_the_user_sees_the_candidates_failures(place: Place, street: Street) -> None:
    live, cand = street.group("g1", 2), street.group("g2", 1, "500")
    async with place.router() as router:
        for shield in (Shield(enabled=False, budget=1.0), Shield(methods=("HEAD",), budget=1.0)):
            before = asked(cand)
            await router.apply(
                traffic({"g1": live, "g2": cand}, {"g1": 7500, "g2": 2500}, "g1", shield=shield), 1
            )
            seen = statuses(await users(place.port, REQUESTS))
            assert seen == {200: REQUESTS - asked(cand) + before, 500: asked(cand) - before}
        assert await counts(router, "g2") == Counts(asked(cand), failures=asked(cand))
