"""Makes a scene that breaks a property as small as it can be while it still breaks the same one."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from tests.soak.playing import play
from tests.soak.scene import At, Deploys, Happening, Scene
from tests.soak.telling import Story

from plainsail.domain.criteria import EvidenceCriteria
from plainsail.domain.service import Placement
from plainsail.domain.strategy import Chain, Pace, Strategy
from plainsail.testing.behaviour import Behaviour

TRIES = 400
"""Scenes that are played at most; a second or two."""

replace = msgspec.structs.replace


class Found(msgspec.Struct, frozen=True):
    """A counter-example."""

    broken: str
    """What does not hold."""
    scene: Scene
    story: str
    tries: int
    dropped: int
    """Happenings that had nothing to do with it."""

    def text(self) -> str:
        """For people."""
        return (
            f"{self.broken}: this does not hold in scene {self.scene.seed}, of which {self.dropped} happenings were left out"
            f" ({self.tries} tries).\n\n{self.story}\n\n{self.broken}: this is where it does not hold."
            f"\nThe whole scene: make soak ARGS='--scene {self.scene.seed}'"
        )


def broken(scene: Scene, story: Story | None = None) -> str:
    """What does not hold in it; empty: everything does. What is no property, but a defect, is named by its kind."""
    try:
        play(scene, story)
    except AssertionError as one:
        return str(one) or "something that was taken for granted"
    except Exception as one:  # whatever it is, it is what was looked for
        return f"a turn ends without {type(one).__name__}: {one}"
    return ""


def smallest(scene: Scene) -> Found:
    """Of a scene that is broken."""
    wrong = broken(scene)
    before, tries = len(scene.happenings), 0
    found = scene
    while tries < TRIES:
        smaller = None
        for candidate in _smaller(found):
            tries += 1
            if _same(broken(candidate), wrong):
                smaller = candidate
                break
            if tries >= TRIES:
                break
        if smaller is None:
            break
        found = smaller
    story = Story()
    told = broken(found, story)
    return Found(told, found, story.text(), tries, before - len(found.happenings))


def _same(one: str, other: str) -> bool:
    """But for its numbers."""
    plain = ["".join(letter for letter in text if not letter.isdigit()) for text in (one, other)]
    return bool(one) and plain[0] == plain[1]


def _smaller(scene: Scene) -> Iterator[Scene]:
    """Scenes with less in them: what is likely to drop most comes first."""
    count = len(scene.happenings)
    for length in (max(1, count // 2), 1):
        for first in range(count - length, -1, -1):
            yield replace(scene, happenings=scene.happenings[:first] + scene.happenings[first + length :])
        if count < 2:
            break
    for name, plain in (
        ("quantiles", False),
        ("rate", 50.0),
        ("rate", 0.0),
        ("grain", 1.0),
        ("serial", 0),
        ("live", 1),
    ):
        if getattr(scene, name) != plain and not (name == "rate" and scene.rate == 0.0):
            yield replace(scene, **{name: plain})
    for place, one in enumerate(scene.happenings):
        for what in _simpler(one.what):
            yield _with(scene, place, At(one.at, what))
        if one.at != round(one.at):
            yield _with(scene, place, At(float(round(one.at)), one.what))


def _with(scene: Scene, place: int, one: At) -> Scene:
    happenings = [*scene.happenings[:place], one, *scene.happenings[place + 1 :]]
    return replace(scene, happenings=tuple(sorted(happenings, key=lambda at: at.at)))


def _simpler(what: Happening) -> Iterator[Happening]:
    if not isinstance(what, Deploys):
        return
    if what.like != Behaviour():
        yield replace(what, like=Behaviour())
    for chain in _shorter(what.chain):
        yield replace(what, chain=chain, placement=replace(what.placement, strategy=chain))
    plain, placed = Placement(strategy=what.chain), what.placement
    for name in ("shield", "sticky", "evidence"):
        if getattr(placed, name) != getattr(plain, name):
            yield replace(what, placement=replace(placed, **{name: getattr(plain, name)}))
    if placed.evidence != EvidenceCriteria() and placed.evidence.compare == "baseline":
        yield replace(what, placement=replace(placed, evidence=EvidenceCriteria(compare="baseline")))
    if placed.replicas > 1:
        yield replace(what, placement=replace(placed, replicas=placed.replicas - 1))
    for key in ("requests", "bake"):
        if getattr(placed.pace, key):
            yield replace(
                what, placement=replace(placed, pace=replace(placed.pace, **{key: getattr(Pace(), key)}))
            )


def _shorter(chain: Chain) -> Iterator[Chain]:
    """Without one of its strategies, or one of a strategy's steps."""
    for place, strategy in enumerate(chain):
        if len(chain) > 1:
            yield (*chain[:place], *chain[place + 1 :])
        steps = getattr(strategy, "steps", ())
        for step in range(len(steps)) if len(steps) > 1 else ():
            fewer: Strategy = replace(strategy, steps=(*steps[:step], *steps[step + 1 :]))
            yield (*chain[:place], fewer, *chain[place + 1 :])
