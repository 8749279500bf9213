"""Do the tests notice a changed decision? Small changes (mutants) are made to planner and judge, one at a time, and the
quick tests of `tests/domain` are run on each; a mutant that no test fails on has survived.

    .venv/bin/python -m tests.mutants             every mutant; writes the numbers to tests/mutants.json
    .venv/bin/python -m tests.mutants --sample    every tenth; fails when fewer are killed than the kept numbers say

How mutants are made, and which tests are run, stands in `pyproject.toml` under `tool.mutmut`. Survivors are shown: each
is a test to write, code to delete, or it changes nothing that matters; `tests/mutants.md` says why of those that stay.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import msgspec

ROOT = Path(__file__).parents[1]
KEPT = Path(__file__).with_suffix(".json")
ROOMS = {
    "planner": ("decide", "plan", "progress", "steer", "strategy"),
    "judge": (
        "blocks",
        "claims",
        "evidence",
        "finding",
        "judge",
        "mishaps",
        "stats.betting",
        "stats.proof",
    ),
}
SAMPLE = "*__mutmut_*7"
"""Names end with the mutant's number in its function: every tenth, and none of functions with less than seven."""
ALLOWED = 0.02
"""By so much a sample may kill less than the kept number: with 150 mutants of which 97 % are killed, chance makes it
more than that once in ten."""
SURVIVED = (0, 5, 33)
"""Exit codes: the tests passed; no test ran it."""
UNTRIED = (None, 34)


class Score(msgspec.Struct):
    killed: int
    total: int

    def rate(self) -> float:
        return self.killed / self.total if self.total else 1.0


def main(sample: bool) -> None:
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        for name in ("src", "tests", "bench"):
            shutil.copytree(ROOT / name, place / name, ignore=shutil.ignore_patterns("__pycache__", "vendor"))
        shutil.copy(ROOT / "pyproject.toml", place)
        _run(place, *([SAMPLE] if sample else []))
        results = _results(place)
        for survivor in sorted(_survivors(results)):
            shown = subprocess.run(
                [sys.executable, "-m", "mutmut", "show", survivor], cwd=place, capture_output=True, text=True, check=False
            )  # fmt: skip
            print("\n".join(line for line in shown.stdout.splitlines() if line.startswith(("+", "-", "#"))))
    scores = {room: _score(results, modules) for room, modules in ROOMS.items()}
    for room, score in scores.items():
        print(f"{room}: {score.killed} of {score.total} mutants were killed ({score.rate():.1%})")
    if sample:
        if said := too_few(scores, _kept()):
            sys.exit("\n".join(said))
    else:
        modules = {
            room: {module: _score(results, (module,)) for module in modules}
            for room, modules in ROOMS.items()
        }
        KEPT.write_bytes(msgspec.json.format(msgspec.json.encode(modules), indent=1) + b"\n")


def too_few(scores: Mapping[str, Score], kept: Mapping[str, Score]) -> list[str]:
    """What to tell whoever made the tests blind."""
    return [
        f"{room}: the tests kill {score.rate():.1%} of the sample; all in all they killed {kept[room].rate():.1%}. Look "
        f"at the survivors above: write the test, delete the code, or say in tests/mutants.md why it does not matter; "
        f"then `make mutants` keeps the new numbers"
        for room, score in scores.items()
        if score.rate() < kept[room].rate() - ALLOWED
    ]


def _run(place: Path, *names: str) -> None:
    children = str(len(os.sched_getaffinity(0)))
    done = subprocess.run(
        [sys.executable, "-m", "mutmut", "run", "--max-children", children, *names], cwd=place,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
    )  # fmt: skip
    if done.returncode:
        sys.exit(f"mutmut ended with {done.returncode}:\n{done.stdout[-3000:].decode(errors='replace')}")


def _results(place: Path) -> dict[str, int | None]:
    """Exit code of the tests by mutant; only of those that were tried."""
    found: dict[str, int | None] = {}
    for meta in (place / "mutants").rglob("*.meta"):
        found |= json.loads(meta.read_text())["exit_code_by_key"]
    return {name: code for name, code in found.items() if code not in UNTRIED}


def _survivors(results: Mapping[str, int | None]) -> list[str]:
    return [name for name, code in results.items() if code in SURVIVED]


def _score(results: Mapping[str, int | None], modules: tuple[str, ...]) -> Score:
    rooms = tuple(f"plainsail.domain.{module}." for module in modules)
    mine = {name: code for name, code in results.items() if name.startswith(rooms)}
    return Score(len(mine) - len(_survivors(mine)), len(mine))


def _kept() -> dict[str, Score]:
    rooms = msgspec.json.decode(KEPT.read_bytes(), type=dict[str, dict[str, Score]])
    return {
        room: Score(sum(one.killed for one in its.values()), sum(one.total for one in its.values()))
        for room, its in rooms.items()
    }


if __name__ == "__main__":
    main("--sample" in sys.argv[1:])
