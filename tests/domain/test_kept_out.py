"""What was taken back stays away until it is meant: also while it is on its way back, and each variant of a test."""

from __future__ import annotations

from tests.domain.stage import Stage
from tests.domain.trials import COLOURS, PLACE, looks, of

from plainsail.domain.strategy import AB, Canary, Variant


def test_who_deploys_it_again_while_it_goes_back_is_refused() -> None:
    """A pipeline that tries once more does so at once; the way back is not disturbed by it."""
    stage = _going_back()
    stage.turn(stage.deploy("v2", Canary((5000,))))
    rollout = of(stage)
    assert (rollout.id, rollout.phase) == ("r2", "rolling_back")
    assert any("r3" in line and "quarantined" in line for line in stage.lines)


def test_with_again_it_is_free_for_good() -> None:
    stage = _going_back()
    stage.turn(stage.deploy("v2", Canary((5000,)), again=True))
    assert of(stage).id == "r3"
    assert stage.target.quarantine == ()


def test_another_release_is_not_kept_out() -> None:
    stage = _going_back()
    stage.turn(stage.deploy("v3", Canary((5000,))))
    assert of(stage).id == "r3"
    assert len(stage.target.quarantine) == 1


def test_a_variant_that_harmed_is_not_tested_again_unless_it_is_meant() -> None:
    stage = Stage()
    stage.settled("v1", **PLACE)
    test = AB("conversion", variants=COLOURS)
    stage.turn(stage.deploy("v1", test, **PLACE))
    looks(stage, 6)
    while of(stage).phase != "rolling_back":
        stage.ask(g3=(10, 0, 0))
        stage.turn()
    while stage.target.rollout is not None:
        looks(stage, 1)
    assert len(stage.target.misconfigured) == 1
    stage.turn(stage.deploy("v1", test, **PLACE))
    assert stage.target.rollout is None
    stage.turn(stage.deploy("v1", test, again=True, **PLACE))
    assert of(stage).id == "r4"
    assert not stage.target.misconfigured


def test_a_test_whose_first_variant_is_as_live_is_a_test() -> None:
    stage = Stage()
    stage.settled("v1", **PLACE)
    variants = {"same": Variant(), "red": Variant({"BUTTON": "red"})}
    stage.turn(stage.deploy("v1", AB("conversion", variants=variants), **PLACE))
    assert of(stage).trial is not None


def _going_back() -> Stage:
    """The second release harmed users, and its instances are not gone yet."""
    stage = Stage()
    stage.settled("v1")
    stage.turn(stage.deploy("v2", Canary((5000,))))
    while of(stage).phase != "rolling_back":
        stage.ready(*stage.groups)
        stage.ask(g2=(40 if stage.traffic is not None and stage.traffic.share("g2") else 0, 0, 0))
        stage.turn()
    return stage
