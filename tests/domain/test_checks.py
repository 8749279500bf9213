"""Checks, approvals and hooks as decisions: no go, no next step; a no turns back; hooks change nothing else."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings

from plainsail.domain.approval import awaited
from plainsail.domain.checking import due
from plainsail.domain.checks import Hooks, Question, Told
from plainsail.domain.decide import Decision
from plainsail.domain.driver import Driver
from plainsail.domain.intents import Abort, Advance, Approve, Deploy, Intent, Pause, Reject, Resume
from plainsail.domain.observation import Seen
from plainsail.domain.rollout import Revision, Rollout
from plainsail.domain.service import Placement, Probe, Run, Stop, config_digest
from plainsail.domain.strategy import (
    BlueGreen,
    Canary,
    Chain,
    Custom,
    CustomStep,
    Pace,
    Recreate,
    Rolling,
)
from plainsail.testing.control import Control
from plainsail.testing.world import Behaviour, World

RUN = Run(command=("serve",), ready=Probe(tcp=True, within=5.0), stop=Stop(drain=1.0, grace=1.0))
SMOKE = Driver("command", {"name": "smoke", "every": 1.0, "retries": 2})
STRICT = Driver("webhook", {"every": 1.0, "retries": 1, "on_error": "rollback"})
PACE = Pace(until="dwell", dwell=1.0, deadline=30.0, on_unsure="rollback")
CANARY = Canary((1000, 5000))
GOOD = Behaviour()

Says = Callable[[Question, int], str]
"""What is said to a question, asked for so many times (from 1)."""


class Asked(Control):
    """A control plane whose checks are answered by whoever the test puts there."""

    def __init__(self, world: World, says: Says) -> None:
        super().__init__(world)
        self.says = says
        self.questions: list[tuple[float, Question]] = []
        self.decisions: list[tuple[Rollout | None, Rollout | None, dict[str, Told], tuple[Intent, ...]]] = []

    def look(self) -> Seen:
        told: dict[str, Told] = {}
        for one in due(self.target, self.world.now):
            asked = one.question
            self.questions.append((self.world.now, asked))
            times = sum(before.key == asked.key for _, before in self.questions)
            said = self.says(asked, times)
            if said != "nothing":
                verdict = {"go": "go", "no_go": "no_go", "not_yet": "not_yet", "none": "none"}[said]
                told[asked.key] = Told(self.world.now, verdict, f"it says {said}")  # type: ignore[arg-type]  # one of them
        return msgspec.structs.replace(super().look(), told=told)

    def decide(self, seen: Seen) -> Decision:
        before, asked = self.target.rollout, tuple(self.asked)
        decision = super().decide(seen)
        self.decisions.append((before, decision.target.rollout, seen.told, asked))
        return decision

    def deploy(
        self, version: str, strategy: Chain = (CANARY,), like: Behaviour = GOOD, **place: object
    ) -> str:
        digest = "sha256:" + version[-1] * 64
        self.world.behaviours[digest] = like
        given: dict[str, object] = {"replicas": 2, "pace": PACE}
        placement = Placement(**(given | place))  # type: ignore[arg-type]
        rollout = f"r-{version}-{len(self.rollouts)}"
        revision = Revision(digest, version, RUN, config_digest(RUN))
        self.ask(Deploy(rollout, "ada", revision, placement, strategy))
        return rollout

    def live(self) -> str:
        group = self.target.group(self.target.live)
        return group.revision.version if group else ""

    def kinds(self) -> list[str]:
        return [event.kind for event in self.events]

    def until(self, true: Callable[[], object], within: float = 300.0) -> None:
        end = self.world.now + within
        while not true():
            assert self.world.now < end, self.target.rollout
            self.world.advance(self.turn().wake_in)


def at_ease(says: Says = lambda question, times: "go", rate: float = 20.0) -> Asked:
    """One release is live."""
    control = Asked(World(5, rate), says)
    control.deploy("v0")
    control.until_ended(60.0)
    control.decisions.clear()
    control.questions.clear()
    return control


VERBS: dict[str, Callable[[str, str], Intent]] = {
    "approve": Approve, "reject": Reject, "pause": Pause, "resume": Resume, "abort": Abort,
}  # fmt: skip
answers = st.sampled_from(["go", "go", "not_yet", "none", "no_go", "nothing"])
scripts = st.lists(st.lists(answers, min_size=1, max_size=5), min_size=1, max_size=6)
chains = st.sampled_from(
    [
        (CANARY,), (Rolling(),), (BlueGreen(keep=1.0),), (Recreate(),),
        (Custom((CustomStep(share=1000, approval=True, checks=(SMOKE,)), CustomStep(share=5000, checks=(STRICT,)))),),
    ]
)  # fmt: skip
places = st.fixed_dictionaries(
    {
        "checks": st.sampled_from([{}, {"each": (SMOKE,)}, {"each": (SMOKE, STRICT)}, {"start": (STRICT,)}]),
        "approvals": st.sampled_from([(), ("each",), ("start",)]),
        "hooks": st.builds(
            Hooks, before=st.sampled_from([(), (STRICT,)]), after=st.sampled_from([(), (SMOKE,)]),
            failure=st.sampled_from([(), (SMOKE, STRICT)]),
        ),
    }
)  # fmt: skip
people = st.lists(
    st.tuples(st.integers(1, 60), st.sampled_from(["approve", "reject", "pause", "resume", "abort"])),
    max_size=5,
)


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(script=scripts, chain=chains, place=places, people=people)
def test_no_go_no_next_step_and_a_no_turns_back(
    script: list[list[str]], chain: Chain, place: dict[str, object], people: list[tuple[int, str]]
) -> None:
    """Whatever is said, in whatever order, and whatever people do besides going on by hand."""
    control = at_ease(rate=10.0)

    def says(question: Question, times: int) -> str:
        said = script[sum(map(ord, question.key)) % len(script)]
        return said[min(times, len(said)) - 1]

    control.says = says
    rollout = control.deploy("v1", chain, GOOD, **place)
    for turn in range(250):
        for _, verb in [one for one in people if one[0] * 4 == turn]:
            control.ask(VERBS[verb](rollout, "bob"))
        control.world.advance(control.turn().wake_in)
        if control.target.rollout is None and not control.target.errands:
            break
    for before, after, told, _ in control.decisions:
        _no_step_without_a_go(before, after)
        _a_no_turns_back(before, after, told)
    for (_, first), (_, second) in pairwise(control.questions):
        assert first.key != second.key or first == second, "the same key is the same question"
    hooks = [question for _, question in control.questions if question.moment in ("after", "failure")]
    over = control.rollouts[rollout]
    if over.ended():
        assert {one.moment for one in hooks} <= {"after" if over.phase == "succeeded" else "failure"}


def _no_step_without_a_go(before: Rollout | None, after: Rollout | None) -> None:
    if before is None or after is None or before.id != after.id or after.phase == "rolling_back":
        return
    if after.step == before.step:
        return
    left = before.current()
    assert all(after.words[f"{before.step}/{number}"].state == "go" for number in range(len(left.checks))), (
        "a step was left without a go"
    )
    if left.approve_within is not None:
        assert after.words[f"{before.step}/approval"].state == "go", "a step was left without an approval"


def _a_no_turns_back(before: Rollout | None, after: Rollout | None, told: dict[str, Told]) -> None:
    if before is None or before.phase not in ("progressing", "paused"):
        return
    here = [told.get(f"{before.id}/{before.step}/{number}") for number in range(len(before.current().checks))]
    if any(one is not None and one.verdict == "no_go" for one in here):
        assert after is None or after.phase == "rolling_back", "a no did not turn it back"


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(
    said=st.sampled_from(["nothing", "none", "no_go", "not_yet"]),
    ends=st.sampled_from(["abort", "harm", "refused"]),
    seed=st.integers(0, 50),
)
def test_a_hook_never_delays_the_way_back(said: str, ends: str, seed: int) -> None:
    """The same world twice, with a hook on failure that does not work and without: the way back takes the same time."""
    ways = []
    for hooks in (Hooks(), Hooks(failure=(SMOKE, STRICT))):
        control = at_ease(rate=200.0 + seed)
        control.says = lambda question, _: said if question.moment == "failure" else "no_go"
        like = Behaviour(errors=0.9) if ends == "harm" else Behaviour()
        checks = {"10%": (SMOKE,)} if ends == "refused" else {}
        rollout = control.deploy("v1", like=like, hooks=hooks, checks=checks)
        control.until(lambda control=control: control.target.rollout and control.target.rollout.reached_bp)  # type: ignore[misc]  # bound at once
        if ends == "abort":
            control.ask(Abort(rollout, "bob"))
        control.until_ended(60.0)
        ways.append([(event.at, event.kind, event.reason) for event in control.events if event.rollout == rollout and event.kind != "hook_ended"])  # fmt: skip
        assert control.live() == "v0"
    assert ways[0] == ways[1]


@pytest.mark.parametrize("strategy", [CANARY, Recreate(), BlueGreen(), Rolling()])
@pytest.mark.parametrize(
    ("said", "code"), [("no_go", "check_refused"), ("none", "check_silent"), ("nothing", "unsure")]
)
def test_nothing_is_started_before_the_hook_before_says_go(strategy: object, said: str, code: str) -> None:
    """It ends as failed, no instance of it was ever there, and live has its users and instances as before."""
    control = at_ease(lambda *_: said)
    rollout = control.deploy("v1", (strategy,), hooks=Hooks(before=(SMOKE,)))  # type: ignore[arg-type]  # one of them
    while not control.rollouts.get(rollout) or not control.rollouts[rollout].ended():
        control.world.advance(control.turn().wake_in)
        assert {one.group for one in control.world.provider.instances("shop")} == {"g1"}
    over = control.rollouts[rollout]
    assert (over.phase, over.reason_code) == ("failed", code)
    assert control.live() == "v0"
    assert control.world.unanswered == 0
    assert "sha256:" + "1" * 64 not in control.target.quarantine


@pytest.mark.parametrize("gradual", [False, True])
@pytest.mark.parametrize("strategy", [CANARY, Recreate(), Rolling(0, 1)])
def test_who_aborts_before_anything_began_ends_nothing(strategy: object, gradual: bool) -> None:
    """Nothing of live is stopped on a way back from where nothing was begun."""
    control = at_ease(lambda *_: "nothing")
    rollout = control.deploy("v1", (strategy,), hooks=Hooks(before=(SMOKE,)))  # type: ignore[arg-type]  # one of them
    control.run(1.0)
    control.ask(Abort(rollout, "bob", gradual=gradual))
    assert control.until_ended(60.0).phase == "aborted"
    assert control.world.unanswered == 0


@pytest.mark.parametrize("place", [{"approvals": ("each",)}, {"checks": {"start": (SMOKE,)}}])
def test_nobody_thinks_while_users_have_nothing(place: dict[str, object]) -> None:
    """`check` refuses it; what was stored before it did is carried out without."""
    control = at_ease(lambda *_: "nothing")
    control.deploy("v1", (Recreate(),), GOOD, **place)
    assert control.until_ended(60.0).phase == "succeeded"


def test_a_check_that_is_silent_holds_for_a_person_who_may_ask_again_or_go_on() -> None:
    control = at_ease()
    control.says = lambda question, times: "none" if question.step == "10 %" and times <= 3 else "go"
    control.deploy("v1", checks={"10%": (SMOKE,)})
    control.until(lambda: control.target.rollout and control.target.rollout.phase == "paused")
    held = control.target.rollout
    assert held is not None
    assert held.reason_code == "check_silent"
    assert (
        "the check smoke does not answer, asked 3 times: it says none; resume, advance or abort it"
        in held.reason
    )
    control.ask(Resume(held.id, "bob"))
    assert control.until_ended(60.0).phase == "succeeded"


def test_who_goes_on_by_hand_passes_over_a_check_that_says_nothing() -> None:
    control = at_ease(lambda question, _: "nothing" if question.step == "10 %" else "go")
    rollout = control.deploy("v1", checks={"10%": (SMOKE,)})
    control.until(
        lambda: control.target.rollout and "waiting for the check smoke" in control.target.rollout.reason
    )
    control.ask(Advance(rollout, "bob"))
    assert control.until_ended(60.0).phase == "succeeded"


@pytest.mark.parametrize("on_unsure", ["rollback", "advance"])
def test_no_deadline_stands_for_a_go(on_unsure: str) -> None:
    """`on_unsure: advance` is about evidence: who was asked and did not say go has not said it."""
    control = at_ease(lambda *_: "not_yet")
    pace = msgspec.structs.replace(PACE, on_unsure=on_unsure)
    control.deploy("v1", checks={"10%": (SMOKE,)}, pace=pace)
    over = control.until_ended(120.0)
    assert over.phase == "rolled_back"
    assert "waiting for the check smoke, which says not yet" in over.reason or "smoke" in over.reason
    assert over.reached_bp == 1000


def test_a_check_is_asked_again_in_time_and_not_once_it_has_answered() -> None:
    control = at_ease(lambda question, times: "go" if times == 4 else "not_yet")
    pace = msgspec.structs.replace(PACE, dwell=10.0)
    control.deploy("v1", checks={"10%": (SMOKE,)}, pace=pace)
    assert control.until_ended(120.0).phase == "succeeded"
    times = [at for at, _ in control.questions]
    assert len(times) == 4
    assert all(second - first >= 1.0 for first, second in pairwise(times))
    assert control.kinds().count("check_answered") == 1


def test_a_person_is_asked_when_nothing_else_is_lacking_and_only_once() -> None:
    control = at_ease(lambda question, times: "go" if times >= 5 else "not_yet")
    rollout = control.deploy("v1", checks={"10%": (SMOKE,)}, approvals=("10%",))
    control.until(lambda: "approval_asked" in control.kinds())
    assert "check_answered" in control.kinds(), "the person came first"
    control.run(20.0)
    assert control.kinds().count("approval_asked") == 1
    assert control.target.rollout is not None
    assert awaited(control.target.rollout)
    assert "plainsail approve shop" in control.target.rollout.reason
    control.ask(Approve(rollout, "bob", "seen it"))
    control.ask(Approve(rollout, "eve"))
    assert control.until_ended(60.0).phase == "succeeded"
    given = [event for event in control.events if event.kind == "approval_given"]
    assert [(one.by, one.reason) for one in given] == [("bob", "approved by bob: seen it")]


def test_who_approves_before_it_is_asked_for_is_refused() -> None:
    control = at_ease(lambda question, times: "go" if times >= 8 else "not_yet")
    rollout = control.deploy("v1", checks={"10%": (SMOKE,)}, approvals=("10%", "50%"))
    control.until(lambda: control.target.rollout and control.target.rollout.current().name == "10 %")
    control.ask(Approve(rollout, "bob"))
    control.until(lambda: "intent_refused" in control.kinds())
    refused = next(event for event in control.events if event.kind == "intent_refused")
    assert "no approval is waited for" in refused.reason
    control.until(lambda: "approval_asked" in control.kinds())
    control.ask(Approve(rollout, "bob"))
    control.until(lambda: control.target.rollout and control.target.rollout.current().name == "50 %")
    control.ask(Approve(rollout, "bob"))  # once more, and too late: not for this step, which nobody has seen
    control.until(lambda: control.kinds().count("approval_asked") == 2)
    assert control.target.rollout is not None
    assert awaited(control.target.rollout)
    assert control.kinds().count("approval_given") == 1


def test_a_no_of_a_person_takes_it_back_with_the_reason() -> None:
    control = at_ease()
    rollout = control.deploy("v1", approvals=("50%",))
    control.until(lambda: "approval_asked" in control.kinds())
    control.ask(Reject(rollout, "bob", "the price is wrong"))
    control.ask(Reject(rollout, "bob", "once more"))
    over = control.until_ended(60.0)
    assert (over.phase, over.reason, over.reason_code) == (
        "aborted", "rejected by bob: the price is wrong", "rejected",
    )  # fmt: skip
    assert control.live() == "v0"
    assert "intent_refused" not in control.kinds()


@pytest.mark.parametrize("intent", [Approve, Reject])
def test_where_no_approval_is_waited_for_it_is_refused_with_what_is(
    intent: type[Approve] | type[Reject],
) -> None:
    control = at_ease(lambda *_: "not_yet")
    rollout = control.deploy("v1", checks={"10%": (SMOKE,)})
    control.until(lambda: control.target.rollout and "smoke" in control.target.rollout.reason)
    control.ask(intent(rollout, "bob"))
    control.turn()
    assert control.events[-1].kind == "intent_refused"
    assert "no approval is waited for" in control.events[-1].reason
    assert "waiting for the check smoke" in control.events[-1].reason
    assert control.target.rollout is not None


def test_whom_nobody_answers_never_goes_on() -> None:
    """The wait for a person ends too."""
    control = at_ease()
    steps = (CustomStep(share=1000, approval=True, deadline=20.0), CustomStep(share=5000))
    control.deploy("v1", (Custom(steps),))
    over = control.until_ended(120.0)
    assert over.phase == "rolled_back"
    assert over.reached_bp == 1000
    assert "not answered after 20 s" in over.reason


def test_a_person_is_asked_too_where_evidence_that_need_not_come_does_not() -> None:
    control = at_ease(rate=0.0)
    for deadline in (None, 20.0):
        step = CustomStep(share=1000, until="proven", approval=True, deadline=deadline, on_unsure="advance")
        rollout = control.deploy("v1", (Custom((step, CustomStep(share=5000))),))
        control.until(lambda: "approval_asked" in control.kinds(), 60.0)
        control.ask(Approve(rollout, "bob"))
        control.until(
            lambda: control.target.rollout and control.target.rollout.current().name == "50 %", 90.0
        )
        control.ask(Abort(rollout, "bob"))
        control.until_ended(60.0)
        control.events.clear()


@pytest.mark.slow
def test_approval_has_more_time_than_the_evidence() -> None:
    control = at_ease()
    rollout = control.deploy("v1", approvals=("10%",))
    control.run(PACE.deadline * 3)
    assert control.target.rollout is not None
    assert control.target.rollout.phase == "progressing"
    control.ask(Approve(rollout, "bob"))
    assert control.until_ended(60.0).phase == "succeeded"


def test_what_waits_for_a_person_by_hand_is_approved_and_rejected_too() -> None:
    """`switch: manual`, `dark` and `until: advanced`."""
    for intent, phase in ((Approve, "succeeded"), (Reject, "aborted")):
        control = at_ease()
        rollout = control.deploy("v1", (BlueGreen(keep=1.0, switch="manual"),))
        control.until(lambda control=control: control.target.rollout and awaited(control.target.rollout))  # type: ignore[misc]  # bound at once
        control.run(3.0)
        control.ask(intent(rollout, "bob"))
        assert control.until_ended(60.0).phase == phase


def test_hooks_afterwards_are_asked_beside_the_next_rollout_and_told() -> None:
    """Each once it has answered; until then again, also while the next release is on its way."""
    control = at_ease()
    control.says = lambda question, times: (
        ("go" if times >= 20 else "not_yet") if question.moment == "after" else "go"
    )
    control.deploy("v1", hooks=Hooks(after=(SMOKE,)))
    assert control.until_ended(60.0).phase == "succeeded"
    assert [one.question.moment for one in control.target.errands] == ["after"]
    control.deploy("v2")
    assert control.until_ended(60.0).phase == "succeeded"
    control.run(30.0)
    assert not control.target.errands
    assert [event.code for event in control.events if event.kind == "hook_ended"] == ["hook_go"]


def test_a_step_tells_those_who_are_notified_when_it_is_reached() -> None:
    control = at_ease()
    control.deploy(
        "v1", (Custom((CustomStep(share=1000, notify="ten percent have it"), CustomStep(share=5000))),)
    )
    control.until_ended(60.0)
    told = [event.data["notify"] for event in control.events if "notify" in event.data]
    assert told == ["ten percent have it"]
