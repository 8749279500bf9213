"""What a placement asks of its environment's router that this router can't do, found when it is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from plainsail.domain.mirroring import Shadow
from plainsail.domain.service import Placement
from plainsail.domain.strategy import (
    AB,
    Canary,
    Custom,
    Incremental,
    Rolling,
    RollingCanary,
    RollingRedBlack,
    Strategy,
    name_of,
)
from plainsail.domain.traffic import Capabilities
from plainsail.domain.units import ALL, percent
from plainsail.spec import copying
from plainsail.spec.checks import Fault
from plainsail.spec.diagnostics import shown
from plainsail.spec.insiders import matches
from plainsail.spec.trials import beyond_groups
from plainsail.spec.ways import exposures

INSTEAD = {
    "dark": "leave 'dark' out: a canary of 1% shows the release to few",
    "blue-green": "leave 'preview' out",
    "a-b": "leave 'match' out, and add 'sticky'",
    "custom": "leave 'match' out, and give the step a share",
}
"""By strategy: what is nearest without insiders."""


def beyond(
    placement: Placement, router: str, can: Capabilities, lacking: Callable[[], Mapping[str, str]] = dict
) -> Iterator[Fault]:
    """Each at its key in the placement. `lacking`: why this very router has not got a capability of its kind; asked only
    where it matters."""
    of = f"the router {shown(router)}"
    if placement.shield.enabled and not can.shield:
        yield Fault(
            f"Users can't be shielded from a candidate's failures by {of}",
            "write 'shield: {enabled: false}'",
            ("shield",),
        )
    yield from _kept(placement, of, can)
    if not can.match:
        for at, _ in matches(placement):
            yield Fault(f"Insiders can't be told apart by {of}", INSTEAD[str(at[2])], at)
    for index, strategy in enumerate(placement.strategy):
        if isinstance(strategy, AB):
            for fault in beyond_groups(strategy, can.groups, of):
                yield Fault(fault.message, fault.hint, ("strategy", index, *fault.keys))
        if isinstance(strategy, Shadow):
            why = lacking().get("mirror", "") if can.mirror else ""
            for fault in copying.beyond(strategy, of, can, why):
                yield Fault(fault.message, fault.hint, ("strategy", index, *fault.keys))
        yield from _shares(strategy, placement, of, can, index)
    if placement.evidence.compare == "baseline" and can.groups < 3:
        yield Fault(
            f"A baseline is a third group beside live and the candidate, and {of} keeps {can.groups}",
            "write 'compare: live'",
            ("evidence", "compare"),
        )
    if not can.counts:
        yield from _unproven(placement, of)


def _kept(placement: Placement, of: str, can: Capabilities) -> Iterator[Fault]:
    """Who stays with one version."""
    ways = {"cookie": can.sticky_cookie, "header": can.sticky_header}
    other = next((f"take a {way}" for way, able in ways.items() if able), "leave it out")
    for way, able in ways.items() if placement.sticky is not None else ():
        if getattr(placement.sticky, way) is not None and not able:
            yield Fault(f"Users can't be kept by a {way} by {of}", other, ("sticky", way))
    for index, strategy in enumerate(placement.strategy):
        if isinstance(strategy, AB) and not any(ways.values()) and not can.match:
            yield Fault(
                f"A test keeps users on what they have, and {of} can't", "write canary", ("strategy", index)
            )
        if isinstance(strategy, Incremental) and not any(ways.values()):
            yield Fault(
                f"An incremental rollout keeps users on what they have, and {of} can't",
                "write canary",
                ("strategy", index),
            )


def _shares(
    strategy: Strategy, placement: Placement, of: str, can: Capabilities, index: int
) -> Iterator[Fault]:
    at = ("strategy", index)
    wanted = sorted(share for share in exposures(placement, strategy) if share < ALL)
    if not wanted:
        return
    if not can.granularity_bp:
        yield Fault(
            f"With {name_of(strategy)} a share of the users has the new release, and {of} gives all or nothing",
            "write blue-green",
            at,
        )
        return
    for share in wanted:
        if share % can.granularity_bp:
            least = percent(can.granularity_bp)
            follows = isinstance(strategy, Rolling | RollingCanary) and share not in _written(strategy)
            yield Fault(
                f"A share of {percent(share)} can't be kept by {of}",
                f"write canary, with multiples of {least}" if follows else f"make it a multiple of {least}",
                at,
            )
            return


def _written(strategy: Strategy) -> tuple[int, ...]:
    match strategy:
        case (
            Canary(steps=steps)
            | Incremental(steps=steps)
            | RollingRedBlack(steps=steps)
            | RollingCanary(steps=steps)
        ):
            return steps
        case _:
            return ()


def _unproven(placement: Placement, of: str) -> Iterator[Fault]:
    """Steps that wait for a proof, by their own word or by the pace's."""
    until, paced = placement.pace.until, False
    told = f"Nothing is ever proven where requests are not counted, and {of} does not count them"
    for index, one in enumerate(placement.strategy):
        if isinstance(one, AB):
            continue
        if not isinstance(one, Custom):
            paced = paced or any(share < ALL for share in exposures(placement, one))
            continue
        paced = paced or any(step.until is None for step in one.steps)
        for number, step in enumerate(one.steps):
            if step.until == "proven":
                at = ("strategy", index, "custom", "steps", number, "until")
                yield Fault(told, "write 'until: dwell'", at)
    if until == "proven" and paced:
        yield Fault(told, "write 'pace: {until: dwell}'", ("pace",))
