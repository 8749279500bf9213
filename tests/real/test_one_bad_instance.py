"""One bad instance of four, on real processes and a real HAProxy: it is replaced, and no user notices."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.real.plane import SHOP, Plane, pids_below

from plainsail.local.load import Load

pytestmark = pytest.mark.timeout(300)

SERVE = """\
import os, runpy
for number in range(1, 100):
    try:
        os.close(os.open(f"{place}/started-{{number}}", os.O_CREAT | os.O_EXCL))
        break
    except FileExistsError:
        pass
if number in {bad}:
    os.environ |= {env}
runpy.run_path("shop.py", run_name="__main__")
"""
"""The service, of which the instances that are started as these have this environment."""
FAILS = {"SHOP_FAIL_RATE": "1.0"}


def release(plane: Plane, version: str, bad: tuple[int, ...], env: dict[str, str] = FAILS) -> str:
    started = plane.place / f"started-{version}"
    started.mkdir()
    tree = Path(plane.release(version))
    (tree / "shop.py").write_bytes(SHOP.read_bytes())
    (tree / "serve.py").write_text(SERVE.format(place=started, bad=bad, env=env))
    return str(tree)


def events(plane: Plane, kind: str) -> list[Any]:
    return [event for event in plane.json("history", "shop")["events"] if event["kind"] == kind]


def test_it_is_replaced_and_the_release_stays(tmp_path: Path) -> None:
    with Plane(tmp_path, steps="[80%]") as plane:
        plane.deploy(plane.release("v1"), "--wait")
        load = Load(plane.address, 150).start()
        plane.deploy(release(plane, "v2", bad=(2,)), "--wait")
        assert plane.status()["last_rollout"]["phase"] == "succeeded"
        assert load.stop()
        assert load.failed() == []
        (told,) = events(plane, "instance_replaced")
        assert " alone is bad: " in told["reason"]
        instances = plane.status()["groups"][0]["instances"]
        assert len(instances) == 4
        assert told["data"]["instance"] not in {one["id"] for one in instances}
        assert len(list((tmp_path / "started-v2").iterdir())) == 5
        plane.until("the old ones are gone", lambda _: len(served(tmp_path)) == 4)


def test_a_second_one_is_the_releases_fault(tmp_path: Path) -> None:
    with Plane(tmp_path, steps="[80%]") as plane:
        plane.deploy(plane.release("v1"), "--wait")
        load = Load(plane.address, 150).start()
        plane.deploy(release(plane, "v2", bad=(2, 5)), "--wait", check=False)
        load.stop()
        assert plane.status()["last_rollout"]["phase"] == "rolled_back"
        assert len(events(plane, "instance_replaced")) == 1
        assert load.failed() == []


def test_what_it_had_under_way_does_not_count_either(tmp_path: Path) -> None:
    """It fails after nearly half a second, so that when it is replaced a dozen of requests have yet to fail."""
    with Plane(tmp_path, steps="[80%]") as plane:
        plane.deploy(plane.release("v1"), "--wait")
        load = Load(plane.address, 150).start()
        slow = {**FAILS, "SHOP_DELAY": "0.45"}
        plane.deploy(release(plane, "v2", bad=(2,), env=slow), "--wait", check=False)
        rollout = plane.status()["last_rollout"]
        assert rollout["phase"] == "succeeded", rollout["reason"]
        assert load.stop()
        assert load.failed() == []
        assert len(events(plane, "instance_replaced")) == 1


def served(place: Path) -> list[str]:
    return [command for command in pids_below(place).values() if "serve.py" in command]
