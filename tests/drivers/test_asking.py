"""What metric sources share: placeholders, numbers, histograms, JSONPath, and strings of query languages."""

from __future__ import annotations

import json
import math
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plainsail.domain.measurement import Ask
from plainsail.drivers._kit import asking, jsonpath
from plainsail.drivers._kit.web import wrong_with
from plainsail.drivers.metrics import command, graphite, prometheus
from plainsail.drivers.metrics.json import parsed as json_query

TEXT = st.text(max_size=20)


def ask(**more: Any) -> Ask:
    given: dict[str, Any] = {
        "metric": "orders", "queries": {}, "service": "shop", "environment": "production", "group": "two",
        "release": "sha256:7", "version": "1.4", "instances": ("10.0.0.1:80",), "since": 100.0, "until": 130.0,
    }  # fmt: skip
    return Ask(**{**given, **more})


@given(TEXT, st.sampled_from("\"'"))
def test_a_text_in_a_query_of_prometheus_is_what_it_was(text: str, quote: str) -> None:
    """Read back as Go reads its strings, of which both kinds of quotes know `\\x22`, `\\\\` and `\\n`."""
    written = prometheus.quoted(text)
    assert quote not in written
    assert "\n" not in written
    back = re.sub(
        r"\\(x22|x27|n|\\)", lambda found: {"x22": '"', "x27": "'", "n": "\n"}.get(found[1], "\\"), written
    )
    assert back == text


@pytest.mark.filterwarnings(
    "ignore:Possible nested set"
)  # Python warns of [[], which means the same everywhere
@given(st.lists(st.from_regex(r"[a-z0-9.:\[\]-]{1,12}", fullmatch=True), min_size=1, max_size=4), TEXT)
def test_an_alternation_matches_its_addresses_and_nothing_else(addresses: list[str], other: str) -> None:
    pattern = re.compile(f"(?:{asking.alternation(tuple(addresses))})")
    assert all(pattern.fullmatch(address) for address in addresses)
    assert bool(pattern.fullmatch(other)) == (other in addresses)


@given(TEXT, TEXT)
def test_placeholders_are_replaced_once(group: str, version: str) -> None:
    query = 'a{b="{group}"} {version} {window} {since} {else} {{group}}'
    wanted = f'a{{b="{group}"}} {version} 30s 100.000 {{else}} {{{group}}}'
    assert asking.filled(query, ask(group=group, version=version), str, ",".join) == wanted


@given(st.one_of(st.floats(), st.integers(-(2**70), 2**70)))
def test_numbers_are_finite_or_nothing(value: float) -> None:
    wanted = float(value) if math.isfinite(value) else None
    assert asking.number(value) == wanted
    assert asking.number(repr(value)) == wanted


@pytest.mark.parametrize("value", [True, "12 pieces", "", [], {}, "0x1f"])
def test_what_is_no_number(value: object) -> None:
    with pytest.raises(ValueError, match="it is"):
        asking.number(value)


def test_histograms() -> None:
    wanted = ((0.1, 2.0), (0.5, 0.0), (math.inf, 1.0))
    assert asking.histogram({"0.5": 0, "+Inf": 1, "0.1": 2}) == wanted
    assert asking.histogram([[0.1, 2], [0.5, 0], ["inf", 1]]) == wanted
    assert asking.histogram({"0.1": None}) is None
    assert asking.histogram({}) is None
    for wrong in (3, "x", [1, 2], {"0.1": -1}, {"nan": 1}, {"x": 1}, [[1, 2], [1, 3]], {"0.1": "many"}):
        with pytest.raises(ValueError, match=r".+"):
            asking.histogram(wrong)


ANSWER = {
    "a": {"b c": [{"n": 1, "who": "x'y"}, {"n": 2, "who": 'q"r', "at": {"k": True}}]},
    "n": 3,
    "ü": 4,
    "l": [7, 8],
}


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("$", [ANSWER]),
        ("$.n", [3]),
        ("$.ü", [4]),
        ('$["n"]', [3]),
        ("$['a']['b c'][0].n", [1]),
        ("$.l[-1]", [8]),
        ("$.l[2]", []),
        ("$.n.m", []),
        ("$.none", []),
        ('$.a["b c"][?@.who == "x\'y"].n', [1]),
        ("$.a['b c'][?@.who == 'x\\'y'].n", [1]),
        ("$.a['b c'][?(@.who=='q\"r')].n", [2]),
        ("$.a['b c'][?@.at.k == true].n", [2]),
        ("$.a['b c'][?@['n'] == 2].who", ['q"r']),
        ("$.a['b c'][?@.n == true]", []),
        ('$["\\u006e"]', [3]),
    ],
)  # fmt: skip
def test_a_jsonpath_leads_to(path: str, wanted: list[Any]) -> None:
    assert jsonpath.found(jsonpath.parsed(path), ANSWER) == wanted


@pytest.mark.parametrize(
    "path", ["n", "", "$n", "$.", "$..n", "$.*", "$[*]", "$.a[", "$[1:2]", "$[?@.n > 1]", "$.n ", "$[01]", '$["\\x"]', "$[0,1]"]
)  # fmt: skip
def test_a_jsonpath_that_is_not_understood_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="JSONPath"):
        jsonpath.parsed(path)


@given(st.text(max_size=12), st.text(max_size=12))
def test_any_name_and_text_can_be_written(name: str, text: str) -> None:
    rows = {"rows": [{name: text, "n": 1}, {name: text + "!", "n": 2}]}
    if name != "n":
        path = f"$.rows[?@[{json.dumps(name)}] == {json.dumps(text)}].n"
        assert jsonpath.found(jsonpath.parsed(path), rows) == [1]


@given(TEXT)
def test_a_group_can_not_change_a_jsonpath(group: str) -> None:
    path = jsonpath.filled(
        jsonpath.parsed('$.of["{group}"]'), lambda text: asking.filled(text, ask(group=group), str, ",".join)
    )
    assert jsonpath.found(path, {"of": {group: 5}, "": 6, "of2": 7}) == [5]


@given(TEXT)
def test_a_value_is_never_more_than_a_part_of_one_argument(group: str) -> None:
    argv = command.arguments("count '--group={group}' {group} end", ask(group=group))
    assert argv == ("count", f"--group={group}", group, "end")


@given(TEXT)
def test_a_value_in_a_target_has_no_meaning_to_graphite(group: str) -> None:
    target = graphite.target("sumSeries(a.{group}.{x,y}, '{group}', a.{instances})", ask(group=group))
    node, quoted = re.fullmatch(
        r"sumSeries\(a\.(.*)\.\{x,y\}, '(.*)', a\.\{10_0_0_1_80\}\)", target, re.DOTALL
    ).groups()  # type: ignore[union-attr]  # it matches
    assert re.fullmatch(r"[A-Za-z0-9_-]*", node)
    assert len(node) == len(quoted) == len(group)
    assert not set(quoted) & set("\"'\\\n")


PROMETHEUS = prometheus.Prometheus(prometheus.Config("http://127.0.0.1:9"), None)  # type: ignore[arg-type]  # it keeps no files
GRAPHITE = graphite.Graphite(graphite.Config("http://127.0.0.1:9"), None)  # type: ignore[arg-type]
COMMAND = command.Command(command.Config(), None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("source", "query", "said"),
    [
        (PROMETHEUS, 'sum(increase(r{g="{group}",x="{y}"}[{window}])) # {z} it\'s', None),
        (PROMETHEUS, "sum by (le) (r{g=~'{instances}'}) @ {until}", None),
        (PROMETHEUS, "sum(r{g={group}})", "outside of quotes"),
        (PROMETHEUS, "sum(r{g=`{group}`})", "backticks"),
        (PROMETHEUS, "sum(r[{windw}])", "{windw}"),
        (PROMETHEUS, " ", "empty"),
        (GRAPHITE, "sumSeries(a.{group}.{x,y}.n)", None),
        (GRAPHITE, 'alias(a.b, "it\'s (")', None),
        (GRAPHITE, "sumSeries(a.b", "'(' is not closed"),
        (GRAPHITE, "sumSeries(a.{b)", "')' closes nothing"),
        (GRAPHITE, "alias(a.b, 'x)", "quote"),
        (COMMAND, "count '{group}' {since}", None),
        (COMMAND, "{group} x", "program"),
        (COMMAND, "count 'x", "split"),
        (COMMAND, "count {grup}", "{grup}"),
    ],
)
def test_queries_are_checked(source: Any, query: str, said: str | None) -> None:
    problem = source.check({"value": query})
    assert problem is None if said is None else problem.startswith("value: ") and said in problem


@pytest.mark.parametrize(
    "query", ["$.n", "/kpi", "kpi $.n", "//other.example/x $.n", "/kpi#x $.n", "/kpi n", "/kpi  $..n"]
)
def test_a_query_for_json_has_two_halves(query: str) -> None:
    assert json_query("/kpi?a=b $.n").address == "/kpi?a=b"
    with pytest.raises(ValueError, match=r".+"):
        json_query(query)


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"url": "http://127.0.0.1:9090"}, None),
        ({"url": "https://[::1]:9090/prom/", "token": "/etc/token", "user": "me"}, None),
        ({"url": "ftp://x"}, "url"),
        ({"url": "127.0.0.1:9090"}, "url"),
        ({"url": "http://x:99999"}, "url"),
        ({"url": "http://x/?a=b"}, "url"),
        ({"url": "http://me:secret@x"}, "url"),
        ({"url": "http://x", "token": "token"}, "token"),
        ({"url": "http://x", "user": "me"}, "user"),
        ({"url": "http://x", "timeout": 0.0}, "timeout"),
        ({"url": "http://x", "headers": {"X-Scope-OrgID": "a\nb"}}, "headers"),
        ({"url": "http://x", "headers": {"Authorization": "Bearer x"}}, "headers"),
    ],
)
def test_settings_are_checked(settings: dict[str, Any], key: str | None) -> None:
    problem = wrong_with(prometheus.Config(**settings))
    assert problem is None if key is None else str(problem).startswith(f"{key}: ")
    assert "secret" not in str(problem)
