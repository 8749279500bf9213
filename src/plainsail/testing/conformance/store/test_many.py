"""Many at once, and death in the middle of a write."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time

import pytest

from plainsail.ports.errors import Rejected
from plainsail.testing.conformance.bench import needs
from plainsail.testing.conformance.store import samples
from plainsail.testing.conformance.store.bench import StoreBench
from plainsail.testing.conformance.store.samples import SHOP, STAGING


@needs("shared")
def test_six_writers_and_a_reader_never_find_it_locked(bench: StoreBench) -> None:
    """Threads write through several objects while another reads: nobody fails, nothing is lost, and whoever reads events
    in pages never misses one that becomes visible later under an earlier id."""
    samples.fill(bench.open())
    stores = [bench.open() for _ in range(3)]
    failed: list[BaseException] = []
    writing = threading.Event()
    writing.set()

    def write(writer: int) -> None:
        own = stores[writer % 3]
        try:
            for n in range(40):
                own.ask(STAGING, samples.deploy(f"{writer}-{n}"), now=float(n))
                own.add_release(samples.release(1000 * writer + n), [samples.event(n, f"w{writer}")])
        except BaseException as error:
            failed.append(error)

    def read() -> None:
        seen: list[int] = []
        try:
            while writing.is_set():
                seen += [one.id for one in stores[0].events(seen[-1] if seen else 0, limit=20)]
            assert seen == [one.id for one in stores[0].events(limit=10_000) if one.id <= seen[-1]]
        except BaseException as error:
            failed.append(error)

    writers = [threading.Thread(target=write, args=(n,)) for n in range(6)]
    reader = threading.Thread(target=read)
    for thread in (*writers, reader):
        thread.start()
    for thread in writers:
        thread.join()
    writing.clear()
    reader.join()
    assert failed == []
    assert len(stores[1].pending(STAGING)) == 240
    assert len(stores[2].events(limit=10_000)) == 340


@needs("shared")
def test_of_many_who_claim_at_once_one_gets_it(bench: StoreBench) -> None:
    """A claim is taken, or not, in one step."""
    bench.filled()
    stores = [bench.open() for _ in range(4)]
    start = threading.Barrier(len(stores))
    taken: list[int] = []

    def claim(n: int) -> None:
        start.wait()
        if claimed := stores[n].claim(STAGING, f"holder-{n}", now=0.0, lease=10.0):
            taken.append(claimed.epoch)

    threads = [threading.Thread(target=claim, args=(n,)) for n in range(len(stores))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == 1


OPENER = """
import sys
from pathlib import Path
from plainsail.testing.conformance.plugin import registered
from plainsail.testing.conformance.store.bench import StoreBench

subject = next(one for one in registered(StoreBench) if one.name == sys.argv[1])
store = subject.placed(Path(sys.argv[2])).open()
"""


@needs("shared", "registered")
def test_processes_that_start_at_once_make_one_store(bench: StoreBench) -> None:
    """Where there was none, the first who comes makes it, and the others use it."""
    started = [_process(bench, "print(store.targets())") for _ in range(3)]
    assert [process.communicate()[0] for process in started] == ["()\n"] * 3


WRITER = """
from plainsail.testing.conformance.store import samples
store.put_spec(samples.ENVIRONMENTS, samples.SERVICES, None, ())
claimed = store.claim(samples.SHOP, "writer", now=2.0, lease=0.0)
target, n = claimed.target, claimed.target.serial
while True:
    n += 1
    rollouts = [samples.rollout(f"r{n - 1}", "succeeded", ended_at=1.0), samples.rollout(f"r{n}")] if n > 1 else []
    asked = store.ask(samples.SHOP, samples.deploy(f"d{n}-{claimed.epoch}"), now=1.0)
    store.save(samples.target(serial=n), claimed.epoch, rollouts=rollouts, events=[samples.event(n), samples.event(n)],
               done=[asked], due_at=0.0, held_until=0.0)
    print(n, flush=True)
"""


@needs("durable", "registered")
def test_killed_in_the_middle_of_writing_it_holds_all_of_a_write_or_nothing(bench: StoreBench) -> None:
    """`save` is one transaction, on disk when it returns: after `kill -9` what was acknowledged is there, what was not is
    there whole or not at all, and no epoch is given twice."""
    epoch = 0
    for round in range(5):
        writer = _process(bench, WRITER)
        assert writer.stdout
        for _ in range(5 + round):
            assert writer.stdout.readline()
        time.sleep(0.003 * round)  # not to die always just after a write
        writer.send_signal(signal.SIGKILL)
        said = [int(line) for line in writer.stdout.read().split()]
        writer.wait()
        store = bench.open()
        target = store.target(SHOP)
        assert target
        n = target.serial
        assert n >= max(said, default=0), "what was acknowledged is there"
        assert [one.event.at for one in store.events(limit=10_000)] == [
            at for at in range(1, n + 1) for _ in "ab"
        ]
        assert target.rollout
        assert target.rollout.id == f"r{n}"
        assert len(store.pending(SHOP)) <= 1, "done in the write that did it"
        claimed = store.claim(SHOP, "reader", now=2.0, lease=0.0)
        assert claimed
        assert claimed.epoch > epoch, "no epoch is given twice"
        epoch = claimed.epoch
        for left in store.pending(SHOP):
            store.save(samples.target(serial=n), epoch, done=[left.id], due_at=0.0, held_until=0.0)
            with pytest.raises(Rejected):
                store.ask(SHOP, left.intent, now=2.0)


def _process(bench: StoreBench, program: str) -> subprocess.Popen[str]:
    """With `store`, opened there."""
    argv = [sys.executable, "-c", OPENER + program, bench.name, str(bench.directory)]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
