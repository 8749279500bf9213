"""Every strategy once on real processes, a real HAProxy and a real load. What is counted is what users got."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from tests.real.plane import Plane, pids_below

from plainsail.local.load import Load
from plainsail.testing.conformance.router.street import User

pytestmark = pytest.mark.timeout(300)

DARK = "{hosts: [dark.shop.example], header: 'X-Insider: yes'}"
QUICK = "until: dwell, dwell: 300ms, deadline: 60s, on_unsure: rollback"
PROVEN = QUICK.replace("until: dwell", "until: proven")


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plane]:
    """One for all, with v0 live; each test brings its own releases."""
    with Plane(tmp_path_factory.mktemp("plane"), more="        shield: {budget: 100%}\n") as made:
        made.deploy(made.release("v0"), "--wait")
        yield made


@pytest.mark.parametrize(
    ("strategy", "steps"),
    [
        ("red-black: {keep: 1s}", ["start", "100 %", "finish"]),
        ("rolling: {}", ["start", "1 of 4", "2 of 4", "3 of 4", "100 %", "finish"]),
        (
            "rolling: {max_surge: 0, max_unavailable: 2}",
            ["start", "2 of 4", "100 % on 2", "100 %", "finish"],
        ),
        ("rolling-red-black: {steps: [25%, 50%]}", ["start", "25 %", "50 %", "100 %", "finish"]),
        ("rolling-canary: {steps: [10%], max_surge: 2}", ["start", "10 %", "1 of 4", "3 of 4", "100 %", "finish"]),
        ("custom: {steps: [{share: 5%, instances: 2}, {share: 60%}]}", ["start", "5 %", "60 %", "100 %", "finish"]),
    ],
    ids=["red-black", "rolling", "rolling-without-room", "rolling-red-black", "rolling-canary", "custom"],
)  # fmt: skip
def test_no_request_fails(plane: Plane, strategy: str, steps: list[str]) -> None:
    _asks(plane, f"{{{strategy}}}")
    load = Load(plane.address, 200).start()
    version = _next(plane)
    plane.deploy(plane.release(version), "--wait")
    load.stop()
    assert [one for one in load.samples if one.outcome != "ok"] == []
    over = plane.status()["last_rollout"]
    assert (over["phase"], over["version"], over["reached_bp"]) == ("succeeded", version, 10_000)
    assert [step["name"] for step in over["steps"]] == steps
    assert load.samples[-1].version == version
    assert len(_instances(plane)) == 4


def test_a_bad_release_is_rolled_back_gradually(plane: Plane) -> None:
    """Half of live's instances have ended when it is noticed; users go back as new ones are ready, and see nothing."""
    slow, bad = _next(plane), "bad"
    _asks(plane, "{blue-green: {keep: 0s}}")
    plane.deploy(plane.release(slow, start_delay=1.0), "--wait")
    _asks(plane, "{rolling: {max_surge: 0, max_unavailable: 2}}", PROVEN)
    load = Load(plane.address, 200).start()
    plane.deploy(plane.release(bad, fail_rate=0.5))
    looks: list[tuple[int, int]] = []

    def over(status: Any) -> bool:
        rollout = status["rollout"]
        if rollout is not None and rollout["phase"] == "rolling_back":
            ready = {group["version"]: group["ready"] for group in status["groups"]}
            shares = {group["version"]: group["share_bp"] for group in status["groups"]}
            looks.append((ready.get(slow, 0), shares.get(bad, 0)))
        return rollout is None and status["last_rollout"]["version"] == bad

    status = plane.until("it is taken back", over, within=60)
    load.stop()
    assert (status["last_rollout"]["phase"], status["last_rollout"]["reached_bp"]) == ("rolled_back", 5000)
    assert [one for one in load.samples if one.outcome != "ok"] == [], "what fails is asked of live again"
    assert looks, "the way back takes the time that live's instances take to start"
    assert [share for _, share in looks] == sorted((share for _, share in looks), reverse=True)
    assert all(ready == 4 for ready, share in looks if share == 0), (
        "live has all users when it has all instances"
    )
    assert any(share for _, share in looks), "and they stay where they are until then"
    assert len(_instances(plane)) == 4


def test_a_newer_release_takes_over_what_an_older_one_has(plane: Plane) -> None:
    """Half of the users have it when it is superseded in a rolling rollout; live never has more of them than it had then."""
    _asks(plane, "{rolling: {}}", QUICK.replace("dwell: 300ms", "dwell: 2s"))
    live = plane.status()["groups"][0]["version"]
    load = Load(plane.address, 200).start()
    older = _next(plane)
    plane.deploy(plane.release(older))
    plane.until("half of the users have it", lambda status: _share(status, older) == 5000)
    _asks(plane, "{rolling: {}}")
    newer = _next(plane)
    plane.deploy(plane.release(newer))
    shares: list[tuple[int, int]] = []

    def over(status: Any) -> bool:
        if status["rollout"] is not None and status["rollout"]["version"] == newer:
            shares.append((_share(status, live), _share(status, newer)))
        return status["rollout"] is None

    plane.until("the newer one has all users", over, within=60)
    load.stop()
    assert [one for one in load.samples if one.outcome != "ok"] == []
    assert plane.status()["last_rollout"]["phase"] == "succeeded"
    assert [kept for kept, _ in shares] == sorted((kept for kept, _ in shares), reverse=True)
    assert shares[0][0] <= 5000
    assert any(new for _, new in shares), "it was seen on its way"
    assert load.samples[-1].version == newer
    assert len(_instances(plane)) == 4


def _share(status: Any, version: str) -> int:
    return sum(group["share_bp"] for group in status["groups"] if group["version"] == version)


def test_only_insiders_see_what_is_dark(plane: Plane) -> None:
    """By host and header; then a canary in the same rollout, and all users."""
    _asks(plane, f"[{{dark: {{match: {DARK}}}}}, {{canary: {{steps: [20%]}}}}]")
    before, version = plane.status()["groups"][0]["version"], _next(plane)
    load = Load(plane.address, 100).start()
    plane.deploy(plane.release(version))
    plane.until("insiders have a rule", lambda status: len(status["routes"]) == 2)
    assert _versions(plane, 20, "dark.shop.example", "X-Insider: yes\r\n") == {version}
    told = f"insiders have {version}: who asks for dark.shop.example, and whose header is X-Insider: yes"
    assert told in " ".join(plane.cli("status", "shop").stdout.split())
    for host, header in (
        ("shop.example", ""),
        ("shop.example", "X-Insider: yes\r\n"),
        ("dark.shop.example", ""),
        ("dark.shop.example", "X-Insider: no\r\n"),
        ("dark.shop.example", "X-Insider: yes\r\nX-Insider: yes\r\n"),
    ):
        assert _versions(plane, 100, host, header) == {before}, "500 outsiders"
    assert {one.version for one in load.samples} == {before}
    assert plane.status()["rollout"]["reached_bp"] == 0
    plane.cli("advance", "shop")
    plane.until("it is live", lambda status: status["rollout"] is None)
    load.stop()
    assert [one for one in load.samples if one.outcome != "ok"] == []
    assert plane.status()["last_rollout"]["phase"] == "succeeded"
    assert _versions(plane, 20, "shop.example", "") == {version}


def test_a_preview_and_a_switch_by_hand(plane: Plane) -> None:
    _asks(plane, f"{{blue-green: {{keep: 1s, switch: manual, preview: {DARK}}}}}")
    before, version = plane.status()["groups"][0]["version"], _next(plane)
    load = Load(plane.address, 100).start()
    plane.deploy(plane.release(version))
    plane.until("insiders have a rule", lambda status: len(status["routes"]) == 2)
    assert _versions(plane, 20, "dark.shop.example", "X-Insider: yes\r\n") == {version}
    assert _versions(plane, 100, "shop.example", "") == {before}
    waiting = plane.status()
    assert "waiting for a person" in waiting["rollout"]["reason"]
    assert [group["ready"] for group in waiting["groups"]] == [4, 4]
    plane.cli("advance", "shop")
    plane.until("it is live", lambda status: status["rollout"] is None)
    load.stop()
    assert [one for one in load.samples if one.outcome != "ok"] == []
    assert plane.status()["last_rollout"]["phase"] == "succeeded"
    assert _versions(plane, 20, "dark.shop.example", "X-Insider: yes\r\n") == {version}


def _asks(plane: Plane, strategy: str, pace: str = QUICK) -> None:
    """From now on it is deployed like this."""
    spec = plane.place / "plainsail.yaml"
    text = re.sub(
        r"(?m)^( +strategy:) .*$",
        lambda found: f"{found[1]} {strategy}",
        spec.read_text().replace("within: 5s", "within: 30s"),
    )
    spec.write_text(re.sub(r"pace: \{.*\}", f"pace: {{{pace}}}", text))
    plane.cli("apply")


def _next(plane: Plane) -> str:
    """A version nobody has had."""
    return f"v{sum(1 for one in plane.place.iterdir() if re.fullmatch(r'v[0-9]+', one.name))}"


def _versions(plane: Plane, number: int, host: str, headers: str) -> set[str]:
    """Who answers so many requests."""

    async def ask() -> set[str]:
        client, seen = User(int(plane.address.rpartition(":")[2]), host=host), set()
        for _ in range(number):
            status, body, _ = await client.ask(headers=headers)
            assert status == 200
            seen.add(json.loads(body)["version"])
        client.close()
        return seen

    return asyncio.run(ask())


def _instances(plane: Plane) -> list[int]:
    return [pid for pid, command in pids_below(plane.place).items() if "serve.py" in command]
