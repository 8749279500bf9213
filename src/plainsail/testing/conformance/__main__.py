"""`python -m plainsail.testing.conformance [KIND [NAME]] [arguments for pytest]`"""

from __future__ import annotations

import os
import sys
from importlib.metadata import entry_points
from pathlib import Path

KINDS = ("router", "provider", "store", "artifacts", "notifier", "metrics", "verifier")
USAGE = f"usage: python -m plainsail.testing.conformance [{'|'.join(KINDS)} [NAME]] [arguments for pytest]"


def main(arguments: list[str]) -> int:
    """The suite of a kind, or all suites, over the drivers that are registered. Exits as pytest does: 0 if all passed, 1
    if not; 2 for a driver that is not there."""
    try:
        import pytest
    except ImportError:
        print("The suites need pytest; run: pip install 'plainsail[testing]'", file=sys.stderr)
        return 2
    words = [word for word in arguments[:2] if not word.startswith("-")]
    if words and words[0] not in KINDS:
        print(f"There are no drivers of the kind {words[0]}\n{USAGE}", file=sys.stderr)
        return 2
    if len(words) > 1 and words[1] not in (names := _names(words[0])):
        print(f"There is no {words[0]} driver {words[1]}; there are {', '.join(names)}", file=sys.stderr)
        return 2
    suite = Path(__file__).parent.joinpath(*words[:1])
    only = ["--plainsail-driver", words[1]] if len(words) > 1 else []
    return pytest.main(
        [
            "-p", "plainsail.testing.conformance.plugin", "-p", "no:cacheprovider",
            "-c", os.devnull, "--rootdir", str(suite), "--import-mode=importlib", "-q",
            *only, *arguments[len(words) :], str(suite),
        ]
    )  # fmt: skip


def _names(kind: str) -> list[str]:
    return sorted(point.name for point in entry_points(group=f"plainsail.{kind.removesuffix('s')}s"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
