"""The safety properties over a million rollouts by chance (`tests/soak`): `make soak`, or `python -m bench soak`.

    make soak                             a million, on all cores: a night on a small machine
    make soak ARGS='20000'                so many
    make soak ARGS='20000 --from 34000'   from this seed on: where another run stopped
    make soak ARGS='--scene 823'          one scene as a story, whether it holds or not

Ends with 1 and a story at the first rollout that breaks a property. Nothing is written; memory stays as it is, since nothing but
counts is kept and workers are replaced now and then.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor

from tests.soak.draws import scene
from tests.soak.many import CounterExample, Tally, one
from tests.soak.shrinking import broken
from tests.soak.telling import Story

from plainsail.domain.units import seconds

ROLLOUTS = 1_000_000
CHUNK = 100
"""Scenes that a worker plays before it tells: two or three seconds."""
AHEAD = 3
"""Chunks for each worker that are given out beforehand, so that none waits."""
RENEWED = 100
"""Chunks after which a worker is replaced by a new one."""
TELL_EVERY = 15.0
"""Seconds between two lines of progress."""
STOPPED = 130
"""Exit code after Ctrl-C, as shells have it."""


def main(arguments: Sequence[str] = ()) -> int:
    asked = _read(arguments)
    if asked.scene is not None:
        return _tell(asked.scene)
    progress = Progress(asked.rollouts, asked.first)
    try:
        for tally, told in _played(asked.first, asked.workers):
            if told:
                print(f"\n{told}")
                return 1
            if progress.adds(tally):
                break
    except KeyboardInterrupt:
        print(f"\nStopped: {progress.line()}")
        return STOPPED
    print(progress.end())
    return 0


class Progress:
    """What has been played so far. `seed`: the first that has not been."""

    def __init__(self, wanted: int, first: int) -> None:
        self.total, self.seed = Tally(), first
        self._wanted = wanted
        self._began = self._told = time.monotonic()

    def adds(self, tally: Tally) -> bool:
        """Whether it is enough."""
        self.total.add(tally)
        self.seed += tally.scenes
        if time.monotonic() - self._told >= TELL_EVERY:
            self._told = time.monotonic()
            print(self.line(), flush=True)
        return self.total.rollouts >= self._wanted

    def line(self) -> str:
        done, took = self.total.rollouts, time.monotonic() - self._began
        left = seconds(took * max(0, self._wanted - done) / done) if done else "unknown"
        return (
            f"{done:,} of {self._wanted:,} rollouts, all properties held; {done / took:.0f} a second, {left} left."
            f" To go on from here: make soak ARGS='{max(1, self._wanted - done)} --from {self.seed}'"
        )

    def end(self) -> str:
        total, took = self.total, time.monotonic() - self._began
        outcomes = ", ".join(f"{count:,} {name}" for name, count in sorted(total.outcomes.items()))
        return (
            f"{total.rollouts:,} random rollouts in {total.scenes:,} scenes ({outcomes}), {len(total.kinds)} strategies, chains and"
            f" kinds of upkeep, {total.turns:,} turns: every safety property held in each; {seconds(took)}"
        )


def _played(first: int, workers: int) -> Iterator[tuple[Tally, str]]:
    """Chunks in the order of their seeds, with the story of the one that broke a property."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, max_tasks_per_child=RENEWED) as pool:
        waiting: deque[Future[tuple[Tally, str]]] = deque()
        try:
            while True:
                while len(waiting) < AHEAD * workers:
                    waiting.append(pool.submit(_chunk, first))
                    first += CHUNK
                yield waiting.popleft().result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _chunk(first: int) -> tuple[Tally, str]:
    found = Tally()
    for seed in range(first, first + CHUNK):
        try:
            found.add(one(seed))
        except CounterExample as broke:
            return found, str(broke)
    return found, ""


def _tell(seed: int) -> int:
    story = Story()
    wrong = broken(scene(seed), story)
    print(story.text())
    print(f"\n{wrong}: this is where it does not hold" if wrong else "\nEvery property held")
    return bool(wrong)


def _read(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("soak", description="Random rollouts, until a property does not hold.")
    parser.add_argument("rollouts", type=int, nargs="?", default=ROLLOUTS)
    parser.add_argument("--from", type=int, default=0, dest="first", metavar="SEED")
    parser.add_argument("--scene", type=int, metavar="SEED")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    return parser.parse_args(list(arguments))
