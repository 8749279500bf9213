"""Whatever strategies a file asks for: it is refused, or has a way that grows, can be left at each step, and ends."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

from hypothesis import event, given, settings
from hypothesis import strategies as st
from tests.spec.drivers import DRIVERS

from plainsail.domain.courses import course
from plainsail.domain.service import Placement
from plainsail.domain.strategy import KINDS, SIMPLE, Custom, Judged
from plainsail.domain.traffic import Capabilities
from plainsail.domain.units import ALL
from plainsail.spec.abilities import beyond
from plainsail.spec.decode import decode
from plainsail.spec.diagnostics import SpecError
from plainsail.spec.ways import exposures

ANYTHING = Capabilities(
    groups=4, sticky_cookie=True, sticky_header=True, shield=True, match=True, counts=True, instances=True
)
SHARES = ["0%", "0.5%", "5%", "10%", "25%", "50%", "75%", "100%"]
WHO: list[dict[str, Any]] = [
    {"hosts": ["dark.example"]}, {"header": "X-Insider: yes"}, {"networks": ["10.0.0.0/8"]},
]  # fmt: skip
NOBODY: list[dict[str, Any]] = [
    {}, {"hosts": ["shop.example"]}, {"cookie": "version=2"}, {"hosts": ["dark.example"], "networks": ["::/0"]},
]  # fmt: skip


def _keys(**keys: Any) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=keys)


def _named(name: str, keys: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return keys.map(lambda given: {name: given})


def _in_order(given: list[Any]) -> list[Any]:
    return sorted(given, key=lambda one: SHARES.index(one["share"] if isinstance(one, dict) else one))


def _chains(right: bool) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Such as people mean; or of anything, in any order."""
    match = st.sampled_from(WHO if right else WHO + NOBODY)
    instances = st.integers(1, 4) if right else st.integers(-1, 6)
    share = st.sampled_from(SHARES[1:-1] if right else SHARES)
    shares = st.lists(share, min_size=right, max_size=4, unique=right)
    batches = {"max_surge": instances, "max_unavailable": st.just(0) if right else instances}
    own = st.fixed_dictionaries({"share": share}, optional={
        "instances": instances, "match": match, "requests": st.sampled_from([0, 100]),
        "until": st.sampled_from(["proven", "dwell", "advanced"]), "dwell": st.sampled_from(["0s", "10s", "2h"]),
        "deadline": st.sampled_from(["3h"] if right else ["5s", "3h"]),
    })  # fmt: skip
    if right:
        shares, owns = shares.map(_in_order), st.lists(own, min_size=1, max_size=4).map(_in_order)
    else:
        owns = st.lists(own, max_size=4)
    dark = _named(
        "dark",
        st.fixed_dictionaries({"match": match}, optional={"instances": instances, "lasts": st.just("1h")}),
    )
    custom = _named("custom", owns.map(lambda steps: {"steps": steps}))
    last = st.one_of(
        *(_named(name, _keys(steps=shares)) for name in ("canary", "incremental", "rolling-red-black")),
        _named("rolling", _keys(**batches)),
        _named("rolling-canary", _keys(steps=shares, **batches)),
        _named("blue-green", _keys(preview=match, switch=st.sampled_from(["manual", "automatic"]))),
        _named("red-black", _keys(keep=st.just("2h"))),
        _named("recreate", st.just({})),
    )  # fmt: skip
    if not right:
        return st.lists(dark | custom | last, max_size=3)
    return st.tuples(st.lists(dark, max_size=1), st.lists(custom, max_size=1), last | custom | dark).map(
        lambda parts: [*parts[0], *parts[1], parts[2]]
    )


PLACES = st.fixed_dictionaries(
    {"strategy": _chains(True) | _chains(False), "replicas": st.sampled_from([1, 2, 3, 4, 10])},
    optional={
        "sticky": st.just({"cookie": "version"}), "hosts": st.just(["shop.example"]),
        "pace": st.sampled_from([{"until": "dwell"}, {"requests": 50}, {"bake": "10m"}]),
        "evidence": st.just({"compare": "baseline"}),
    },
)  # fmt: skip


def read(place: dict[str, Any]) -> Placement | str:
    """What is read, or why it is refused."""
    text = json.dumps({
        "schema": 1,
        "environments": {"production": {"router": {"haproxy": {"listen": "127.0.0.1:8080"}}}},
        "services": {"shop": {"run": {"command": ["serve"]}, "in": {"production": place}}},
    })  # fmt: skip
    try:
        return decode(text, "f", DRIVERS).services["shop"].placements["production"]
    except SpecError as error:
        return str(error)


@given(PLACES)
@settings(max_examples=600, deadline=None)
def test_what_is_taken_goes_forward_and_ends(place: dict[str, Any]) -> None:
    found = read(place)
    if isinstance(found, str):
        event("refused")
        assert "lacks" not in found
        return
    event(f"taken, {len(found.strategy)} in a row")
    assert not list(beyond(found, "haproxy", ANYTHING))
    for live in {1, found.replicas, 12}:
        steps = course(found.strategy, found.pace, found.replicas, live, found.evidence).steps
        shares = [step.share("candidate") for step in steps]
        assert shares == sorted(shares), "nobody loses the release on the way there"
        assert shares[-1] == ALL
        assert set(shares) - {0} == exposures(found)
        assert steps[-1].sizes == {**steps[-1].sizes, "live": 0, "candidate": found.replicas}
        for step in steps:
            assert all(step.sizes[part.role] > 0 for part in step.split if part.share_bp), step
            if isinstance(step.leave, Judged) and step.leave.until == "proven":
                assert step.share("candidate") or step.inside, f"nothing is ever proven at {step.name}"
        own = any(isinstance(one, Custom) for one in found.strategy)
        for one, other in pairwise(steps) if own else ():
            assert (one.name, one.sizes, one.split, one.leave, one.inside) != (
                other.name, other.sizes, other.split, other.leave, other.inside
            )  # fmt: skip


MOSTLY = st.sampled_from([True, True, True, False])


@given(PLACES, MOSTLY, MOSTLY, st.sampled_from([0, 1, 1, 100, 1000]), st.sampled_from([2, 3]))
@settings(max_examples=300, deadline=None)
def test_what_a_router_can_do_is_not_exceeded(
    place: dict[str, Any], match: bool, counts: bool, granularity: int, groups: int
) -> None:
    """What is taken for a router asks for nothing that it can't do."""
    found = read(place)
    can = Capabilities(
        granularity,
        groups,
        shield=True,
        match=match,
        counts=counts,
        sticky_cookie=counts,
        sticky_header=match,
    )
    if isinstance(found, str) or list(beyond(found, "some", can)):
        return
    event("taken")
    for step in course(found.strategy, found.pace, found.replicas, found.replicas, found.evidence).steps:
        shares = [part.share_bp for part in step.split if 0 < part.share_bp < ALL]
        assert len([part for part in step.split if part.share_bp]) <= groups
        assert not shares or (granularity and not any(share % granularity for share in shares))
        assert match or not step.inside
        if isinstance(step.leave, Judged) and step.leave.until == "proven":
            assert counts
    if found.sticky is not None:
        assert counts, "which this router keeps cookies with"


def test_all_but_three_need_no_keys() -> None:
    assert set(KINDS) - set(SIMPLE) == {"dark", "custom", "a-b"}
