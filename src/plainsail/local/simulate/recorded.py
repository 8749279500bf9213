"""A rollout as it was recorded: what `plainsail verdict --json` says of it, from a file or from the control plane."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

from plainsail.cli.connect import Plane
from plainsail.domain.criteria import EvidenceCriteria
from plainsail.domain.evidence import Verdict
from plainsail.domain.observation import Mirrored
from plainsail.domain.trail import Point
from plainsail.ports.errors import NotFound, Rejected
from plainsail.spec.diagnostics import shown

LARGEST = 4 * 2**20
"""Bytes of a file; a verdict with its evidence has some ten thousand."""


class Way(msgspec.Struct, frozen=True):
    """Of the rollout, what is read here. More may be there."""

    id: str
    service: str
    environment: str
    phase: str
    decided_at: float | None = None


class Why(msgspec.Struct, frozen=True):
    """Of the explanation."""

    trail: tuple[Point, ...] = ()
    copies: Mirrored | None = None


class Recorded(msgspec.Struct, frozen=True):
    """What is kept of a rollout: the samples of the judge thinned out, and what it said."""

    rollout: Way
    verdict: Verdict | None = None
    criteria: EvidenceCriteria | None = None
    explanation: Why | None = None

    def copied(self) -> bool:
        """Before it had users it answered copies of requests, and was judged by them."""
        return self.explanation is not None and self.explanation.copies is not None

    def trail(self) -> tuple[Point, ...]:
        """Of the time in which the candidate had users, with the moment before."""
        points = self.explanation.trail if self.explanation else ()
        first = next(
            (n for n, one in enumerate(points) if one.share_bp or one.candidate.requests), len(points)
        )
        return points[max(0, first - 1) :]


def recorded(asked: str, plane: Plane, environment: str | None) -> Recorded:
    """A file if there is one by that name, else a rollout or the last one of a service. Raises Rejected
    (`replay_unreadable`) and NotFound."""
    place = Path(asked)
    if place.is_file():
        return _decoded(_document(place), asked)
    if place.suffix == ".json" or len(place.parts) > 1:
        raise NotFound(
            "file_unknown", f"There is no file {asked}", "write one: plainsail verdict ROLLOUT --json > FILE"
        )
    with plane.connect() as client:
        return _decoded(client.verdict(asked, environment), asked)


def _document(place: Path) -> Any:
    try:
        with place.open("rb") as file:
            text = file.read(LARGEST + 1)
    except OSError as error:
        raise Rejected(
            "replay_unreadable", f"{place} can't be read: {error.strerror}", "name a file of yours"
        ) from error
    if len(text) > LARGEST:
        raise _unreadable(str(place), f"is larger than {LARGEST:,} bytes")
    try:
        return json.loads(text)
    except ValueError as wrong:
        at = (
            f"line {wrong.lineno}, column {wrong.colno}: {wrong.msg}"
            if isinstance(wrong, json.JSONDecodeError)
            else "it is not UTF-8"
        )
        raise _unreadable(str(place), f"is not JSON ({at})") from None
    except RecursionError:
        raise _unreadable(str(place), "is nested too deeply") from None


def _decoded(document: Any, asked: str) -> Recorded:
    try:
        found = msgspec.convert(document, Recorded)
    except (msgspec.ValidationError, RecursionError) as wrong:
        raise _unreadable(asked, f"is no verdict of plainsail ({wrong})") from None
    times = [point.at for point in found.trail()]
    sizes = [(point.candidate.requests, point.live.requests) for point in found.trail()]
    if times != sorted(times) or any(min(both) < 0 for both in sizes):
        raise _unreadable(asked, "has a trail that does not go forward in time")
    return found


def _unreadable(asked: str, what: str) -> Rejected:
    return Rejected(
        "replay_unreadable",
        f"--replay: {shown(asked)} {what}",
        "write one with plainsail verdict ROLLOUT --json > FILE",
    )
