"""Many simulations of the same with one seed after the other, on all processors."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import msgspec

from plainsail.local.simulate.play import Played, Setting, play

FEW = 8
"""Up to so many are played here: starting another process takes about as long as a rollout."""
AT_ONCE = 16
"""Processes."""


def play_many(
    setting: Setting, seed: int, runs: int, workers: int = 0, told: Callable[[int], None] = lambda done: None
) -> list[Played]:
    """In the order of their seeds, whoever is done first, and the same however many `workers` (processes; 0: as many as there
    are processors); without what only a timeline needs. `told` hears how many are done."""
    seeds = range(seed, seed + runs)
    one = partial(_outcome, setting)
    if runs <= FEW:
        return _counted(map(one, seeds), told)
    workers = workers or min(AT_ONCE, os.cpu_count() or 1)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, _leave_ctrl_c_to_others) as processes:
        chunk = max(1, min(20, runs // (4 * workers)))
        return _counted(processes.map(one, seeds, chunksize=chunk), told)


def _counted(results: Iterable[Played], told: Callable[[int], None]) -> list[Played]:
    done: list[Played] = []
    for one in results:
        done.append(one)
        told(len(done))
    return done


def _leave_ctrl_c_to_others() -> None:
    """The terminal sends it to all; the one that was started ends the others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _outcome(setting: Setting, seed: int) -> Played:
    return msgspec.structs.replace(play(setting, seed), moves=(), events=(), samples=())
