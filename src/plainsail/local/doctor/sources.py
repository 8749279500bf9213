"""Metric sources: do they answer? A rollout that is to be judged by one that does not goes no further."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from plainsail.domain.service import Document, Environment
from plainsail.local.doctor.finding import Finding, ok, warn
from plainsail.wiring import probed

RUNS = "command"
"""The driver that runs what the file says. A look at a file that somebody else wrote must not do that."""


def metric_sources(document: Document | None) -> Iterator[Finding]:
    """Each is asked what the first metric of it asks, once, of a group that there is not."""
    if document is None:
        return
    for place, environment in document.environments.items():
        for name, driver in environment.metrics.items():
            if driver.name == RUNS:
                yield ok("metrics", f"{name} of {place} runs commands, which the doctor does not")
    for answer in probed(_asked(document.environments), document.services):
        name = f"{answer.source} of {answer.environment}"
        if answer.trouble:
            yield warn(
                "metrics",
                f"{name} says nothing: {answer.trouble}",
                "see to it, or change it under metrics in plainsail.yaml: without it no rollout passes what it measures",
            )
        elif answer.asked:
            yield ok("metrics", f"{name} answers ({answer.asked})")
        else:
            yield ok("metrics", f"{name} is declared, and no metric of this file asks it anything")


def _asked(environments: Mapping[str, Environment]) -> dict[str, Environment]:
    return {
        place: msgspec.structs.replace(
            one, metrics={name: driver for name, driver in one.metrics.items() if driver.name != RUNS}
        )
        for place, one in environments.items()
    }
