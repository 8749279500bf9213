"""What the judge says look by look, with every number of it, and what it remembers; see `storybook`."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from tests.domain.storybook import Book, changes, shown

from plainsail.domain.criteria import ErrorCriteria, EvidenceCriteria, LatencyCriteria
from plainsail.domain.evidence import Arm, Evidence, Mark, Verdict
from plainsail.domain.finding import Finding, sentence
from plainsail.domain.judge import begin, judge
from plainsail.domain.observation import Counts


class Bench:
    """A candidate `c` beside live `l`; every look is told."""

    def __init__(self) -> None:
        self.criteria = EvidenceCriteria()
        self.live: str | None = "l"
        self.now = 100.0
        self.evidence: Evidence = begin(self.now)
        self.counts = {"c": Counts(), "l": Counts(1000, 7, 0, 3)}
        self.crashes: dict[str, int] = {}
        self.exposures: tuple[int, ...] = (1000, 5000, 10_000)
        self.exposure: int | None = 5000
        self.lines: list[str] = []

    def look(self, trouble: str = "", after: float = 0.1) -> Verdict:
        self.now += after
        before = msgspec.structs.replace(self.evidence, trail=())
        self.evidence, verdict = judge(
            self.evidence, self.counts, self.crashes, "c", self.live, self.criteria, self.exposures,
            self.exposure, self.now, trouble,
        )  # fmt: skip
        numbers = " ".join(f"{name}={shown(log)}" for name, log in verdict.log_evidence.items())
        self.lines += [
            f"{self.now:.1f}: {verdict.outcome} {verdict.code!r} {verdict.sentence}",
            f"    {_arm(verdict.candidate)} against {_arm(verdict.live)}; proven {verdict.proven_bp}, needs "
            f"{verdict.needs}, harm {shown(verdict.harm)}, good {shown(verdict.good)}",
            f"    {numbers}",
            *(
                f"    {line}"
                for line in changes(before, msgspec.structs.replace(self.evidence, trail=()))
                if not line.startswith(("candidate.", "live.", "harm.", "proof."))
            ),
        ]
        return verdict

    def block(self, ours: tuple[int, ...] = (), theirs: tuple[int, ...] = (), after: float = 0.1) -> Verdict:
        """Requests, failures, shielded, slow that are new."""
        for group, new in (("c", ours), ("l", theirs)):
            old = msgspec.structs.astuple(self.counts.get(group, Counts()))
            more = (*new, *(0,) * (4 - len(new)))
            self.counts[group] = Counts(*(one + other for one, other in zip(old, more, strict=True)))
        return self.look(after=after)

    def until_fail(self, ours: tuple[int, ...], theirs: tuple[int, ...] = ()) -> None:
        """The same block over and over; the first and the last are told, and one after."""
        for number in range(200):
            told = len(self.lines)
            if self.block(ours, theirs).outcome == "fail":
                self.lines.append(f"    after {number + 1} blocks")
                self.block(ours, theirs)
                return
            if number:
                del self.lines[told:]
        raise AssertionError("it never fails")


def _arm(arm: object) -> str:
    return "/".join(str(number) for number in msgspec.structs.astuple(arm))  # type: ignore[arg-type]


story = Book(Bench, "verdict_")


@pytest.mark.parametrize("tell", story.stories, ids=lambda tell: tell.__name__)
def test_golden(tell: Callable[[Bench], None]) -> None:
    story.read(tell)


@story
def good(bench: Bench) -> None:
    bench.look()
    for _ in range(3):
        bench.block((10,), (90,))
    bench.block((200,), (1800, 2))
    bench.exposure = 10_000
    bench.block((600, 1, 1), (5400, 9, 0, 20))
    bench.exposure = 1000
    bench.look()
    bench.exposure = None
    bench.look()
    bench.exposures, bench.exposure = (), 2500
    bench.look()


@story
def fails_at_once(bench: Bench) -> None:
    bench.until_fail((10, 10, 10), (90,))


@story
def fails_more_than_live(bench: Bench) -> None:
    bench.criteria = EvidenceCriteria(ErrorCriteria(margin=0.01, max=0.5))
    bench.until_fail((100, 12), (900, 27, 0, 4))


@story
def fails_more_than_the_limit(bench: Bench) -> None:
    bench.criteria = EvidenceCriteria(ErrorCriteria(margin=0.2, max=0.02))
    bench.until_fail((50, 5), (450, 1))


@story
def is_slow(bench: Bench) -> None:
    bench.criteria = EvidenceCriteria(latency=LatencyCriteria(bound=0.3, margin=0.02, relative=0.5))
    bench.until_fail((40, 0, 0, 20), (360, 0, 0, 10))


@story
def begins_to_fail_late(bench: Bench) -> None:
    bench.criteria = EvidenceCriteria(alpha=0.001)
    for _ in range(3):
        bench.block((400,), (3600, 3))
    bench.until_fail((10, 6), (90,))
    bench.look(after=80.0)


@story
def begins_to_be_slow_late(bench: Bench) -> None:
    for _ in range(3):
        bench.block((400, 4), (3600, 36))
    bench.until_fail((20, 0, 0, 9), (180,))


@story
def crashes(bench: Bench) -> None:
    bench.crashes = {"c": 1, "l": 4}
    bench.look("exited with status 1")
    bench.crashes = {"c": 2, "l": 4}
    bench.look("exited with status 1")
    bench.crashes = {"c": 3, "l": 5}
    bench.look()
    bench.crashes = {"c": 5, "l": 5}
    bench.look("was killed by signal 9")
    bench.crashes = {"c": 1}
    bench.look("began anew")
    bench.crashes = {}
    bench.look()
    bench.crashes = {"l": 1}
    bench.look()


@story
def has_no_requests(bench: Bench) -> None:
    bench.look()
    for _ in range(3):
        bench.block((), (90,))
    bench.look(after=5.0)
    bench.exposure = None
    bench.look()


@story
def has_no_live(bench: Bench) -> None:
    bench.live = None
    del bench.counts["l"]
    bench.block((100, 1))
    bench.block((100, 2, 0, 60))
    bench.until_fail((100, 40))


@story
def live_falls_silent(bench: Bench) -> None:
    bench.block((1,), (9,))
    for _ in range(3):
        bench.block((10,), (90,))
    bench.block((10, 1))
    bench.block((10, 1), after=0.4)
    bench.block((10, 1), after=0.4)
    bench.block((10, 1), after=0.3)
    bench.block((10, 1))
    bench.block((10,), (90,), after=3.0)


@story
def live_is_slow_to_come(bench: Bench) -> None:
    del bench.counts["l"]
    bench.look()
    bench.block((2, 1))
    bench.counts["l"] = Counts(500)
    bench.look()
    bench.block((3,), after=20.0)
    bench.block((3,), after=9.0)
    bench.block((3, 1), after=2.0)
    bench.block((1,), (1,), after=1.0)


@story
def waits_for_the_candidate(bench: Bench) -> None:
    bench.look()
    bench.block((), (50, 5), after=0.5)
    bench.block((), (50, 5), after=0.6)
    bench.block((2,), (10,), after=0.9)
    bench.block((), (70, 7), after=1.0)
    bench.block((1,), after=0.1)
    bench.block((), (5, 1), after=0.1)


@story
def mishaps_come_after_their_requests(bench: Bench) -> None:
    bench.block((10, 0, 0, 10), (90, 0, 0, 9))
    bench.block((1, 8, 4), (3, 9))
    bench.block((5, 1, 1, 7), (45, 0, 0, 50))
    bench.block((20,), (180,))


@story
def the_router_begins_anew(bench: Bench) -> None:
    bench.block((10, 1), (90, 2))
    bench.counts = {"c": Counts(4, 1), "l": Counts(30, 1, 0, 1)}
    bench.look()
    bench.counts = {"c": Counts(9, 0), "l": Counts(60, 1, 0, 0)}
    bench.look()
    bench.counts = {"l": Counts(70, 1)}
    bench.look()
    bench.counts = {"c": Counts(10)}
    bench.look()
    bench.counts = {"c": Counts(12), "l": Counts(90, 1)}
    bench.look()


@story
def live_fails_in_bursts(bench: Bench) -> None:
    for number in range(8):
        bench.block((10, number % 2), (90, 30 if number % 3 == 0 else 0, 0, 10 if number == 4 else 0))


@story
def both_are_out(bench: Bench) -> None:
    bench.block((10,), (90,))
    for _ in range(4):
        bench.block((10, 6), (90, 54))
    bench.block((10, 10), (90, 90))


@story
def without_margins(bench: Bench) -> None:
    bench.criteria = EvidenceCriteria(
        ErrorCriteria(margin=0.0, max=0.0), LatencyCriteria(margin=0.0, relative=0.2)
    )
    bench.block((10,), (90,))
    bench.until_fail((10, 3, 0, 3), (90, 1))


@story
def fails_more_than_live_by_a_part(bench: Bench) -> None:
    bench.criteria = EvidenceCriteria(ErrorCriteria(margin=0.02, relative=0.25, max=0.9), alpha=1e-7)
    bench.until_fail((100, 30), (900, 90))


@story
def one_by_one(bench: Bench) -> None:
    bench.until_fail((1, 1), (7,))


@story
def with_wide_margins(bench: Bench) -> None:
    bench.criteria = EvidenceCriteria(
        ErrorCriteria(margin=0.6, relative=1.0, max=1.0), LatencyCriteria(bound=90.0, margin=0.9), alpha=0.0,
        beta=0.0, crashes=0,
    )  # fmt: skip
    for _ in range(3):
        bench.block((10, 9, 0, 9), (90, 1))
    bench.criteria = msgspec.structs.replace(bench.criteria, beta=0.5, alpha=0.5)
    bench.block((10, 10), (90,))
    bench.crashes = {"c": 1}
    bench.look()


@story
def what_is_asked_for_changes(bench: Bench) -> None:
    bench.exposures, bench.exposure = (0, 1000), 1000
    bench.block((30,), (270,))
    bench.exposures, bench.exposure = (5000,), 5000
    bench.block((30,), (270,))
    bench.criteria = EvidenceCriteria(ErrorCriteria(margin=0.0))
    bench.block((30, 1), (270,))
    bench.exposures, bench.exposure = (10_000,), 0
    bench.block((30, 0, 0, 2), (270,))


def test_at_level_one_anything_is_enough() -> None:
    bench = Bench()
    bench.criteria = EvidenceCriteria(alpha=1.0, beta=1.0)
    for verdict in (bench.look(), bench.block((1,), (1,))):
        assert (verdict.harm, verdict.good, verdict.proven_bp) == (1.0, 1.0, 10_000)


@pytest.mark.parametrize(("late", "told"), [(19, False), (21, True), (29, True)])
def test_late_is_what_is_twice_as_bad_as_the_whole(late: int, told: bool) -> None:
    evidence = Evidence(
        0.0, candidate=Arm(200, 20), live=Arm(900), marks=(Mark(3.0, Arm(100, 20 - late), Arm(0)),)
    )
    harm = Finding("errors", 5.0, 5000, 0, 0, "", harmful=True)
    words = sentence(harm, evidence, EvidenceCriteria(), now=8.0)
    assert words.startswith("in the last 5 s ") is told
