"""What a placement asks of metric sources that its environment does not have, or that they can't be asked."""

from __future__ import annotations

from collections.abc import Iterator

from plainsail.domain.service import Environment, Placement
from plainsail.spec.checks import Fault
from plainsail.spec.diagnostics import did_you_mean, shown, there_are
from plainsail.spec.drivers import Drivers


def unfounded(
    placement: Placement, place: str, environment: Environment, drivers: Drivers
) -> Iterator[Fault]:
    """Each at its key in the placement."""
    sources = environment.metrics
    for name, metric in placement.evidence.metrics.items():
        at = ("evidence", "metrics", name)
        source = sources.get(metric.source)
        if source is None:
            none = f"declare it: 'environments: {{{place}: {{metrics: {{{metric.source}: ...}}}}}}'"
            yield Fault(
                f"The environment {shown(place)} has no metric source {shown(metric.source)}",
                did_you_mean(metric.source, sources) or (there_are(sources) if sources else none),
                (*at, "source"),
            )
        elif (refuses := drivers.refuses.get(source.name)) and (
            why := refuses(source.config, metric.queries())
        ):
            key = metric.kind()
            part = why.partition(":")[0]
            below = (key, part) if part in metric.queries() and key in ("counts", "mean") else (key,)
            yield Fault(f"The metric source {shown(metric.source)} refuses this: {why}", "", (*at, *below))
