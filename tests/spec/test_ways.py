"""What a way there can't have: a baseline, a bake, an analysis where there is no room for it. Told where it is written."""

from __future__ import annotations

import msgspec
import pytest

from plainsail.domain.criteria import EvidenceCriteria, Metric
from plainsail.domain.match import Match
from plainsail.domain.mirroring import Shadow
from plainsail.domain.service import Placement, Shield, Sticky
from plainsail.domain.strategy import (
    BlueGreen,
    Canary,
    Custom,
    CustomStep,
    Dark,
    Incremental,
    Pace,
    Recreate,
    Rolling,
    Strategy,
)
from plainsail.domain.traffic import Capabilities
from plainsail.spec.abilities import beyond
from plainsail.spec.ways import going

CAN = Capabilities(groups=3, counts=True, shield=True)
FRESH = EvidenceCriteria(compare="baseline")
ASKED = EvidenceCriteria(metrics={"memory": Metric("source", value="memory", during=("start",))})


def told(place: Placement, can: Capabilities = CAN) -> list[tuple[str, object]]:
    return [(fault.message, fault.keys) for fault in (*going(place), *beyond(place, "haproxy", can))]


def placed(strategy: Strategy, evidence: EvidenceCriteria = FRESH, pace: Pace = Pace()) -> Placement:  # noqa: B008
    return Placement(strategy=(strategy,), evidence=evidence, pace=pace, shield=Shield())


def test_a_canary_can_have_it_all() -> None:
    assert told(placed(Canary(), FRESH, Pace(bake=60.0, requests=100))) == []
    assert told(placed(Canary(), ASKED)) == []
    assert told(placed(BlueGreen(), ASKED, Pace(bake=60.0))) == []


@pytest.mark.parametrize("strategy", [BlueGreen(), Recreate()])
def test_without_a_share_there_is_no_baseline(strategy: Strategy) -> None:
    ((message, keys),) = told(placed(strategy))
    assert "nothing to compare" in message
    assert keys == ("evidence", "compare")


def test_a_router_of_two_groups_has_no_third() -> None:
    ((message, keys),) = told(placed(Canary()), Capabilities(groups=2, counts=True, shield=True))
    assert message.endswith("the router 'haproxy' keeps 2")
    assert keys == ("evidence", "compare")


def test_what_recreate_has_no_room_for() -> None:
    found = told(placed(Recreate(), ASKED, Pace(bake=60.0)))
    assert [keys for _, keys in found] == [("pace", "bake"), ("evidence", "metrics")]


INSIDERS = Match(header="X-Insider: yes")
ANYTHING = Capabilities(
    groups=3, counts=True, shield=True, match=True, sticky_cookie=True, sticky_header=True
)


@pytest.mark.parametrize(("strategy", "at", "nearest"), [
    (Dark(INSIDERS), ("dark", "match"), "leave 'dark' out: a canary of 1% shows the release to few"),
    (BlueGreen(preview=INSIDERS), ("blue-green", "preview"), "leave 'preview' out"),
    (Custom((CustomStep(100), CustomStep(100, match=INSIDERS))), ("custom", "steps", 1, "match"), "leave 'match' out, and give the step a share"),
])  # fmt: skip
def test_a_router_that_knows_no_insiders(strategy: Strategy, at: tuple[object, ...], nearest: str) -> None:
    place = placed(strategy, EvidenceCriteria())
    assert not list(beyond(place, "some", ANYTHING))
    (fault,) = beyond(place, "some", msgspec.structs.replace(ANYTHING, match=False))
    assert fault.message == "Insiders can't be told apart by the router 'some'"
    assert (fault.keys, fault.hint) == (("strategy", 0, *at), nearest)


@pytest.mark.parametrize(
    ("match", "nearest"), [(True, "write dark"), (False, "a canary of 1% shows the release to few")]
)
def test_a_router_that_copies_nothing(match: bool, nearest: str) -> None:
    place = msgspec.structs.replace(placed(Canary(), EvidenceCriteria()), strategy=(Shadow(), Canary()))
    can = Capabilities(groups=3, counts=True, shield=True, match=match)
    (fault,) = beyond(place, "some", can)
    assert fault.message == "Requests can't be copied by the router 'some'"
    assert fault.keys == ("strategy", 0)
    assert nearest in fault.hint
    assert list(beyond(place, "some", msgspec.structs.replace(can, mirror=True))) == []


def test_a_router_that_lacks_what_its_kind_can_do_is_asked_only_where_it_matters() -> None:
    """Then the reason is told too."""
    asked = 0

    def lacking() -> dict[str, str]:
        nonlocal asked
        asked += 1
        return {"mirror": "its program is a small one"}

    plain = placed(Canary(), EvidenceCriteria())
    place = msgspec.structs.replace(plain, strategy=(Shadow(), Canary()))
    can = msgspec.structs.replace(ANYTHING, mirror=True)
    assert not list(beyond(plain, "some", can, lacking))
    assert asked == 0
    (fault,) = beyond(place, "some", can, lacking)
    assert fault.message == "Requests can't be copied by the router 'some': its program is a small one"
    assert fault.hint.startswith("write dark, with a 'match'")
    assert fault.hint.endswith("a canary of 1% shows the release to few")
    (fault,) = beyond(place, "some", ANYTHING, lacking)
    assert fault.message == "Requests can't be copied by the router 'some'", "as all of its kind"


def test_a_router_that_keeps_no_users() -> None:
    place = msgspec.structs.replace(
        placed(Incremental(), EvidenceCriteria()), sticky=Sticky(cookie="version")
    )
    assert not list(beyond(place, "some", ANYTHING))
    other = list(beyond(place, "some", msgspec.structs.replace(ANYTHING, sticky_cookie=False)))
    assert [(one.keys, one.hint) for one in other] == [(("sticky", "cookie"), "take a header")]
    none = list(
        beyond(place, "some", msgspec.structs.replace(ANYTHING, sticky_cookie=False, sticky_header=False))
    )
    assert [(one.keys, one.hint) for one in none] == [
        (("sticky", "cookie"), "leave it out"),
        (("strategy", 0), "write canary"),
    ]


@pytest.mark.parametrize(("granularity", "nearest"), [
    (0, "write blue-green"), (1000, "write canary, with multiples of 10 %"), (2500, ""),
])  # fmt: skip
def test_rolling_needs_the_shares_of_its_instances(granularity: int, nearest: str) -> None:
    place = msgspec.structs.replace(placed(Rolling(), EvidenceCriteria()), replicas=4)
    found = list(beyond(place, "some", msgspec.structs.replace(ANYTHING, granularity_bp=granularity)))
    assert [one.hint for one in found] == ([nearest] if nearest else [])


def test_a_step_of_its_own_that_waits_for_a_proof_needs_counts() -> None:
    at = ("strategy", 0, "custom", "steps", 0, "until")
    mute = msgspec.structs.replace(ANYTHING, counts=False)
    for until, told_of in (("proven", [at]), ("dwell", []), ("advanced", []), (None, [])):
        step = CustomStep(100, until=until)  # type: ignore[arg-type]  # one of its words
        place = placed(Custom((step,)), EvidenceCriteria(), Pace(until="dwell"))
        assert [one.keys for one in beyond(place, "some", mute)] == told_of
    paced = placed(Custom((CustomStep(100),)), EvidenceCriteria())
    assert [one.keys for one in beyond(paced, "some", mute)] == [("pace",)]
