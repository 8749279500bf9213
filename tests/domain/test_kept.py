"""What is kept of a superseded release that is worse: when live has its users, what is in quarantine, and what a third release
takes over."""

from __future__ import annotations

from typing import Any

import pytest
from tests.domain.handmade import group, rollout, seen, step, table, target, there
from tests.domain.stage import Stage, replace
from tests.domain.test_planner_split import want

from plainsail.domain.criteria import EvidenceCriteria, Threshold
from plainsail.domain.intents import Abort
from plainsail.domain.kept import handed
from plainsail.domain.match import Match
from plainsail.domain.plan import PATIENCE, plan, reachable, wanted
from plainsail.domain.steps import SETTLE_WITHIN
from plainsail.domain.strategy import AB, BlueGreen, Canary, Chain, Dark, Pace, Part, Rolling
from plainsail.domain.trial import Trial
from plainsail.domain.units import ALL

QUICK = Pace(until="dwell", dwell=1.0, deadline=600.0)
DARK: Chain = (Dark(Match(header="Insider: yes")), BlueGreen(0.0))


def share(stage: Stage, group: str) -> int:
    return stage.traffic.share(group) if stage.traffic else 0


def superseded(chain: Chain, version: str = "v3", config: str = "", **more: Any) -> Stage:
    """v2 has three quarters of the users, live has one instance left, and the newer one has just been asked for."""
    stage = Stage()
    stage.settled("v1", pace=QUICK)
    stage.turn(stage.deploy("v2", Rolling(), pace=QUICK))
    for turn in range(60):
        if share(stage, "g2") == 7500:
            break
        if turn % 3 == 0:
            stage.ready(*stage.groups)
            stage.gone()
        stage.ask()
        stage.turn()
    assert share(stage, "g2") == 7500
    asked = stage.deploy(version, chain, pace=QUICK, **more)
    stage.turn(replace(asked, revision=replace(asked.revision, config=config or asked.revision.config)))
    return stage


def fails(stage: Stage) -> None:
    """Until v2 has been found to be worse."""
    for _ in range(60):
        stage.ready("g3")
        stage.ask(g2=(share(stage, "g2") // 300, 0, 0))
        if any(one.kind == "superseded_taken_back" for one in stage.turn().events):
            return
    raise AssertionError("it is never found to be worse")


def test_live_has_its_users_at_last_though_some_of_its_instances_never_come() -> None:
    stage = superseded(DARK)
    fails(stage)
    stage.turns(2)
    assert share(stage, "g2") == 7500, "one of live's is too few for all, and more are on their way"
    live = stage.target.group("g1")
    assert live is not None
    stage.now += PATIENCE * live.revision.run.ready.within + 1.0
    stage.turn()
    assert (share(stage, "g2"), share(stage, "g1")) == (0, ALL)


def test_by_limits_nothing_of_it_is_judged_by_bets() -> None:
    limits = EvidenceCriteria(judge=Threshold())
    stage = superseded(DARK, evidence=limits)
    with pytest.raises(AssertionError, match="never found to be worse"):
        fails(stage)
    assert stage.target.quarantine == ()


def test_a_third_release_takes_over_nothing_that_is_worse() -> None:
    stage = superseded(DARK)
    assert handed(stage.target) is not None
    fails(stage)
    assert share(stage, "g2") == 7500
    assert handed(stage.target) is None
    stage.turn(stage.deploy("v4", Canary((100, 1000)), pace=QUICK))
    found = stage.target.rollout
    assert found is not None
    assert (found.warm, found.course.steps[1].share("candidate")) == (None, 100)


def test_the_same_release_with_another_configuration_is_not_kept_out() -> None:
    stage = superseded(DARK, version="v2", config="55")
    fails(stage)
    assert stage.target.quarantine == ()
    (pair,) = stage.target.misconfigured
    assert stage.target.rollout is not None
    assert pair.config != stage.target.rollout.revision.config


def test_a_way_back_to_a_release_that_no_longer_starts_ends_and_users_stay_with_what_they_have() -> None:
    """And have live when it is there after all."""
    stage = superseded(DARK)
    stage.dies("g1", len(stage.groups["g1"].instances))
    stage.turns(2)
    assert stage.target.rollout is not None
    stage.turn(Abort(stage.target.rollout.id, "bob"))
    stage.turns(3)
    assert share(stage, "g2") == ALL
    stage.now += SETTLE_WITHIN + 1.0
    (over,) = [one for one in stage.turn().events if one.kind == "rollout_ended"]
    assert over.code == "nothing_starts"
    assert "no instance of the release before starts: users stay with what they have" in over.reason
    stage.turns(3)
    assert share(stage, "g2") == ALL
    stage.ready("g1")
    stage.turns(2)
    assert share(stage, "g1") == ALL


# Who has which bucket, and who answers when nobody else does.


def test_the_newest_has_the_lower_buckets_then_what_it_supersedes_then_its_baseline() -> None:
    here = step(
        sizes={"live": 4, "candidate": 2, "warm": 2, "baseline": 2},
        split=(Part("baseline", 1000), Part("warm", 2000), Part("candidate", 1000), Part("live", 6000)),
    )
    under_way = replace(rollout(here, live="g1"), candidate="g3", warm="g2", baseline="g4")
    to = target(under_way, group("g1"), group("g2", 2, "warm"), group("g3", 2), group("g4", 2, "baseline"))
    world = seen(
        there("g1", 4), there("g2", 2), there("g3", 2), there("g4", 2), traffic=table(g1=8000, g2=2000)
    )
    (order,) = [one for one in plan(to, world) if hasattr(one, "traffic")]
    assert order.traffic.groups() == ("g1", "g3", "g2", "g4")


def test_a_test_divides_anew_when_those_who_had_something_else_have_live() -> None:
    test = replace(rollout(step()), trial=Trial(AB("carts"), ("g2",), ("new",), salt="r2"))
    for now, salt in ((table(g1=5000, g9=5000), ""), (table(g1=ALL), "r2")):
        world = seen(there("g1", 4), there("g2", 1), there("g9", 2), traffic=now)
        sent = [
            one.traffic
            for one in plan(target(test, group("g1"), group("g2", 2), group("g9", 0)), world)
            if hasattr(one, "traffic")
        ]
        assert [(one.salt, one.share("g9")) for one in sent] == [(salt, 0 if salt else 5000)]


@pytest.mark.parametrize(("had", "split"), [(0, {}), (1, {"g2": ALL})])
def test_what_users_have_had_answers_with_what_is_left_of_it_after_a_router_forgot_everything(
    had: int, split: dict[str, int]
) -> None:
    alone = step(sizes={"live": 0, "candidate": 4}, split=(Part("candidate", ALL),))
    found = wanted(target(replace(rollout(alone), reached_bp=had)))
    assert (found.known, found.backed_up) == (bool(had), False)
    assert reachable(found, seen(there("g2", 3))) == split
    assert reachable(want({"g2": 4}, "g2", split={"g2": ALL}, known=True), seen(there("g2", 3))) == {
        "g2": ALL
    }
