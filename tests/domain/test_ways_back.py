"""What holds of every way back that takes its time, and of every hold: in a simulated world, by whatever strategy."""

from __future__ import annotations

import math

import hypothesis.strategies as st
import pytest
from hypothesis import assume, given, settings
from msgspec.structs import replace
from tests.domain.stage import RUN

from plainsail.domain.intents import Abort, Advance, Deploy, Intent, Pause
from plainsail.domain.match import Match
from plainsail.domain.patience import HELD_WITHIN, LAST_CALL, back_at
from plainsail.domain.rollout import Phase, Revision, Rollout
from plainsail.domain.service import Placement, config_digest
from plainsail.domain.strategy import (
    Canary,
    Chain,
    Dark,
    Elapsed,
    Pace,
    Rolling,
    RollingCanary,
    RollingRedBlack,
)
from plainsail.domain.units import ALL
from plainsail.testing.control import Control
from plainsail.testing.world import Behaviour, World

shares = st.lists(st.integers(1, 9_999), min_size=1, max_size=4, unique=True).map(sorted).map(tuple)
chains = st.one_of(
    shares.map(lambda steps: (Canary(steps),)),
    shares.map(lambda steps: (RollingRedBlack(steps),)),
    shares.map(lambda steps: (RollingCanary(steps),)),
    st.tuples(st.integers(0, 2), st.integers(0, 2)).filter(any).map(lambda batch: (Rolling(*batch),)),
)
dwells = st.sampled_from([0.0, 0.5, 5.0])
HOUR = 3600.0
WELL = Behaviour(starts_in=0.5)
CONFIG = config_digest(RUN)


@pytest.mark.slow
@settings(max_examples=50, deadline=None)
@given(chains, st.integers(0, 9), st.integers(1, 5), dwells, st.integers(0, 5), st.sampled_from([0.2, 3.0]))
def test_its_share_only_shrinks(
    chain: Chain, seed: int, replicas: int, dwell: float, on: int, starts_in: float
) -> None:
    """Whatever it had when it was told, and however long instances take to come."""
    control = _under_way(
        chain, seed, replicas, Pace(until="dwell", dwell=dwell), Behaviour(starts_in=starts_in)
    )
    _advanced(control, on)
    rollout = _rollout(control)
    assume(rollout is not None and rollout.phase == "progressing")
    control.ask(Abort("r2", "bob", gradual=True))
    seen = [_share(control)]
    while control.target.rollout is not None:
        decision = control.turn()
        seen.append(_share(control))
        control.world.advance(min(decision.wake_in, 1.0))
        assert len(seen) < 5_000, "it ends"
    assert seen == sorted(seen, reverse=True)
    assert seen[-1] == 0
    over = control.rollouts["r2"]
    assert (over.phase, control.target.live, control.target.quarantine) == ("aborted", "g1", ())
    between = [step.share("candidate") for step in over.course.back if isinstance(step.leave, Elapsed)]
    assert between == sorted(set(between), reverse=True)


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(shares, st.integers(0, 99), st.booleans())
def test_harm_on_the_way_makes_it_one_at_once(steps: tuple[int, ...], seed: int, asked: bool) -> None:
    """Whether a person asked for a gradual way back, or the harm that was seen before; and then it is quarantined."""
    assume(steps[-1] >= 2000)
    pace = Pace(until="dwell", dwell=HOUR, deadline=2 * HOUR, on_failure="gradual")
    like = Behaviour(starts_in=0.5, errors=0.6, after=0.1)
    control = _under_way((Canary((100, *(one for one in steps if one > 100))),), seed, 4, pace, like)
    _advanced(control, len([one for one in steps if one > 100]))
    control.run(1.0)
    if asked:
        control.ask(Abort("r2", "bob", gradual=True))
        control.run(1.0)
    before = _share(control)
    control.world.zero = control.world.now  # from here on it fails
    control.run(30.0)
    over = control.rollouts["r2"]
    assert over.phase == "rolled_back"
    assert control.target.quarantine == (_digest(2),)
    assert before > 0
    assert over.ended_at is not None
    assert over.ended_at - over.started_at < HOUR, "nobody waited for the shares in between"


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(shares, st.integers(0, 9), st.sampled_from(["pause", "hold"]), st.floats(0.0, 60.0 * 86_400.0))
def test_every_hold_ends_and_is_said_an_hour_before(
    steps: tuple[int, ...], seed: int, why: str, away: float
) -> None:
    """Also when nobody looked for as long as you like: not sooner than an hour after it was said."""
    pace = Pace(dwell=0.0, deadline=1.0 if why == "hold" else HOUR)
    control = _under_way((Canary(steps),), seed, 2, pace, rate=0.0)
    if why == "pause":
        _advanced(control, 1)
        control.ask(Pause("r2", "bob"))
    control.run(5.0)
    held = _rollout(control)
    assert held is not None
    assert held.phase == "paused"
    assert held.held_at is not None
    assert back_at(held) == held.held_at + HELD_WITHIN
    control.world.now += away
    ended = _slowly(control)
    called = next(event.at for event in control.events if event.kind == "rollout_unanswered")
    back = next(event.at for event in control.events if event.kind == "rollout_turned_back")
    assert back - called >= LAST_CALL
    assert back >= held.held_at + HELD_WITHIN
    phases: dict[str, Phase] = {"pause": "aborted", "hold": "rolled_back"}
    assert (ended.phase, ended.reason_code) == (phases[why], "unanswered")


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(st.sampled_from([1.0, HOUR, 400 * 86_400.0]), st.booleans(), st.integers(0, 9))
def test_a_clock_that_was_set_back_makes_nobody_wait_until_it_has_caught_up(
    back: float, paused: bool, seed: int
) -> None:
    """A control plane that begins by such a clock finds moments in the future; what is waited for begins anew."""
    control = _under_way((Canary((1000,)),), seed, 2, Pace(until="dwell", dwell=8.0, deadline=60.0))
    control.run(4.0)
    if paused:
        control.ask(Pause("r2", "bob"))
        control.run(1.0)
    rollout = control.target.rollout
    assert rollout is not None
    ahead = {
        name: getattr(rollout, name) + back
        for name in ("entered_at", "in_force_at", "held_at", "called_at")
        if getattr(rollout, name) is not None
    }
    control.target = replace(control.target, rollout=replace(rollout, **ahead))
    now = control.world.now
    control.turn()
    begun = _rollout(control)
    assert begun is not None
    assert begun.entered_at <= now
    if paused:
        assert begun.held_at == min(now, ahead["held_at"])
    else:
        assert begun.in_force_at == min(now, ahead["in_force_at"])
        assert control.until_ended(within=30.0).phase == "succeeded"


def test_insiders_keep_what_they_were_given() -> None:
    """From the first moment in the dark until all users have it, whoever else has it meanwhile."""
    dark = Dark(Match(hosts=("dark.example",)), lasts=1.0)
    control = _under_way((dark, Canary((1000, 5000))), 3, 2, Pace(until="dwell", dwell=1.0))
    had = False
    while (now := _rollout(control)) is not None:
        decision = control.turn()
        control.world.advance(decision.wake_in)
        table = control.world.router.tables.get("shop")
        has = table is not None and any(route.match == dark.match for route in table.routes[:-1])
        had = had or has
        assert has or not had or (table is not None and table.share(now.candidate) == ALL)
    assert had
    assert control.target.live == "g2"


def _under_way(
    chain: Chain, seed: int, replicas: int, pace: Pace, like: Behaviour = WELL, rate: float = 200.0
) -> Control:  # fmt: skip
    """v1 is live, and v2 was asked for."""
    control = Control(World(seed, rate), "shop", "production")
    placement = Placement(replicas=replicas, pace=pace)
    control.world.zero = math.inf
    for number, way in ((1, (Canary(),)), (2, chain)):
        control.world.behaviours[_digest(number)] = like if number == 2 else WELL
        revision = Revision(_digest(number), f"v{number}", RUN, CONFIG)
        control.ask(Deploy(f"r{number}", "ada", revision, placement, way))
        if number == 1:
            control.until_ended(within=120.0)
    control.turn()
    return control


def _advanced(control: Control, times: int) -> None:
    """A person goes on so often; what waits for instances waits."""
    for _ in range(times):
        for _ in range(400):
            rollout = _rollout(control)
            if rollout is None or rollout.phase != "progressing":
                return
            asked: list[Intent] = [Advance("r2", "bob")]
            if rollout.in_force_at is None or rollout.step == 0:
                asked = []
            for one in asked:
                control.ask(one)
            decision = control.turn()
            control.world.advance(min(decision.wake_in, 1.0))
            if asked:
                break


def _slowly(control: Control) -> Rollout:
    """A look every ten minutes, until it is over."""
    for _ in range(10_000):
        control.turn()
        if control.target.rollout is None:
            return control.rollouts["r2"]
        control.world.now += 600.0 if control.target.rollout.phase == "paused" else 0.5
        control.world.advance(0.5)
    raise AssertionError("it never ends")


def _rollout(control: Control) -> Rollout | None:
    return control.target.rollout


def _share(control: Control) -> int:
    table = control.world.router.tables.get("shop")
    return table.share("g2") if table else 0


def _digest(number: int) -> str:
    return f"sha256:{number:064x}"
