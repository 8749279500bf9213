"""Flagger's rule. From fluxcd/flagger: `pkg/controller/scheduler.go` (a tick), `pkg/controller/scheduler_metrics.go`
(a check), `pkg/apis/flagger/v1beta1/canary.go` (defaults), `pkg/metrics/observers/istio.go` (queries); the sample from
`docs/gitbook/usage/how-it-works.md`, the scrape interval from `charts/flagger/templates/prometheus.yaml`."""

from __future__ import annotations

import msgspec

from bench.blast.ended import Ended
from bench.blast.peers.scrapes import Scrapes, Window
from bench.blast.traces import World

SCRAPED = 5.0
"""Seconds between two scrapes of the Prometheus that comes with it."""
SUCCESS = 0.99
"""`request-success-rate`, thresholdRange.min 99 in all its samples."""
SLOW = 0.01
"""`request-duration`: the 99th percentile is over 500 ms if and only if more than this part is, as 500 ms is a bucket's end."""


class Setting(msgspec.Struct, frozen=True):
    """An analysis: seconds between two ticks, failed checks that are enough, seconds of a metric's window."""

    name: str
    interval: float
    threshold: int
    window: float = 60.0


DEFAULTS = Setting("defaults", 60.0, 1)
"""What its code takes where the file says nothing: interval 60s, threshold 1; metrics have an interval of 1m."""
SAMPLE = Setting("documented sample", 60.0, 10)
FLOOR = Setting("interval 10 s, threshold 1", 10.0, 1)
"""The shortest interval it allows; the metric's window as by default."""
SETTINGS = (DEFAULTS, SAMPLE, FLOOR)


def check(seen: Window | None) -> bool:
    """Whether both metrics are within their ranges; no data is a failed check."""
    if seen is None:
        return False
    return 1.0 - seen.failures / seen.requests >= SUCCESS and seen.slow / seen.requests <= SLOW


def tick(failed: int, threshold: int, passed: bool) -> tuple[int, bool]:
    """One tick: failed checks after it, and whether it rolls back. Old failures are looked at first, and never forgiven."""
    if failed >= threshold:
        return failed, True
    return failed + (not passed), False


def watch(setting: Setting, world: World, until: float) -> Ended:
    """Until it rolls back, or so many seconds. Weight is set at a tick, so the first check is one interval later."""
    scrapes, failed, now = Scrapes(world, SCRAPED), 0, setting.interval
    decided = None
    while now <= until:
        before = failed
        failed, back = tick(failed, setting.threshold, check(scrapes.rate(now, setting.window)))
        if back:
            return Ended(decided, now)
        if failed > before and failed >= setting.threshold:
            decided = now
        now += setting.interval
    return Ended(decided, None if decided is None else now)
