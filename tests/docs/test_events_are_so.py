"""Events of a control plane have the fields and data that the page of events says."""

from __future__ import annotations

from pathlib import Path

from tests.api.practice import practice
from tests.docs.made.events import example

from plainsail.testing.world import Behaviour


def test_events_of_a_day_are_as_the_page_says(tmp_path: Path) -> None:
    with practice(tmp_path) as plane:
        plane.live("1.0")
        plane.ended(plane.deploy(plane.release("1.1", Behaviour(errors=0.5))))
        asked = plane.deploy(plane.release("1.2"))
        plane.post("/rollouts/shop/abort", reason="enough")
        plane.ended(asked)
        found = plane.get("/events", limit=1000)["events"]
    kinds = {event["kind"] for event in found}
    assert kinds >= {"spec_applied", "release_made", "rollout_started", "step_entered", "traffic_moved",
                     "rollout_turned_back", "rollout_ended"}  # fmt: skip
    for event in found:
        shown = example(event["kind"])
        assert set(event) == {"id", *shown.__struct_fields__}
        assert set(event["data"]) == set(shown.data), event
