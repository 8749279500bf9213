"""A test of variants turn by turn: what it ends with, and that nobody's arm changes while it lasts."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.domain.stage import PACE, Stage, replace
from tests.domain.trials import COLOURS, PLACE, begun, fates, looks, measured, of

from plainsail.domain.explain import explain
from plainsail.domain.intents import Abort, Advance
from plainsail.domain.match import Match
from plainsail.domain.observation import Counts
from plainsail.domain.rollout import Rollout
from plainsail.domain.service import config_digest
from plainsail.domain.strategy import AB, Canary, Variant
from plainsail.domain.trial_told import SELF_CHOSEN
from plainsail.domain.trying import undone

BETTER = {"live": (40_000, 1_920), "red": (20_000, 1_000), "blue": (20_000, 1_400)}
ALIKE = {"live": (40_000, 1_920), "red": (20_000, 960), "blue": (20_000, 961)}


def test_the_winner_is_named_and_live_stays() -> None:
    stage = Stage()
    begun(stage, AB("conversion", variants=COLOURS))
    groups = {group.id: (group.role, group.variant) for group in stage.target.groups}
    assert groups == {"g1": ("live", ""), "g2": ("variant", "red"), "g3": ("variant", "blue")}
    assert fates(stage.traffic) == [(2500, "g2"), (5000, "g3")]
    looks(stage, 20)
    measured(stage, **BETTER)
    over = _over(stage)
    assert (over.phase, over.took_over(), stage.target.live) == ("succeeded", False, "g1")
    assert over.reason.startswith("blue is better by conversion: 7 % against live's 4.8 %, by 2.2 points (")
    assert "better than red too; live stays, as asked; with 'env: {BUTTON: blue}' in the file" in over.reason
    assert [group.id for group in stage.target.groups] == ["g1"]
    assert stage.target.quarantine == ()


def test_a_winner_that_is_promoted_is_live_with_its_configuration() -> None:
    stage = Stage()
    begun(stage, AB("conversion", variants=COLOURS, then="promote"))
    looks(stage, 20)
    measured(stage, **BETTER)
    over = _over(stage)
    live = stage.target.group(stage.target.live)
    assert live is not None
    assert (over.phase, over.took_over(), live.id, live.replicas) == ("succeeded", True, "g3", 4)
    assert live.revision.run.env == {"BUTTON": "blue"}
    assert live.revision.config == config_digest(live.revision.run)
    assert over.reason.endswith("better than red too; blue has all users")
    assert [group.id for group in stage.target.groups] == ["g3"]
    assert [one.version for one in stage.target.good] == ["v1"]
    assert undone(live, stage.target.placement, {"GREETING": "hello"}) == {"BUTTON": "blue"}
    assert undone(live, stage.target.placement, {"BUTTON": "blue", "GREETING": "hello"}) == {}
    assert undone(replace(live, variant=""), stage.target.placement, {"BUTTON": "green"}) == {}


def test_each_test_deals_the_users_anew_and_a_canary_does_not() -> None:
    """By a salt of its own from its first table on, until it is over."""
    stage, salts = Stage(), []
    for _ in range(2):
        begun(stage, AB("conversion", variants=COLOURS))
        salts.append(_salt(stage))
        assert salts[-1] == of(stage).id
        looks(stage, 20)
        measured(stage, **BETTER)
        assert _salt(stage) == salts[-1]
        _over(stage)
        assert _salt(stage) == ""
    assert len(set(salts)) == 2
    stage.turn(stage.deploy("v3", Canary((1000,)), **PLACE))
    looks(stage, 5)
    assert _salt(stage) == ""
    assert stage.target.placement.sticky is not None


def test_a_test_that_began_before_there_was_a_salt_keeps_its_users_where_they_are() -> None:
    stage = Stage()
    begun(stage, AB("conversion", variants=COLOURS))
    rollout = of(stage)
    assert rollout.trial is not None
    stage.target = replace(stage.target, rollout=replace(rollout, trial=replace(rollout.trial, salt="")))
    looks(stage, 5)
    assert (_salt(stage), fates(stage.traffic)) == ("", [(2500, "g2"), (5000, "g3")])


@pytest.mark.parametrize("says", ["advance", "abort", "nothing"])
def test_a_person_is_asked(says: str) -> None:
    stage = Stage()
    begun(stage, AB("conversion", variants=COLOURS, then="ask"))
    before = fates(stage.traffic)
    looks(stage, 20)
    measured(stage, **BETTER)
    looks(stage, 5)
    waiting = of(stage)
    assert "'plainsail advance shop' gives blue to all" in waiting.reason
    assert (waiting.phase, waiting.reason_code, fates(stage.traffic)) == ("progressing", "winner", before)
    if says == "nothing":
        stage.now += 8 * 86_400.0
    else:
        asked = {"advance": Advance, "abort": Abort}[says]
        stage.turn(asked("r2", "ada"))
    over = _over(stage)
    assert (over.phase, stage.target.live) == {
        "advance": ("succeeded", "g3"),
        "abort": ("aborted", "g1"),
        "nothing": ("succeeded", "g1"),
    }[says]


def test_no_difference_ends_it_at_the_latest() -> None:
    stage = Stage()
    begun(stage, AB("conversion", lasts=600.0, variants=COLOURS, then="promote"))
    looks(stage, 20)
    measured(stage, **ALIKE)
    looks(stage, 5)
    assert of(stage).reason.startswith("not decided by conversion yet: red 4.8 % against live's 4.8 %")
    stage.now += 600.0
    over = _over(stage)
    assert (over.phase, stage.target.live, over.reason_code) == ("succeeded", "g1", "no_difference")
    assert over.reason.startswith("no difference in conversion is shown after 10 min")


def test_a_margin_ends_it_as_soon_as_none_can_be_better_by_more() -> None:
    stage = Stage()
    begun(stage, AB("conversion", margin=0.01, variants=COLOURS))
    looks(stage, 20)
    measured(stage, live=(180_000, 9_000), red=(90_000, 4_510), blue=(90_000, 4_490))
    assert _over(stage).reason.startswith("no variant is better by conversion by more than 1 point")


def test_nothing_is_decided_before_its_shortest_time() -> None:
    stage = Stage()
    begun(stage, AB("conversion", variants=COLOURS), pace=replace(PACE, dwell=100.0))
    looks(stage, 20)
    measured(stage, **BETTER)
    looks(stage, 5)
    assert of(stage).phase == "progressing"
    stage.now += 100.0
    assert _over(stage).phase == "succeeded"


def test_harm_of_any_variant_ends_it() -> None:
    stage = Stage()
    begun(stage, AB("conversion", variants=COLOURS, then="promote"))
    for _ in range(60):
        stage.ask(g3=(10, 0, 0))
        stage.turn()
        if stage.target.rollout is None or stage.target.rollout.phase == "rolling_back":
            break
    assert of(stage).reason.startswith("blue: ")
    over = _over(stage)
    assert (over.phase, stage.target.live) == ("rolled_back", "g1")


def test_of_a_live_release_the_configuration_that_harmed_is_kept_from_being_deployed() -> None:
    stage = Stage()
    stage.settled("v1", **PLACE)
    stage.turn(stage.deploy("v1", AB("conversion", variants=COLOURS), **PLACE))
    looks(stage, 6)
    blue = stage.target.group("g3")
    for _ in range(60):
        stage.ask(g3=(10, 0, 0))
        stage.turn()
        if of(stage).phase == "rolling_back":
            break
    assert _over(stage).phase == "rolled_back"
    assert blue is not None
    assert stage.target.quarantine == ()
    assert [one.config for one in stage.target.misconfigured] == [blue.revision.config]


def test_an_instance_that_is_replaced_has_all_arms_counted_anew() -> None:
    """With live and its own variant counted from here on, and the others from the beginning, users would seem to fall unevenly."""
    stage = Stage()
    begun(stage, AB("conversion", variants=COLOURS), replicas=8)
    looks(stage, 20)
    measured(stage, **ALIKE)
    looks(stage, 5)
    assert of(stage).reason.startswith("not decided by conversion yet: red 4.8 %")
    stage.measured = {}
    stage.target = replace(
        stage.target, rollout=replace(of(stage), retired=(stage.groups["g2"].instances[0].id,))
    )
    looks(stage, 5)
    assert (of(stage).phase, of(stage).reason) == ("progressing", "conversion is not known yet")
    stage.now += 60.0
    looks(stage, 1)
    stage.now += 60.0
    measured(stage, live=(4_000, 192), red=(2_000, 96), blue=(2_000, 96))
    looks(stage, 5)
    assert of(stage).reason.startswith("not decided by conversion yet: red 4.8 %")


def test_users_who_do_not_fall_as_the_split_says_void_it() -> None:
    stage = Stage()
    begun(stage, AB("conversion", share=5000))
    for look in range(1, 40):
        looks(stage, 2)
        if stage.target.rollout is None or stage.target.rollout.phase == "rolling_back":
            break
        measured(stage, live=(900 * look, 45 * look), v2=(500 * look, 50 * look))
    over = _over(stage)
    assert (over.phase, over.reason_code, stage.target.live) == ("failed", "mismatch", "g1")
    assert "v2 had 35.7 % of the 1,400 users of it and of live, and should have had 50 %" in over.reason


def test_the_live_release_with_another_configuration_can_be_tested() -> None:
    stage = Stage()
    stage.settled("v1", **PLACE)
    stage.turn(stage.deploy("v1", AB("conversion", variants={"red": COLOURS["red"]}), **PLACE))
    looks(stage, 10)
    assert [part.share_bp for part in stage.traffic.routes[-1].split] == [5000, 5000]  # type: ignore[union-attr]  # it is there


def test_who_has_a_variant_may_be_said_by_requests() -> None:
    stage = Stage()
    test = AB("conversion", variants={
        "red": Variant({"BUTTON": "red"}, Match(cookie="arm=red")), "blue": Variant({"BUTTON": "blue"}, Match(cookie="arm=blue")),
    }, then="promote")  # fmt: skip
    begun(stage, test)
    assert stage.traffic is not None
    rules = [(one.match.cookie, one.split[0].group) for one in stage.traffic.routes[:-1]]
    assert rules == [("arm=red", "g2"), ("arm=blue", "g3")]
    assert [(part.group, part.share_bp) for part in stage.traffic.routes[-1].split] == [("g1", 10_000)]
    stage.counts |= {"g2": Counts(500), "g3": Counts(500)}
    looks(stage, 60)
    stage.counts |= {"g2": Counts(900), "g3": Counts(900)}
    looks(stage, 2)
    assert explain(of(stage), stage.evidence).warnings == (SELF_CHOSEN,)
    measured(stage, **BETTER)
    assert _over(stage).phase == "succeeded"
    assert stage.target.live == "g3"


def test_a_newer_deploy_ends_a_test_and_users_have_live_first() -> None:
    stage = Stage()
    begun(stage, AB("conversion", variants=COLOURS))
    stage.turn(stage.deploy("v3", Canary((1000,)), **PLACE))
    assert of(stage).warm is None
    stage.until_quiet(200)
    live = stage.target.group(stage.target.live)
    assert live is not None
    assert live.revision.version == "v3"
    assert live.revision.run.env == {}


def test_it_cannot_be_advanced_before_it_is_known_what_wins() -> None:
    stage = Stage()
    begun(stage, AB("conversion", variants=COLOURS, then="promote"))
    told = stage.turn(Advance("r2", "ada")).events
    assert [one.kind for one in told] == ["intent_refused"]
    assert "no variant has won yet" in told[0].reason


def test_a_first_deploy_has_nobody_to_be_compared_with() -> None:
    stage = Stage()
    stage.turn(stage.deploy("v1", AB("conversion", variants=COLOURS), **PLACE))
    stage.until_quiet()
    live = stage.target.group(stage.target.live)
    assert live is not None
    assert (live.revision.version, live.revision.run.env) == ("v1", {})


def test_its_numbers_are_explained_also_when_it_is_over() -> None:
    stage = Stage()
    begun(stage, AB("conversion", variants=COLOURS, then="promote"))
    looks(stage, 20)
    measured(stage, **BETTER)
    evidence, decided = stage.evidence, None
    for _ in range(20):
        looks(stage, 1)
        evidence = stage.evidence or evidence
        decided = stage.target.rollout or decided
    assert decided is not None
    why = explain(decided, evidence)
    assert why.test is not None
    assert why.test.judged in ("red", "blue")
    assert why.change == "Nothing changes it: it is decided."
    assert (why.test.decided, why.test.winner, why.code) == ("winner", "blue", "winner")
    assert [(arm.name, arm.n, arm.rate) for arm in why.test.arms] == [
        ("live", 40_000, 0.048), ("red", 20_000, 0.05), ("blue", 20_000, 0.07),
    ]  # fmt: skip
    assert [(gap.of, gap.than) for gap in why.test.gaps] == [
        ("red", "live"),
        ("blue", "live"),
        ("red", "blue"),
    ]
    assert all(gap.low is not None and gap.low <= gap.estimate <= (gap.high or 0) for gap in why.test.gaps)
    assert why.sentence.startswith("Decided after ")


@pytest.mark.slow
@given(
    st.integers(1, 3), st.integers(300, 9_000), st.sampled_from(["keep", "promote", "ask"]),
    st.lists(st.sampled_from(["dies", "unready", "away", "router", "look", "kpi"]), max_size=12),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_nobody_changes_between_arms_while_it_lasts(
    number: int, share: int, then: str, happens: list[str]
) -> None:
    """Whatever becomes of instances: while users are divided, they are divided in the one way, or have live."""
    stage = Stage()
    names = {f"v{index}": Variant({"N": str(index)}) for index in range(number)}
    begun(stage, AB("conversion", share=share, variants=names, then=then))  # type: ignore[arg-type]  # of a literal
    whole = fates(stage.traffic)
    assert len(whole) == number
    assert whole[-1][0] <= share
    alike = dict.fromkeys(names, (100 * (share // number), 10 * (share // number)))
    rest = 10_000 - number * (share // number)
    alike["live"] = (100 * rest, 10 * rest)
    for what in happens:
        rollout = stage.target.rollout
        if rollout is None or rollout.phase != "progressing" or not rollout.current().tests():
            break
        for group in (rollout.candidate, *rollout.others())[-1:]:
            if what == "dies" and stage.groups[group].instances:
                stage.dies(group)
            elif what in ("unready", "away"):
                stage.become(group, "unready", 1 if what == "unready" else 99)
        stage.router_up = what != "router"
        if what == "kpi":
            measured(stage, **alike)
        stage.ask()
        stage.turn()
        rollout = stage.target.rollout
        if rollout is not None and rollout.phase == "progressing" and rollout.current().tests():
            assert fates(stage.traffic) in (whole, [])
        stage.router_up = True


def _salt(stage: Stage) -> str:
    """As routers have it."""
    assert stage.traffic is not None
    return stage.traffic.salt


def _over(stage: Stage) -> Rollout:
    """How it ends, in a helpful world."""
    last = of(stage)
    for _ in range(200):
        stage.ready(*stage.groups)
        stage.gone()
        stage.ask()
        decision = stage.turn()
        last = next((one for one in decision.rollouts if one.ended()), last)
        if last.ended():
            stage.until_quiet()
            return last
    raise AssertionError(f"it never ends: {last.reason}")
