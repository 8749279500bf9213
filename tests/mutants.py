"""Do the tests notice a changed decision? Small changes (mutants) are made to planner and judge, one at a time, and the
quick tests of `tests/domain` are run on each; a mutant that no test fails on has survived.

    .venv/bin/python -m tests.mutants             every mutant: some nine thousand, hours
    .venv/bin/python -m tests.mutants plan steer  those of these modules of `domain`
    .venv/bin/python -m tests.mutants planner     those of a room
    .venv/bin/python -m tests.mutants --sample    some of them; fails when fewer are killed than the kept numbers say
    .venv/bin/python -m tests.mutants --keep      the same ones; writes their numbers to tests/mutants.json

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
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

ROOT = Path(__file__).parents[1]
KEPT = Path(__file__).with_suffix(".json")
ROOMS = {
    "planner": (
        "analyses", "approval", "arms", "checking", "checkpoints", "courses", "decide", "insiders", "lacking", "lifecycle",
        "patience", "plan", "progress", "quarantine", "rollforward", "rolling", "steer", "steps", "strategy", "tested", "trial", "trying", "upkeep", "wayback",
    ),
    "judge": ("blocks", "claims", "evidence", "finding", "judge", "mishaps", "past", "sharing", "tails"),
    "other judges": (
        "comparing", "metering", "reading", "renewal", "shadows", "standing", "suspect", "threshold", "windows",
    ),
    "statistics": (
        "stats.betting", "stats.differences", "stats.means", "stats.mismatch", "stats.proof", "stats.quantiles",
        "stats.several",
    ),
}  # fmt: skip
SAMPLE = "*[a-d]__mutmut_*7"
"""A name ends with that of the function and the mutant's number in it: every tenth of a fifth of all functions, some 200 of
10,000, and none of functions with less than seven. They are the same ones each time, as long as the code is."""
ALLOWED = 0.05
"""By so much less of it may be killed than was kept: a function that is moved or renamed brings others into the sample."""
SURVIVED = (0, 5, 33)
"""Exit codes: the tests passed; no test ran it."""
UNTRIED = (None, 34)


class Score(msgspec.Struct):
    killed: int
    total: int

    def rate(self) -> float:
        return self.killed / self.total if self.total else 1.0


def main(sample: bool, keep: bool, asked: Sequence[str] = ()) -> None:
    modules = [module for name in asked for module in ROOMS.get(name, (name,))]
    chosen = [f"plainsail.domain.{module}.*" for module in modules] or ([SAMPLE] if sample or keep else [])
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        for name in ("src", "tests", "bench"):
            shutil.copytree(ROOT / name, place / name, ignore=shutil.ignore_patterns("__pycache__", "vendor"))
        shutil.copy(ROOT / "pyproject.toml", place)
        _run(place, *chosen)
        results = _results(place)
        for survivor in sorted(_survivors(results)):
            shown = subprocess.run(
                [sys.executable, "-m", "mutmut", "show", survivor], cwd=place, capture_output=True, text=True, check=False
            )  # fmt: skip
            print("\n".join(line for line in shown.stdout.splitlines() if line.startswith(("+", "-", "#"))))
    scores = {room: _score(results, modules) for room, modules in ROOMS.items()}
    for module in modules:
        print(f"{module}: {(one := _score(results, (module,))).killed} of {one.total}")
    for room, score in scores.items():
        print(f"{room}: {score.killed} of {score.total} mutants were killed ({score.rate():.1%})")
    if sample and not keep and (said := too_few(results, _kept())):
        sys.exit("\n".join(said))
    if keep:
        KEPT.write_bytes(msgspec.json.format(msgspec.json.encode(scores), indent=1) + b"\n")


Kept = Mapping[str, Score]
"""By room."""


def too_few(results: Mapping[str, int | None], kept: Kept) -> list[str]:
    """What to tell whoever made the tests blind."""
    said = []
    for room, before in kept.items():
        now = _score(results, ROOMS[room])
        if now.rate() < before.rate() - ALLOWED or now.total < before.total / 2:
            said.append(
                f"{room}: the tests kill {now.rate():.1%} of the sample; they killed {before.rate():.1%}. Look at the survivors "
                f"above: write the test, delete the code, or say in tests/mutants.md why it does not matter; then "
                f"`make mutants KEEP=1` keeps the new numbers"
            )
    return said


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


def _kept() -> Kept:
    return msgspec.json.decode(KEPT.read_bytes(), type=dict[str, Score])


if __name__ == "__main__":
    given = sys.argv[1:]
    main("--sample" in given, "--keep" in given, [one for one in given if not one.startswith("--")])
