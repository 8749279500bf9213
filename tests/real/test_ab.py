"""A test of two variants on real processes, a real HAProxy and users by name; a command counts who bought."""

from __future__ import annotations

import asyncio
import json
import re
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from tests.real.plane import Plane

from plainsail.domain.buckets import bucket
from plainsail.local.load import Load
from plainsail.testing.conformance.router.street import User

pytestmark = pytest.mark.timeout(300)

BUYS = {"v1": 0.10, "red": 0.10, "blue": 0.40}
"""Part of the users of each arm who buy."""
AT_ONCE = 4
COUNTS = """\
import sys
journal, group, since, until, what = sys.argv[1:]
rows = [line.split() for line in open(journal) if line.endswith("\\n")]
users = {user: bought for at, user, of, bought in rows if of == group and float(since) < float(at) <= float(until)}
if not users:
    sys.exit(3)
print(len(users) if what == "users" else sum(map(int, users.values())))
"""
METRIC = """\
          metrics:
            conversion:
              source: journal
              mean: {{count: "{counts} users", sum: "{counts} bought", squares: "{counts} bought"}}
              better: higher
              role: informative
              every: 1s
        sticky: {{header: X-User}}
        hosts: [shop.example]
        shield: {{budget: 100%}}
"""


class Shoppers:
    """Users by name, each of whom asks now and then, and buys or doesn't; what they did is in a journal."""

    def __init__(self, plane: Plane, journal: Path) -> None:
        self._port, self._journal = int(plane.address.rpartition(":")[2]), journal
        self.had: dict[str, list[str]] = {}
        """By user: the versions that answered, in order."""
        self.failed: list[int] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._shop()), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join(30)

    async def _shop(self) -> None:
        with self._journal.open("a") as journal:
            await asyncio.gather(*(self._some(first, journal) for first in range(AT_ONCE)))

    async def _some(self, first: int, journal: Any) -> None:
        """New users and, each second time, one that was here before."""
        client, number = User(self._port), first
        while not self._over.is_set():
            for user in (f"user-{number}", f"user-{number // 2 // AT_ONCE * AT_ONCE + first}"):
                status, body, _ = await client.ask(headers=f"X-User: {user}\r\n")
                if status != 200:
                    self.failed.append(status)
                    continue
                told = json.loads(body)
                self.had.setdefault(user, []).append(told["version"])
                bought = bucket("buys", user) < 10_000 * BUYS[told["version"]]
                journal.write(f"{time.time():.3f} {user} {told['instance'].split('-')[1]} {int(bought)}\n")
                journal.flush()
            number += AT_ONCE
            await asyncio.sleep(0.01)


@pytest.fixture
def plane(tmp_path: Path) -> Any:
    (tmp_path / "counts.py").write_text(COUNTS)
    (tmp_path / "journal").touch()
    counts = f"{sys.executable} {tmp_path}/counts.py {tmp_path}/journal {{group}} {{since}} {{until}}"
    plane = Plane(tmp_path, more=METRIC.format(counts=counts), until="dwell", dwell="2s")
    spec = tmp_path / "plainsail.yaml"
    source = "    metrics: {journal: {command: {}}}\n"
    spec.write_text(spec.read_text().replace("services:\n", f"{source}services:\n", 1))
    with plane:
        plane.deploy(plane.release("v1"), "--wait")
        yield plane


def _asks_for_a_test(plane: Plane, then: str) -> None:
    """From now on a deploy is this test."""
    spec = plane.place / "plainsail.yaml"
    variants = "variants: {red: {env: {SHOP_VERSION: red}}, blue: {env: {SHOP_VERSION: blue}}}"
    test = f"[{{a-b: {{kpi: conversion, share: 60%, lasts: 1h, {variants}, then: {then}}}}}]"
    spec.write_text(re.sub(r"(?m)^( +strategy:) .*$", lambda found: f"{found[1]} {test}", spec.read_text()))
    plane.cli("apply")


def test_the_better_one_is_found_no_request_fails_and_nobody_changes_arms(plane: Plane) -> None:
    _asks_for_a_test(plane, "keep")
    shoppers = Shoppers(plane, plane.place / "journal")
    load = Load(plane.address, 50).start()
    plane.deploy(plane.release("v2"))
    divided = plane.until("users are divided", lambda status: len(_shares(status)) == 3)
    arms = {group["variant"]: group["group"] for group in divided["groups"]}
    assert {group["role"] for group in divided["groups"]} == {"live", "variant"}
    assert _shares(divided) == {"": 4000, "red": 3000, "blue": 3000}
    during = {user: list(had) for user, had in shoppers.had.items()}
    over = plane.until("it is decided", lambda status: status["rollout"] is None, within=120)
    shoppers.stop()
    samples = load.stop()
    assert [one for one in samples if one.outcome != "ok"] == []
    assert shoppers.failed == []
    last = over["last_rollout"]
    assert last["phase"] == "succeeded", last
    assert last["reason"].startswith("blue is better by conversion: ")
    assert "live stays, as asked; with 'env: {SHOP_VERSION: blue}' in the file" in last["reason"]
    assert [(group["version"], group["share_bp"]) for group in over["groups"]] == [("v1", 10_000)]
    _nobody_changed(shoppers.had, during, last["id"])
    why = plane.json("verdict", last["id"])["explanation"]["test"]
    assert (why["decided"], why["winner"], [arm["name"] for arm in why["arms"]]) == (
        "winner", "blue", ["live", "red", "blue"],
    )  # fmt: skip
    gaps = {(gap["of"], gap["than"]): gap for gap in why["gaps"]}
    assert gaps["blue", "live"]["low"] > 0.0
    assert gaps["red", "live"]["low"] < 0.0 < gaps["red", "live"]["high"]
    assert arms["blue"] == why["arms"][2]["group"]
    shown = plane.cli("verdict", last["id"]).stdout
    assert "conversion (decides the test)" in shown


def test_the_winner_has_all_users_when_that_was_asked_for(plane: Plane) -> None:
    _asks_for_a_test(plane, "promote")
    shoppers = Shoppers(plane, plane.place / "journal")
    plane.deploy(plane.release("v2"))
    over = plane.until(
        "it is decided", lambda status: status["rollout"] is None and len(status["groups"]) == 1, within=120
    )
    shoppers.stop()
    assert shoppers.failed == []
    assert over["last_rollout"]["phase"] == "succeeded", over["last_rollout"]
    assert over["last_rollout"]["reason"].endswith("blue has all users")
    group = over["groups"][0]
    assert (group["role"], group["version"], group["variant"], group["ready"]) == ("live", "v2", "blue", 4)


def _shares(status: Any) -> dict[str, int]:
    return {group["variant"]: group["share_bp"] for group in status["groups"] if group["share_bp"]}


def _nobody_changed(had: dict[str, list[str]], before: dict[str, list[str]], salt: str) -> None:
    """From when users were divided until the first of them was back on live; and each is where the hash says."""
    assert len(had) > 200
    for user, versions in had.items():
        during = versions[len(before.get(user, ())) :]
        fate = bucket("shop", user, salt)
        arm = "red" if fate < 3000 else "blue" if fate < 6000 else "v1"
        assert set(during) <= {arm, "v1"}, f"{user} had {during}"
        tested = [version for version in during if version != "v1"]
        assert during[: len(tested)] == tested, f"{user} had {during}: live only when it was over"
