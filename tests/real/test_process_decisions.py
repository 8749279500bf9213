"""Which instances start, leave, stay and end, and how long a crash loop waits: the provider's pure decisions."""

import hypothesis.strategies as st
from hypothesis import given
from msgspec.structs import replace

from plainsail.drivers._kit.replicas import FIRST_WAIT, LONGEST_WAIT, STEADY, Backoff, Hand, Moves, moves

NOW = 1000.0
NOBODY: frozenset[str] = frozenset()


def hand(id: str, **changes: object) -> Hand:
    return replace(Hand(id, ready=True, was_ready=True, since=100.0, drain=10.0), **changes)


def decide(
    *hands: Hand, wanted: int | None, released: frozenset[str] = NOBODY, starts_at: float = 0.0
) -> Moves:
    return moves(hands, wanted, released, starts_at, NOW)


def test_nothing_to_do() -> None:
    assert decide(hand("a"), hand("b"), wanted=2) == Moves()


def test_what_is_missing_starts() -> None:
    assert decide(hand("a"), wanted=3) == Moves(start=2)


def test_in_a_crash_loop_it_waits_and_says_until_when() -> None:
    assert decide(wanted=2, starts_at=NOW + 3) == Moves(again_at=NOW + 3)


def test_who_is_not_ready_leaves_first_then_the_youngest() -> None:
    hands = (
        hand("old", since=1),
        hand("young", since=3),
        hand("middle", since=2),
        hand("unwell", since=0, ready=False),
    )
    assert decide(*hands, wanted=3).leave == ("unwell",)
    assert decide(*hands, wanted=2).leave == ("unwell", "young")
    assert decide(*hands, wanted=1).leave == ("unwell", "young", "middle")


def test_who_leaves_drains() -> None:
    assert decide(hand("a"), wanted=0) == Moves(leave=("a",), again_at=NOW + 10)


def test_who_was_never_ready_ends_at_once() -> None:
    todo = decide(hand("a", ready=False, was_ready=False), wanted=0)
    assert todo == Moves(leave=("a",), end=("a",))


def test_who_is_released_ends_at_once() -> None:
    leaving = hand("a", leaving_at=NOW - 1)
    assert decide(leaving, wanted=0, released=frozenset({"a", "unknown"})) == Moves(end=("a",))
    assert decide(leaving, wanted=0) == Moves(again_at=NOW + 9)


def test_who_has_drained_long_enough_ends() -> None:
    assert decide(hand("a", leaving_at=NOW - 10), wanted=0) == Moves(end=("a",))


def test_who_is_leaving_is_taken_back_before_anybody_is_started() -> None:
    hands = (hand("old", since=1, leaving_at=NOW - 1), hand("young", since=2, leaving_at=NOW - 1))
    assert decide(*hands, wanted=1) == Moves(stay=("old",), again_at=NOW + 9)
    assert decide(*hands, wanted=3) == Moves(start=1, stay=("young", "old"))


def test_who_was_sent_sigterm_is_not_taken_back() -> None:
    assert decide(hand("a", leaving_at=NOW - 1, ending=True), wanted=1) == Moves(start=1)


def test_who_is_of_another_release_leaves_and_is_not_taken_back() -> None:
    assert decide(hand("a", foreign=True), hand("b"), wanted=2) == Moves(1, leave=("a",), again_at=NOW + 10)
    assert decide(hand("a", foreign=True, leaving_at=NOW - 1), wanted=1) == Moves(1, again_at=NOW + 9)


def test_before_the_first_order_only_what_is_leaving_goes_on() -> None:
    hands = (hand("a"), hand("b", leaving_at=NOW - 10), hand("c", leaving_at=NOW - 1))
    assert decide(*hands, wanted=None) == Moves(end=("b",), again_at=NOW + 9)


hands = st.lists(
    st.builds(
        Hand,
        id=st.uuids().map(str),
        ready=st.booleans(),
        was_ready=st.booleans(),
        since=st.floats(0, NOW),
        drain=st.floats(0, 100),
        leaving_at=st.none() | st.floats(0, NOW),
        ending=st.booleans(),
        foreign=st.booleans(),
    ).map(lambda hand: hand if hand.leaving_at is not None else replace(hand, ending=False)),
    max_size=8,
)


@given(hands, st.none() | st.integers(0, 8), st.booleans())
def test_decided_and_done_the_size_is_right_and_deciding_again_changes_nothing(
    before: list[Hand], wanted: int | None, waits: bool
) -> None:
    starts_at = NOW + 1 if waits else NOW
    todo = moves(before, wanted, NOBODY, starts_at, NOW)
    after = [carried_out(hand, todo) for hand in before] + [
        hand(f"new {number}", ready=False, was_ready=False, since=NOW) for number in range(todo.start)
    ]
    size = sum(hand.leaving_at is None for hand in after)
    if wanted is not None:
        assert size == wanted or (size < wanted and waits)
    foreign = {hand.id for hand in before if hand.foreign}
    assert not (todo.start and set(todo.leave) - foreign), "nobody leaves while others start"
    assert not foreign & {hand.id for hand in after if hand.leaving_at is None}
    again = moves(after, wanted, NOBODY, starts_at, NOW)
    assert again == replace(Moves(), again_at=again.again_at)
    assert again.again_at is None or again.again_at > NOW


def carried_out(hand: Hand, todo: Moves) -> Hand:
    if hand.id in todo.leave:
        hand = replace(hand, leaving_at=NOW)
    if hand.id in todo.stay:
        hand = replace(hand, leaving_at=None)
    return replace(hand, ending=True) if hand.id in todo.end else hand


def test_waiting_doubles_to_its_longest() -> None:
    backoff, now, waits = Backoff(), 0.0, []
    for _ in range(9):
        backoff = backoff.failed(since=now, ready_at=None, now=now + 0.1)
        now = backoff.starts_at()
        waits.append(backoff.wait)
    assert waits == [FIRST_WAIT, 1, 2, 4, 8, 16, LONGEST_WAIT, LONGEST_WAIT, LONGEST_WAIT]


def test_those_that_fail_together_count_once() -> None:
    first = Backoff().failed(since=0, ready_at=None, now=1)
    assert first.failed(since=0, ready_at=None, now=1.2) == first
    assert first.failed(since=1.5, ready_at=None, now=2).wait == 2 * FIRST_WAIT


def test_who_was_steady_is_started_again_soon() -> None:
    tired = Backoff(wait=16, failed_at=0)
    assert tired.failed(since=16, ready_at=17, now=17 + STEADY).wait == FIRST_WAIT
    assert tired.failed(since=16, ready_at=17, now=16 + STEADY).wait == LONGEST_WAIT
