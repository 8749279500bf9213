"""When a step is left, to the moment, and what those who wait are told until then."""

from __future__ import annotations

import pytest
from tests.domain.stage import EASY, Stage, replace

from plainsail.domain.criteria import EvidenceCriteria, Metric
from plainsail.domain.evidence import Arm
from plainsail.domain.intents import Pause
from plainsail.domain.measurement import Reading
from plainsail.domain.observation import Measured
from plainsail.domain.progress import progress
from plainsail.domain.rollout import Rollout
from plainsail.domain.steps import SETTLE_WITHIN, START_WITHIN
from plainsail.domain.strategy import BlueGreen, Canary, Pace
from plainsail.domain.units import seconds

BY_THE_CLOCK = Pace(until="dwell", dwell=8.0, deadline=60.0)


def at_ten_percent(
    pace: Pace = BY_THE_CLOCK,
    evidence: EvidenceCriteria = EASY,
    way: Canary = Canary((1000, 5000)),  # noqa: B008  (frozen)
) -> Stage:
    """The step was entered at 1995.0, and its traffic is in force since 2000.0."""
    stage = Stage()
    stage.settled("v1")
    stage.now = 1990.0
    stage.turn(stage.deploy("v2", way, pace=pace, evidence=evidence))
    stage.ready(*stage.groups)
    while under_way(stage).step == 0:
        stage.now = 1995.0
        stage.turn()
    stage.now = 2000.0
    stage.turn()
    assert under_way(stage).in_force_at == 2000.0
    return stage


def under_way(stage: Stage) -> Rollout:
    assert stage.target.rollout is not None
    return stage.target.rollout


def look(stage: Stage, at: float) -> Rollout:
    """At this moment, with a hundred more requests."""
    stage.now = at
    stage.ask()
    stage.turn()
    return under_way(stage)


def test_a_step_by_the_clock_is_left_when_its_time_is_over_and_not_before() -> None:
    stage = at_ten_percent()
    waiting = look(stage, 2007.99)
    assert (waiting.current().name, waiting.reason) == ("10 %", "watching until 8 s are over")
    assert look(stage, 2008.0).current().name == "50 %"


def test_time_alone_is_not_enough_while_the_candidate_warms_up() -> None:
    """It is told how long that takes yet; with the last of it the step is left."""
    stage = at_ten_percent(evidence=replace(EASY, warm_up=20.0))
    assert stage.evidence is not None
    exposed = stage.evidence.exposed_at
    assert exposed == 2000.0
    for at in (2001.0, 2009.0, 2015.0, 2019.5):
        waiting = look(stage, at)
        assert waiting.current().name == "10 %"
        assert waiting.reason == (
            f"the candidate warms up for another {seconds(2020.0 - at)}, and nothing is compared before"
        )
    while under_way(stage).current().name == "10 %":
        look(stage, stage.now)
    assert 2020.0 <= stage.now < 2021.0


def test_a_clock_set_back_makes_no_candidate_cold_again() -> None:
    """Its users go on to count: what is not counted is not judged."""
    stage = at_ten_percent()
    look(stage, 2001.0)
    assert stage.evidence is not None
    had = stage.evidence.candidate.requests
    for second in range(1, 6):
        look(stage, 500.0 + second)
    assert stage.evidence.candidate.requests == had + 50
    assert stage.evidence.exposed_at == 501.0


@pytest.mark.parametrize(
    ("on_unsure", "becomes"), [("hold", "paused"), ("rollback", "rolling_back"), ("advance", "progressing")]
)
def test_what_is_not_proven_has_until_its_deadline(on_unsure: str, becomes: str) -> None:
    stage = at_ten_percent(Pace(dwell=1.0, deadline=60.0, on_unsure=on_unsure))  # type: ignore[arg-type]  # one of three
    stage.now = 2054.9
    stage.turn()
    before = under_way(stage)
    assert (before.phase, before.step) == ("progressing", 1)
    stage.now = 2055.0
    stage.turn()
    after = under_way(stage)
    assert after.phase == becomes
    assert after.step == (2 if on_unsure == "advance" else 1 if on_unsure == "hold" else 0)


def test_a_candidate_without_traffic_has_its_time_to_start_and_then_it_is_said_why() -> None:
    """Its instances are there; what lacks is a router that answers."""
    stage = Stage()
    stage.settled("v1")
    stage.router_up = False
    stage.now = 2000.0
    stage.turn(stage.deploy("v2"))
    stage.ready("g2")
    stage.now = 2000.0 + START_WITHIN
    stage.turn()
    assert under_way(stage).phase == "progressing", "to the last moment"
    stage.now += 1.0
    stage.turn()
    turned = under_way(stage)
    assert (turned.phase, turned.ending, turned.reason_code) == ("rolling_back", "failed", "deadline")
    assert turned.reason == "v2: its traffic is not in force after 10 min"


def test_old_instances_are_waited_for_by_number_and_not_for_ever() -> None:
    stage = Stage()
    stage.settled("v1", replicas=2)
    stage.turn(stage.deploy("v2", BlueGreen(1.0), replicas=1))
    for _ in range(60):
        stage.ready(*stage.groups)
        stage.ask()
        stage.sessions = {one.id: 1 for one in stage.groups["g1"].instances}
        stage.turn()
        if under_way(stage).phase == "finishing":
            break
    stage.now = 3000.0
    stage.turn()
    stage.turn()
    since = under_way(stage).in_force_at
    assert since == 3000.0
    assert under_way(stage).reason == "waiting for 2 old instances to end"
    old = stage.groups["g1"]
    stage.groups["g1"] = replace(old, instances=old.instances[:1])
    stage.turn()
    assert under_way(stage).reason == "waiting for 1 old instance to end"
    stage.now = since + SETTLE_WITHIN
    stage.turn()
    assert under_way(stage).phase == "finishing"
    stage.now = since + SETTLE_WITHIN + 0.5
    stage.turn()
    assert stage.target.rollout is None
    assert stage.target.live == "g2"


def test_what_a_step_waits_for_without_its_traffic_is_said() -> None:
    """A baseline that lacks is named; without one, nothing is said of it."""
    fresh = at_ten_percent(evidence=replace(EASY, compare="baseline"))
    fresh.dies("g3", trouble="exited with status 3")
    fresh.turn()
    fresh.turn()
    assert under_way(fresh).reason == (
        "the baseline, which it is compared with, is not there: 0 of 1 instances ready (exited with status 3)"
    )
    plain = at_ten_percent()
    plain.router_up = False
    plain.turn()
    assert under_way(plain).reason == (
        "the traffic of this step is not in force: no instance is ready, or the router does not answer"
    )


def test_a_pause_stops_no_clock_of_the_traffic_but_no_step_is_left_in_it() -> None:
    stage = at_ten_percent()
    stage.turn(Pause("r2", "ada"))
    held = look(stage, 2030.0)
    assert (held.phase, held.current().name, held.in_force_at) == ("paused", "10 %", 2000.0)


MEMORY = Metric("s", value="memory", max=100.0)


def test_a_metric_beyond_its_limit_takes_it_back_whoever_judges() -> None:
    """What sources say reaches the judge of every look."""
    stage = at_ten_percent(evidence=replace(EASY, metrics={"memory": MEMORY}))
    for number in range(4):
        since = 2000.0 + 10.0 * number
        reading = Reading(since, since + 10.0, {"value": 500.0})
        stage.measured = {"memory": Measured(reading, replace(reading, parts={"value": 500.0}))}
        stage.now = since + 10.0
        stage.ask()
        stage.turn()
    assert under_way(stage).phase == "rolling_back"
    assert "memory" in under_way(stage).reason


def test_each_point_of_the_trail_has_a_number_of_each_test() -> None:
    stage = at_ten_percent()
    for _ in range(5):
        stage.ask()
        stage.turn()
    assert stage.evidence is not None
    assert set(stage.evidence.tests) == set(stage.evidence.harm)
    assert len(stage.evidence.trail[-1].each) == len(stage.evidence.tests)


def test_the_share_of_a_baseline_that_is_given_up_is_live_s() -> None:
    """All users have an answer at each share, with it and without."""
    fresh = replace(EASY, compare="baseline")
    stage = at_ten_percent(replace(BY_THE_CLOCK, on_unsure="advance"), fresh, Canary((1000, 2000)))
    stage.dies("g3")
    stage.turns(2)
    look(stage, 2055.0)
    assert under_way(stage).baseline is None
    for _ in range(3):
        stage.ready("g2")
        stage.turn()
    assert stage.traffic is not None
    assert {part.group: part.share_bp for part in stage.traffic.routes[-1].split} == {"g1": 8000, "g2": 2000}


def test_how_long_all_users_were_watched_is_told_also_where_the_deadline_ended_it() -> None:
    """A metric that stays silent holds the last step until its deadline."""
    silent = replace(EASY, metrics={"memory": replace(MEMORY, during=("bake",))})
    pace = replace(BY_THE_CLOCK, bake=20.0, on_unsure="advance")
    stage = at_ten_percent(pace, silent, Canary((1000,)))
    look(stage, 2008.0)
    while under_way(stage).current().during() != "bake":
        stage.ready("g2")
        stage.turn()
    stage.turn()
    since, entered = under_way(stage).in_force_at, under_way(stage).entered_at
    assert since is not None
    waiting = look(stage, since + 30.0)
    assert waiting.current().during() == "bake", "longer than its 20 s"
    assert "memory has not been measured yet" in waiting.reason
    left = look(stage, entered + 60.5)
    assert left.phase == "finishing"
    assert left.baked == entered + 60.5 - since


def test_a_split_that_is_off_holds_a_step_only_while_two_are_compared() -> None:
    """By the clock too: what compares what is not alike has not gone well. With all users nothing is compared."""
    pace = replace(BY_THE_CLOCK, bake=8.0)
    stage = at_ten_percent(pace, EASY, Canary((1000,)))
    stage.ask()
    stage.turn()
    verdict = under_way(stage).verdict
    assert verdict is not None
    off = replace(verdict, outcome="unsure", code="mismatch", sentence="the split is off", candidate=Arm(50))
    held = progress(stage.target, stage.seen(), off, 2030.0, stage.evidence).target.rollout
    assert held is not None
    assert (held.step, held.reason) == (under_way(stage).step, "the split is off")
    look(stage, 2031.0)
    while under_way(stage).current().during() != "bake":
        stage.ready("g2")
        stage.turn()
    stage.turn()
    since = under_way(stage).in_force_at
    assert since is not None
    gone_on = progress(stage.target, stage.seen(), off, since + 8.5, stage.evidence).target.rollout
    assert gone_on is not None
    assert gone_on.phase == "finishing"
