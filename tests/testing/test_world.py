"""The simulated world against what real HAProxy and real processes were seen to do (`tests/real`): the same counts for the
same fates, so that what a simulation promises is what happens."""

from __future__ import annotations

from itertools import pairwise

import pytest

from plainsail.domain.actions import Fleet, GroupOrder
from plainsail.domain.match import Match
from plainsail.domain.observation import Counts, GroupSeen
from plainsail.domain.service import Probe, Run, Shield, Stop
from plainsail.domain.traffic import GroupShare, Member, Route, Traffic
from plainsail.testing.world import Behaviour, LogNormal, World, done

RUN = Run(command=("serve",), ready=Probe(tcp=True, within=5.0), stop=Stop(drain=10.0))
GOOD = Behaviour(starts_in=0.5)


class Street:
    """Two groups of a service, with users."""

    def __init__(
        self,
        candidate: Behaviour,
        live: Behaviour = GOOD,
        *,
        rate: float = 200.0,
        sizes: tuple[int, int] = (2, 2),
        reads: float = 1.0,
    ) -> None:
        self.world = World(seed=3, rate=0.0, reads=reads)
        self.world.behaviours = {"live": live, "candidate": candidate}
        self.order(*sizes)
        self.world.advance(1.0)
        self.rate = rate

    def order(self, live: int, candidate: int, released: tuple[str, ...] = ()) -> None:
        groups = (
            GroupOrder("g1", "live", "1", RUN, live),
            GroupOrder("g2", "candidate", "2", RUN, candidate),
        )
        done(self.world.provider.apply(Fleet("shop", "production", groups, released), 1))

    def send(self, share: int, shield: Shield = Shield(budget=1.0), bound: float = 1.0) -> None:  # noqa: B008
        members = {
            group: tuple(Member(one.id, "") for one in self.instances(group) if one.state == "ready")
            for group in ("g1", "g2")
        }
        parts = (GroupShare("g1", 10_000 - share), GroupShare("g2", share))
        self.table(Traffic("shop", (), (Route(Match(), parts),), members, "g1", shield, None, bound))

    def table(self, traffic: Traffic) -> None:
        done(self.world.router.apply(traffic, 1))

    def users(self, seconds: float, settle: float = 70.0) -> None:
        """They ask for so long; then all answers are waited for."""
        self.world.rate = self.rate
        self.world.advance(seconds)
        self.world.rate = 0.0
        self.world.advance(settle)

    def counts(self, group: str) -> Counts:
        return done(self.world.router.observe("shop")).counts.get(group, Counts())

    def seen(self, group: str) -> GroupSeen:
        return next(one for one in done(self.world.provider.observe("shop")) if one.group == group)

    def instances(self, group: str):  # type: ignore[no-untyped-def]  # a list of the world's
        return [one for one in self.world.provider.instances("shop") if one.group == group]


def test_every_request_is_somebodys_and_shares_are_exact() -> None:
    street = Street(GOOD)
    street.send(1000)
    street.users(100.0)
    both = [street.counts(group).requests for group in ("g1", "g2")]
    assert sum(both) == street.world.asked == street.world.answered
    assert both[1] == pytest.approx(sum(both) / 10, abs=2)
    assert street.world.user_errors == 0


@pytest.mark.parametrize("share", [0, 2500])
def test_insiders_are_a_part_of_their_own_and_the_others_share_as_without_them(share: int) -> None:
    street = Street(GOOD)
    street.world.insiders = 0.1
    members = {g: tuple(Member(one.id, "") for one in street.instances(g)) for g in ("g1", "g2")}
    routes = (
        Route(Match(header="X-Staff: yes"), (GroupShare("g2", 10_000),)),
        Route(Match(), (GroupShare("g1", 10_000 - share), GroupShare("g2", share))),
    )
    street.table(Traffic("shop", (), routes, members, "g1", Shield(budget=1.0), None, 1.0))
    street.users(200.0)
    found, asked = street.counts("g2").requests, street.world.asked
    assert found + street.counts("g1").requests == asked == street.world.answered
    assert found / asked == pytest.approx(0.1 + 0.9 * share / 10_000, rel=0.1)
    assert done(street.world.router.observe("shop")).traffic == street.world.router.tables["shop"]


def test_insiders_of_whom_nobody_is_left_have_live() -> None:
    street = Street(GOOD, sizes=(2, 0))
    members = {"g1": tuple(Member(one.id, "") for one in street.instances("g1"))}
    routes = (
        Route(Match(header="X-Staff: yes"), (GroupShare("g2", 10_000),)),
        Route(Match(), (GroupShare("g1", 10_000),)),
    )
    street.table(Traffic("shop", (), routes, members, "g1", Shield(budget=1.0), None, 1.0))
    street.users(100.0)
    found = street.counts("g2")
    assert found.requests == found.failures == found.shielded > 0
    assert street.world.user_errors == street.world.lost == 0


@pytest.mark.parametrize("reads", [1.0, 0.0])
def test_a_candidate_that_refuses_connections_costs_no_user_anything(reads: float) -> None:
    """Whatever the method: its requests were never begun."""
    street = Street(GOOD, reads=reads)
    street.send(2500)
    for one in street.instances("g2"):
        street.world.provider.kill(one.id)
    street.users(0.4)  # before they are started again
    found = street.counts("g2")
    assert found.requests == found.failures == found.shielded > 0
    assert street.counts("g1").failures == 0
    assert street.world.user_errors == street.world.lost == 0


def test_failures_are_the_candidates_and_live_answers_what_may_be_asked_twice() -> None:
    street = Street(Behaviour(starts_in=0.5, errors=0.5), reads=0.9)
    street.send(2500)
    street.users(200.0)
    found = street.counts("g2")
    assert found.failures == pytest.approx(found.requests / 2, rel=0.05)
    assert found.shielded == pytest.approx(found.failures * 0.9, rel=0.05)
    assert street.world.user_errors == found.failures - found.shielded
    assert street.counts("g1").failures == street.counts("g1").shielded == 0


def test_without_a_shield_the_user_sees_the_candidates_failures() -> None:
    for shield in (Shield(enabled=False, budget=1.0), Shield(methods=("HEAD",), budget=1.0)):
        street = Street(Behaviour(starts_in=0.5, errors=1.0))
        street.send(2500, shield)
        street.users(20.0)
        found = street.counts("g2")
        assert found.failures == found.requests == street.world.user_errors
        assert found.shielded == 0


def test_the_budget_is_kept_also_in_an_outage_of_all() -> None:
    street = Street(Behaviour(starts_in=0.5, errors=1.0), Behaviour(starts_in=0.5, errors=1.0))
    street.send(5000, Shield(budget=0.1))
    street.users(60.0)
    assert street.counts("g2").shielded == 0
    assert street.world.user_errors == street.world.asked
    kept = Street(Behaviour(starts_in=0.5, errors=1.0))
    kept.send(5000, Shield(budget=0.1))
    kept.users(60.0)
    assert kept.counts("g2").shielded == pytest.approx(kept.world.asked * 0.1, rel=0.1)


def test_a_hanging_candidate_is_slow_at_the_bound_and_fails_when_the_router_gives_up() -> None:
    street = Street(Behaviour(starts_in=0.5, lies=True))
    street.send(5000)
    street.users(1.0, settle=0.5)
    asked = street.world.asked // 2
    assert street.counts("g2").failures == 0
    street.world.advance(2.0)
    assert street.counts("g2") == Counts(street.counts("g2").requests, slow=street.counts("g2").requests)
    assert street.counts("g2").requests == pytest.approx(asked, abs=2)
    street.world.advance(60.0)
    assert street.counts("g2").failures == street.counts("g2").shielded == street.counts("g2").requests


def test_slow_answers_are_counted_at_the_bound_and_are_no_failures() -> None:
    street = Street(Behaviour(starts_in=0.5, slower=3.0))
    street.world.latency = LogNormal(0.1, 0.5)
    street.send(5000, bound=0.5)
    street.users(100.0)
    ours, theirs = street.counts("g2"), street.counts("g1")
    assert ours.slow / ours.requests == pytest.approx(LogNormal(0.4, 0.5).beyond(0.5), rel=0.1)
    assert theirs.slow / theirs.requests < 0.002
    assert ours.failures == 0
    latency = done(street.world.router.observe("shop")).latency
    assert latency["g2"].p50 == pytest.approx(0.4)
    assert latency["g1"].p99 < latency["g2"].p99


def test_a_dead_live_instance_is_passed_over_and_all_dead_are_lives_failure() -> None:
    street = Street(GOOD, sizes=(3, 0))
    street.send(0)
    first, *others = street.instances("g1")
    street.world.provider.kill(first.id)
    street.users(0.3, settle=0.1)
    assert street.counts("g1").failures == street.world.user_errors == 0
    for one in others:
        street.world.provider.kill(one.id)
    before = street.counts("g1")
    street.users(0.05, settle=0.2)
    found = street.counts("g1")
    assert found.failures == found.requests - before.requests == street.world.user_errors > 0


def test_what_is_under_way_on_an_instance_that_dies_has_failed() -> None:
    street = Street(GOOD, rate=1000.0, sizes=(2, 1))
    street.send(5000)
    street.world.rate = 1000.0
    street.world.advance(1.0)
    street.world.provider.kill(street.instances("g2")[0].id)
    street.world.rate = 0.0
    street.world.advance(1.0)
    cut = street.counts("g2").failures
    assert 500 * 0.05 / 2 < cut < 500 * 0.05 * 2, "about half a thousand a second, for 50 ms"
    assert street.counts("g2").shielded == cut


def test_nobody_in_service_is_told_by_its_users() -> None:
    street = Street(GOOD)
    street.table(Traffic("shop", (), (Route(Match(), ()),), {}, "g1", Shield(), None, 1.0))
    street.users(2.0)
    assert street.world.asked == street.world.unanswered == street.world.user_errors > 0
    assert street.counts("g1") == Counts()


def test_an_instance_that_is_let_go_is_busy_for_a_while() -> None:
    street = Street(GOOD)
    street.send(5000)
    street.users(1.0, settle=0.0)
    leaving = street.instances("g2")[0].id
    street.order(2, 1)
    gone = next(one.id for one in street.instances("g2") if one.state == "leaving")
    street.send(5000)
    assert done(street.world.router.observe("shop")).sessions[gone] == 1
    street.world.advance(1.0)
    assert gone not in done(street.world.router.observe("shop")).sessions
    street.order(2, 1, released=(gone,))
    assert gone not in [one.id for one in street.instances("g2")]
    assert leaving


def test_a_crash_loop_is_counted_and_waits_longer_each_time() -> None:
    street = Street(Behaviour(starts_in=0.5, crash_after=1.0), sizes=(1, 1))
    starts: list[float] = []
    known: set[str] = set()
    while street.world.now < 1_000_030.0:
        street.world.advance(0.05)
        for one in street.instances("g2"):
            if one.id not in known:
                known.add(one.id)
                starts.append(one.since)
    apart = [after - before for before, after in pairwise(starts)]
    assert apart[:3] == pytest.approx([1 + 1, 1 + 2, 1 + 4], abs=0.1), (
        "a second of life, then a wait that doubles"
    )
    found = street.seen("g2")
    assert found.crashes >= 3
    assert found.trouble == "exited with status 1 after 1 s"


def test_one_that_never_becomes_ready_is_timed_out() -> None:
    street = Street(Behaviour(never_ready=True), sizes=(1, 1))
    street.world.advance(6.0)
    found = street.seen("g2")
    assert (found.crashes, found.timed_out, found.trouble) == (0, found.failed_starts, "not ready within 5 s")
    assert found.timed_out >= 1


def test_the_same_seed_gives_the_same_world() -> None:
    def one() -> tuple[Counts, int]:
        street = Street(Behaviour(starts_in=0.5, errors=0.1), reads=0.5)
        street.send(3000)
        street.users(20.0)
        return street.counts("g2"), street.world.user_errors

    assert one() == one()
