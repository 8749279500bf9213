"""Metric sources that fail, hang, lie and come back: no turn waits for them, and nothing passes without them."""

from __future__ import annotations

import asyncio
import itertools
import math
from collections.abc import Awaitable, Callable, Mapping

import msgspec
import pytest

from plainsail.domain.criteria import Averaged, Betting, Counted, EvidenceCriteria, Judging, Metric, Threshold
from plainsail.domain.driver import Driver
from plainsail.domain.intents import Abort, Deploy
from plainsail.domain.observation import Measured, Unmeasured
from plainsail.domain.rollout import Revision, Rollout
from plainsail.domain.service import Environment, Placement, Run, Service, config_digest
from plainsail.domain.strategy import Canary, Pace
from plainsail.engine.measuring import AT_A_SOURCE, READ_WITHIN, Lanes
from plainsail.engine.sources import Source
from plainsail.engine.turn import LEASE, Holding, Site
from plainsail.ports.errors import Broken, Rejected, Transient
from plainsail.ports.metrics import Metrics
from plainsail.ports.store import Key
from plainsail.testing.behaviour import Behaviour
from plainsail.testing.metrics import SimMetrics
from plainsail.testing.store import MemoryStore
from plainsail.testing.world import World

KEY = Key("shop", "production")
RUN = Run(("bin/serve",))
BASKET = Metric("kpi", mean=Averaged("n", "sum", "squares"), better="higher", relative=0.05, min=1.0)
LOGINS = Metric("kpi", counts=Counted("all", "bad"), margin=0.01, max=0.05)
MEMORY = Metric("kpi", value="bytes", max=1000.0)
JUDGES: dict[str, Judging] = {"betting": Betting(), "threshold": Threshold(interval=10.0)}


async def at_once(call: Callable[..., object], *given: object, **named: object) -> object:
    return call(*given, **named)


class Practice:
    """One service in the simulated world, with a metric source that does what it is told."""

    def __init__(
        self, metrics: Mapping[str, Metric], judge: Judging = JUDGES["betting"], warm_up: float = 0.0
    ) -> None:
        self.world = World(3, rate=200.0)
        self.place = Placement(
            replicas=2,
            strategy=(Canary((1000, 5000)),),
            pace=Pace(dwell=30.0, deadline=600.0, on_unsure="rollback"),
            evidence=EvidenceCriteria(metrics=dict(metrics), judge=judge, warm_up=warm_up),
        )
        self.source = SimMetrics(self.world, metrics)
        self.store = MemoryStore()
        self.store.put_spec(
            {KEY.environment: Environment(Driver("simulated"))}, {KEY.service: Service(RUN, {KEY.environment: self.place})}, None, ()
        )  # fmt: skip
        self.sources: dict[str, Metrics] = {"kpi": self.source}
        self.holding = self.taken_over()

    def taken_over(self) -> Holding:
        """By a control plane that knows only what is recorded."""
        claimed = self.store.claim(KEY, "test", self.world.now, LEASE)
        assert claimed is not None
        site = Site(self.world.router, self.world.provider, self.sources)
        return Holding(KEY, claimed, site, self.store, self.world.now, at_once)

    def deploy(self, version: str, like: Behaviour = Behaviour()) -> None:  # noqa: B008  (frozen)
        revision = Revision(f"sha256:{version.encode().hex():0>64}", version, RUN, config_digest(RUN))
        self.world.behaviours[revision.release] = like
        intent = Deploy(f"r-{version}", "test", revision, self.place, self.place.strategy)
        self.store.ask(KEY, intent, self.world.now)

    async def begin(self, like: Behaviour = Behaviour()) -> None:  # noqa: B008  (frozen)
        """One release is live, the next has its first users."""
        self.deploy("one")
        await self.until(lambda: self.holding.target.live is not None and self.holding.target.rollout is None)
        self.deploy("two", like)
        await self.until(lambda: self.share() == 1000)

    async def turn(self) -> None:
        self.world.advance(0.1)
        await self.holding.turn(self.world.now)

    async def pass_by(self, seconds: float) -> None:
        until = self.world.now + seconds
        while self.world.now < until:
            await self.turn()

    async def until(self, true: Callable[[], bool], within: float = 700.0) -> None:
        end = self.world.now + within
        while not true():
            assert self.world.now < end, f"not within {within:g} s: {self.rollout()}"
            await self.turn()

    async def abort(self) -> None:
        self.store.ask(KEY, Abort(self.rollout().id, "test"), self.world.now)
        await self.until(lambda: self.rollout().ended())

    def rollout(self) -> Rollout:
        found = self.holding.target.rollout or self.store.rollout("r-two") or self.store.rollout("r-one")
        assert found is not None
        return found

    def share(self) -> int:
        return self.holding.seen.share(self.rollout().candidate)

    def told(self, name: str) -> Measured | Unmeasured | None:
        return self.holding.seen.measured.get(name)


def play(story: Callable[[], Awaitable[None]]) -> None:
    async def whole() -> None:
        await story()
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        assert not [task for task in left if not task.cancelling()], "something is read that nobody needs"

    asyncio.run(whole())


def test_both_sides_are_read_in_windows_that_follow_each_other() -> None:
    async def story() -> None:
        practice = Practice({"logins": LOGINS})
        await practice.begin()
        began = practice.world.now
        await practice.until(lambda: practice.rollout().ended())
        candidate, live = (
            [ask for ask in practice.source.asked if ask.group == group]
            for group in (practice.rollout().candidate, practice.rollout().live)
        )
        assert len(candidate) > 4
        assert [(ask.since, ask.until) for ask in live] == [
            (ask.since, ask.until) for ask in candidate[: len(live)]
        ]
        assert abs(candidate[0].since - began) < 1.0
        for before, after in itertools.pairwise(candidate):
            assert after.since == before.until
        assert {ask.version for ask in candidate} == {"two"}
        assert {ask.version for ask in live} == {"one"}
        assert all(ask.instances for ask in candidate)

    play(story)


def test_nothing_is_read_while_no_rollout_needs_it() -> None:
    async def story() -> None:
        practice = Practice({"logins": LOGINS})
        practice.deploy("one")
        await practice.pass_by(100.0)
        assert practice.holding.target.rollout is None
        first_deploy = len(practice.source.asked)
        await practice.pass_by(100.0)
        assert len(practice.source.asked) == first_deploy

    play(story)


@pytest.mark.parametrize("judge", JUDGES)
def test_a_release_that_only_a_source_knows_to_be_bad_is_taken_back(judge: str) -> None:
    async def story() -> None:
        practice = Practice({"logins": msgspec.structs.replace(LOGINS, role="critical")}, JUDGES[judge])
        await practice.begin(Behaviour(worse=0.1))
        await practice.until(lambda: practice.rollout().ended())
        assert practice.rollout().phase == "rolled_back"
        assert "logins" in practice.rollout().reason

    play(story)


@pytest.mark.parametrize("judge", JUDGES)
def test_a_kpi_that_drops_takes_the_release_back(judge: str) -> None:
    async def story() -> None:
        practice = Practice({"basket": BASKET}, JUDGES[judge])
        await practice.begin(Behaviour(worse=0.6))
        await practice.until(lambda: practice.rollout().ended())
        assert practice.rollout().phase == "rolled_back"
        assert "basket" in practice.rollout().reason

    play(story)


@pytest.mark.parametrize("judge", JUDGES)
@pytest.mark.parametrize("metric", [LOGINS, MEMORY], ids=["counts", "value"])
def test_a_good_release_passes(judge: str, metric: Metric) -> None:
    async def story() -> None:
        practice = Practice({"one": metric}, JUDGES[judge])
        await practice.begin()
        await practice.until(lambda: practice.rollout().ended())
        assert practice.rollout().phase == "succeeded", practice.rollout().reason

    play(story)


@pytest.mark.parametrize("trouble", ["fails", "lies", "hangs", "gone"])
def test_a_source_that_says_nothing_lets_nothing_pass_and_delays_nothing(trouble: str) -> None:
    async def story() -> None:
        practice = Practice({"logins": LOGINS})
        match trouble:
            case "fails":
                practice.source.fails = Transient("down", "no connection to http://me:secret@kpi.example")
            case "lies":
                practice.source.says = math.nan
            case "hangs":
                practice.source.hangs = asyncio.Event()
            case _:
                del practice.sources["kpi"]
                practice.holding = practice.taken_over()
        await practice.begin()
        await practice.pass_by(120.0)
        assert practice.rollout().phase == "progressing"
        assert practice.share() == 1000, "it went on without data"
        told = practice.told("logins")
        assert isinstance(told, Unmeasured)
        assert "secret" not in told.why
        expected = {
            "fails": "no connection",
            "lies": "nan",
            "hangs": "no answer within",
            "gone": "no metric source",
        }
        assert expected[trouble] in told.why
        await practice.abort()

    play(story)


def test_a_source_that_comes_back_is_asked_about_all_that_it_missed() -> None:
    async def story() -> None:
        practice = Practice({"logins": LOGINS})
        practice.source.fails = Transient("down", "no connection")
        await practice.begin()
        began = practice.source.asked[0].since if practice.source.asked else practice.world.now
        await practice.pass_by(95.0)
        practice.source.fails = None
        await practice.pass_by(12.0)
        told = practice.told("logins")
        assert isinstance(told, Measured)
        assert told.candidate.since == pytest.approx(began, abs=1.0)
        assert told.candidate.until - told.candidate.since > 90.0
        await practice.until(lambda: practice.rollout().ended())
        assert practice.rollout().phase == "succeeded", practice.rollout().reason

    play(story)


def test_a_read_that_takes_a_minute_is_dropped_and_asked_again() -> None:
    async def story() -> None:
        practice = Practice({"logins": LOGINS})
        practice.source.hangs = asyncio.Event()
        await practice.begin()
        await practice.pass_by(READ_WITHIN * 2)
        windows = {(ask.since, ask.until) for ask in practice.source.asked}
        assert 1 < len(windows) <= 3, "one at a time, each given its time"
        practice.source.hangs.set()
        practice.source.hangs = None
        await practice.until(lambda: isinstance(practice.told("logins"), Measured))
        await practice.abort()

    play(story)


def test_after_a_restart_windows_go_on_where_they_ended() -> None:
    async def story() -> None:
        practice = Practice({"logins": LOGINS})
        await practice.begin()
        await practice.pass_by(25.0)
        last = practice.source.asked[-1].until
        await practice.pass_by(2.0)
        practice.holding.let_go()
        practice.world.advance(60.0)
        practice.holding = practice.taken_over()
        await practice.pass_by(1.0)
        following = next(ask for ask in practice.source.asked if ask.until > last)
        assert following.since == last
        assert following.until - following.since >= 60.0
        await practice.until(lambda: practice.rollout().ended())

    play(story)


def test_warming_up_is_in_no_window() -> None:
    async def story() -> None:
        practice = Practice({"logins": LOGINS}, warm_up=40.0)
        await practice.begin()
        began = practice.world.now
        await practice.pass_by(60.0)
        assert practice.source.asked[0].since == pytest.approx(began + 40.0, abs=1.0)
        await practice.abort()

    play(story)


@pytest.mark.parametrize("judge", ["betting", "threshold"])
def test_warming_up_begins_with_users_so_what_is_asked_before_them_counts(judge: str) -> None:
    async def story() -> None:
        memory = msgspec.structs.replace(MEMORY, during=("start", "steps"))
        practice = Practice({"memory": memory}, JUDGES[judge], warm_up=40.0)
        await practice.begin()
        assert practice.rollout().reached_bp > 0, "the analysis ended, though nobody has warmed it up"
        await practice.abort()

    play(story)


def test_before_the_first_user_the_candidate_alone_is_asked_about() -> None:
    async def story() -> None:
        memory = msgspec.structs.replace(MEMORY, during=("start",))
        practice = Practice({"memory": memory})
        practice.deploy("one")
        await practice.until(
            lambda: practice.holding.target.live is not None and practice.holding.target.rollout is None
        )
        asked = len(practice.source.asked)
        practice.deploy("two", Behaviour(worse=3.0))
        await practice.until(lambda: practice.rollout().id == "r-two" and practice.rollout().ended())
        assert practice.rollout().phase in ("failed", "rolled_back")
        assert practice.rollout().reached_bp == 0, "nobody had it"
        assert {ask.version for ask in practice.source.asked[asked:]} == {"two"}

    play(story)


def test_what_was_read_for_a_rollout_that_is_over_is_dropped() -> None:
    async def story() -> None:
        practice = Practice({"logins": LOGINS})
        practice.source.hangs = asyncio.Event()
        await practice.begin()
        await practice.pass_by(15.0)
        await practice.abort()
        assert practice.holding.seen.measured == {}

    play(story)


def test_a_source_is_asked_about_so_many_windows_at_once() -> None:
    async def story() -> None:
        many = {f"m{number}": LOGINS for number in range(AT_A_SOURCE * 3)}
        practice = Practice(many)
        practice.source.hangs = asyncio.Event()
        await practice.begin()
        await practice.pass_by(15.0)
        assert len(practice.source.asked) == AT_A_SOURCE * 2, "candidate and live of each"
        practice.source.hangs.set()
        practice.source.hangs = None
        await practice.until(lambda: len(practice.holding.seen.measured) == len(many))
        await practice.abort()

    play(story)


def test_a_source_that_cannot_be_made_is_tried_anew_with_each_question() -> None:
    """A token's file is put where it belongs meanwhile, say."""

    async def story() -> None:
        practice = Practice({"logins": LOGINS})
        there: list[bool] = []

        def make() -> Metrics:
            if not there:
                raise Broken("token_unreadable", "the token's file is not there", "put it there")
            return practice.source

        practice.sources["kpi"] = Source("kpi", make)
        practice.holding = practice.taken_over()
        await practice.begin()
        await practice.pass_by(25.0)
        told = practice.told("logins")
        assert isinstance(told, Unmeasured)
        assert "the token's file is not there" in told.why
        there.append(True)
        await practice.until(lambda: practice.rollout().ended())
        assert practice.rollout().phase == "succeeded"

    play(story)


def test_a_driver_with_a_defect_is_no_harm() -> None:
    async def story() -> None:
        practice = Practice({"logins": LOGINS})

        def make() -> Metrics:
            raise ZeroDivisionError("a defect")

        practice.sources["kpi"] = Source("kpi", make)
        practice.holding = practice.taken_over()
        await practice.begin()
        await practice.pass_by(25.0)
        told = practice.told("logins")
        assert isinstance(told, Unmeasured)
        assert "ZeroDivisionError" in told.why
        await practice.abort()

    play(story)


def test_a_refused_query_is_told_and_long_words_are_cut() -> None:
    async def story() -> None:
        practice = Practice({"logins": LOGINS})
        practice.source.fails = Rejected("query", "parse error: " + "x" * 5000)
        await practice.begin()
        await practice.pass_by(15.0)
        told = practice.told("logins")
        assert isinstance(told, Unmeasured)
        assert told.why.startswith("parse error: x")
        assert len(told.why) <= 200
        await practice.abort()

    play(story)


def test_lanes_are_of_the_source_and_of_all() -> None:
    lanes, one, other = Lanes(), SimMetrics(World(), {}), SimMetrics(World(), {})
    assert lanes.of(one)[0] is lanes.of(one)[0] is not lanes.of(other)[0]
    assert lanes.of(one)[1] is lanes.of(other)[1]
