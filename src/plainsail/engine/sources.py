"""A metric source as the engine holds it: made and started with the first question, so that it can keep nothing waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from plainsail.ports.errors import Broken, Failure
from plainsail.ports.metrics import Ask, Metrics, Reading


class Source:
    """`Metrics` that is made when it is first asked. While it can't be made or started, each question says why, and the
    next tries anew: a token's file may be put where it belongs meanwhile."""

    def __init__(self, name: str, make: Callable[[], Metrics]) -> None:
        self._name, self._make = name, make
        self._made: Metrics | None = None
        self._making = asyncio.Lock()
        self._stopped = False

    def check(self, queries: Mapping[str, str]) -> str | None:
        return self._make().check(queries)

    async def read(self, ask: Ask) -> Reading:
        source = await self.begin()
        return await source.read(ask)

    async def start(self) -> None:
        """Nothing: that comes with the first question."""

    async def stop(self) -> None:
        self._stopped = True
        async with self._making:
            made, self._made = self._made, None
        if made is not None:
            await made.stop()

    async def begin(self) -> Metrics:
        """The source itself, made and started. Raises what keeps it from that."""
        async with self._making:
            if self._stopped:
                raise Broken("source_gone", f"the metric source {self._name} is not the one in use any more")
            if self._made is None:
                try:
                    made = self._make()
                    await made.start()
                except Failure:
                    raise
                except Exception as defect:  # of a driver that somebody else wrote, say
                    raise Broken(
                        "source_broken",
                        f"the metric source {self._name} can't be started: {type(defect).__name__}: {defect}",
                        "see its settings under metrics of the environment",
                    ) from defect
                self._made = made
            return self._made


def _is_metrics(source: Source) -> Metrics:
    return source
