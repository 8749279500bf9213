"""What the judge found, in one sentence with its numbers."""

from __future__ import annotations

import math
from typing import Literal

import msgspec

from plainsail.domain import metering
from plainsail.domain.blocks import lately
from plainsail.domain.criteria import EvidenceCriteria
from plainsail.domain.evidence import Arm, Evidence, Track, Verdict
from plainsail.domain.metered import told, unproven
from plainsail.domain.past import at_most
from plainsail.domain.units import percent, percent_of, plural, seconds


class Finding(msgspec.Struct, frozen=True):
    """A verdict before it is put into words."""

    code: str
    """What is harmed (`errors`, `max_errors`, `latency`, `p99`, `crashes`, a metric), or why it is unsure; empty: proven."""
    log_odds: float
    exposure: int | None
    proven: int
    needs: int
    trouble: str
    past: Arm | None = None
    """What live's users met before, where that is what the harm was found against."""
    harmful: bool = False
    held: str = ""
    """Why nothing can pass, in one clause."""
    lacks: str = ""
    """The critical metric that is farthest from being proven."""

    def outcome(self) -> Literal["pass", "fail", "unsure"]:
        if self.harmful:
            return "fail"
        return "unsure" if self.code else "pass"


def sentence(finding: Finding, evidence: Evidence, criteria: EvidenceCriteria, now: float) -> str:
    """Without a full stop, so that it can be part of another."""
    errors, latency = criteria.errors, criteria.latency
    whom = criteria.whom()
    before = (
        whom if finding.past == evidence.live else "live"
    )  # this rollout's own window, or what was before it
    when, ours, theirs = _telling(finding, evidence, now)
    odds = _odds(finding.log_odds)
    match finding.code:
        case "crashes":
            return _crashes(finding, evidence, whom)
        case "errors":
            found = f"{when}{_failed(ours, theirs, whom, finding.past, before)}"
            return f"{found}; {_margin(errors.margin, errors.relative, whom)} {odds}"
        case "max_errors":
            return f"{when}{_failed(ours, theirs, whom)}; with a limit of {percent_of(errors.max)} {odds}"
        case "latency":
            found = _slow(ours, theirs, whom, latency.bound, finding.past, before)
            return f"{when}{found}; {_margin(latency.margin, latency.relative, whom)} {odds}"
        case "p50" | "p90" | "p99" if finding.harmful:
            return f"{_slower(finding.code, criteria)} {odds}"
        case name if finding.harmful:
            metric, track = criteria.metrics[name], evidence.tracks.get(name, Track())
            return told(name, metric, track, odds, whom, by_limit=_by_limit(name, evidence, criteria))
        case "mismatch":
            return f"the comparison is void: {finding.held}; find out why before anything is concluded"
        case "no_data":
            return f"nothing passes without data: {finding.held}"
        case "":
            return f"proven for {percent(finding.proven)} of users: {_clean(ours, criteria)}"
        case _:
            return _unsure(finding, evidence, criteria)


def past(said: str) -> str:
    """The judge speaks while it is under way; of what is over, what was lacking is past. Of any reason that ends so."""
    for now, then in _THEN:
        said = said.replace(now, then)
    if said.startswith("needs "):
        said = f"needed {said.removeprefix('needs ')}"
    return said


def at_success(verdict: Verdict) -> str:
    """What was last found of a release that has all users: that no harm was, where it was too little to be sure."""
    ours = verdict.candidate
    if not verdict.needs or not verdict.sentence.startswith("needs "):
        return past(verdict.sentence)
    _, of, mishaps = verdict.sentence.partition(", of which ")
    found = "no proof of harm" if mishaps else "no harm seen"
    few = f"{verdict.needs:,} too few to be sure"
    return f"{found} in {plural(ours.requests, 'request')}{of}{mishaps} ({few})"


_THEN = (
    (": needs ", ": needed "),
    ("; it needs ", "; it needed "),
    (", has had ", ", had had "),
    (" is not proven to be good yet: ", " was not proven to be good: "),
    ("nothing passes without data: ", "nothing passed without data: "),
    (" has not been measured yet", " was not measured"),
    (" has counted nothing of the candidate yet", " had counted nothing of the candidate"),
)


def _by_limit(name: str, evidence: Evidence, criteria: EvidenceCriteria) -> bool:
    """Whether it is the metric's limit that shows harm, rather than the comparison."""
    if evidence.voided:
        return True
    logs = metering.harm(evidence, criteria)
    return logs.get(f"max {name}", -math.inf) > logs.get(name, -math.inf)


def _telling(finding: Finding, evidence: Evidence, now: float) -> tuple[str, Arm, Arm]:
    """The numbers that show the harm: those since it was suspected if it began late, else the whole rollout's."""
    whole, late = evidence.candidate, lately(evidence)
    if not finding.harmful or late is None:
        return "", whole, evidence.live
    bad, late_bad = (
        arm.slow if finding.code == "latency" else arm.failures for arm in (whole, late.candidate)
    )
    if late_bad * whole.requests <= 2 * bad * late.candidate.requests:
        return "", whole, evidence.live
    return f"in the last {seconds(now - late.at)} ", late.candidate, late.live


def _failed(ours: Arm, theirs: Arm, whom: str, past: Arm | None = None, before: str = "live") -> str:
    found = f"{_of(ours.failures, ours.requests)} candidate requests failed ({_rate(ours.failures, ours.requests)})"
    if past is not None:
        return f"{found}{_before(past.failures, past.requests, before)}"
    return f"{found}{_against(theirs.failures, theirs.requests, whom)}"


def _slow(
    ours: Arm, theirs: Arm, whom: str, bound: float, past: Arm | None = None, before: str = "live"
) -> str:
    took = f"{_of(ours.slow, ours.requests)} candidate requests took longer than {seconds(bound)}"
    found = f"{took} ({_rate(ours.slow, ours.requests)})"
    if past is not None:
        return f"{found}{_before(past.slow, past.requests, before)}"
    return f"{found}{_against(theirs.slow, theirs.requests, whom)}"


def _slower(part: str, criteria: EvidenceCriteria) -> str:
    allowed = getattr(criteria.latency, part) or 0.0
    return f"the candidate's {part} is longer than {criteria.whom()}'s by more than the {percent_of(allowed)} allowed;"


def _against(bad: int, requests: int, whom: str) -> str:
    if not requests:
        return f", {whom} had none to compare with"
    return f" against {_of(bad, requests)} {whom.removeprefix('the ')} ({_rate(bad, requests)})"


def _before(bad: int, requests: int, whom: str) -> str:
    """The past with the most that it may have meant: that is what the margin is added to."""
    most = percent_of(at_most(bad, requests))
    return f" against {_of(bad, requests)} of {whom} before ({_rate(bad, requests)}, at most {most})"


def _margin(margin: float, relative: float, whom: str) -> str:
    points = f"{margin * 100:.3g} {'point' if margin == 0.01 else 'points'}"
    return f"with a margin of {points}" + (
        f" and {percent_of(relative)} of {whom}'s own rate" if relative else ""
    )


def _odds(log_odds: float) -> str:
    """Rounded down to two digits: nobody decides by the third."""
    if log_odds > math.log(1e6):
        return "the odds against chance are over 1,000,000 to 1"
    odds = math.exp(log_odds)
    unit = 10 ** max(0, math.floor(math.log10(odds)) - 1)
    return f"the odds against chance are {math.floor(odds / unit) * unit:,} to 1"


def _crashes(finding: Finding, evidence: Evidence, whom: str) -> str:
    ours, theirs = evidence.candidate.crashes, evidence.live.crashes
    how = f" ({finding.trouble})" if finding.trouble else ""
    return f"the candidate crashed {plural(ours, 'time')}{how}, {whom} {plural(theirs, 'time') if theirs else 'never'}"


def _clean(ours: Arm, criteria: EvidenceCriteria) -> str:
    failed = f"{_of(ours.failures, ours.requests)} requests failed"
    return f"{failed}, {ours.slow:,} took longer than {seconds(criteria.latency.bound)}"


def _unsure(finding: Finding, evidence: Evidence, criteria: EvidenceCriteria) -> str:
    ours = evidence.candidate
    if finding.exposure is None:
        return (
            _failed(ours, evidence.live, criteria.whom())
            if ours.requests
            else "the candidate has had no requests"
        )
    if finding.lacks:
        metric = criteria.metrics[finding.lacks]
        said = unproven(finding.lacks, metric, evidence.tracks.get(finding.lacks, Track()), criteria.whom())
        return f"{said}; it {_needs(finding)}" if finding.needs else said
    if not finding.needs:
        return "a margin of 0 can never be proven: allow a margin, or pace by dwell"
    had = f"has had {ours.requests:,}" if ours.requests else "has had none"
    mishaps = [f"{ours.failures:,} failed"] if ours.failures else []
    if ours.slow:
        mishaps.append(f"{ours.slow:,} took longer than {seconds(criteria.latency.bound)}")
    of = f", of which {' and '.join(mishaps)}" if mishaps else ""
    return f"{_needs(finding)}, {had}{of}"


def _needs(finding: Finding) -> str:
    more = f"{plural(finding.needs, 'more request')} without a failure"
    return f"needs {more} to be sure of {percent(finding.exposure or 0)} of users"


def _of(bad: int, requests: int) -> str:
    return f"{bad:,} of {requests:,}"


def _rate(bad: int, requests: int) -> str:
    return percent_of(bad / requests) if requests else percent_of(0)
