"""The steps of a test: every variant is started, then users are divided, and nobody's part changes while it lasts."""

from __future__ import annotations

import msgspec

from plainsail.domain.strategy import AB, Chain, Course, Inside, Judged, Part, Ready, Role, Step
from plainsail.domain.trial import OTHERS, test_in
from plainsail.domain.units import ALL

Instances = dict[Role, int]


def each(test: AB) -> int:
    """The share of one variant in basis points; what can't be divided is live's."""
    return test.share // max(1, len(test.variants))


def divided(test: AB, live: int, carrying: int, replicas: int, within: float) -> tuple[Step, ...]:
    """`carrying` instances have one variant's share of the users, `replicas` all of them. Who comes by a match may be anybody,
    so that takes them all."""
    roles = _roles(test)
    matches = [one.match for one in test.variants.values()] or [test.match]
    inside = tuple(Inside(match, roles[place]) for place, match in enumerate(matches) if match is not None)
    sizes: Instances = {"live": live, **dict.fromkeys(roles, replicas if inside else carrying)}
    rest = ALL - each(test) * len(roles)
    split = (*(Part(role, each(test)) for role in roles), Part("live", rest))
    everybody = (Part("live", ALL),)
    starts = tuple(
        Step(f"start {name}", sizes, everybody, Ready(role, within))
        for name, role in list(zip(test.variants, roles, strict=False))[1:]
    )
    leave = Judged("compared", 0, 0.0, test.lasts, "rollback")
    return (*starts, Step("test", sizes, everybody if inside else split, leave, inside=inside))


def cleared(course: Course, chain: Chain) -> Course:
    """The same; its ends wait until nothing is left of the variants that are not the candidate."""
    test = test_in(chain)
    others = _roles(test)[1:] if test is not None else ()
    if not others:
        return course
    steps, back = (
        tuple(
            msgspec.structs.replace(step, sizes={**step.sizes, **dict.fromkeys(others, 0)})
            if step.finishing
            else step
            for step in way
        )
        for way in (course.steps, course.back)
    )
    return Course(steps, back)


def _roles(test: AB) -> tuple[Role, ...]:
    return ("candidate", *OTHERS)[: max(1, len(test.variants))]
