"""A real control plane, a real HAProxy and Debian's Prometheus, which scrapes the instances: what only it knows decides."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from tests.real.plane import Plane

from plainsail.local.load import Load
from plainsail.testing.conformance.bench import free_port

pytestmark = [
    pytest.mark.timeout(400),
    pytest.mark.skipif(shutil.which("prometheus") is None, reason="apt-get install prometheus"),
]

SCRAPES = """\
global: {{scrape_interval: 500ms, scrape_timeout: 500ms}}
scrape_configs:
  - job_name: shop
    file_sd_configs: [{{files: [{targets}], refresh_interval: 500ms}}]
"""
LOST = """\
          judge: {threshold: {interval: 2s}}
          metrics:
            lost:
              source: prometheus
              counts:
                requests: sum(increase(shop_sales_total{group="{group}"}[{window}]))
                failures: sum(increase(shop_sales_lost_total{group="{group}"}[{window}]))
              margin: 0.02
              max: 0.1
              every: 3s
              delay: 1s
"""


class Scraper:
    """Prometheus over the instances that the control plane says there are."""

    def __init__(self, place: Path, plane: Plane, port: int) -> None:
        self._plane, self._targets, self._stop = plane, place / "targets.json", threading.Event()
        self._targets.write_text("[]")
        (place / "prometheus.yml").write_text(SCRAPES.format(targets=self._targets))
        with open(place / "prometheus.log", "wb") as log:
            self.process = subprocess.Popen(
                ["prometheus", f"--config.file={place}/prometheus.yml", f"--storage.tsdb.path={place}/tsdb",
                 f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"],
                stdout=log, stderr=log,
            )  # fmt: skip
        self._address = f"http://127.0.0.1:{port}"
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def start(self) -> None:
        end = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError), urlopen(f"{self._address}/-/ready", timeout=5) as answer:
                if answer.status == 200:
                    break
            assert time.monotonic() < end, "prometheus is not ready after a minute"
            time.sleep(0.1)
        self._thread.start()

    def end(self) -> None:
        self._stop.set()
        self.process.kill()
        self.process.wait()
        if self._thread.is_alive():
            self._thread.join(30)

    def _follow(self) -> None:
        while not self._stop.wait(0.2):
            with contextlib.suppress(Exception):  # the control plane may be on its way up or down
                found = self._plane.status()["groups"]
                targets = [
                    one["address"] for group in found for one in group["instances"] if one["state"] == "ready"
                ]
                fresh = self._targets.with_suffix(".new")
                fresh.write_text(json.dumps([{"targets": targets}]))
                fresh.rename(self._targets)


@contextlib.contextmanager
def shop(
    place: Path, metrics: str = LOST, listen: int | None = None
) -> Iterator[tuple[Plane, Load, Scraper]]:
    """With a first release that is live, and Prometheus beside it."""
    port = free_port()
    plane = Plane(place, replicas=2, steps="[25%, 50%]", dwell="2s", until="proven", more=metrics)
    declared = (place / "plainsail.yaml").read_text()
    source = f'    metrics: {{prometheus: {{prometheus: {{url: "http://127.0.0.1:{listen or port}"}}}}}}\n'
    (place / "plainsail.yaml").write_text(declared.replace("services:\n", f"{source}services:\n", 1))
    scraper = Scraper(place, plane, port)
    try:
        with plane:
            scraper.start()
            plane.deploy(plane.release("v1"), "--wait")
            load = Load(plane.address, 100).start()
            try:
                yield plane, load, scraper
            finally:
                load.stop()
    finally:
        scraper.end()


def ended(plane: Plane) -> Any:
    plane.until("it has ended", lambda status: status["rollout"] is None, within=120)
    return plane.status()["last_rollout"]


def test_a_release_is_taken_back_for_what_only_prometheus_knows(tmp_path: Path) -> None:
    with shop(tmp_path) as (plane, load, _):
        plane.deploy(plane.release("v2", lose_rate=0.6), check=False)
        found = ended(plane)
        assert found["phase"] == "rolled_back", found
        assert "lost" in found["reason"]
        served = {sample.version for sample in load.samples if sample.outcome == "ok"}
        assert "v2" in served, "the router saw nothing but good answers of it"
        assert all(sample.status == 200 for sample in load.stop())
        assert ended(plane)["version"] == "v2"
        assert next(group for group in plane.status()["groups"])["version"] == "v1"


def test_a_good_release_passes_with_prometheus_beside_it(tmp_path: Path) -> None:
    with shop(tmp_path) as (plane, _, _):
        plane.deploy(plane.release("v2"))
        found = ended(plane)
        assert found["phase"] == "succeeded", found


def test_a_prometheus_that_is_away_holds_the_rollout_and_nothing_else(tmp_path: Path) -> None:
    """Nothing listens there: users are served, the control plane answers, and nothing passes."""
    with shop(tmp_path, listen=free_port()) as (plane, load, _):
        plane.deploy(plane.release("v2"))
        held = plane.until(
            "users are at v2",
            lambda status: status["rollout"] and status["rollout"]["phase"] == "progressing",
        )
        time.sleep(12)
        held = plane.status()["rollout"]
        assert held is not None, "it passed without data"
        assert held["phase"] == "progressing"
        plane.cli("abort", "shop", "--env", "production")
        assert ended(plane)["phase"] in ("aborted", "rolled_back")
        assert all(sample.status == 200 for sample in load.stop())
