"""The arms of a test as a page shows them: who has which part of the users, the KPI, and how far each is from live."""

from __future__ import annotations

import msgspec

from plainsail.app.documents import RolloutDocument, StepDocument
from plainsail.app.queries import VerdictDocument
from plainsail.domain import comparing, trial_told
from plainsail.domain.comparing import Gap
from plainsail.domain.trial import OTHERS
from plainsail.domain.trial_told import Test
from plainsail.domain.units import percent
from plainsail.web.sentences import Tone
from plainsail.web.strokes import number_text

WIDTH, HEIGHT = 240.0, 20.0
"""Of the drawing of an interval; on the page it is as wide as there is room."""
EDGE = 6.0
"""Room at both ends, so that a mark there is whole."""


class Drawn(msgspec.Struct, frozen=True):
    """What the template puts into an `svg`: better is to the right, and all of one test have one scale."""

    zero: str
    """As good as live."""
    between: str
    """The interval, with its ends."""
    at: str
    """The mark of the estimate: where it is from the left."""


class Arm(msgspec.Struct, frozen=True):
    name: str
    role: str
    """As swatches know it."""
    share: str
    """Of the users; empty: requests themselves said who has it."""
    users: str
    rate: str
    against: str
    """What it is against live."""
    drawn: Drawn | None
    won: bool


class Standing(msgspec.Struct, frozen=True):
    """How a test stands, in a word."""

    tone: Tone
    word: str


def arms(test: Test, rollout: RolloutDocument) -> tuple[Arm, ...]:
    """Live first."""
    shares = _shares(rollout)
    gaps = {gap.of: gap for gap in test.gaps if gap.than == comparing.LIVE}
    span = _span(tuple(gaps.values()))
    rows = zip(test.arms, trial_told.rows(test), strict=True)
    return tuple(
        Arm(
            name=arm.name,
            role="variant" if place else "live",
            share=shares[min(place, 1)] if shares else "",
            users=users,
            rate=rate,
            against=against,
            drawn=_drawn(gaps[arm.name], span) if arm.name in gaps and span else None,
            won=bool(test.winner) and arm.name == test.winner,
        )
        for place, (arm, (_, users, rate, against)) in enumerate(rows)
    )


def sizes(step: StepDocument, verdict: VerdictDocument | None) -> tuple[tuple[str, int], ...]:
    """The instances of a step by role; where several variants run, by their names."""
    why = verdict.explanation if verdict is not None else None
    names: dict[str, str] = {}
    if why is not None and why.test is not None and step.instances.get(OTHERS[0]):
        names = dict(zip(("candidate", *OTHERS), (arm.name for arm in why.test.arms[1:]), strict=False))
    return tuple((names.get(role, role), size) for role, size in step.instances.items())


def standing(test: Test, rollout: RolloutDocument) -> Standing:
    match test.decided:
        case "winner":
            return Standing("good", f"{test.winner} is better")
        case "no_difference":
            return Standing("none", "no difference")
        case "mismatch":
            return Standing("bad", "void")
        case _:
            over = rollout.ended_at is not None or rollout.phase in ("rolling_back", "finishing")
            return Standing("none" if over else "busy", "ended undecided" if over else "not decided yet")


def _shares(rollout: RolloutDocument) -> tuple[str, str] | None:
    """Of live, and of each variant."""
    step = next((one for one in rollout.steps if one.name == "test"), None)
    if step is None or step.inside:
        return None
    return percent(step.shares.get("live", 0)), percent(step.share_bp)


def _span(gaps: tuple[Gap, ...]) -> tuple[float, float] | None:
    """Of the scale: all intervals, and zero."""
    edges = [
        edge for gap in gaps if gap.low is not None and gap.high is not None for edge in (gap.low, gap.high)
    ]
    low, high = min([0.0, *edges]), max([0.0, *edges])
    return (low, high) if high > low else None


def _drawn(gap: Gap, span: tuple[float, float]) -> Drawn | None:
    if gap.low is None or gap.high is None:
        return None
    low, high = span

    def x(value: float) -> str:
        return number_text(EDGE + (value - low) / (high - low) * (WIDTH - 2 * EDGE))

    middle, tip = number_text(HEIGHT / 2), number_text(HEIGHT / 2 - 4)
    ends = "".join(f"M{x(edge)} {tip}v8" for edge in (gap.low, gap.high))
    return Drawn(
        zero=f"M{x(0.0)} 0V{number_text(HEIGHT)}",
        between=f"M{x(gap.low)} {middle}H{x(gap.high)}{ends}",
        at=x(gap.estimate),
    )
