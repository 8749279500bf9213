"""Editors and the decoder say the same of a file, as far as a schema can see."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import cache
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from tests.spec.drivers import DRIVERS
from tests.spec.reference import SCHEMA
from tests.spec.test_cases import CASES, EXPECTED
from tests.spec.test_contract import EXAMPLE

from plainsail.local.schema import docs, text
from plainsail.spec import rules
from plainsail.spec.decode import decode
from plainsail.spec.diagnostics import Problems, SpecError
from plainsail.spec.drivers import Drivers
from plainsail.spec.keys import keys, type_of
from plainsail.spec.nodes import Fields, Items, Node, Scalar, compose
from plainsail.spec.patterns import LIMITS, NAMES, QUANTITIES, WHOLES
from plainsail.spec.reference import docstrings
from plainsail.spec.scalars import READERS, Unreadable
from plainsail.spec.schema import described, schema

EXAMPLES = 200
ONLY_THE_DECODER = (
    r"more than ten years",
    r"not a whole number of bytes",
    r"must grow",
    r"'deadline' is shorter than 'dwell'",
    r"'max' \(.*\) is below 'margin'",
    r"is in 'env' too",
    r"'within' has no meaning for 'live'",
    r"is not host:port",
    r"is no address",
    r"holds a NUL character",
    r"is here twice",
    r"The query is empty",
    r"Nothing is put in for '\{",
    r"must be at least 1s",
    r"is measured in one way",
    r"is the same for the candidate and for live",
    r"Of '(counts|histogram)' lower is always better",
    r"can't be 'at' some shares only",
    r"so 'start' needs a limit",
    r"The strategy has no step of",
    r"'margin' must be 0 or more",
    r"has no meaning for a histogram",
    r"must be above 'min'",
    r"Nothing says what would be too bad",
    r"Of counts '(margin|max)' is a part of all",
    r"too few of them are no harm",
    r"can't be proven to be good, so it can't be critical",
    r"must be proven to be within a margin of live, and this has none",
    r"is never reached",
    r"nothing can come before or after it",
    r"users have the release by then",
    r"must not shrink",
    r"changes nothing",
    r"nothing is ever proven there",
    r"so it never has",
    r"nothing says what a user is known by",
    r"There is no metric '.*' to decide by",
    r"users are compared by 'counts' or by a 'mean'",
    r"the KPI of a test|The KPI of a test",
    r"so they can't differ",
    r"ha(s|ve) a 'match', and .* has none",
    r"can't be divided among the variants",
    r"some have the release since",
    r"so no variant could win",
    r"is a secret here",
    r"missing nobody would answer",
    r"there is nothing to compare",
    r"none is kept warm for 'bake'",
    r"so nothing is asked before",
    r"can't tell insiders apart",
    r"says of nobody in particular",
    r"is everybody",
    r"is not a network",
    r"Nobody can be asked at",
    r"checks at one place",
    r"'on_error' is for checks",
    r"insiders of more than .* kinds",
    r"so nobody is asked meanwhile",
    r"says more than its first",
    r"bytes, and 512 are the most",
)
"""What spans several values, counts, or is a driver's own."""


@cache
def validator() -> Draft202012Validator:
    made = schema(docs(DRIVERS), DRIVERS)
    Draft202012Validator.check_schema(made)
    return Draft202012Validator(made)


def as_an_editor_reads(node: Node) -> Any:
    """YAML 1.2's core schema: what is not in quotes may be a number or a truth value."""
    match node:
        case Fields(entries=entries):
            return {name: as_an_editor_reads(entry.value) for name, entry in entries.items()}
        case Items(items=items):
            return [as_an_editor_reads(item) for item in items]
        case Scalar(text=text, quoted=False) if text in ("true", "false"):
            return text == "true"
        case Scalar(text=text, quoted=False) if re.fullmatch(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?", text):
            return json.loads(text)
        case Scalar(text=text):
            return None if node.null() else text


def compare(text: str) -> None:
    """The schema refuses nothing that the decoder takes; the decoder refuses more for known reasons only."""
    node = compose(text, problems := Problems("f"))
    if node is None or len(problems):
        return  # not the YAML we read: an editor's parser speaks first
    found = list(validator().iter_errors(as_an_editor_reads(node)))
    if refusal := _refusal(text):
        assert found or any(re.search(reason, refusal) for reason in ONLY_THE_DECODER), f"{refusal}\n{text}"
    else:
        assert not [wrong for wrong in found if not _only_in_quotes(wrong)], f"{found[0].message}\n{text}"


def _refusal(text: str) -> str:
    try:
        decode(text, "f", DRIVERS)
    except SpecError as error:
        return str(error)
    return ""


def _only_in_quotes(wrong: Any) -> bool:
    """A number or a truth value in quotes: the decoder reads it, the schema wants it plain."""
    if wrong.context:
        return any(map(_only_in_quotes, wrong.context))
    return isinstance(wrong.instance, str) and bool(
        re.fullmatch(r"true|false|-?[0-9]+(\.[0-9]+)?", wrong.instance)
    )


def files(case: str) -> Iterator[str]:
    return iter(re.split(r"^--- file \S+\n", case, flags=re.MULTILINE))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_a_golden_case(case: Any) -> None:
    for file in files(case.read_text().partition(EXPECTED)[0]):
        compare(file)


def test_the_contract_is_valid() -> None:
    node = compose(EXAMPLE, Problems("f"))
    assert node
    assert not list(validator().iter_errors(as_an_editor_reads(node)))


# Documents that are nearly right: made from the schema itself, with a slip now and then.

SCALARS = st.one_of(
    st.sampled_from(["", "no", "x", "PORT", "/x", "a.b", "GET", "{port}", "${port}", "{host}", "canary", "A b"]),
    st.integers(-2, 2000), st.booleans(), st.sampled_from([0.5, 1.5, 0.25, -0.5]),
    st.text(st.characters(min_codepoint=32, max_codepoint=0xD7FF), max_size=5),
    st.from_regex(r"[0-9]{1,3}(\.[0-9]{1,3})?(%|s|ms|m|h|d|MB|MiB|kB|/s)", fullmatch=True),
)  # fmt: skip
JUNK = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
)
SLIPS = ["PORT", "PLAINSAIL_X", "", "A", "x y"]


def right(form: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Documents that a schema describes."""
    if "examples" in form:
        return (
            st.sampled_from(form["examples"]) | right({**form, "examples": []})
            if form["examples"]
            else _made(form)
        )
    return _made(form)


def _made(form: dict[str, Any]) -> st.SearchStrategy[Any]:
    if "anyOf" in form:
        return st.one_of(*map(right, form["anyOf"]))
    if "const" in form or "enum" in form:
        return st.sampled_from(form.get("enum", [form.get("const")]))
    if form.get("maxProperties") == 1:
        return st.one_of(*(right(below).map(_under(name)) for name, below in form["properties"].items()))
    if "properties" in form:
        must = set(form.get("required", ()))
        ways = [set(way["required"]) for way in form.get("oneOf", [{"required": []}])]
        parts = {name: right(below) for name, below in form["properties"].items()}
        return st.one_of(*(
            st.fixed_dictionaries(
                {name: parts[name] for name in must | way},
                optional={name: part for name, part in parts.items() if not any(name in other for other in [must, *ways])},
            )
            for way in ways
        ))  # fmt: skip
    if isinstance(form.get("additionalProperties"), dict):
        names = st.sampled_from(["shop", "production", "staging", "x-1"])
        if form.get("propertyNames", {}).get("pattern", "").startswith("^(?!PORT"):
            names = st.sampled_from(["LOG_LEVEL", "_x", "a1"])
        return st.dictionaries(names, right(form["additionalProperties"]), max_size=2)
    if "items" in form:
        return st.lists(
            right(form["items"]), min_size=form.get("minItems", 0), max_size=form.get("maxItems", 3)
        )
    if "pattern" in form:
        ending = form["pattern"].replace(r"(?![\s\S])", r"\Z")
        return st.from_regex(ending, alphabet=st.characters(codec="ascii", exclude_categories=["Cc"]))
    kinds = {
        "integer": st.integers(1, 1000),
        "number": st.sampled_from([0.5, 1, 0.25]),
        "boolean": st.booleans(),
    }
    return kinds.get(str(form.get("type")), st.text("abc{}$", min_size=1, max_size=4))


def _under(name: str) -> Callable[[Any], dict[str, Any]]:
    return lambda below: {name: below}


@cache
def _whole() -> st.SearchStrategy[Any]:
    return right(validator().schema)


@st.composite
def documents(draw: st.DrawFn) -> Any:
    """Right ones, and such with a slip or two."""
    document = deepcopy(draw(_whole()))
    for _ in range(draw(st.sampled_from([0, 0, 1, 1, 2]))):
        here = document
        while isinstance(here, dict | list) and here:
            key = draw(st.sampled_from(sorted(here) if isinstance(here, dict) else range(len(here))))
            if not isinstance(here[key], dict | list) or not here[key] or draw(st.integers(0, 3)) == 0:
                if isinstance(here, dict) and draw(st.integers(0, 2)) == 0:
                    here[draw(st.sampled_from(SLIPS))] = here.pop(key)
                else:
                    here[key] = draw(JUNK)
                break
            here = here[key]
    return document


@given(documents())
@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck), deadline=None)
def test_any_document(document: Any) -> None:
    compare(json.dumps(document))


@pytest.mark.parametrize("unit", sorted(READERS))
@given(
    st.text(max_size=4)
    | st.from_regex(r"[0-9]{0,13}(\.[0-9]{0,13})?(%|ms|s|m|h|d|/s|/m|/h|B|[kKMGT]i?B)?", fullmatch=True)
    | st.from_regex(r"([0-9]{1,2}(\.[05])?(d|h|m|s|ms)){1,4}\n?", fullmatch=True)
    | st.from_regex(r"0{0,3}(100|99|1|0|50)(\.0{0,3}[15]?0{0,2})?%?", fullmatch=True)
)
@settings(max_examples=200)
@example("100.000000000000%")
@example("0000000000100%")
@example("1s\n")
@example("5ms")
@example("1.500kB")
def test_a_quantity_is_read_as_its_pattern_says(unit: str, text: str) -> None:
    try:
        READERS[unit](text)
        reason = ""
    except Unreadable as error:
        reason = error.problem
    valid = Draft202012Validator(QUANTITIES[unit]).is_valid(text)
    assert valid == (not reason) or any(re.search(one, reason) for one in ONLY_THE_DECODER[:2]), (
        text,
        reason,
    )
    if not reason:
        assert valid


def test_every_check_has_its_counterpart() -> None:
    """Whoever adds a check says here what editors can see of it, or that it is only the decoder's."""
    assert set(rules.OF_A_FIELD) <= set(LIMITS)
    assert set(rules.OF_A_NAME) <= set(NAMES)
    spans = {"Run", "Placement", "Pace", "ErrorCriteria"}
    assert {struct.__name__ for struct in rules.OF_A_WHOLE} == {struct.__name__ for struct in WHOLES} | spans


def test_every_key_is_described_and_closed() -> None:
    said = dict(described(validator().schema, ()))
    assert {key.path[-1] for key in keys()} <= {path[-1] for path in said}
    assert not [
        path for path, form in said.items() if not form.get("description") and path[-1] not in _drivers()
    ]
    assert not [
        path
        for path, form in said.items()
        if "properties" in form and form["additionalProperties"] is not False
    ]


def _drivers() -> set[str]:
    """The test's own drivers have no docstrings."""
    asked = {field.encode_name for config in DRIVERS.verifiers.values() for field in type_of(config).fields}
    return {field.encode_name for config in (*DRIVERS.routers.values(), *DRIVERS.providers.values(), *DRIVERS.metrics.values()) for field in type_of(config).fields} | {
        *DRIVERS.routers, *DRIVERS.providers, *DRIVERS.metrics, *DRIVERS.verifiers, *asked,
    }  # fmt: skip


def test_what_it_shows_is_valid() -> None:
    for path, form in described(validator().schema, ()):
        shown = [*form.get("examples", ()), *([form["default"]] if "default" in form else [])]
        for value in shown:
            assert Draft202012Validator(form).is_valid(value), (path, value)


def test_a_foreign_driver_brings_its_own_keys() -> None:
    class Mine(msgspec.Struct):
        """A router of mine."""

        size: int
        """How large."""

    found = schema(
        docstrings(__name__, "class Mine:\n    '''A router of mine.'''\n    size: int\n    'How large.'\n"),
        Drivers({"mine": Mine}, {}),
    )
    router = found["properties"]["environments"]["additionalProperties"]["properties"]["router"]
    mine = router["anyOf"][-1]["properties"]["mine"]
    assert mine["required"] == ["size"]
    assert not [form for form in router["anyOf"] if form.get("const") == "mine"], (
        "its name alone is not enough"
    )
    assert mine["properties"]["size"] == {"type": "integer", "description": "How large."}
    assert mine["description"] == "A router of mine."


def test_the_copy_in_the_docs_is_current() -> None:
    assert SCHEMA.read_text() == text(), "run: python -m tests.spec.reference"
