"""Checks that hang, fail and come back, and a control plane that is killed while it asks: no turn waits for an answer, and what
was answered is not asked again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from plainsail.domain.checks import Answer, Hooks, Question
from plainsail.domain.driver import Driver
from plainsail.domain.intents import Abort, Deploy
from plainsail.domain.rollout import Revision, Rollout
from plainsail.domain.service import Environment, Placement, Run, Service, config_digest
from plainsail.domain.strategy import Canary, Pace
from plainsail.engine.checking import OF_ONE, WITHIN, Places
from plainsail.engine.measuring import Lanes
from plainsail.engine.turn import LEASE, Holding, Site
from plainsail.ports.errors import Broken
from plainsail.ports.store import Key
from plainsail.ports.verifier import Verifier
from plainsail.testing.behaviour import Behaviour
from plainsail.testing.store import MemoryStore
from plainsail.testing.world import World

KEY = Key("shop", "production")
RUN = Run(("bin/serve",))
SMOKE = Driver("command", {"name": "smoke", "every": 1.0, "retries": 2})


async def at_once(call: Callable[..., object], *given: object, **named: object) -> object:
    return call(*given, **named)


class Practice:
    """One service in the simulated world, whose checks ask `world.verifier`."""

    def __init__(self, **place: object) -> None:
        self.world = World(3, rate=100.0)
        pace = Pace(until="dwell", dwell=2.0, deadline=60.0, on_unsure="rollback")
        given: dict[str, object] = {"replicas": 2, "strategy": (Canary((1000,)),), "pace": pace}
        self.place = Placement(**(given | place))  # type: ignore[arg-type]
        self.store = MemoryStore()
        services = {KEY.service: Service(RUN, {KEY.environment: self.place})}
        self.store.put_spec({KEY.environment: Environment(Driver("simulated"))}, services, None, ())
        self.verifiers: Callable[[Driver], Verifier] = lambda driver: self.world.verifier
        self.lanes = Lanes()
        self.holding = self.taken_over()

    def taken_over(self) -> Holding:
        """By a control plane that knows only what is recorded."""
        claimed = self.store.claim(KEY, "test", self.world.now, LEASE)
        assert claimed is not None
        site = Site(self.world.router, self.world.provider, {}, self.verifier)
        return Holding(KEY, claimed, site, self.store, self.world.now, at_once, self.lanes)

    def verifier(self, driver: Driver) -> Verifier:
        """As the story has it now."""
        return self.verifiers(driver)

    def deploy(self, version: str, like: Behaviour | None = None) -> None:
        revision = Revision(f"sha256:{version.encode().hex():0>64}", version, RUN, config_digest(RUN))
        self.world.behaviours[revision.release] = like or Behaviour()
        intent = Deploy(f"r-{version}", "test", revision, self.place, self.place.strategy)
        self.store.ask(KEY, intent, self.world.now)

    async def turn(self) -> None:
        self.world.advance(0.1)
        await self.holding.turn(self.world.now)
        await asyncio.sleep(0)  # who asks gets to ask

    async def until(self, true: Callable[[], object], turns: int = 3000) -> None:
        for _ in range(turns):
            if true():
                return
            await self.turn()
        raise AssertionError(f"not within {turns} turns: {self.rollout()}")

    async def over(self) -> Rollout:
        await self.until(lambda: self.holding.target.rollout is None)
        return self.store.rollouts("shop", "production", limit=1)[0]

    def rollout(self) -> Rollout | None:
        return self.holding.target.rollout

    def held(self) -> bool:
        rollout = self.rollout()
        return rollout is not None and rollout.phase == "paused"

    def asked(self) -> list[str]:
        return [one.key for one in self.world.verifier.asked]


def play(story: Callable[[], Awaitable[None]]) -> None:
    async def whole() -> None:
        await story()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    asyncio.run(whole())


def test_each_is_asked_once_and_answered_for_good() -> None:
    async def story() -> None:
        practice = Practice(checks={"each": (SMOKE,)}, hooks=Hooks(before=(SMOKE,), after=(SMOKE,)))
        practice.deploy("one")
        await practice.turn()
        assert (await practice.over()).phase == "succeeded"
        practice.deploy("two")
        await practice.turn()
        assert (await practice.over()).phase == "succeeded"
        await practice.until(lambda: not practice.holding.target.errands)
        assert [one for one in practice.asked() if one.startswith("r-two")] == [
            "r-two/0/0", "r-two/2/0", "r-two/3/0", "r-two/after/0",
        ]  # fmt: skip

    play(story)


def test_one_that_hangs_delays_no_turn_and_no_way_back() -> None:
    """The rollout waits, its users are looked after, and an abort takes them back within a turn or two."""

    async def story() -> None:
        practice = Practice(checks={"10%": (SMOKE,)})
        practice.deploy("one")
        await practice.turn()
        await practice.over()
        practice.world.verifier.hangs = asyncio.Event()
        practice.deploy("two")
        await practice.until(practice.asked)
        for _ in range(100):
            await practice.turn()
        rollout = practice.rollout()
        assert rollout is not None
        assert "waiting for the check smoke" in rollout.reason
        practice.store.ask(KEY, Abort("r-two", "bob"), practice.world.now)
        await practice.until(lambda: practice.holding.seen.share(rollout.candidate) == 0, turns=3)
        assert (await practice.over()).phase == "aborted"
        assert len(practice.asked()) == 1

    play(story)


def test_one_that_heeds_nothing_is_no_answer_in_the_end() -> None:
    """Its driver swallows even cancellation: after a while it counts as a failure, and is asked again."""

    class Deaf:
        asked = 0

        async def ask(self, question: Question) -> Answer:
            Deaf.asked += 1
            while True:
                try:
                    await asyncio.Event().wait()
                except asyncio.CancelledError:
                    if Deaf.asked > 1:
                        raise

    async def story() -> None:
        practice = Practice(checks={"start": (SMOKE,)}, pace=Pace(until="dwell", deadline=WITHIN * 4))
        practice.verifiers = lambda driver: Deaf()
        practice.deploy("one")
        await practice.until(lambda: Deaf.asked == 1)
        practice.world.advance(WITHIN + 2.0)
        await practice.until(lambda: Deaf.asked == 2, turns=30)
        rollout = practice.rollout()
        assert rollout is not None
        assert rollout.words[f"{rollout.step}/0"].failures == 1

    play(story)


def test_a_control_plane_that_is_killed_asks_again_with_the_same_key_and_only_what_was_not_answered() -> None:
    async def story() -> None:
        practice = Practice(checks={"start": (SMOKE,), "10%": (SMOKE,)})
        practice.deploy("one")
        await practice.turn()
        await practice.over()
        practice.deploy("two")
        await practice.until(lambda: "r-two/2/0" in practice.asked())
        practice.world.verifier.hangs = asyncio.Event()
        await practice.until(lambda: "r-two/2/0" in practice.asked() and len(practice.asked()) >= 3)
        answered, waits = practice.asked()[-2:]
        assert (answered, waits) == ("r-two/1/0", "r-two/2/0")
        practice.holding.let_go()
        practice.world.verifier.hangs = None
        practice.holding = practice.taken_over()
        assert (await practice.over()).phase == "succeeded"
        assert practice.asked().count("r-two/1/0") == 1
        assert practice.asked().count("r-two/2/0") == 2

    play(story)


def test_an_answer_that_could_not_be_recorded_is_not_lost() -> None:
    """While the store is away nobody is asked twice."""

    async def story() -> None:
        practice = Practice(checks={"10%": (SMOKE,)})
        practice.deploy("one")
        await practice.turn()
        await practice.over()
        practice.deploy("two")
        await practice.until(practice.asked)
        save, practice.store.save = practice.store.save, _broken  # type: ignore[method-assign]  # for a while
        for _ in range(30):
            try:
                await practice.turn()
            except Broken:
                continue
        practice.store.save = save  # type: ignore[method-assign]
        assert (await practice.over()).phase == "succeeded"
        assert len(practice.asked()) == 1

    play(story)


def test_a_driver_that_is_broken_is_no_answer() -> None:
    """It raises what it must not, answers nonsense, or is not there: the rollout holds."""

    class Odd:
        def __init__(self, answer: object) -> None:
            self.answer = answer

        async def ask(self, question: Question) -> Answer:
            if isinstance(self.answer, Exception):
                raise self.answer
            return self.answer  # type: ignore[return-value]  # that is the point

    def missing(driver: Driver) -> Verifier:
        raise Broken(
            "driver_missing", "there is no verifier driver command", "install the package that has it"
        )

    async def story() -> None:
        troubles: list[tuple[Callable[[Driver], Verifier], str]] = [
            (lambda driver: Odd(ValueError("x")), "its driver failed (ValueError)"),
            (lambda driver: Odd("go"), "its driver gave no answer"),
            (lambda driver: Odd(Answer("maybe")), "its driver gave no answer"),  # type: ignore[arg-type]  # that is the point
            (missing, "there is no verifier driver command"),
        ]
        for verifiers, why in troubles:
            practice = Practice(checks={"start": (SMOKE,)})
            practice.verifiers = verifiers
            practice.deploy("one")
            await practice.until(practice.held)
            rollout = practice.rollout()
            assert rollout is not None
            assert why in rollout.reason

    play(story)


def test_what_is_answered_is_one_harmless_line() -> None:
    class Rude:
        async def ask(self, question: Question) -> Answer:
            return Answer("no_go", "\x1b[31mred\r\n" + "x" * 5_000 + " https://user:secret@checks.example")

    async def story() -> None:
        practice = Practice(checks={"start": (SMOKE,)})
        practice.verifiers = lambda driver: Rude()
        practice.deploy("one")
        await practice.turn()
        over = await practice.over()
        assert over.phase == "failed"
        assert over.reason.isprintable()
        assert "secret" not in over.reason
        assert len(over.reason) < 300

    play(story)


def test_eight_questions_to_one_leave_room_for_others() -> None:
    """One webhook that hangs for everybody takes its own places, and no other's."""

    async def story() -> None:
        places, hangs, asked = Places(), asyncio.Event(), []

        async def ask(driver: Driver) -> None:
            mine, everybodys = places.of(driver)
            async with mine, everybodys:
                asked.append(driver.name)
                if driver.name == "hangs":
                    await hangs.wait()

        tasks = [asyncio.create_task(ask(Driver("hangs"))) for _ in range(100)]
        await asyncio.sleep(0)
        await asyncio.create_task(ask(Driver("well")))
        assert asked.count("hangs") == OF_ONE
        assert asked[-1] == "well"
        hangs.set()
        await asyncio.gather(*tasks)
        assert asked.count("hangs") == 100

    play(story)


def _broken(*_: object, **__: object) -> None:
    raise Broken("store_full", "the disk is full", "make room")
