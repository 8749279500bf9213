"""Evidence and verdicts: what the judge remembers of a rollout, and what it says."""

from __future__ import annotations

from typing import Literal

import msgspec

from plainsail.domain.observation import Counts, Mirrored
from plainsail.domain.trail import Point


class Arm(msgspec.Struct, frozen=True):
    """One side's totals over the blocks that were compared."""

    requests: int = 0
    failures: int = 0
    shielded: int = 0
    slow: int = 0
    crashes: int = 0


class Verdict(msgspec.Struct, frozen=True):
    """What the evidence says now, in one sentence and in numbers."""

    outcome: Literal["pass", "fail", "unsure"]
    sentence: str
    code: str = ""
    """`errors`, `max_errors`, `latency`, `crashes`; or why unsure: `few_requests`, `no_requests`."""
    candidate: Arm = Arm()
    live: Arm = Arm()
    proven_bp: int = 0
    """The largest exposure for which the margins are proven."""
    log_evidence: dict[str, float] = {}
    """Natural log of each test's e-value (`harm_errors`, `harm_latency`; `good_errors_5000` for an exposure, ...)."""
    needs: int = 0
    """Requests of the candidate still needed, if none of them fails, to prove the next exposure."""
    harm: float = 0.0
    """Log evidence of harm as a part of the line at which the candidate is taken back: 1.0 is on the line."""
    good: float = 0.0
    """Log evidence for the exposure that is asked for, as a part of the line at which it is proven."""
    warnings: tuple[str, ...] = ()
    """What makes the evidence weaker than it looks, a sentence each, without full stops."""
    exposure: int | None = None
    """The share that proof was asked for."""
    variant: str = ""
    """Group: of a test, the variant beside the candidate that it is about; empty: it is about the candidate."""


class Stake(msgspec.Struct, frozen=True, array_like=True):
    """Where one bet stands (`domain/stats/betting.py`); part of its money is staked, the rest waits for a fault that begins late."""

    staked: float = 0.0
    """Natural log of the money staked."""
    rise: float = 0.0
    """How far, in natural logs, the last blocks brought it up from its lowest."""
    times: int = 0
    """How often money was taken from the reserve."""


class Mark(msgspec.Struct, frozen=True):
    """Both sides' totals as they stood at a moment."""

    at: float
    candidate: Arm
    live: Arm


class Sums(msgspec.Struct, frozen=True, array_like=True):
    """One side of a metric: of counts, requests and failures (`squares` is 0); of a mean, units, their sum and the sum of
    their squares; of values, windows, and the sums of what was read in them."""

    n: float = 0.0
    sum: float = 0.0
    squares: float = 0.0


class Told(msgspec.Struct, frozen=True, array_like=True):
    """One window of a metric, kept with the rollout for people to see."""

    until: float
    candidate: float | None
    live: float | None
    """A part of counts, a mean, a value, a median; None: there was nothing."""
    note: str = ""
    """Why there was nothing, or why it is not all."""


class Track(msgspec.Struct, frozen=True):
    """What is known of one metric of a source."""

    until: float = 0.0
    """End of the last window taken; older ones that come late are passed over."""
    candidate: Sums = Sums()
    live: Sums = Sums()
    differences: Sums = Sums()
    """Of values: windows with both sides, candidate less live (and less its relative margin), and squares of that."""
    steps: float = 0.0
    """Sum of the squares of what each difference differs by from the one before."""
    last: float = 0.0
    """The last difference."""
    missing: str = ""
    """Why the last window told nothing; empty: it told something."""
    failed: int = 0
    """Windows beyond `max` or `min`; with `judge: threshold`, failed measurements."""
    errors: int = 0
    """Windows in a row that told nothing."""
    passed: int = 0
    """Good measurements in the present step (`judge: threshold`)."""
    tried: float = 0.0
    """End of the last window that was asked about, with an answer or without."""
    edges: tuple[int, ...] = ()
    """Of a histogram: live's quantiles in the window before, as numbers of buckets."""
    told: tuple[Told, ...] = ()
    """The last windows."""
    would_at: float = 0.0
    """Of a dry run: when it would first have taken the candidate back; 0: it would not have."""


class Meter(msgspec.Struct, frozen=True):
    """What `judge: threshold` remembers of one metric."""

    failed: int = 0
    """Failed measurements of the rollout."""
    errors: int = 0
    """Measurements in a row that told nothing."""
    passed: int = 0
    """Good ones in a row, in this step."""
    good: int = 0
    """Good ones of the rollout."""
    said: str = ""
    """The last one, with its numbers, in one clause."""
    code: str = ""
    """Of the last that failed: `errors`, `max_errors`, `latency`, `metric`."""
    until: float = 0.0
    """When it was, or the end of its window."""


class Meters(msgspec.Struct, frozen=True):
    """Where `judge: threshold` stands: the last measurement, and both sides' totals at that time."""

    step: int
    at: float
    candidate: Arm
    live: Arm
    of: dict[str, Meter] = {}
    """By metric: `errors`, `latency`, and those of sources."""


TOLD, LEAST_TOLD = 50, 5
"""Windows that are kept of all metrics together, and at least of each: 3 kB of JSON."""


class Split(msgspec.Struct, frozen=True, array_like=True):
    """Requests of both sides since a moment, to be held against the split."""

    expected: float
    """The candidate's part of both sides' requests, as the router was told."""
    candidate: int
    live: int
    """Cumulative counts at that moment."""
    at: float = 0.0
    """The moment."""


class Tail(msgspec.Struct, frozen=True, array_like=True):
    """Requests beyond live's quantile, so far."""

    edge: int
    """Live's quantile when this began, as the number of a bucket."""
    far: int
    """The candidate's: farther by what it may be slower."""
    candidate: int
    candidate_beyond: int
    live: int
    live_beyond: int
    """Cumulative counts when this began."""


class Spread(msgspec.Struct, frozen=True, array_like=True):
    """One side's quantile of answer times, and the band that it is in; seconds."""

    requests: int
    """That it rests on."""
    low: float
    estimate: float
    high: float | None
    """None: too few requests to say."""
    coverage: float
    """The part of all requests of that time that the router's log told of."""


class Band(msgspec.Struct, frozen=True, array_like=True):
    """One quantile of both sides (`domain/bands.py`)."""

    candidate: Spread
    live: Spread


class Cells(msgspec.Struct, frozen=True, array_like=True):
    """A histogram: how many there are in `step` buckets each, from cell `first` on."""

    step: int = 1
    first: int = 0
    counts: tuple[int, ...] = ()


class Outset(msgspec.Struct, frozen=True, array_like=True):
    """Where bands of quantiles begin: what the router's log had told of both sides by then."""

    at: float
    told: float
    """When there last were new bands; 0: never."""
    groups: tuple[str, str]
    """The candidate, and whom it is compared with; so are the others."""
    requests: tuple[int, int]
    cells: tuple[Cells, Cells]


class Half(msgspec.Struct, frozen=True, array_like=True):
    """Some of live's instances, in the standing A/A test: what they had so far, and where the block that is open began."""

    last: dict[str, Counts] = {}
    """By instance: cumulative counts."""
    requests: int = 0
    failures: int = 0
    slow: int = 0


class Bursts(msgspec.Struct, frozen=True, array_like=True):
    """How many of live's mishaps come together: fading sums over the blocks in which live had more than its share."""

    bad: float = 0.0
    squared: float = 0.0

    def usual(self) -> float:
        """The size of the burst that a mishap of live is usually part of; 0 when there was none."""
        return self.squared / self.bad if self.bad else 0.0


class Without(msgspec.Struct, frozen=True, array_like=True):
    """The candidate without the instances that were replaced, as long as those are not silent (`domain/renewal.py`)."""

    since: float
    """When the order was given."""
    busy_at: float
    """When one of them was last seen with users or with requests under way."""
    counts: Counts
    """What the others had since then."""
    last: dict[str, Counts] = {}
    """By instance of the others: what the router's log had told."""


class Shadowed(msgspec.Struct, frozen=True, array_like=True):
    """What came of copied requests, apart from what users met (`domain/shadows.py`)."""

    last: Mirrored = Mirrored()
    """Cumulative, as the router last said."""
    total: Mirrored = Mirrored()
    """Of this rollout, over whatever routers there were."""
    bets: tuple[Stake, ...] = ()
    """That more is answered otherwise than the limit (`differs.max`) allows."""
    open: bool = False
    """Copies are what is judged at present."""
    users: dict[str, Counts] = {}
    """Of the candidate: what was counted of users before; it goes on from there."""


class Evidence(msgspec.Struct, frozen=True):
    """State of the sequential tests, and the counts they last saw. Stored as its own row, at most once a second."""

    since: float
    rollout: str = ""
    """Whose evidence this is."""
    exposed_at: float | None = None
    """When the candidate was first seen with users."""
    candidate: Arm = Arm()
    live: Arm = Arm()
    cold: tuple[Arm, Arm] | None = None
    """What both sides met while the candidate warmed up; it counts for the limits alone."""
    marks: tuple[Mark, ...] = ()
    """Before the last two blocks after which there was nothing to suspect; what came since the first is what tells."""
    last: dict[str, Counts] = {}
    """Cumulative counts by group that are in the blocks so far; newer ones wait for their block to close."""
    crashes: dict[str, int] = {}
    """Cumulative crashes by group at the last look."""
    opened: float = 0.0
    """When the block that is open began to collect."""
    live_at: float = 0.0
    """When live was last seen to have new requests."""
    live_counted: int = 0
    """Live's cumulative requests at that time."""
    live_seen: int = 0
    """Requests of live since the first look, compared or not."""
    bursts: dict[str, Bursts] = {}
    """By kind of mishap (`failures`, `slow`)."""
    harm: dict[str, tuple[Stake, ...]] = {}
    """By test (`errors`, `max_errors`, `latency`): its bets that the candidate is worse."""
    proof: dict[str, tuple[float, ...]] = {}
    """By test and exposure (`errors 5000`): log wealth of its bets, block by block, that the candidate is good enough."""
    tracks: dict[str, Track] = {}
    """By metric of a source."""
    meters: Meters | None = None
    """With `judge: threshold`."""
    shares: tuple[Stake, ...] = ()
    """Bets that the requests do not fall to the sides as the split says (sample ratio mismatch)."""
    split: Split | None = None
    """Where the block that the split is held against began."""
    tails: dict[str, Tail] = {}
    """By quantile (`p99`): where its block began."""
    bands: dict[str, Band] = {}
    """By quantile (`p50`): for people to see."""
    outset: Outset | None = None
    """Where they begin."""
    voided: str = ""
    """Why the comparison with live counts for nothing any more, in one clause; empty: it counts."""
    standing: tuple[Stake, ...] = ()
    """Bets that live's own instances differ: a standing A/A test of what the other tests take for granted."""
    halves: tuple[Half, ...] = ()
    """Live's instances in two halves, as that test has them."""
    replaced: tuple[str, ...] = ()
    """Instances of the candidate that were replaced because they alone were bad."""
    anew_at: float = 0.0
    """Since when sources and quantiles are listened to anew, for an instance was replaced; 0: none was."""
    without: Without | None = None
    """While a replaced instance is not silent yet."""
    shadow: Shadowed | None = None
    """Once requests were copied."""
    variants: dict[str, Evidence] = {}
    """By group: what is known of a test's variants beside this one."""
    tests: tuple[str, ...] = ()
    """Names of the tests of harm, sorted: those of `harm`."""
    trail: tuple[Point, ...] = ()
    """How it came about; decides nothing."""
