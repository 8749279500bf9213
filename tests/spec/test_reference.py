"""The reference page is what the code says, and says something about everything."""

from tests.spec.reference import PAGE, page

from plainsail.spec.keys import keys


def test_the_page_is_current() -> None:
    assert PAGE.read_text() == page(), "run: python -m tests.spec.reference"


def test_every_key_has_a_meaning() -> None:
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    assert not [row for row in rows if row.endswith("|  |")]
    assert {f"`{key.path[-1]}`" for key in keys()} <= {row.split(" | ")[0].removeprefix("| ") for row in rows}
