"""Commands as metric sources: real processes, how they end, and what is left of them."""

from __future__ import annotations

import asyncio
import os
import select
import shlex
import sys
from pathlib import Path
from typing import Any, cast

import pytest

from plainsail.domain.measurement import Ask, Reading
from plainsail.drivers.metrics.command import Command, Config
from plainsail.ports.errors import Broken, Failure, Rejected, Transient


def run(*argv: str, part: str = "value", config: Config | None = None, **more: str) -> Reading:
    queries = {part: shlex.join(argv), **more}
    ask = Ask(
        "orders", queries, "shop", "production", "two", "sha256:7", "1.4", ("10.0.0.1:80",), 100.0, 130.0
    )

    async def asked() -> Reading:
        return await Command(config or Config(timeout=20), cast(Any, None)).read(ask)

    return asyncio.run(asked())


def python(text: str) -> tuple[str, ...]:
    return (sys.executable, "-I", "-S", "-c", text)


@pytest.mark.parametrize(
    ("said", "wanted"),
    [("12", 12.0), ("-0.5\n", -0.5), ("1e3", 1000.0), ('"7"', 7.0), ('{"value": 3, "other": 4}', 3.0)],
)
def test_a_number_on_standard_output(said: str, wanted: float) -> None:
    assert run("printf", "%s", said).parts == {"value": wanted}


def test_one_object_holds_all_parts_and_is_printed_once(tmp_path: Path) -> None:
    count = f"open({str(tmp_path / 'runs')!r}, 'a').write('x')"
    argv = python(f'{count}; print(\'{{"requests": 30, "failures": 2}}\')')
    read = run(*argv, part="requests", failures=shlex.join(argv))
    assert read.parts == {"requests": 30, "failures": 2}
    assert (tmp_path / "runs").read_text() == "x"


def test_a_part_that_the_object_has_not_is_absent() -> None:
    argv = ("printf", "%s", '{"requests": 30}')
    assert run(*argv, part="requests", failures=shlex.join(argv)).parts == {"requests": 30}


def test_a_histogram() -> None:
    read = run("printf", "%s", '{"0.5": 3, "+Inf": 1}', part="buckets")
    assert list(read.buckets) == [(0.5, 3), (float("inf"), 1)]
    assert run("printf", "%s", '{"buckets": [[0.5, 3]]}', part="buckets").buckets[0] == (0.5, 3)


def test_exit_code_3_is_missing_with_its_last_words() -> None:
    read = run("sh", "-c", "echo first >&2; echo no rows yet >&2; exit 3")
    assert (read.parts, read.missing) == ({}, "no rows yet")


@pytest.mark.parametrize(
    ("argv", "kind", "code"),
    [
        (("sh", "-c", "echo the database is locked >&2; exit 1"), Transient, "metrics_command_failed"),
        (("sh", "-c", "kill -9 $$"), Transient, "metrics_command_failed"),
        (("printf", "many"), Rejected, "metrics_no_number"),
        (("printf", "[1]"), Rejected, "metrics_no_number"),
        (("true",), Rejected, "metrics_no_number"),
        (("yes",), Rejected, "metrics_too_long"),
        (("/nonexistent/count",), Broken, "metrics_command_missing"),
        (("count-that-nobody-has",), Broken, "metrics_command_missing"),
        (("/etc/passwd",), Broken, "metrics_command_missing"),
        (("printf", "a\0b"), Broken, "metrics_command_missing"),
    ],
)  # fmt: skip
def test_failures(argv: tuple[str, ...], kind: type[Failure], code: str) -> None:
    with pytest.raises(kind) as failed:
        run(*argv)
    assert failed.value.code == code
    assert "orders" in str(failed.value)
    if argv[0] == "sh" and "locked" in argv[2]:
        assert "the database is locked" in str(failed.value)


def test_what_it_started_ends_with_it(tmp_path: Path) -> None:
    """Also what went to the background and holds the outputs."""
    held = tmp_path / "held"
    os.mkfifo(held)
    # Who has opened the pipe for writing keeps it open as long as it lives.
    script = f"sh -c 'exec 7<>{held}; sleep 600' & sleep 600"
    reader = os.open(held, os.O_RDONLY | os.O_NONBLOCK)
    try:
        with pytest.raises(Transient) as failed:
            run("sh", "-c", script, config=Config(timeout=0.5))
        assert failed.value.code == "metrics_command_late"
        os.close(os.open(held, os.O_WRONLY | os.O_NONBLOCK))
        hung_up = select.poll()
        hung_up.register(reader, select.POLLHUP)
        assert hung_up.poll(30_000), "somebody still holds the pipe"
    finally:
        os.close(reader)


def test_no_shell_and_few_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAINSAIL_TOKEN", "hidden")
    monkeypatch.setenv("PGHOST", "db.example")
    argv = python("import os; print(sum(name in os.environ for name in ('PLAINSAIL_TOKEN', 'PGHOST')))")
    assert run(*argv).parts == {"value": 0}
    assert run(*argv, config=Config(timeout=20, pass_on=("PGHOST",))).parts == {"value": 1}
    argv = python("import sys; print(len(sys.argv[1:]) if sys.argv[1] == '$(id)' else 99)")
    assert run(*argv, "$(id)", "{group} {version}").parts == {"value": 2}
