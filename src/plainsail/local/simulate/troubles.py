"""What the faults of a simulation do: to the world when their moment comes, and to the control plane in the middle of a turn."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from plainsail.local.simulate.faults import Fault
from plainsail.testing.world import World

CALLS = 3
"""Calls of the store in a turn, at most: what is asked, the record, the evidence. Killed after any of them, or after all."""


class Killed(Exception):
    """The control plane is gone, wherever it was."""


class Troubles:
    """The faults that are to come, and those that last. `began` is the world's moment of the deploy."""

    def __init__(self, faults: Sequence[Fault], world: World, seed: int) -> None:
        self.struck: list[Fault] = []
        """Those that came, in the order of time."""
        self.skew = 0.0
        """How far the machine's clock is ahead of the world's, seconds."""
        self.killed: Fault | None = None
        """The control plane dies in its next turn."""
        self._world = world
        self._dice = Random(f"faults {seed}")  # noqa: S311  (a simulated world wants a seed, not secrecy)
        self._coming = list(faults)
        self._ends: list[tuple[float, float]] = []
        """Moments at which a clock is put right, and by how much."""
        self._slow: list[tuple[float, float]] = []
        """Until when each call of the store takes how long."""
        self._calls_left = math.inf
        self._began = math.inf

    def begin(self) -> None:
        """The deploy is asked for: from this moment on they come."""
        self._began = self._world.now
        self.strike()

    def next_at(self) -> float:
        """The world's moment at which something is to be done."""
        coming = [self._began + self._coming[0].at] if self._coming else []
        return min([*coming, *(at for at, _ in self._ends)], default=math.inf)

    def strike(self) -> None:
        """Do what is to be done by now."""
        now = self._world.now
        while self._coming and self._began + self._coming[0].at <= now:
            self._begin(self._coming.pop(0))
        for at, back in [one for one in self._ends if one[0] <= now]:
            self._ends.remove((at, back))
            self.skew -= back

    def dies(self) -> Fault:
        """The turn that begins now is its last: it is killed after one of its calls of the store, or at its end."""
        assert self.killed is not None
        fault, self.killed = self.killed, None
        self._calls_left = self._dice.randint(0, CALLS)
        return fault

    def lives(self) -> None:
        """It is there again."""
        self._calls_left = math.inf

    async def call(self, call: Callable[..., Any], *given: Any, **named: Any) -> Any:
        """Make a call of the store here and now: there is nobody else to wait. Meanwhile the world goes on."""
        if self._calls_left <= 0:
            raise Killed
        self._calls_left -= 1
        self._world.advance(sum(delay for until, delay in self._slow if self._world.now < until))
        return call(*given, **named)

    def _begin(self, fault: Fault) -> None:
        self.struck.append(fault)
        until = self._world.now + fault.lasts
        match fault.cause:
            case "router-away":
                self._world.router.away_until = max(self._world.router.away_until, until)
            case "control-plane-killed":
                self.killed = fault
            case "store-slow":
                self._slow.append((until, fault.amount))
            case "check-refused":
                self._world.verifier.refuses_until = until if fault.lasts else math.inf
            case "check-silent":
                self._world.verifier.silent_until = until if fault.lasts else math.inf
            case "clock-jump":
                self.skew += fault.amount
                if fault.lasts:
                    self._ends.append((until, fault.amount))
