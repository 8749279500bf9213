"""Golden complaints: each file in `cases` is one or more files to read together, and what is said about them.

`--- file NAME` begins a further file, `--- expected` what is said; `fine` if nothing is. After a change on purpose:
`python -m tests.spec.test_cases` writes what is said now; read the difference before you keep it.
"""

import re
from pathlib import Path

import pytest
from tests.spec.drivers import DRIVERS

from plainsail.spec.diagnostics import SpecError
from plainsail.spec.merge import read

CASES = sorted((Path(__file__).parent / "cases").glob("*.yaml"))
EXPECTED = "--- expected\n"


def said(given: str) -> str:
    first, *more = re.split(r"^--- file (\S+)\n", given, flags=re.MULTILINE)
    texts = [("plainsail.yaml", first), *zip(more[::2], more[1::2], strict=True)]
    try:
        read([(file, text) for file, text in texts if text], DRIVERS)
    except SpecError as error:
        return f"{error}\n"
    return "fine\n"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_what_is_said(case: Path) -> None:
    given, _, expected = case.read_text().partition(EXPECTED)
    assert said(given) == expected


def test_there_are_cases() -> None:
    assert len(CASES) > 50


if __name__ == "__main__":
    for each in CASES:
        text = each.read_text().partition(EXPECTED)[0]
        each.write_text(f"{text}{EXPECTED}{said(text)}")
