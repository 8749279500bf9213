"""A module that a person can read in one sitting."""

from pathlib import Path

SOURCE = Path(__file__).parent.parent / "src"

# The largest module of the two controllers we know that hold a whole system in readable files is 461 and 968
# lines; past 500 there is nearly always a second noun in it.
MOST_LINES = 500


def test_no_module_is_longer_than_one_sitting() -> None:
    lines = {path: len(path.read_text().splitlines()) for path in SOURCE.rglob("*.py")}
    too_long = {str(path.relative_to(SOURCE)): count for path, count in lines.items() if count > MOST_LINES}
    assert not too_long, f"split by noun, {MOST_LINES} lines at most: {too_long}"
