"""A scene as a story: what the world was like, what happened when, what was decided and why, and what users had."""

from __future__ import annotations

from typing import assert_never

import msgspec
from tests.domain.stage import order, view
from tests.domain.storybook import changes
from tests.soak.plane import Plane
from tests.soak.scene import (
    Asks,
    Deploys,
    Happening,
    InstanceDies,
    Killed,
    OldOrder,
    ProviderFails,
    RouterAway,
    RouterForgets,
    Scales,
    Scene,
    StoreFails,
    StoreSlow,
)

from plainsail.domain.decide import Decision
from plainsail.domain.intents import Intent
from plainsail.domain.observation import Seen
from plainsail.domain.service import Placement
from plainsail.domain.strategy import name_of
from plainsail.domain.units import percent, plural, seconds
from plainsail.testing.behaviour import Behaviour


class Story:
    """Lines for people, in the order of time."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._began: float | None = None
        self._last: tuple[str, list[str]] = ("", [])

    def begins(self, plane: Plane) -> None:
        """What led to the release that is live is not told."""
        self._began = plane.world.now
        self.lines = [*_of_world(plane.scene), ""]

    def happens(self, plane: Plane, what: Happening) -> None:
        self.lines += ["", f"# {self._at(plane)}: {_of(what)}"]

    def says(self, line: str) -> None:
        self.lines.append(line if line.startswith("#") else f"    {line}")

    def turn(self, plane: Plane, decision: Decision, seen: Seen, intents: tuple[Intent, ...]) -> None:
        """Turns in which nothing is new are not told, nor those in which the same is ordered once more."""
        told = [f"asked: {type(intent).__name__.lower()} {intent.rollout}" for intent in intents]
        told += [
            f"{one.kind} {one.rollout}: {one.reason or one.data.get('step', '')}" for one in decision.events
        ]
        moved = set(changes(view(plane.target), view(decision.target))) if decision.changed else set()
        told += sorted(
            line for line in moved if line.startswith(("live", "groups", "why", "verdict", "quarantine"))
        )
        told += [order(action) for action in decision.actions]
        if told and (_seen(seen), told) != self._last:
            self._last = (_seen(seen), told)
            self.lines.append(f"{self._at(plane)}: {_seen(seen)}")
            self.lines += [f"    {line}" for line in told]

    def text(self) -> str:
        return "\n".join(self.lines)

    def _at(self, plane: Plane) -> str:
        return f"{plane.world.now - (plane.world.now if self._began is None else self._began):.2f} s"


def _of_world(scene: Scene) -> list[str]:
    live = f"v0 is live with {plural(scene.live, 'instance')}" if scene.live else "nothing is live yet"
    looks = (
        f"{scene.late:g} times later each time while nothing changes"
        if scene.late
        else "as often as it wants to"
    )
    more = "; the router tells how long answers take" if scene.quantiles else ""
    more += "" if scene.tended else "; nobody looks after what waits for a person"
    return [f"The world: {live}; {scene.rate:g} requests a second; the loop looks {looks}{more}."]


def _of(what: Happening) -> str:
    match what:
        case Deploys():
            again = ", also if it was taken back" if what.again else ""
            return f"dev deploys v{what.number}, which {_like(what.like)}{again}: {_placed(what.placement)}"
        case Asks(verb=verb):
            return f"ops asks to {verb}"
        case Scales(replicas=replicas, declared=declared):
            return f"ops asks for {plural(replicas, 'instance')}, as the file says {declared}"
        case RouterAway(seconds=lasts):
            return f"the router does not answer for {seconds(lasts)}"
        case RouterForgets():
            return "the router is started anew with nothing"
        case ProviderFails(orders=orders):
            return f"the provider fails {plural(orders, 'order')}"
        case InstanceDies(pick=pick):
            return f"an instance dies (of those that run, number {pick} round and round)"
        case Killed():
            when = (
                f"after its record and {plural(what.after, 'order')}"
                if what.recorded
                else "before its record"
            )
            skew = f", with a clock that was set by {what.skew:+g} s" if what.skew else ""
            return f"the control plane is killed {when}; another is there after {seconds(what.gone)}{skew}"
        case OldOrder():
            return "an order of a dead control plane arrives"
        case StoreFails(seconds=lasts, full=full):
            return f"the store can't be {'written' if full else 'reached'} for {seconds(lasts)}"
        case StoreSlow(seconds=lasts, each=each):
            return f"each record takes {seconds(each)}, for {seconds(lasts)}"
        case _:
            assert_never(what)


def _like(like: Behaviour) -> str:
    bare = msgspec.structs.replace(Behaviour(), starts_in=like.starts_in)
    told = ", ".join(line.replace(": ", " ") for line in changes(bare, like)) or "sound"
    return f"is {told}, ready after {seconds(like.starts_in)}"


def _placed(placement: Placement) -> str:
    """What differs from the defaults."""
    bare = Placement(strategy=placement.strategy)
    ways = "; ".join(f"{name_of(one)} {_keys(one)}".strip() for one in placement.strategy)
    more = ", ".join(changes(bare, placement))
    return f"{ways}{f' ({more})' if more else ''}"


def _keys(strategy: object) -> str:
    told = msgspec.to_builtins(strategy)
    return ", ".join(
        f"{key} {value}" for key, value in told.items() if key != "type" and value not in (None, ())
    )


def _seen(seen: Seen) -> str:
    """Who is there, and who has which users."""
    groups = ", ".join(
        f"{id} {found.ready()} of {found.asked} ready{f' ({found.trouble})' if found.trouble else ''}"
        for id, found in seen.groups.items()
    )
    split = seen.traffic.routes[-1].split if seen.traffic and seen.traffic.routes else ()
    shares = " ".join(f"{part.group} {percent(part.share_bp)}" for part in split) or "nobody"
    return (
        f"{groups or 'no instances'}; users: {shares if seen.router_up else 'not known, the router is away'}"
    )
