"""Roll-forward: whatever the strategy, users of a superseded candidate keep it until the newer one takes them over."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings
from tests.domain.stage import PACE, Stage, replace
from tests.domain.test_courses import batches, chains, criteria, paces

from plainsail.domain.checkpoints import way
from plainsail.domain.checks import Hooks
from plainsail.domain.courses import course
from plainsail.domain.criteria import EvidenceCriteria
from plainsail.domain.driver import Driver
from plainsail.domain.intents import Abort, Advance
from plainsail.domain.match import Match
from plainsail.domain.plan import in_force
from plainsail.domain.rollforward import reached
from plainsail.domain.rollout import Rollout
from plainsail.domain.service import Placement, Sticky
from plainsail.domain.strategy import (
    BlueGreen,
    Canary,
    Chain,
    Custom,
    CustomStep,
    Dark,
    Exposed,
    Incremental,
    Judged,
    Pace,
    Recreate,
    RedBlack,
    Rolling,
    RollingCanary,
    Step,
)
from plainsail.domain.traffic import GroupShare
from plainsail.domain.units import ALL

QUICK = replace(PACE, until="dwell", dwell=0.0)
INSIDERS = Match(header="Insider: yes")
taken = st.builds(Exposed, st.integers(1, ALL - 1), st.integers(1, 8), st.none() | st.integers(1, 8))
keeps = chains.filter(lambda chain: chain[-1] != Recreate())


@given(keeps, paces, st.integers(1, 9), st.integers(1, 9), criteria, taken)
@settings(max_examples=400, deadline=None)
def test_on_the_way_there_live_never_gets_users_back(
    chain: Chain, pace: Pace, replicas: int, live: int, evidence: EvidenceCriteria, exposed: Exposed
) -> None:
    """Nor does anybody who has the newest lose it."""
    way = course(chain, pace, replicas, live, evidence, exposed)
    for step in way.steps:
        assert sum(part.share_bp for part in step.split) == ALL
        assert all(part.share_bp > 0 for part in step.split)
        assert _new(step) >= exposed.share_bp, "nobody of warm's is live's"
        assert (step.share("warm") > 0) == (0 <= step.share("candidate") < exposed.share_bp)
        assert step.sizes.get("warm", 0) or not step.share("warm"), "no share without an instance"
    assert [_new(step) for step in way.steps] == sorted(_new(step) for step in way.steps)
    for before, step in pairwise(way.steps):
        assert _buckets(step, "candidate") >= _buckets(before, "candidate")
        assert _buckets(step, "warm") <= _buckets(before, "warm")
    assert way.back[-1].split[0].role == "live"


@given(keeps, st.integers(1, 9), st.integers(1, 9), taken)
@settings(max_examples=200, deadline=None)
def test_all_own_steps_are_walked(chain: Chain, replicas: int, live: int, exposed: Exposed) -> None:
    """With their shares and conditions; a canary begins where one has proven that it may, and rolling counts all instances."""
    if isinstance(chain[0], Canary | Incremental) or any(
        isinstance(one, Rolling | RollingCanary) for one in chain
    ):
        return
    alone, over = course(chain, PACE, replicas, live), course(chain, PACE, replicas, live, exposed=exposed)
    assert [_asked(one) for one in over.steps] == [_asked(one) for one in alone.steps]


def test_nothing_is_begun_while_the_hook_before_is_asked() -> None:
    """What is there stays as it is: live's instances that ended already, too, where instances are counted."""
    smoke = Placement(
        replicas=4, pace=PACE, hooks=Hooks(before=(Driver("webhook", {"url": "http://127.0.0.1:9/"}),))
    )
    had = Exposed(5000, 2, 2, "g2")
    for chain, live in (((Rolling(),), 2), ((BlueGreen(),), 4)):
        first = way(chain, smoke, 4, had).steps[0]
        assert first.name == "before"
        assert first.sizes == {"live": live, "candidate": 0, "warm": 2}
        assert (first.share("warm"), first.share("live")) == (5000, 5000)


def test_a_test_and_recreate_begin_with_live() -> None:
    assert course(Recreate(), PACE, 4, 4, exposed=Exposed(5000, 2)) == course(Recreate(), PACE, 4, 4)


@given(keeps, st.sampled_from([1, 900, 1000, 4000, 5000, 9000, 9999]), st.integers(1, 4), st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_what_users_have_never_falls_below(
    chain: Chain, share: int, replicas: int, data: st.DataObject
) -> None:
    """Turn by turn, with instances that take their time."""
    stage = _at(share, replicas)
    has, newest = _has(stage), _newest(stage)
    stage.turn(stage.deploy("v3", chain, replicas=replicas, pace=QUICK, sticky=Sticky(cookie="who")))
    for _ in range(400):
        rollout = stage.target.rollout
        if rollout is None:
            break
        if data.draw(st.integers(0, 2)) == 0:
            stage.ready(*stage.groups)
            stage.gone()
        stage.ask()
        stage.turn(*_helped(stage, rollout))
        assert stage.traffic is not None
        assert ALL - stage.traffic.share("g1") >= share, "nobody goes back to live"
        assert _has(stage) >= has, "nobody flips back to live"
        assert _newest(stage) >= newest, "nor from the newest to what it supersedes"
        has, newest = _has(stage), _newest(stage)
    assert stage.target.live == "g3"


@given(batches, st.integers(2, 8), st.integers(6, 40), st.integers(1, 3), st.booleans())
@settings(max_examples=60, deadline=None)
def test_rolling_over_rolling_keeps_to_its_numbers(
    batch: tuple[int, int], replicas: int, after: int, starts: int, canary: bool
) -> None:
    """Instances of all three releases counted; but each has one as long as it has users. Nobody goes back to live."""
    stage = Stage()
    asked: dict[str, Any] = {"replicas": replicas, "pace": QUICK}
    surge, missing = batch[0], min(batch[1], replicas - 1)
    surge = surge or int(not missing)
    stage.settled("v1", **asked)
    stage.turn(stage.deploy("v2", Rolling(*batch), **asked))
    for turn in range(after):
        _passes(stage, turn, starts)
    before = reached(stage.target, stage.seen()).rollout
    had = before.exposed() if before is not None else None
    if had is None:
        return
    stage.turn(stage.deploy("v3", RollingCanary((100, 1000), *batch) if canary else Rolling(*batch), **asked))
    for turn in range(400):
        rollout = stage.target.rollout
        if rollout is None:
            break
        _passes(stage, turn, starts)
        assert ALL - _share(stage, "g1") >= had.share_bp
        assert sum(one.ready() for one in stage.groups.values()) >= replicas - missing
        if not canary:
            assert sum(one.alive() for one in stage.groups.values()) <= max(3, replicas + surge)
    assert stage.target.live == "g3"


@pytest.mark.parametrize(
    "chain",
    [(BlueGreen(),), (RedBlack(),), (Dark(INSIDERS), Canary()), (Custom((CustomStep(0), CustomStep(6000))),)],
)
def test_live_has_them_when_nobody_of_warms_is_left(chain: Chain) -> None:
    """And keeps them when warm's instances come again."""
    stage = _at(5000, 4)
    stage.turn(stage.deploy("v3", chain, pace=replace(QUICK, deadline=600.0)))
    stage.turns(3)
    assert _share(stage, "g2") == 5000
    stage.dies("g2", len(stage.groups["g2"].instances))
    (told,) = [one for one in stage.turn().events if one.kind == "superseded_taken_back"]
    assert (told.reason, told.code) == (
        "no instance of v2 answers any more, so who had it has live again", "superseded_gone",
    )  # fmt: skip
    stage.turns(2)
    assert _share(stage, "g1") == ALL
    stage.ready("g1")
    stage.turns(3)
    assert _share(stage, "g1") == ALL
    for _ in range(60):
        if stage.target.rollout is None:
            break
        stage.ready(*stage.groups)
        stage.gone()
        stage.ask()
        stage.turn(*_helped(stage, stage.target.rollout))
        assert not _share(stage, "g2")
    assert stage.target.live == "g3"


def test_what_users_keep_is_judged_and_live_has_them_when_it_is_worse() -> None:
    """While insiders look at the newer one, which goes on: nothing is said of that."""
    stage = _at(5000, 4)
    stage.turn(stage.deploy("v3", (Dark(INSIDERS), BlueGreen(0.0)), pace=replace(QUICK, deadline=600.0)))
    for _ in range(60):
        stage.ready(*stage.groups)
        stage.ask(g2=(15, 0, 0))
        happened = stage.turn().events
        if not _share(stage, "g2"):
            break
    told = [one for one in happened if one.kind == "superseded_taken_back"]
    assert [
        (one.rollout, "who had v2, which is superseded, goes back to live" in one.reason) for one in told
    ] == [("r3", True)]
    assert _share(stage, "g1") == ALL
    assert stage.target.quarantine == (f"sha256:{'2' * 64}",)
    assert stage.target.rollout is not None
    assert stage.target.rollout.phase == "progressing"


def test_where_live_was_made_smaller_it_is_there_in_full_before_it_has_them() -> None:
    stage = Stage()
    stage.settled("v1", pace=QUICK)
    stage.turn(stage.deploy("v2", Rolling(), pace=QUICK))
    for turn in range(40):
        if _share(stage, "g2") == 7500:
            break
        _passes(stage, turn, 1)
    stage.turn(stage.deploy("v3", Rolling(), pace=QUICK))
    for _ in range(60):
        stage.ask(g2=(_share(stage, "g2") // 300, 0, 0))
        stage.turn()
        if stage.groups["g1"].asked == 4:
            break
    assert (_share(stage, "g2"), _share(stage, "g1")) == (7500, 2500), "they are not all sent to one of four"
    stage.ready("g1")
    stage.ask()
    stage.turn()
    assert (_share(stage, "g2"), _share(stage, "g1")) == (0, ALL)


def test_one_that_has_no_users_yet_is_superseded_too() -> None:
    """The first one's keep what they have, and the last takes them over."""
    stage = _at(5000, 4)
    stage.turn(stage.deploy("v3", Dark(INSIDERS)))
    stage.turns(2)
    stage.ready(*stage.groups)
    stage.turns(2)
    stage.turn(stage.deploy("v4", BlueGreen(0.0), pace=QUICK))
    rollout = stage.target.rollout
    assert rollout is not None
    assert rollout.warm == "g2"
    for _ in range(30):
        if stage.target.rollout is None:
            break
        assert _share(stage, "g2") + _share(stage, "g4") >= 5000
        stage.ready(*stage.groups)
        stage.gone()
        stage.ask()
        stage.turn()
    assert stage.target.live == "g4"
    stage.until_quiet()
    assert list(stage.groups) == ["g4"]


def test_the_way_back_is_to_live() -> None:
    stage = _at(5000, 4)
    stage.turn(stage.deploy("v3", Dark(INSIDERS)))
    stage.turns(2)
    stage.turn(Abort("r3", "bob"))
    stage.until_quiet()
    assert stage.target.live == "g1"
    assert list(stage.groups) == ["g1"]


def _at(share: int, replicas: int) -> Stage:
    """v1 is live, and v2 has this share."""
    stage = Stage()
    place: dict[str, Any] = {"replicas": replicas, "pace": QUICK, "sticky": Sticky(cookie="who")}
    stage.settled("v1", **place)
    stage.turn(stage.deploy("v2", Custom((CustomStep(share, until="advanced"),)), **place))
    for _ in range(20):
        rollout = stage.target.rollout
        assert rollout is not None
        if rollout.reached_bp and in_force(stage.target, stage.seen()):
            return stage
        stage.ready(*stage.groups)
        stage.ask()
        stage.turn()
    raise AssertionError("it never has its share")


def _passes(stage: Stage, turn: int, starts: int) -> None:
    """A turn; instances take some of them to be ready, and some to be gone."""
    if turn % starts == 0:
        stage.ready(*stage.groups)
        stage.gone()
    stage.ask()
    stage.turn()


def _helped(stage: Stage, rollout: Rollout) -> tuple[Advance, ...]:
    """A person goes on where one is asked."""
    by_hand = isinstance(rollout.current().leave, Judged) and rollout.in_force_at is not None
    return (Advance(rollout.id, "bob"),) if by_hand and rollout.phase in ("progressing", "paused") else ()


def _share(stage: Stage, group: str) -> int:
    return stage.traffic.share(group) if stage.traffic else 0


def _has(stage: Stage) -> set[int]:
    """Buckets of the users who do not have live, as routers read a split: the newest, what it supersedes, and live has the rest."""
    return set(range(sum(part.share_bp for part in _others(stage))))


def _newest(stage: Stage) -> set[int]:
    """Buckets of the users who have the newest."""
    return set(range(_share(stage, "g3")))


def _others(stage: Stage) -> list[GroupShare]:
    split = stage.traffic.routes[-1].split if stage.traffic else ()
    found = [part for part in split if part.group != "g1"]
    assert [part.group for part in found] == sorted((part.group for part in found), reverse=True), (
        "the newest has the lower buckets, and takes those above"
    )
    return found


def _asked(step: Step) -> tuple[object, ...]:
    """What has nothing to do with who had something before."""
    return (
        step.name,
        step.share("candidate"),
        step.sizes.get("candidate"),
        step.leave,
        step.inside,
        step.checks,
    )


def _new(step: Step) -> int:
    """What users have who do not have live's release."""
    return step.share("candidate") + step.share("warm")


def _buckets(step: Step, role: str) -> set[int]:
    """In the order in which groups were made: warm's first, then the candidate's."""
    warm, candidate = step.share("warm"), step.share("candidate")
    return set(range(warm)) if role == "warm" else set(range(warm, warm + candidate))
