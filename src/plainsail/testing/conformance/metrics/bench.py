"""What the suite of metric sources works with: numbers of known time, put where the driver's source has its own."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

import msgspec

from plainsail.domain.measurement import Ask, Reading
from plainsail.ports.metrics import Metrics
from plainsail.testing.conformance.bench import SiteBench
from plainsail.testing.conformance.metrics.door import Behind, Door, Trouble

HIDDEN = "t0ken-that-nobody-sees"
INSTANCE = "10.0.0.1:80"
QUICK = 0.4
"""Seconds for an answer where none will come."""
Kind = Literal["counts", "by_instance", "mean", "value", "histogram", "wrong", "several", "infinite"]
_numbers = itertools.count(1)


class Series(msgspec.Struct, frozen=True):
    """What one instance of a group reports."""

    name: str
    """`requests`, `failures`, `units`, `total`, `squares`, `seconds`: counted; `memory`: a value."""
    group: str
    points: Mapping[int, float]
    """By second (since 1970): how much of it there was in the second that ends then; of `memory`, its value."""
    instance: str = INSTANCE
    le: str = ""
    """Upper bound of a histogram's bucket; the counts are of this bucket alone."""


class MetricsBench(SiteBench):
    """One source, with a service of its own in it. There are no defaults for where numbers are put and how a query is
    written: a driver's author registers a subclass as `metrics.NAME`."""

    kind = "metrics"
    histograms: ClassVar[bool] = True
    """It can answer `buckets`."""
    several: ClassVar[bool] = True
    """A query can give more than one series."""
    over_http: ClassVar[bool] = False
    tolerance: ClassVar[float] = 0.001
    """Of a count, relative."""

    def __init__(self, name: str, driver: Any, directory: Path) -> None:
        self.now = int(time.time())
        self.service = f"shop-{os.getpid()}-{next(_numbers)}"
        self.directory = directory
        self.open()
        super().__init__(name, driver, directory)

    def open(self) -> None:
        """The source is there."""

    async def put(self, *series: Series) -> None:
        """Known to the source when it returns."""
        raise NotImplementedError

    def queries(self, kind: Kind) -> dict[str, str]:
        """By part, of this service and `{group}` over the window; `by_instance` only those of `{instances}`."""
        raise NotImplementedError

    def fall(self, trouble: Literal["gone", "silent", "endless"]) -> None:
        """From now on the source is in trouble."""
        raise NotImplementedError

    def recover(self) -> None:
        """From now on it is not."""
        raise NotImplementedError

    def ask(self, group: str, kind: Kind = "counts", since: int = -50, until: int = -40, **more: Any) -> Ask:
        """A question about a window, in seconds from `now`."""
        given: dict[str, Any] = {
            "metric": "orders", "queries": self.queries(kind), "service": self.service, "environment": "production",
            "group": group, "release": "sha256:" + "7" * 64, "version": "1.4", "instances": (INSTANCE,),
        }  # fmt: skip
        return Ask(**{**given, "since": float(self.now + since), "until": float(self.now + until), **more})

    async def read(self, ask: Ask) -> Reading:
        """By a driver of its own."""
        driver = self.make()
        await driver.start()
        try:
            return await driver.read(ask)
        finally:
            await driver.stop()

    def make(self) -> Metrics:
        made: Metrics = super().make()
        return made

    def hurried(self) -> MetricsBench:
        """Drivers made from now on wait for an answer no longer than QUICK."""
        self.settings = {**self.settings, "timeout": QUICK}
        return self

    def counted(self, group: str, each: float, name: str = "requests", **more: Any) -> Series:
        """So many each second in (-60, -40], three times as many in (-40, -20], and nothing is known of before and after."""
        points = {self.now + at: each if at <= -40 else 3 * each for at in range(-59, -19)}
        return Series(name, group, points, **more)


class HttpBench(MetricsBench):
    """A source behind a door."""

    over_http = True

    def open(self) -> None:
        self.token = self.directory / "token"
        self.token.write_text(f"{HIDDEN}\n")
        self.door = Door(self.behind(), HIDDEN)

    def behind(self) -> Behind:
        """What answers."""
        raise NotImplementedError

    def config(self) -> dict[str, object]:
        return {"url": self.door.url, "token": str(self.token)}

    def fall(self, trouble: Trouble | Literal["gone"]) -> None:
        if trouble == "gone":
            self.door.shut()
        else:
            self.door.trouble = trouble

    def recover(self) -> None:
        self.door.trouble = ""
        self.door.open()

    def clear(self) -> None:
        self.door.shut()
