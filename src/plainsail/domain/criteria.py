"""What a candidate is judged by: the criteria, as people write them under `evidence`."""

from __future__ import annotations

from typing import Literal

import msgspec

from plainsail.domain.units import Duration, Level, Ratio, Share


class ErrorCriteria(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many more failed requests (no answer, or 5xx) the candidate may have than live."""

    margin: Ratio = 0.005
    """Absolute: at most this much more than live's part."""
    relative: Ratio = 0.0
    """Relative: on top, this part of live's own failures."""
    max: Ratio = 0.05
    """Never more than this part, whatever live does (unless live is above it too)."""


class LatencyCriteria(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many more slow requests the candidate may have than live, and how much longer its requests may take."""

    bound: Duration = 1.0
    """A request is slow when the first byte of its answer takes longer than this. The test is comparative, so a
    bound that live itself often misses does no harm; the tighter it is, the sooner slowness shows."""
    margin: Ratio = 0.01
    """Absolute: at most this much more than live's part."""
    relative: Ratio = 0.0
    """Relative: on top, this part of live's own slow requests."""
    p50: Ratio | None = None
    """The candidate's median may be longer than live's by this part; absent: it is shown, and not judged."""
    p90: Ratio | None = None
    """The same for the time that nine in ten requests take at most."""
    p99: Ratio | None = None
    """The same for the time that 99 in 100 requests take at most."""


class Counted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is counted in a window: how many there were, and how many of them were bad."""

    requests: str
    """Query for how many."""
    failures: str
    """Query for the bad ones among them."""


class Averaged(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What has a mean, over all the time since the candidate has its users: a basket, a conversion (0 or 1), clicks.

    The unit is what is independent of each other, mostly the user: each user's own total is one observation.
    """

    count: str
    """Query for the number of units."""
    sum: str
    """Query for the sum over them."""
    squares: str
    """Query for the sum of their squares."""


class Metric(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something else to judge by, from a metric source of the environment. Exactly one of `counts`, `mean`, `value` and
    `histogram`.

    In a query `{service}`, `{environment}`, `{group}`, `{version}`, `{release}`, `{instances}` and `{window}` are replaced.
    """

    source: str
    """Name of the source, under `metrics` of the environment."""
    counts: Counted | None = None
    """Bad ones among all, as with errors. `margin`, `relative` and `max` are parts of all."""
    mean: Averaged | None = None
    """A mean per unit. `relative` is a part of live's mean, `margin` is absolute."""
    value: str | None = None
    """Query for one number per window and group, such as memory in use. Compared window by window."""
    histogram: str | None = None
    """Query for a histogram of durations; its median, and the quantiles `p90` and `p99`, may grow by `relative`."""
    better: Literal["lower", "higher"] = "lower"
    """Which way is good; of counts always `lower`."""
    margin: Level = 0.0
    """This much worse than live is allowed."""
    relative: Ratio = 0.0
    """On top, this part of live's own."""
    max: Level | None = None
    """Never more than this, whatever live does."""
    min: Level | None = None
    """Never less than this, whatever live does."""
    role: Literal["critical", "guardrail", "informative"] = "guardrail"
    """`critical`: harm takes the candidate back, and nothing passes before this is proven too. `guardrail`: harm takes it
    back, and nothing passes without data. `informative`: it is only shown."""
    dry_run: bool = False
    """Measured and shown as if it decided; it decides nothing."""
    every: Duration = 10.0
    """Length of a window."""
    delay: Duration = 0.0
    """How long after its end a window is asked for: what the source takes to know it."""
    during: tuple[Literal["start", "steps", "bake"], ...] = ("steps", "bake")
    """`start`: before the first user, on ready instances; `steps`: while users are moved; `bake`: after all are."""
    at: tuple[Share, ...] = ()
    """Only at these shares; none: at all."""

    def kind(self) -> Literal["counts", "mean", "value", "histogram"]:
        """Which of the four it is; the spec has seen to it that it is one."""
        if self.counts is not None:
            return "counts"
        if self.mean is not None:
            return "mean"
        return "value" if self.value is not None else "histogram"

    def queries(self) -> dict[str, str]:
        """By part, as a source is asked."""
        if self.counts is not None:
            return {"requests": self.counts.requests, "failures": self.counts.failures}
        if self.mean is not None:
            return {"count": self.mean.count, "sum": self.mean.sum, "squares": self.mean.squares}
        return {"value": self.value} if self.value is not None else {"buckets": self.histogram or ""}


class Betting(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="betting"):
    """Sequential tests: valid however often one looks, and as quick as the evidence allows."""


class Threshold(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="threshold"):
    """A measurement each interval, against the limits (`max`, `min`) and margins as plain numbers; no guarantee of any kind."""

    interval: Duration = 60.0
    """Between two measurements."""
    failure_limit: int = 0
    """So many failed measurements are forgiven."""
    consecutive_errors: int = 4
    """So many measurements in a row without data, or of a source that fails, are forgiven."""
    successes: int = 1
    """So many good measurements of a step are a pass."""


Judging = Betting | Threshold


class EvidenceCriteria(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a candidate is judged by."""

    errors: ErrorCriteria = ErrorCriteria()
    latency: LatencyCriteria = LatencyCriteria()
    alpha: Ratio = 0.01
    """Longest odds of taking back a release that is within its margins, however often one looks."""
    beta: Ratio = 0.05
    """Longest odds of calling a step proven when the release is beyond its margin."""
    judge: Judging = Betting()
    """How it is decided: `betting`, or `threshold` for those who come from there."""
    metrics: dict[str, Metric] = {}
    """More to judge by, by name."""
    compare: Literal["live", "baseline"] = "live"
    """With whom: all of live, or a fresh `baseline`: as many new instances of the live release, with the same share."""
    warm_up: Duration = 0.0
    """What happens in this time after a group first has users is not counted: caches are cold, code is not compiled."""
    replace: int = 1
    """So many single bad instances of a candidate are replaced, before it is the release that is taken to be bad."""
    crashes: int = 1
    """Crashes of ready candidate instances that are forgiven; each of live's own excuses three more."""

    def whom(self) -> str:
        """What the candidate is compared with, in a sentence."""
        return "the baseline" if self.compare == "baseline" else "live"

    def decisive(self, during: Literal["start", "steps", "bake"]) -> dict[str, Metric]:
        """The metrics that something depends on in this part of a rollout."""
        return {
            name: metric
            for name, metric in self.metrics.items()
            if during in metric.during and metric.role != "informative" and not metric.dry_run
        }
