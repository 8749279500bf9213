"""What a way there can't have: a baseline, a bake, an analysis where there is no room for it. Told where it is written."""

from __future__ import annotations

import pytest

from plainsail.domain.criteria import EvidenceCriteria, Metric
from plainsail.domain.service import Placement, Shield
from plainsail.domain.strategy import BlueGreen, Canary, Pace, Recreate, Strategy
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
