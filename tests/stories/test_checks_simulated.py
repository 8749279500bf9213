"""Checks in the production loop while the control plane is killed, its store is slow and checks refuse or fall silent: whatever
comes when, no step is left without a go, each question keeps its key, and the rollout ends or waits for a person."""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import HealthCheck, given, settings

from plainsail.domain.checks import Hooks
from plainsail.domain.driver import Driver
from plainsail.domain.service import Placement, Probe, Run
from plainsail.domain.strategy import Canary, Pace
from plainsail.local.simulate.behaviour import read_release
from plainsail.local.simulate.faults import read_faults
from plainsail.local.simulate.play import Played, Setting, play
from plainsail.ports.store import Key

RUN = Run(command=("bin/serve",), ready=Probe(tcp=True, within=5.0))
LOAD = Driver("webhook", {"name": "load", "every": 2.0, "retries": 2})
STRICT = Driver("command", {"name": "strict", "every": 1.0, "retries": 1, "on_error": "rollback"})
STEPS = ("confirm", "10 %", "50 %")

faults = st.lists(
    st.one_of(
        st.integers(0, 40).map(lambda at: f"control-plane-killed@{at}s"),
        st.tuples(st.integers(0, 40), st.integers(1, 20)).map(
            lambda one: f"check-silent@{one[0]}s+{one[1]}s"
        ),
        st.tuples(st.integers(0, 40), st.integers(1, 5)).map(
            lambda one: f"check-refused@{one[0]}s+{one[1]}s"
        ),
        st.integers(0, 40).map(lambda at: f"store-slow:250ms@{at}s+5s"),
        st.integers(0, 40).map(lambda at: f"clock-jump:-1h@{at}s"),
        st.integers(0, 40).map(lambda at: f"router-away@{at}s+3s"),
    ),
    max_size=5,
)


def played(faults: list[str], seed: int, strict: bool) -> Played:
    checks = (LOAD, STRICT) if strict else (LOAD,)
    placement = Placement(
        replicas=2, pace=Pace(until="dwell", dwell=8.0, deadline=60.0, on_unsure="rollback"),
        checks={"each": checks}, approvals=("50%",),
        hooks=Hooks(before=(LOAD,), after=(LOAD,), failure=(LOAD,)),
    )  # fmt: skip
    setting = Setting(
        Key("shop", "production"), RUN, placement, (Canary((1000, 5000)),), read_release("good"), 20.0,
        faults=read_faults(tuple(faults)), longest=600.0,
    )  # fmt: skip
    return play(setting, seed)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(faults=faults, seed=st.integers(0, 1000), strict=st.booleans())
def test_whatever_comes_no_step_is_left_without_a_go(faults: list[str], seed: int, strict: bool) -> None:
    found = played(faults, seed, strict)
    assert found.rollout.ended() or found.rollout.phase == "paused", found.rollout
    said: dict[str, set[str]] = {}
    here = "before"
    for one in found.events:
        event = one.event
        step = str(event.data.get("step", ""))
        match event.kind:
            case "check_answered" if event.data["answer"] == "go":
                said.setdefault(step, set()).add(str(event.data["check"]))
            case "approval_given":
                said.setdefault(step, set()).add("a person")
            case "step_entered" if event.data["phase"] in ("progressing", "finishing"):
                wanted = {"load"} if here == "before" else {"load", "strict"} if strict else {"load"}
                if here in (*STEPS, "before"):
                    assert said.get(here, set()) >= wanted | ({"a person"} if here == "50 %" else set())
                here = step
            case "rollout_turned_back" | "rollout_ended":
                break
            case _:
                pass
    if found.rollout.phase == "succeeded":
        assert set(said) >= set(STEPS)
