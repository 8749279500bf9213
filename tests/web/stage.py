"""A control plane with its pages, for a browser: that of `tests/api/practice.py`, with the spec and the steps of these stories."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

from tests.api.practice import WELL, Plane, until

from plainsail.domain.events import Event
from plainsail.testing.world import Behaviour

SPEC = """\
schema: 1
environments:
  staging:
    router: {haproxy: {listen: 127.0.0.1:8080}}
  production:
    router: {haproxy: {listen: 127.0.0.1:8081}}
services:
  shop:
    run:
      command: [bin/serve, --port, "{port}"]
      stop: {drain: 1s, grace: 1s}
    in:
      production:
        replicas: 2
        hosts: [shop.example]
        strategy: [{canary: {steps: [10%, 50%]}}]
        pace: {until: dwell, dwell: 10m, deadline: 60m}
  search:
    run: {command: [bin/serve, --port, "{port}"]}
    in:
      production: {replicas: 1, hosts: [search.example]}
"""
"""A step of the shop's canary stays until somebody moves it, or until the release is found bad."""


class Stage(Plane):
    """What a browser's story says and asks of it. It is slower than in other tests, since a person looks on."""

    def __init__(self, directory: Path, *, speed: float = 5.0, spec: str = SPEC, idle: bool = False) -> None:
        super().__init__(directory, speed=speed, spec=spec, idle=idle)

    def status(self, service: str = "shop", environment: str = "production") -> Any:
        return self.get(f"/services/{service}/environments/{environment}")

    def rollout(self, service: str = "shop") -> Any:
        """The one under way, else the last."""
        status = self.status(service)
        return status["rollout"] or status["last_rollout"]

    def share(self, release: str, service: str = "shop") -> int:
        """Of users who get it, in basis points, as the router has it."""
        table = self.world.router.tables[service]
        groups = {one["group"] for one in self.status(service)["groups"] if one["release"] == release}
        return sum(part.share_bp for part in table.routes[-1].split if part.group in groups)

    def canary(self, version: str, behaviour: Behaviour = WELL) -> str:
        """Deploy it beside what is live and wait until it has its first share; its digest."""
        release = self.release(version, behaviour)
        self.deploy(release)
        until(lambda: self.share(release) == 1000)
        return release

    def steer(self, verb: str, reason: str = "") -> None:
        """As the command line does, the shop's rollout under way, as soon as it is possible: a step must be in force."""
        id = self.rollout()["id"]
        until(lambda: self.post(f"/rollouts/{id}/{verb}", reason=reason).status_code == 202)

    def flood(self, events: list[Event]) -> None:
        """Write them at once, as if so much had happened."""
        self.store.put_spec({}, {}, None, events)


def stage(directory: Path, *, speed: float = 5.0, spec: str = SPEC, idle: bool = False) -> closing[Stage]:
    return closing(Stage(directory, speed=speed, spec=spec, idle=idle))
