"""The verifier port over a simulated world: it says go at once, unless it is told to refuse, to wait, or to say nothing."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING

from plainsail.domain.checks import Answer, Question
from plainsail.ports.errors import Transient
from plainsail.ports.verifier import Verifier

if TYPE_CHECKING:
    from plainsail.testing.world import World


class SimVerifier:
    """All checks and hooks of one world."""

    def __init__(self, world: World) -> None:
        self.refuses_until = -math.inf
        self.silent_until = -math.inf
        self.not_yet_until = -math.inf
        """Moments of the world."""
        self.hangs: asyncio.Event | None = None
        """Waited for by each question."""
        self.asked: list[Question] = []
        self._world = world

    async def ask(self, question: Question) -> Answer:
        self.asked.append(question)
        if self.hangs is not None:
            await self.hangs.wait()
        now = self._world.now
        if now < self.silent_until:
            raise Transient("check_unreachable", "Nobody answers: no connection")
        if now < self.refuses_until:
            return Answer("no_go", "it is refused")
        if now < self.not_yet_until:
            return Answer("not_yet", "it is not known yet")
        return Answer("go")


def _is_verifier(verifier: SimVerifier) -> Verifier:
    return verifier
