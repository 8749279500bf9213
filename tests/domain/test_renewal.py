"""After an instance was replaced: what it did and does yet is nobody's, what the others do counts as ever."""

from __future__ import annotations

from functools import cache

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plainsail.domain.criteria import EvidenceCriteria, LatencyCriteria
from plainsail.domain.decide import Decision, decide
from plainsail.domain.evidence import Evidence
from plainsail.domain.intents import Deploy
from plainsail.domain.observation import Counts, Seen
from plainsail.domain.renewal import longest, settles
from plainsail.domain.rollout import Revision, Rollout, Target
from plainsail.domain.service import Placement, Probe, Run, Stop, config_digest
from plainsail.domain.strategy import Canary, Pace
from plainsail.domain.traffic import Traffic
from plainsail.testing.behaviour import Behaviour
from plainsail.testing.chance import LogNormal
from plainsail.testing.control import Control
from plainsail.testing.world import World

replace = msgspec.structs.replace

NONE = Counts()
RUN = Run(("serve",), ready=Probe(tcp=True, within=5.0), stop=Stop(drain=3.0, grace=1.0))
SLOW = LogNormal(0.5, 0.3)
"""Half a second at the median, so that there are always requests under way."""


def control(seed: int, replicas: int, share: int, like: Behaviour) -> Control:
    """A release of which the second instance is bad, on its way."""
    plane = Control(World(seed, 200.0, SLOW))
    for version in ("live", "next"):
        digest = f"sha256:{version.encode().hex():0>64}"
        plane.world.behaviours[digest] = like if version == "next" else Behaviour()
        place = Placement(
            replicas=replicas,
            pace=Pace(dwell=3.0, bake=5.0),
            evidence=EvidenceCriteria(latency=LatencyCriteria(bound=2.0)),
        )
        revision = Revision(digest, version, RUN, config_digest(RUN))
        plane.ask(Deploy(f"r-{version}", "ada", revision, place, (Canary((share,)),)))
        if version == "live":
            plane.until_ended(60.0)
            plane.run(10.0)
    return plane


@cache
def replaced() -> tuple[Target, Evidence | None, Seen]:
    """In the moment at which the order to replace it was given, and what is seen a little later."""
    plane = control(1, 4, 5000, Behaviour(bad_replicas=0.25))
    for _ in range(1000):
        decision = plane.turn()
        if plane.target.retired():
            plane.world.advance(0.1)
            return plane.target, plane.evidence, plane.look()
        plane.world.advance(decision.wake_in)
    raise AssertionError("nobody was replaced")


@pytest.mark.slow
@given(st.integers(0, 10_000), st.sampled_from([2, 4]), st.sampled_from([2000, 5000]))
@settings(max_examples=6, deadline=None)
def test_what_a_replaced_instance_has_under_way_takes_nothing_back(
    seed: int, replicas: int, share: int
) -> None:
    plane = control(seed, replicas, share, Behaviour(bad_replicas=0.25))
    ended = plane.until_ended(900.0)
    assert ended.phase == "succeeded", ended.reason
    assert len(ended.retired) == 1


class Theatre:
    """From the order on, what is seen is made up: all that the replaced one and the others ever had by now."""

    def __init__(self) -> None:
        self.target, self.evidence, self.seen = replaced()
        self.now = self.began = self.seen.at
        rollout = self.target.rollout
        assert rollout is not None
        self.rollout: Rollout = rollout
        (self.bad,) = rollout.retired
        members = self.seen.traffic.members[rollout.candidate] if self.seen.traffic else ()
        self.others = [one.instance for one in members]
        assert self.bad not in self.others
        self.turn(busy=True)

    def turn(
        self,
        busy: bool,
        bad: Counts = NONE,
        others: Counts = NONE,
        live: int = 20,
        after: float = 0.1,
    ) -> Decision:
        """So much is new of the replaced one, of each of the others, and of live."""
        self.now += after
        counts, told = dict(self.seen.counts), dict(self.seen.instances)
        ours, theirs = self.rollout.candidate, self.rollout.live or ""
        more = plus(bad, *[others for _ in self.others])
        counts[ours] = plus(counts[ours], more)
        counts[theirs] = plus(counts[theirs], Counts(live))
        for id in self.others:
            told[id] = plus(told.get(id, Counts()), others)
        self.seen = replace(
            self.seen, at=self.now, counts=counts, instances=told, latency={},
            sessions={**self.seen.sessions, self.bad: 1 if busy else 0},
        )  # fmt: skip
        decision = decide(self.target, self.evidence, (), self.seen, self.now)
        self.target, self.evidence = decision.target, decision.evidence
        return decision

    def phase(self) -> str:
        return self.target.rollout.phase if self.target.rollout else "ended"

    def members(self, more: tuple[str, ...] = ()) -> None:
        """The router still has these, too."""
        traffic = self.seen.traffic
        assert isinstance(traffic, Traffic)
        its = traffic.members[self.rollout.candidate]
        kept = (*its, *(replace(its[0], instance=id) for id in more))
        members = {**traffic.members, self.rollout.candidate: kept}
        self.seen = replace(self.seen, traffic=replace(traffic, members=members))


def plus(*parts: Counts) -> Counts:
    return Counts(*(sum(getattr(one, name) for one in parts) for name in Counts.__struct_fields__))


late = st.lists(
    st.integers(0, 30).flatmap(
        lambda n: st.builds(Counts, st.just(n), st.integers(0, n), st.just(0), st.integers(0, n))
    ),
    max_size=25,
)


@pytest.mark.slow
@given(late, st.integers(0, 5), st.booleans())
@settings(max_examples=30, deadline=None)
def test_only_the_others_are_in_the_evidence(told: list[Counts], each: int, follows: bool) -> None:
    """Whatever it does while it is busy, and for as long as it settles, and be the router late to follow."""
    theatre = Theatre()
    if not follows:
        theatre.members((theatre.bad,))
    asked = 0
    for bad in told:
        theatre.turn(busy=follows, bad=bad, others=Counts(each))
        asked += each * len(theatre.others)
    theatre.seen = replace(theatre.seen, traffic=replaced()[2].traffic)
    theatre.turn(busy=False, bad=Counts(9, 9), others=Counts(each), after=settles(theatre.rollout) - 0.2)
    asked += each * len(theatre.others)
    theatre.turn(busy=False, after=1.0)
    theatre.turn(busy=False, others=Counts(3), after=0.1)
    asked += 3 * len(theatre.others)
    assert theatre.phase() == "progressing"
    assert theatre.evidence is not None
    assert theatre.evidence.without is None
    arm = theatre.evidence.candidate
    assert (arm.failures, arm.slow) == (0, 0)
    assert arm.requests <= asked


@pytest.mark.parametrize("moment", ["at once", "when it is silent"])
def test_if_the_others_fail_too_it_is_taken_back_at_once(moment: str) -> None:
    theatre = Theatre()
    if moment == "when it is silent":
        theatre.turn(busy=False, others=Counts(3), after=settles(theatre.rollout) + 0.2)
        theatre.turn(busy=False, others=Counts(3), after=0.2)
        assert theatre.evidence is not None
        assert theatre.evidence.without is None
    turns = 0
    while theatre.phase() == "progressing" and turns < 50:
        theatre.turn(busy=moment == "at once", others=Counts(1, 1))
        turns += 1
    assert theatre.phase() == "rolling_back"
    assert turns * len(theatre.others) <= 16, (
        "as many failures as a release needs of which nobody was replaced"
    )


def test_one_that_never_ends_is_excused_for_a_stated_time_only() -> None:
    theatre = Theatre()
    while theatre.phase() == "progressing" and theatre.now - theatre.began < 60.0:
        theatre.turn(busy=True, bad=Counts(3, 3), others=Counts(3))
    assert theatre.phase() == "rolling_back"
    assert longest(theatre.rollout) <= theatre.now - theatre.began <= longest(theatre.rollout) + 2.0


def test_no_step_is_left_before_it_is_silent() -> None:
    theatre = Theatre()
    for _ in range(40):
        theatre.turn(busy=True, others=Counts(400), live=2000)
    rollout = theatre.target.rollout
    assert rollout is not None
    assert rollout.step == theatre.rollout.step
    assert rollout.reason == f"waiting until {theatre.bad}, which is replaced, has answered what it was asked"
    for _ in range(40):
        theatre.turn(busy=False, others=Counts(400), live=2000)
    assert theatre.target.rollout is not None
    assert theatre.target.rollout.step > rollout.step


def test_a_log_that_begins_anew_meanwhile_is_all_new() -> None:
    """The control plane is started again: its log starts from zero."""
    theatre = Theatre()
    theatre.turn(busy=True, others=Counts(50))
    theatre.seen = replace(theatre.seen, instances=dict.fromkeys(theatre.others, Counts()))
    theatre.turn(busy=True, others=Counts(5))
    assert theatre.evidence is not None
    assert theatre.evidence.candidate.requests == 55 * len(theatre.others)
