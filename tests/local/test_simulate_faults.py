"""Faults of the simulated world: how they are written, that they come when they are due, and that the production loop ends well
whatever comes."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from plainsail.domain.service import Placement, Probe, Run
from plainsail.domain.strategy import Canary, Pace
from plainsail.local.simulate.behaviour import read_release
from plainsail.local.simulate.faults import EXAMPLES, FORMS, read_fault, read_faults
from plainsail.local.simulate.play import Played, Setting, play
from plainsail.ports.errors import Rejected
from plainsail.ports.store import Key

RUN = Run(command=("bin/serve",), ready=Probe(tcp=True, within=5.0))


def played(
    release: str = "good", *faults: str, seed: int = 1, rate: float = 200.0, longest: float = 600.0
) -> Played:
    """A canary with two steps."""
    pace = Pace(deadline=60.0, on_unsure="rollback")
    setting = Setting(
        Key("shop", "production"), RUN, Placement(replicas=2, pace=pace), (Canary((1000, 5000)),), read_release(release), rate,
        faults=read_faults(faults), longest=longest,
    )  # fmt: skip
    return play(setting, seed)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("router-away@30s+10s", ("router-away", 30.0, 10.0, 0.0)),
        ("control-plane-killed@30s", ("control-plane-killed", 30.0, 1.0, 0.0)),
        ("control-plane-killed@1m+5s", ("control-plane-killed", 60.0, 5.0, 0.0)),
        ("store-slow@0s+10s", ("store-slow", 0.0, 10.0, 1.0)),
        ("store-slow:250ms@30s+10s", ("store-slow", 30.0, 10.0, 0.25)),
        ("clock-jump:-1h@30s", ("clock-jump", 30.0, 0.0, -3600.0)),
        ("clock-jump:+5m@30s+1m", ("clock-jump", 30.0, 60.0, 300.0)),
    ],
)
def test_what_is_understood(text: str, fault: tuple[str, float, float, float]) -> None:
    found = read_fault(text)
    assert (found.cause, found.at, found.lasts, found.amount) == fault


@pytest.mark.parametrize(
    ("text", "at", "told"),
    [
        ("", 1, "there is no fault ''; write router-away@30s+10s, control-plane-killed@30s"),
        ("router-awy@30s+10s", 1, "did you mean 'router-away'?"),
        ("router-away", 12, "router-away needs a moment; write one such as router-away@30s+10s"),
        ("router-away@30s", 16, "needs to know for how long"),
        ("router-away@30+10", 13, "did you mean router-away@30s+10s?"),
        ("router-away:3@30s+10s", 12, "router-away takes nothing after it"),
        ("clock-jump@30s", 11, "clock-jump needs to know how far"),
        ("clock-jump:0s@30s", 12, "which is nothing"),
        ("clock-jump:-1@30s", 12, "did you mean clock-jump:-1s@30s?"),
        ("store-slow:2h@30s+10s", 12, "not a time up to 1 min"),
        ("Store_slow @ 30s + 10s", 1, "did you mean store-slow@30s+10s?"),
    ],
)
def test_what_is_refused_says_where_and_what_to_write(text: str, at: int, told: str) -> None:
    with pytest.raises(Rejected) as wrong:
        read_fault(text)
    assert f"--fault, character {at}: " in str(wrong.value)
    assert told in str(wrong.value)


def test_every_example_is_understood() -> None:
    assert [read_fault(example).text for example in EXAMPLES] == list(EXAMPLES)


pieces = st.text("0123456789.+-@%smhd :", max_size=12) | st.text(max_size=8)


@settings(deadline=None)
@given(st.text(max_size=24) | st.builds("{}{}".format, st.sampled_from(list(FORMS)), pieces))
def test_any_text_is_understood_or_refused_on_one_line(text: str) -> None:
    try:
        fault = read_fault(text)
    except Rejected as wrong:
        told = str(wrong)
        assert told.isprintable()
        assert len(told) < 400
        if wrong.next_step.startswith("did you mean ") and "'" not in wrong.next_step:
            read_fault(wrong.next_step.removeprefix("did you mean ").removesuffix("?"))
    else:
        assert fault.text == text
        assert fault.at >= 0
        assert fault.lasts >= 0
        assert fault.told()


@pytest.mark.parametrize(
    "fault",
    [
        "router-away@5s+10s",
        "control-plane-killed@15s",
        "store-slow@5s+10s",
        "clock-jump:-1h@5s",
        "clock-jump:+1h@5s",
    ],
)
@pytest.mark.parametrize("seed", range(2))
def test_a_good_release_comes_through_and_nobody_is_hurt(fault: str, seed: int) -> None:
    found = played("good", fault, seed=seed)
    assert found.rollout.phase == "succeeded", found.rollout.reason
    assert found.hurt == 0
    assert [one.text for one in found.struck] == [fault]


@pytest.mark.parametrize(
    "fault", ["router-away@5s+5s", "control-plane-killed@12s", "store-slow@5s+10s", "clock-jump:+1h@5s"]
)
def test_a_bad_one_is_taken_back_all_the_same(fault: str) -> None:
    found = played("errors:10%", fault)
    assert found.rollout.phase == "rolled_back"
    assert found.hurt < found.asked * 0.02


def test_while_the_router_is_away_no_step_is_taken() -> None:
    found = played("good", "router-away@0s+20s")
    assert [move.step for move in found.moves if move.at < 20.0] == ["start"]
    assert "driver_failed" in {one.event.kind for one in found.events}


def test_a_killed_control_plane_goes_on_where_the_record_says() -> None:
    """The rollout, its evidence and its step are what the store holds: nothing begins anew."""
    killed = tuple(f"control-plane-killed@{at}s" for at in range(2, 30, 3))
    found = played("good", *killed)
    assert found.rollout.phase == "succeeded"
    assert [move.step for move in found.moves] == ["start", "10 %", "50 %", "100 %", "finish"]
    assert found.hurt == 0


def test_a_slow_store_costs_time_and_a_clock_that_jumps_costs_none() -> None:
    """A control plane goes by a clock of its own; the machine's is read when it starts."""
    plain = played("good")
    assert played("good", "clock-jump:-1h@5s").seconds == plain.seconds
    assert played("good", "store-slow:5s@5s+1m").seconds > plain.seconds


def test_a_fault_that_never_came_is_told_as_that() -> None:
    found = played("errors:100%", "router-away@9m+10s")
    assert found.struck == ()
    assert found.rollout.phase == "rolled_back"


faults = st.lists(
    st.sampled_from(
        ["router-away", "control-plane-killed", "store-slow:500ms", "clock-jump:-20s", "clock-jump:+20s"]
    ).flatmap(lambda what: st.builds(f"{what}@{{}}s+{{}}s".format, st.integers(0, 40), st.integers(1, 15))),
    max_size=5,
)


@settings(deadline=None, max_examples=8, suppress_health_check=list(HealthCheck))
@given(
    st.sampled_from(["good", "errors:5%", "crash:5s", "never-ready", "leak:1m"]), faults, st.integers(0, 99)
)
def test_whatever_comes_the_same_seed_gives_the_same_and_a_good_release_hurts_nobody(
    release: str, texts: list[str], seed: int
) -> None:
    found = played(release, *texts, seed=seed, rate=50.0, longest=150.0)
    assert found == played(release, *texts, seed=seed, rate=50.0, longest=150.0)
    times = [one.at for one in found.events]
    assert times == sorted(times)
    assert all(one.at <= found.seconds for one in found.struck)
    if release == "good":
        assert found.hurt == 0
