"""What must hold in every simulation, whatever the file, the release and the chance: the safety properties of
`tests/domain/test_safety.py`, looked at from within each turn, and that what is told is what happened."""

from __future__ import annotations

from collections.abc import Sequence
from unittest import mock

import hypothesis.strategies as st
from hypothesis import HealthCheck, given, settings
from tests.domain.safe import check
from tests.domain.test_safety import chains

from plainsail.domain.decide import Decision, decide
from plainsail.domain.evidence import Evidence
from plainsail.domain.intents import Intent
from plainsail.domain.observation import Seen
from plainsail.domain.rollout import Target
from plainsail.domain.service import Placement, Probe, Run, Shield, Stop
from plainsail.domain.strategy import Chain, Pace
from plainsail.domain.units import ALL
from plainsail.local.simulate.behaviour import read_release
from plainsail.local.simulate.play import Played, Setting, play
from plainsail.local.simulate.report import document
from plainsail.ports.store import Key

RUN = Run(command=("serve",), ready=Probe(tcp=True, within=5.0), stop=Stop(drain=2.0, grace=1.0))

releases = st.sampled_from(
    ["good", "errors:2%", "errors:30%", "errors:100%", "latency:+50%", "latency:+400%", "crash:1s", "crash:7s", "never-ready"]
)  # fmt: skip
paces = st.builds(
    Pace,
    until=st.sampled_from(["proven", "dwell"]),
    dwell=st.sampled_from([0.0, 1.0, 5.0]),
    deadline=st.sampled_from([5.0, 30.0]),
    on_unsure=st.sampled_from(["rollback", "advance", "hold"]),
)


def watched(
    target: Target, evidence: Evidence | None, intents: Sequence[Intent], seen: Seen, now: float
) -> Decision:
    """The production decision, with the checks of the safety properties on it."""
    decision = decide(target, evidence, intents, seen, now)
    check(decision, seen)
    return decision


@given(
    releases,
    chains,
    paces,
    st.integers(1, 5),
    st.sampled_from([0.0, 1.0, 50.0, 400.0]),
    st.booleans(),
    st.booleans(),
    st.integers(0, 1000),
)
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_simulation_is_safe(
    release: str,
    strategy: Chain,
    pace: Pace,
    replicas: int,
    rate: float,
    first: bool,
    shielded: bool,
    seed: int,
) -> None:
    placement = Placement(replicas=replicas, pace=pace, shield=Shield(enabled=shielded))
    setting = Setting(
        Key("shop", "production"), RUN, placement, strategy, read_release(release), rate, first, longest=900.0
    )
    with mock.patch("plainsail.engine.turn.decide", watched):
        played = play(setting, seed)
    told_is_what_happened(played)
    if release == "good":
        assert played.hurt == played.unanswered, "only where nobody was in service"
    if release == "never-ready":
        assert played.rollout.phase in ("failed", "rolled_back")
        assert played.rollout.reached_bp == 0
    if rate == 0:
        assert played.asked == played.hurt == 0


def told_is_what_happened(played: Played) -> None:
    found = document(played)
    asked_for = [step["desired"]["shares"].get("candidate", 0) for step in found["steps"]]
    assert found["reached_bp"] <= max(asked_for), "nobody had it whom no step gave it"
    for step in found["steps"]:
        assert sum(step["desired"]["shares"].values()) in (0, ALL)
    times = [step["at"] for step in found["steps"]]
    assert times == sorted(times)
    assert found["users_hurt"] <= found["requests"]
    assert found["candidate"]["shielded"] <= found["candidate"]["failures"] <= found["candidate"]["requests"]
    assert found["unanswered"] <= found["users_hurt"]
    ended = [event for event in found["events"] if event["kind"] == "rollout_ended"]
    assert len(ended) == played.rollout.ended()
    assert not ended or ended[0]["data"]["phase"] == found["outcome"]
