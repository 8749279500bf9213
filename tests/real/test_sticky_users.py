"""2,000 users by name while their share grows, HAProxy reloads, and HAProxy and the control plane are killed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from pathlib import Path

import pytest
from tests.real.plane import Plane, pids_below

from plainsail.domain.buckets import bucket
from plainsail.testing.conformance.router.street import User

pytestmark = pytest.mark.timeout(200)

USERS = [f"user-{number}" for number in range(2000)]
CONNECTIONS = 8


def test_nobody_flips_back_whatever_restarts(tmp_path: Path) -> None:
    """Who has the new release is who the documented hash says, and each of them keeps it."""
    with Plane(
        tmp_path, replicas=2, more="        sticky: {header: X-User}\n        hosts: [shop.example]\n"
    ) as plane:
        spec = tmp_path / "plainsail.yaml"
        text = spec.read_text().replace(
            "{canary: {steps: [10%, 50%]}}", "{incremental: {steps: [5%, 20%, 60%]}}"
        )
        text = text.replace("dwell: 1s,", "dwell: 1s, requests: 1000000, on_unsure: hold,")
        spec.write_text(text.replace(", on_unsure: rollback", "").replace("deadline: 60s", "deadline: 10m"))
        plane.cli("apply")
        plane.deploy(plane.release("v1"), "--wait")
        plane.deploy(plane.release("v2"))
        had: set[str] = set()
        for share, restart in ((500, _reloads), (2000, _kill_haproxy), (6000, _all_gone)):
            _at(plane, share)
            restart(plane)
            _at(plane, share)
            has = _who(plane)
            assert has == {user for user in USERS if bucket("shop", user) < share}
            assert has > had
            had = has
            plane.cli("advance", "shop")
        plane.until("all have it", lambda status: status["rollout"] is None)
        assert _who(plane) == set(USERS)


def _at(plane: Plane, share: int) -> None:
    def so(status: dict[str, list[dict[str, object]]]) -> bool:
        return any(one["version"] == "v2" and one["share_bp"] == share for one in status["groups"])

    plane.until(f"v2 has {share}", so)


def _who(plane: Plane) -> set[str]:
    """Those that the new release answers. A router that was killed is asked until it is back."""

    async def some(users: list[str]) -> set[str]:
        client, found = User(int(plane.address.rpartition(":")[2])), set()
        for user in users:
            status, body, _ = await client.ask(headers=f"X-User: {user}\r\n")
            end = time.monotonic() + 20.0
            while status != 200 and time.monotonic() < end:
                await asyncio.sleep(0.05)
                status, body, _ = await client.ask(headers=f"X-User: {user}\r\n")
            assert status == 200
            if json.loads(body)["version"] == "v2":
                found.add(user)
        client.close()
        return found

    async def all_of_them() -> set[str]:
        parts = await asyncio.gather(*(some(USERS[first::CONNECTIONS]) for first in range(CONNECTIONS)))
        return set().union(*parts)

    return asyncio.run(all_of_them())


def _reloads(plane: Plane) -> None:
    """For another service."""
    spec = plane.place / "plainsail.yaml"
    run = spec.read_text().partition("  shop:\n")[2].partition("    in:\n")[0]
    blog = f"  blog:\n{run}    in:\n      production:\n        hosts: [blog.example]\n"
    spec.write_text(spec.read_text() + blog)
    plane.cli("apply")
    plane.cli("deploy", "blog", plane.release("b1"), "--to", "production", "--wait")


def _kill_haproxy(plane: Plane) -> None:
    found = [pid for pid, command in pids_below(plane.place).items() if "serve.py" not in command]
    assert found
    for pid in found:
        os.kill(pid, signal.SIGKILL)


def _all_gone(plane: Plane) -> None:
    plane.kill()
    had = _who(plane)
    assert had == {user for user in USERS if bucket("shop", user) < 6000}, "also without a control plane"
    _kill_haproxy(plane)
    plane.up()
