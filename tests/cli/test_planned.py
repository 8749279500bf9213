"""How a plan is told: what a test's roles are called, and who is asked."""

from __future__ import annotations

import msgspec
import pytest

from plainsail.app.documents import step_documents
from plainsail.cli.planned import called
from plainsail.domain.checkpoints import way
from plainsail.domain.service import Placement
from plainsail.domain.strategy import AB, Variant


@pytest.mark.parametrize("then", ["keep", "promote", "ask"])
def test_variants_have_their_names_and_the_users_of_all_of_them(then: str) -> None:
    variants = {"red": Variant({"BUTTON": "red"}), "blue": Variant({"BUTTON": "blue"})}
    test = msgspec.convert({"kpi": "conversion", "share": 5000, "then": then}, AB, strict=False)
    test = msgspec.structs.replace(test, variants=variants)
    steps = msgspec.to_builtins(step_documents(way(test, Placement(replicas=4), 4).steps))
    plan = {"steps": steps, "variants": {"candidate": "red", "variant-2": "blue"}, "then": then}
    told = called(plan)
    number, tried = next((at, one) for at, one in enumerate(told) if one["name"] == "test")
    assert tried["share_bp"] == 5000
    assert {"red", "blue"} <= set(tried["instances"])
    assert ("a person is asked" in tried["leave"]) == (then == "ask")
    assert "every instance of red is ready" in told[0]["leave"]
    assert all({"red", "winner"} & set(one["instances"]) for one in told)
    assert all("winner" in one["instances"] for one in told[number + 1 :])
    assert all("candidate" not in one["leave"] for one in told)
