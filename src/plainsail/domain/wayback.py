"""Ways back that take their time: the shares of the way there in reverse, and at once when more harm comes.

Users who would all go at once may be more than live's caches, or its database, take in one second. So a person may ask for
it (`plainsail abort --gradual`), and a file (`on_failure: gradual`). The candidate's share only shrinks on it.
"""

from __future__ import annotations

from collections.abc import Sequence

from plainsail.domain.evidence import Verdict
from plainsail.domain.rollout import Against, Rollout
from plainsail.domain.strategy import Course, Elapsed, Judged, Part, Role, Step
from plainsail.domain.units import ALL, percent

AGAIN = 1.0
"""How far the evidence must go beyond where it stood, as a part of the line at which a candidate is taken back: as far as it
takes to be sure once. Evidence is a product of bets, so what it gained since then is evidence of what came since then."""


def gradually(rollout: Rollout) -> tuple[Step, ...]:
    """The way back from the present step; the one at once where no user has it, or no share lies in between."""
    back, here = shortest(rollout), rollout.current()
    if rollout.live is None or rollout.phase not in ("progressing", "paused", "finishing"):
        return back
    before = rollout.course.steps[: rollout.step]
    shares = {step.share("candidate") for step in before}
    sizes: dict[Role, int] = {
        "live": back[-1].sizes.get("live", 0),
        "candidate": here.sizes.get("candidate", 0),
    }
    lasts = rollout.placement.pace.dwell
    return (
        *(
            Step(
                percent(share), sizes, (Part("candidate", share), Part("live", ALL - share)), Elapsed(lasts),
                gradual=True,
            )
            for share in sorted(shares, reverse=True)
            if 0 < share < here.share("candidate")
        ),
        *back,
    )  # fmt: skip


def at_once(course: Course) -> tuple[Step, ...]:
    """Its way back without the shares in between."""
    return tuple(step for step in course.back if not isinstance(step.leave, Elapsed))


def shortest(rollout: Rollout) -> tuple[Step, ...]:
    """The way back at once from the present step. While the hook `before` is asked nothing was begun, so nothing of it, be it
    the stop of the new release that another way begins with, is done: live has stayed as it is."""
    back, here = at_once(rollout.course), rollout.current()
    nothing_begun = (
        rollout.phase != "rolling_back" and isinstance(here.leave, Judged) and here.leave.until == "hooked"
    )
    return back[-1:] if nothing_begun else back


def takes_time(back: Sequence[Step]) -> bool:
    return any(isinstance(step.leave, Elapsed) for step in back)


def against(verdict: Verdict | None) -> Against:
    """What is known against the candidate now."""
    if verdict is None:
        return Against()
    return Against(verdict.outcome == "fail", verdict.harm, verdict.candidate.crashes)


def more_harm(rollout: Rollout, verdict: Verdict | None) -> bool:
    """Since it is on its way back, the candidate was proven to be worse: for the first time, or as surely once more."""
    before = rollout.against
    if before is None or verdict is None or verdict.outcome != "fail":
        return False
    return (
        not before.failed or verdict.harm >= before.harm + AGAIN or verdict.candidate.crashes > before.crashes
    )
