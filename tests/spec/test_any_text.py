"""Whatever is fed to it, the spec answers with a document or with complaints at places that exist."""

import re
from contextlib import suppress

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.spec.drivers import DRIVERS
from tests.spec.test_cases import CASES, EXPECTED
from tests.spec.test_contract import EXAMPLE

from plainsail.domain.service import Document
from plainsail.spec.decode import decode
from plainsail.spec.diagnostics import SpecError
from plainsail.spec.merge import read

FILES = (EXAMPLE, *(case.read_text().partition(EXPECTED)[0] for case in CASES))
TOKENS = sorted(
    {token for text in FILES for token in re.findall(r"[\w%./-]+|[^\w\s]|\n *", text) if len(token) < 40}
)


def answer(text: str) -> Document | SpecError:
    """What is said, having been checked to be sound."""
    try:
        return decode(text, "f.yaml", DRIVERS)
    except SpecError as error:
        check(error, text)
        return error


def check(error: SpecError, text: str) -> None:
    lines = re.split("\r\n|[\n\r\x85\u2028\u2029]", text)
    assert error.diagnostics
    for told in error.diagnostics:
        assert 1 <= told.line <= len(lines), told
        assert 1 <= told.col <= len(lines[told.line - 1]) + 1, told
        assert str(told).startswith(f"f.yaml:{told.line}:{told.col}: {told.message}")
        assert told.message.isprintable()
        assert told.hint.isprintable()
    assert list(error.diagnostics) == sorted(error.diagnostics, key=lambda told: (told.line, told.col))


@given(st.text())
@example("\ufeff")
@example("\ufeffschema: 1\n\ufeff")
@example("schema: 1\r\na: [\r\n")
@example("a: \x85b\u2028: [")
@example("é: \t- {")
@example("\udcff")
@example("schema: 1\nservices: {\x00}")
def test_any_text(text: str) -> None:
    answer(text)


@given(st.lists(st.sampled_from(TOKENS), max_size=60).map(" ".join))
@settings(max_examples=300)
def test_words_of_yaml_in_any_order(text: str) -> None:
    answer("schema: 1\n" + text)


@st.composite
def spoilt(draw: st.DrawFn) -> str:
    """A file of ours, edited by a person in a hurry."""
    text = draw(st.sampled_from(FILES))
    for _ in range(draw(st.integers(1, 4))):
        parts = re.findall(r"[\w%./-]+|\n *|.", text)
        at = draw(st.integers(0, max(0, len(parts) - 1)))
        until = at + draw(st.integers(0, 3))
        new = draw(st.lists(st.sampled_from(TOKENS) | st.text(max_size=3), max_size=3))
        text = "".join([*parts[:at], *new, *parts[until:]])
    return text


@given(spoilt())
@settings(max_examples=500, deadline=None)
def test_a_spoilt_file(text: str) -> None:
    found = answer(text)
    if isinstance(found, Document):
        with suppress(SpecError):
            read([("f.yaml", text), ("g.yaml", text)], DRIVERS)


@given(st.sampled_from(FILES), st.data())
def test_a_file_that_ends_too_soon(text: str, data: st.DataObject) -> None:
    answer(text[: data.draw(st.integers(0, len(text)))])


@pytest.mark.parametrize("errors", ["surrogateescape", "replace"])
def test_bytes_that_are_not_utf_8_are_complained_of_at_their_line(errors: str) -> None:
    text = b"schema: 1\n# caf\xe9\n".decode("utf-8", errors)
    assert str(answer(text)) == "f.yaml:2:6: This is not UTF-8 text; save the file as UTF-8"


def test_a_control_character_is_named() -> None:
    assert str(answer("schema: 1\n\x07")) == (
        "f.yaml:2:1: The character U+0007 may not stand in a YAML file; delete it"
    )


def test_a_file_beyond_all_measure_is_refused_unread() -> None:
    assert "4,000,012 characters" in str(answer("schema: 1\n# " + "x" * 4_000_000))


def test_a_thousand_aliases_of_a_large_value_are_refused() -> None:
    text = f"a: &a [{', '.join('x' * 1 for _ in range(1000))}]\nb: [{', '.join(['*a'] * 1000)}]\n"
    assert "written out" in str(answer(text))


def test_a_hundred_thousand_brackets_are_refused() -> None:
    assert "Nested deeper" in str(answer("schema: 1\na: " + "[" * 100_000))
    assert "Nested deeper" in str(answer("schema: 1\na: " + "{a: " * 100_000))
