"""The lines of an explanation: the router's numbers, crashes, and the metrics of sources, each with what it says."""

from __future__ import annotations

import msgspec

from plainsail.domain import changes, metric_lines
from plainsail.domain.criteria import EvidenceCriteria, Threshold
from plainsail.domain.evidence import Arm, Evidence, Verdict
from plainsail.domain.judge import LIVE_CRASHES
from plainsail.domain.line import Line, Side, Tried
from plainsail.domain.weighing import Weighing, apart, part

replace = msgspec.structs.replace


def of(
    evidence: Evidence, verdict: Verdict, criteria: EvidenceCriteria, exposure: int | None, over: bool
) -> tuple[Line, ...]:
    """All of a rollout, the router's first. `over`: what is still to come changes nothing, so nothing is said of it."""
    weighing = Weighing(verdict, criteria, exposure, bool(evidence.voided))
    found: tuple[Line, ...] = (
        *_router(evidence, weighing, over),
        *metric_lines.of_router(criteria.latency, evidence, weighing),
        _crashes(verdict, criteria),
        *(
            metric_lines.of_source(name, metric, evidence, weighing)
            for name, metric in criteria.metrics.items()
        ),
    )
    if isinstance(criteria.judge, Threshold):
        found = tuple(_metered(line, evidence, criteria.judge) for line in found)
    if criteria.compare == "baseline":
        found = tuple(replace(line, against="baseline") for line in found)
    return tuple(replace(line, change="") for line in found) if over else found


def _router(evidence: Evidence, weighing: Weighing, over: bool) -> tuple[Line, ...]:
    alpha = weighing.criteria.alpha
    verdict, errors, latency = weighing.verdict, weighing.criteria.errors, weighing.criteria.latency
    failed, slow = (
        [_counted(arm, kind) for arm in (verdict.candidate, verdict.live)] for kind in ("failures", "slow")
    )

    def line(name: str, sides: list[Side], judged_as: str, *also: str) -> Line:
        good, harm = weighing.good(judged_as), weighing.harm(name, *also)
        return Line(
            name=name, kind="counts", role="critical", candidate=sides[0], live=sides[1], good=good,
            harm=harm, outcome=weighing.outcome(name, good, harm), odds=weighing.odds(name, *also),
            change="" if over else changes.counted(name, evidence, verdict, weighing.criteria, weighing.exposure),
        )  # fmt: skip

    return (
        replace(
            line("errors", failed, "errors", "errors_past"), difference=apart(failed[0], failed[1], alpha), margin=errors.margin,
            relative=errors.relative,
        ),
        replace(line("max_errors", failed, "errors"), max=errors.max),
        replace(
            line("latency", slow, "latency", "latency_past"), difference=apart(slow[0], slow[1], alpha), margin=latency.margin,
            relative=latency.relative, bound=latency.bound,
        ),
    )  # fmt: skip


def _counted(arm: Arm, kind: str) -> Side:
    bad = arm.slow if kind == "slow" else arm.failures
    return Side(arm.requests, bad, part(bad, arm.requests), arm.shielded if kind == "failures" else 0)


def _metered(line: Line, evidence: Evidence, judge: Threshold) -> Line:
    """With `judge: threshold` measurements are counted, not weighed. One of errors is held to their limit too; quantiles of
    the router are not measured."""
    if line.kind == "quantile" and line.name in metric_lines.QUANTILES:
        return replace(line, role="informative", relative=None, note="", change="")
    of_errors = line.name in ("errors", "max_errors")
    meter = evidence.meters.of.get("errors" if of_errors else line.name) if evidence.meters else None
    if meter is None:
        nothing = Tried(0, 0, judge.failure_limit, 0, judge.successes)
        return line if line.name == "crashes" else replace(line, tried=nothing)
    failed = meter.failed / (judge.failure_limit + 1)
    passed = meter.passed / judge.successes if judge.successes else 1.0
    over = failed >= 1.0 and not (of_errors and meter.code != line.name)
    return replace(
        line, harm=failed, good=passed, odds=None, note="" if line.name == "max_errors" else meter.said or line.note,
        tried=Tried(meter.good, meter.failed, judge.failure_limit, meter.passed, judge.successes),
        outcome="fail" if over else "pass" if passed >= 1.0 else "unsure",
        change=changes.metered(meter, judge),
    )  # fmt: skip


def _crashes(verdict: Verdict, criteria: EvidenceCriteria) -> Line:
    """A rule of thumb outside of alpha: so many are forgiven, and live's excuse more."""
    ours, theirs = verdict.candidate.crashes, verdict.live.crashes
    forgiven = criteria.crashes + LIVE_CRASHES * theirs
    more = forgiven - ours + 1
    return Line(
        name="crashes", kind="crashes", role="critical", unit="", outcome="fail" if more <= 0 else "pass",
        candidate=Side(verdict.candidate.requests, ours), live=Side(verdict.live.requests, theirs),
        max=forgiven, harm=ours / (forgiven + 1),
        change=changes.crashed(more),
    )  # fmt: skip
