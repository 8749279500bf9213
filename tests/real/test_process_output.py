"""Output of instances on a real disk: rotated under the writer's hands, and not a line is lost."""

import asyncio
import os
import subprocess
import sys
import threading
import tracemalloc
from pathlib import Path

import pytest
from tests.real.provider_site import (
    Place,
    eventually,
    fleet,
    order,
    place,
    ready,
    script_run,
    seen,
    story,
    until,
)

from plainsail.domain.service import Probe
from plainsail.drivers._kit.output import MOST_READ, Output, can_punch
from plainsail.drivers.providers.process import Config

__all__ = ["place"]


@pytest.fixture
def output(tmp_path: Path) -> Output:
    assert can_punch(tmp_path), (
        "these tests need a file system with holes, as ext4, xfs, btrfs and tmpfs have"
    )
    return Output(tmp_path / "one.log")


def write(output: Output, content: bytes) -> None:
    handle = output.open()
    os.write(handle, content)
    os.close(handle)


def everything(output: Output) -> bytes:
    return b"".join(reversed(list(output._backwards())))


def test_the_last_lines_across_the_parts(output: Output) -> None:
    for first in range(0, 1000, 100):
        write(output, b"".join(b"line %d\n" % number for number in range(first, first + 100)))
        output.rotate(500, 3)
    assert len(output._parts()) == 3
    assert output.last(150) == [f"line {number}" for number in range(850, 1000)]
    assert output.last(3) == ["line 997", "line 998", "line 999"]
    assert output.last(0) == []
    kept = output.last(10_000)
    assert kept == [f"line {number}" for number in range(1000 - len(kept), 1000)]
    assert 100 < len(kept) < 400


def test_lines_are_split_at_newlines_only(output: Output) -> None:
    write(output, "a\rb\x0bc\u2028d\n\nü\n".encode() + b"\xff broken\nunfinished")
    assert output.last(10) == ["a\rb\x0bc\u2028d", "", "ü", "\ufffd broken", "unfinished"]
    assert output.last(2) == ["\ufffd broken", "unfinished"]


def test_no_output_at_all(output: Output) -> None:
    assert output.last(10) == []
    output.rotate(10, 2)
    assert output.size() == 0
    write(output, b"")
    assert output.last(10) == []


WRITER = """
import os, sys
for number in range(int(sys.argv[1])):
    os.write(1, b"line %d of a writer at full speed\\n" % number)
"""


def test_a_writer_at_full_speed_loses_no_line(output: Output) -> None:
    lines, size = 300_000, 1_000_000
    handle = output.open()
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(lines)], stdout=handle)
    os.close(handle)
    while writer.poll() is None:
        output.rotate(size, 1000)
        for last in output.last(1):  # perhaps half of it: a write may be seen while it is made
            assert last.startswith("line"[: len(last)])
    output.rotate(size, 1000)
    assert len(output._parts()) > 5
    assert everything(output) == b"".join(b"line %d of a writer at full speed\n" % n for n in range(lines))
    assert output.size() < 3 * size, "what was moved out is given back to the disk"


def test_readers_and_rotation_do_not_disturb_each_other(output: Output) -> None:
    write(output, b"0\n")
    over = threading.Event()
    wrong: list[list[str]] = []

    def read() -> None:
        while not over.is_set():
            numbers = [int(text) if text.isdigit() else -1 for text in output.last(50)]
            if numbers != list(range(numbers[0], numbers[0] + len(numbers))) or numbers[0] < 0:
                wrong.append([str(number) for number in numbers])

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(1, 20_000):
        write(output, b"%d\n" % number)
        if not number % 200:
            output.rotate(1000, 2)
    over.set()
    reader.join()
    assert not wrong


def test_killed_between_copying_and_punching_nothing_is_lost_or_doubled(
    output: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(output, b"".join(b"%d\n" % number for number in range(1000)))
    with monkeypatch.context() as patched:
        patched.setattr("plainsail.drivers._kit.output._punch", lambda file, end: None)
        output.rotate(1000, 100)
    anew = Output(output.path)
    assert anew.last(2000) == [str(number) for number in range(1000)]
    write(anew, b"".join(b"%d\n" % number for number in range(1000, 2000)))
    anew.rotate(1000, 100)
    assert anew.last(3000) == [str(number) for number in range(2000)]


def test_a_backlog_is_cut_to_what_is_kept(output: Output) -> None:
    write(output, b"".join(b"%07d\n" % number for number in range(1_000_000)))
    output.rotate(100_000, 2)
    assert len(output._parts()) == 2
    assert 100_000 <= len(everything(output)) <= 300_000
    assert output.last(1) == ["0999999"]


def test_a_gigabyte_line_is_read_in_little_memory(output: Output) -> None:
    write(output, b"before\n")
    os.truncate(output.path, 1 << 30)  # a hole, read as zeros: a line without an end
    tracemalloc.start()
    (line,) = output.last(10)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert line.startswith("...")
    assert len(line) <= MOST_READ + 100_000
    assert peak < 20 * MOST_READ
    write(output, b"\nafter\n")
    assert output.last(1) == ["after"]


def test_a_writer_that_truncates_its_output_begins_anew(output: Output) -> None:
    write(output, b"old\n" * 1000)
    output.rotate(1000, 2)
    os.truncate(output.path, 0)
    write(output, b"new\n")
    assert output.last(1) == ["new"]
    write(output, b"newer\n" * 1000)
    output.rotate(1000, 2)
    write(output, b"newest\n")
    assert output.last(2) == ["newer", "newest"]


@story
async def test_the_provider_rotates_what_a_running_instance_writes(place: Place) -> None:
    release = place.release({"bin/serve": f"#!{sys.executable}\n{CHATTY}"})
    async with place.running(Config(output_size=200_000, output_parts=2)) as provider:
        await provider.apply(fleet(order(release, run=script_run())), 1)
        (instance,) = (await until(provider, ready(1))).instances
        directory = place.directory / "services/shop/g1"
        await eventually(lambda: len(list(directory.glob(f"{instance.id}.log.*"))) == 2)
        lines = [line.text for line in await provider.output("shop", lines=100)]
        numbers = [int(line) for line in lines]
        assert numbers == list(range(numbers[0], numbers[0] + 100))
        (log,) = directory.glob("*.log")
        assert log.stat().st_mode & 0o777 == 0o600
        await provider.end()


CHATTY = """
import time
number = 0
while True:
    for _ in range(100):
        print(f"{number:060}", flush=True)
        number += 1
    time.sleep(0.01)
"""


@story
async def test_output_of_the_ended_is_kept_for_a_while(place: Place) -> None:
    run = script_run(ready=Probe(command=("bin/up",)))
    async with place.running(Config(ended_groups=2)) as provider:
        for number in range(1, 5):
            group = f"g{number}"
            serve = f"#!/bin/sh\necho this is {group}\ntouch $TMPDIR/up\nsleep 1000\n"
            release = place.release({"bin/serve": serve, "bin/up": "#!/bin/sh\ntest -e $TMPDIR/up\n"})
            await provider.apply(fleet(order(release, run=run, group=group)), 1)
            await until(provider, ready(1), group)
            await provider.apply(fleet(), 1)
            await eventually(lambda: not_there(place))
            await asyncio.sleep(0.02)  # the clock of the file system is coarse
        texts = [line.text for line in await provider.output("shop")]
        assert texts == ["this is g3", "this is g4"]
        assert [line.text for line in await provider.output("shop", "g4")] == ["this is g4"]
        assert not await provider.output("shop", "g1")
        assert not await provider.output("other")


@story
async def test_a_crash_loop_does_not_fill_the_disk_with_outputs(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plainsail.drivers._kit.replicas.LONGEST_WAIT", 0.01)
    monkeypatch.setattr("plainsail.drivers._kit.replicas.FIRST_WAIT", 0.01)
    async with place.running() as provider:
        await provider.apply(fleet(order(place.script("echo again; exit 1"), run=script_run())), 1)
        await until(provider, lambda group: group.failed_starts > 15)
        assert len(list((place.directory / "services/shop/g1").glob("*.log"))) <= 12
        assert (await seen(provider)).asked == 1
        await provider.end()


def not_there(place: Place) -> bool:
    return not place.processes() and not list((place.directory / "services/shop").glob("*/*.json"))
