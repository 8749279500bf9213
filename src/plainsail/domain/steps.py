"""Steps that the ways of several strategies are made of, and what all strategies need to know."""

from __future__ import annotations

import math

import msgspec

from plainsail.domain.criteria import EvidenceCriteria
from plainsail.domain.strategy import Exposed, Judged, Pace, Part, Ready, Role, Settled, Step
from plainsail.domain.units import ALL

START_WITHIN = 600.0
"""Seconds. A last resort above the probe's own `within` and the three starts that a candidate is given."""
SETTLE_WITHIN = 900.0
"""Seconds. Instances end by SIGKILL after drain and grace; past this something is broken and a person is told."""
ASKED_WITHIN = 7 * 86_400.0
"""Seconds that a step waits for a person, unless `pace` has a longer deadline; then it does what `on_unsure` says."""

JUST_LIVE = (Part("live", ALL),)
JUST_CANDIDATE = (Part("candidate", ALL),)


class Asked(msgspec.Struct, frozen=True):
    """What all strategies need to know."""

    pace: Pace
    replicas: int
    """Of the candidate in the end."""
    live: int
    """Instances of live in the beginning."""
    criteria: EvidenceCriteria
    taken: Exposed | None = None
    """What a superseded candidate has until this one's steps have it all."""

    def fresh(self) -> bool:
        """There is a baseline beside the candidate."""
        return self.criteria.compare == "baseline"

    def judged(self) -> Judged:
        """As `pace` says. Which exposure is to be proven is known once all steps are (`courses`)."""
        pace = self.pace
        return Judged(pace.until, 0, pace.dwell, pace.deadline, pace.on_unsure, pace.requests)


def needed(share_bp: int, replicas: int) -> int:
    """Instances that carry a share when `replicas` carry all of it; at least one."""
    return max(1, math.ceil(replicas * share_bp / ALL))


def start_and_switch(replicas: int, live: int | None, before: tuple[Part, ...]) -> tuple[Step, ...]:
    """Without evidence: all users move when all instances are ready. `live`: its instances meanwhile; None: it has none."""
    sizes: dict[Role, int] = {"candidate": replicas} if live is None else both(live, replicas)
    start = Step("start", sizes, before, Ready("candidate", START_WITHIN))
    return (start, msgspec.structs.replace(start, name="100 %", split=JUST_CANDIDATE), finish(replicas))


def switch(replicas: int, live: int) -> Step:
    """The last of the users move."""
    return Step("100 %", both(live, replicas), JUST_CANDIDATE, Ready("candidate", START_WITHIN))


def watch(name: str, replicas: int, live: int, pace: Pace, keep: float) -> Step:
    """All users are the candidate's, and the way back is warm."""
    leave = Judged("dwell", ALL, keep, max(keep, pace.deadline), pace.on_unsure)
    return Step(name, both(live, replicas), JUST_CANDIDATE, leave)


def finish(replicas: int, fresh: bool = False) -> Step:
    """The end of a way there: what the candidate has replaced, and a baseline (`fresh`), ends."""
    sizes: dict[Role, int] = {"live": 0, "candidate": replicas}
    if fresh:
        sizes["baseline"] = 0
    return Step("finish", sizes, JUST_CANDIDATE, Settled(SETTLE_WITHIN), finishing=True)


def gone(live: int | None, fresh: bool = False) -> Step:
    """The end of a way back: nothing is left of the candidate."""
    split = () if live is None else JUST_LIVE
    sizes: dict[Role, int] = {"candidate": 0} if live is None else {"live": live, "candidate": 0}
    if fresh:
        sizes["baseline"] = 0
    return Step("back", sizes, split, Settled(SETTLE_WITHIN), finishing=True)


def both(live: int, candidate: int) -> dict[Role, int]:
    """Instances of the two."""
    return {"live": live, "candidate": candidate}


def split_at(share: int, fresh: bool) -> tuple[Part, ...]:
    """The candidate's share, a baseline's (`fresh`) beside it, and the rest for live."""
    if not fresh:
        return (Part("candidate", share), Part("live", ALL - share))
    rest = ALL - share - twin(share)
    parts = (Part("candidate", share), Part("baseline", twin(share)), Part("live", rest))
    return parts if rest else parts[:2]


def twin(share: int) -> int:
    """What a baseline beside a candidate with this share has: as much, or above a half what is left."""
    return min(share, ALL - share)
