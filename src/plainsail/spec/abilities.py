"""What a placement asks of its environment's router that this router can't do, found when it is written."""

from __future__ import annotations

from collections.abc import Iterator

from plainsail.domain.service import Placement
from plainsail.domain.strategy import Canary, Recreate, name_of
from plainsail.domain.traffic import Capabilities
from plainsail.domain.units import percent
from plainsail.spec.checks import Fault
from plainsail.spec.diagnostics import shown


def beyond(placement: Placement, router: str, can: Capabilities) -> Iterator[Fault]:
    """Each at its key in the placement."""
    of = f"the router {shown(router)}"
    if placement.shield.enabled and not can.shield:
        yield Fault(
            f"Users can't be shielded from a candidate's failures by {of}",
            "write 'shield: {enabled: false}'",
            ("shield",),
        )
    if placement.sticky is not None:
        for way, able in (("cookie", can.sticky_cookie), ("header", can.sticky_header)):
            if getattr(placement.sticky, way) is not None and not able:
                yield Fault(f"Users can't be kept by a {way} by {of}", "leave it out", ("sticky", way))
    for index, strategy in enumerate(placement.strategy):
        if isinstance(strategy, Canary):
            yield from _shares(strategy, placement, of, can, index)
            if placement.evidence.compare == "baseline" and can.groups < 3:
                yield Fault(
                    f"A baseline is a third group beside live and the candidate, and {of} keeps {can.groups}",
                    "write 'compare: live'",
                    ("evidence", "compare"),
                )
        else:
            yield from _not_of(name_of(strategy), isinstance(strategy, Recreate), placement)


def _not_of(strategy: str, recreated: bool, placement: Placement) -> Iterator[Fault]:
    """What is asked of a way there on which it can't happen."""
    if placement.evidence.compare == "baseline":
        yield Fault(
            f"With {strategy} nobody has the old release while users have the new one, so there is nothing to compare",
            "write canary, or 'compare: live'",
            ("evidence", "compare"),
        )
    if recreated and placement.pace.bake:
        yield Fault(
            "'recreate' stops the old release first, so none is kept warm for 'bake'",
            "leave it out, or write blue-green",
            ("pace", "bake"),
        )
    if recreated and placement.evidence.decisive("start"):
        yield Fault(
            "'recreate' leaves users without the service until the new release is ready, so nothing is asked before",
            "leave 'start' out of 'during', or write blue-green",
            ("evidence", "metrics"),
        )


def _shares(canary: Canary, placement: Placement, of: str, can: Capabilities, index: int) -> Iterator[Fault]:
    at = ("strategy", index)
    if not can.granularity_bp:
        yield Fault(
            f"A canary needs a share of the users, and {of} gives all or nothing", "write blue-green", at
        )
        return
    for step in canary.steps:
        if step % can.granularity_bp:
            least = percent(can.granularity_bp)
            yield Fault(
                f"A share of {percent(step)} can't be kept by {of}", f"make it a multiple of {least}", at
            )
            break
    if not can.counts and placement.pace.until == "proven":
        yield Fault(
            f"Nothing is ever proven where requests are not counted, and {of} does not count them",
            "write 'pace: {until: dwell}'",
            ("pace",),
        )
