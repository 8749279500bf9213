"""A stage on which variants are tested: a simulated source tells what each user brings."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import msgspec
from tests.api.practice import DRIVERS, until
from tests.web.stage import SPEC as PLAIN
from tests.web.stage import Stage

from plainsail.domain.criteria import Averaged, Metric
from plainsail.testing.metrics import SimMetrics
from plainsail.testing.world import Behaviour

METRIC = Metric("shop-metrics", mean=Averaged("n", "s", "q"), better="higher", role="informative")
KEY = "orders"


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Of the simulated source; there is nothing to set."""


def spec(then: str = "keep", dwell: str = "30m", margin: float = 0.01) -> str:
    """The shop's next deploy is a test of two colours."""
    variants = "variants: {red: {env: {BUTTON: red}}, blue: {env: {BUTTON: blue}}}"
    test = f"a-b: {{kpi: {KEY}, share: 50%, lasts: 14d, margin: {margin}, {variants}, then: {then}}}"
    metric = "source: shop-metrics, mean: {count: n, sum: s, squares: q}, better: higher, role: informative, every: 2s"
    return (
        PLAIN.replace(
            "router: {haproxy: {listen: 127.0.0.1:8081}}",
            "router: {haproxy: {listen: 127.0.0.1:8081}}\n    metrics: {shop-metrics: {simulated: {}}}",
        )
        .replace("strategy: [{canary: {steps: [10%, 50%]}}]", f"strategy: [{{{test}}}]")
        .replace(
            "pace: {until: dwell, dwell: 10m, deadline: 60m}",
            f"pace: {{until: dwell, dwell: {dwell}, deadline: 60m}}\n        sticky: {{cookie: version}}"
            f"\n        evidence: {{metrics: {{{KEY}: {{{metric}}}}}}}",
        )
    )


class Trial(Stage):
    """`v1` is live. The first variant of a release is better by its behaviour's `kpi`."""

    drivers = msgspec.structs.replace(DRIVERS, metrics={"simulated": Config})

    def __init__(self, directory: Path, *, speed: float = 5.0, text: str = "") -> None:
        super().__init__(directory, speed=speed, spec=text or spec())
        self.sources = {"shop-metrics": SimMetrics(self.world, {KEY: METRIC}, kpi=KEY)}
        self.deploy(self.release("v1", Behaviour()), strategy="recreate")
        until(lambda: self.status()["groups"] and not self.status()["rollout"])

    def begin(self, gain: float = 0.1, version: str = "v2") -> str:
        """A test is under way, and its KPI is known of all arms; the rollout's id."""
        id = self.deploy(self.release(version, Behaviour(kpi=gain)))
        until(lambda: self._known(id), within=120)
        return id

    def _known(self, id: str) -> bool:
        why = self.get(f"/rollouts/{id}/verdict")["explanation"]
        gaps = why["test"]["gaps"] if why and why["test"] else []
        return len(gaps) == 3 and all(gap["low"] is not None for gap in gaps)


def trial(directory: Path, *, speed: float = 5.0, text: str = "") -> closing[Trial]:
    return closing(Trial(directory, speed=speed, text=text))
