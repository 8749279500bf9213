"""Threads for the engine's calls of the store: a rollback's record queues behind no page that is drawn."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

THREADS = 4
"""Writers queue in the store anyway; reads of a few targets go side by side."""


class StoreThreads:
    """An `Aside` with threads of its own, which start with the first call."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, "plainsail-store")

    async def __call__(self, call: Callable[..., Any], *args: Any, **named: Any) -> Any:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, partial(call, *args, **named))

    async def stop(self) -> None:
        """What was begun is done when this returns; what was not begun is dropped."""
        await asyncio.to_thread(self._threads.shutdown, cancel_futures=True)
