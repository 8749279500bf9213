"""What a simulation found: the document of --json, and the same for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from math import ceil
from typing import Any

from plainsail.cli.screen import words
from plainsail.domain.approval import asks
from plainsail.domain.checkpoints import way
from plainsail.domain.strategy import Step, chain_name
from plainsail.domain.trial import OTHERS, test_in
from plainsail.domain.units import percent, percent_of, plural, seconds
from plainsail.local.simulate.faults import Fault
from plainsail.local.simulate.layout import Json, since, time, width_of, wrapped
from plainsail.local.simulate.play import MATCHED, READS, STARTS_IN, Happened, Moved, Played, Setting
from plainsail.local.simulate.stayed import began, never_came, stayed, told_of_many, why_it_stayed
from plainsail.spec.diagnostics import listed

WHY = 45
"""Columns left of the reasons."""


def document(played: Played) -> Json:
    """One run. `at` and `seconds` are since the deploy, shares basis points."""
    rollout, verdict = played.rollout, played.rollout.verdict
    return {
        "outcome": rollout.phase,
        "seconds": time(played.seconds),
        "users_hurt": played.hurt,
        "failed": played.failed,
        "slowed": played.slowed,
        "insiders_hurt": played.insiders_hurt,
        "reason": rollout.reason,
        "reason_code": rollout.reason_code,
        **_given(played.setting, played.seed),
        "requests": played.asked,
        "unanswered": played.unanswered,
        "reached_bp": rollout.reached_bp,
        "candidate": {
            "requests": played.candidate.requests,
            "failures": played.candidate.failures,
            "shielded": played.candidate.shielded,
            "slow": played.candidate.slow,
            "crashes": played.crashes,
        },
        "verdict": verdict
        and {"outcome": verdict.outcome, "sentence": verdict.sentence, "code": verdict.code},
        "steps": [_step(move) for move in played.moves],
        "events": [_event(one) for one in played.events],
        "faults": [_fault(one, played) for one in played.setting.faults],
        "assumptions": assumptions(played.setting),
    }


def runs_document(runs: Sequence[Played]) -> Json:
    """Many runs of the same with seeds one after the other."""
    first = runs[0]
    return {
        "runs": len(runs),
        "outcomes": dict(_outcomes(runs)),
        "seconds": _spread([time(one.seconds) for one in runs]),
        "users_hurt": _spread([one.hurt for one in runs]),
        "reached_bp": _spread([one.rollout.reached_bp for one in runs]),
        **_given(first.setting, first.seed),
        "faults": [one.text for one in first.setting.faults],
        "never_came": {text: count for text, count in never_came(runs).items() if count},
        "each": [
            {
                "seed": one.seed,
                "outcome": one.rollout.phase,
                "seconds": time(one.seconds),
                "users_hurt": one.hurt,
                "reason_code": one.rollout.reason_code,
            }
            for one in runs
        ],
        "assumptions": assumptions(first.setting),
    }


def text(played: Played, columns: int) -> str:
    """A timeline, the outcome, and what was taken for granted."""
    rollout, setting, width = played.rollout, played.setting, width_of(columns)
    lines = [
        *wrapped(_headline(setting), width),
        "",
        _row("after", "step", "candidate", "instances", "why", width),
    ]
    lines += [
        row for _, row in sorted([*_steps(played, width), *_faults(played, width)], key=lambda one: one[0])
    ]
    replaced = [one for one in played.events if one.event.kind == "instance_replaced"]
    for one in replaced:
        lines += ["", *wrapped(f"After {since(one.at - played.events[0].at)} {one.event.reason}.", width)]
    lines += ["", *wrapped(f"{_ending(played)}: {rollout.reason}.", width), *wrapped(_hurt(played), width)]
    if stayed(played) and not replaced:
        lines += wrapped(f"A release that {setting.release.told} stayed: {why_it_stayed(played)}.", width)
    late = [] if began(played) or stayed(played) else [setting.release.text]
    late += [one.text for one in setting.faults if one not in played.struck]
    if late:
        lines += wrapped(f"It was over before {listed(late, 'and')}.", width)
    return "\n".join([*lines, "", *_assumed(setting, f"seed {played.seed}", width), ""])


def _steps(played: Played, width: int) -> list[tuple[float, str]]:
    """Rows, with their times."""
    return [
        (
            move.at,
            _row(
                since(move.at),
                move.step,
                percent(move.share("candidate")) if move.desired["shares"] else "nobody",
                _instances(move, played.setting.first),
                move.reason,
                width,
            ),
        )
        for move in played.moves
    ]


def _faults(played: Played, width: int) -> list[tuple[float, str]]:
    return [(one.at, _row(since(one.at), "(fault)", "", "", one.told(), width)) for one in played.struck]


def runs_text(runs: Sequence[Played], columns: int) -> str:
    """How the runs ended, and how long and costly they were."""
    first, width = runs[0], width_of(columns)
    lines = [*wrapped(_headline(first.setting), width), ""]
    for outcome, count in _outcomes(runs):
        lines.append(f"{words(outcome):<12} {count:>7,} of {len(runs):,}  {percent_of(count / len(runs)):>6}")
    took, hurt = _spread([one.seconds for one in runs]), _spread([one.hurt for one in runs])
    reached = _spread([one.rollout.reached_bp for one in runs])
    lines += ["", f"{'':<22}{'one in ten':>14}{'half within':>14}{'nine of ten':>14}{'all within':>14}"]
    lines.append(f"{'took':<22}" + "".join(f"{since(number):>14}" for number in took.values()))
    lines.append(f"{'users hurt':<22}" + "".join(f"{number:>14,}" for number in hurt.values()))
    lines.append(
        f"{'share of the candidate':<22}" + "".join(f"{percent(number):>14}" for number in reached.values())
    )
    if told := told_of_many(runs):
        lines += ["", *(line for one in told for line in wrapped(one, width))]
    return "\n".join(
        [*lines, "", *_assumed(first.setting, f"seeds {first.seed} to {runs[-1].seed}", width), ""]
    )


def assumptions(setting: Setting) -> list[str]:
    """What the simulated world takes for granted, in sentences."""
    latency, bound = setting.latency(), setting.placement.evidence.latency.bound
    p50, p90, p99 = (seconds(latency.quantile(part)) for part in (0.5, 0.9, 0.99))
    starts = seconds(min(STARTS_IN, setting.run.ready.within / 2))
    found = [
        _traffic(setting.rate),
        f"{_live_fails(setting)}; its requests take {p50} at the median, 90 % at most {p90}, 99 % at most {p99}"
        f" (log-normal), and {percent_of(latency.beyond(bound))} more than the bound of {seconds(bound)}",
        f"the candidate {setting.release.told}; an instance is ready {starts} after its start",
        f"a control plane, a router and a provider that {'fail as asked for only' if setting.faults else 'never fail'}; the loop,"
        " the planner and the judge are the real ones",
    ]
    if setting.assumed:
        found.append(f"what the strategy needs and the file does not have: {listed(setting.assumed, 'and')}")
    if setting.placement.evidence.metrics:
        found.append(
            "what metric sources say of both releases is good, whatever the queries are: they are not asked here"
        )
    if any(step.checks or asks(step) for step in _way(setting)):
        otherwise = " until --fault says otherwise" if setting.faults else ""
        found.append(
            f"whoever is asked (checks, hooks, a person) says go at once{otherwise}; nobody is asked in truth"
        )
    test = test_in(setting.strategy)
    if test is not None and not setting.first and test.then == "ask":
        found.append("the person who is asked what the winner of the test gets gives it to all at once")
    if setting.release.like.kpi and (test is None or setting.first):
        found.append(
            f"{setting.release.text} changes nothing: no test (a-b) is played, and nothing else has a KPI"
        )
    if test is not None:
        if test.by_match():
            found.append(
                f"the requests of {percent_of(MATCHED)} of users say that they have a variant, as many each"
            )
        found.append(
            "each request is a user of the KPI, which is spread as widely as it is high; by the KPI the first variant is as is said of the"
            " release, and others are as the live one"
        )
    return found[:1] + found[2:] if setting.first else found


def _way(setting: Setting) -> tuple[Step, ...]:
    return way(
        setting.strategy, setting.placement, None if setting.first else setting.placement.replicas
    ).steps


def _live_fails(setting: Setting) -> str:
    live = setting.release.live
    return (
        "the live release fails as the candidate does"
        if live.errors or live.burst
        else "nothing of the live release fails"
    )


def _given(setting: Setting, seed: int) -> Json:
    return {
        "service": setting.key.service,
        "environment": setting.key.environment,
        "strategy": chain_name(setting.strategy),
        "release": setting.release.text,
        "traffic": setting.rate,
        "first": setting.first,
        "seed": seed,
    }


def _step(move: Moved) -> Json:
    return {
        "at": time(move.at),
        "desired": move.desired,
        "reason": move.reason,
        "step": move.step,
        "phase": move.phase,
    }


def _event(one: Happened) -> Json:
    event = one.event
    return {
        "at": time(one.at),
        "kind": event.kind,
        "reason": event.reason,
        "code": event.code,
        "by": event.by,
        "data": event.data,
    }


def _fault(fault: Fault, played: Played) -> Json:
    """`came`: false if it was over before."""
    return {
        "fault": fault.text,
        "at": time(fault.at),
        "seconds": time(fault.lasts),
        "told": fault.told(),
        "came": fault in played.struck,
    }


def _headline(setting: Setting) -> str:
    how = "its first deploy" if setting.first else chain_name(setting.strategy)
    return f"{setting.key.service} in {setting.key.environment}, {how}: the candidate {setting.release.told}"


def _ending(played: Played) -> str:
    after = since(played.seconds)
    match played.rollout.phase:
        case "paused":
            return f"Paused after {after}, and waits for a person"
        case "progressing" | "finishing" | "rolling_back" as phase:
            return f"Still {words(phase)} after {after}, where the simulation ends"
        case phase:
            return f"{words(phase).capitalize()} after {after}"


def _hurt(played: Played) -> str:
    shielded = played.candidate.shielded
    parts = [f"Users hurt: {played.hurt:,} of {plural(played.asked, 'request')}"]
    if played.slowed:
        parts.append(f"{played.slowed:,} of them were answered, but slowly because of the candidate")
    if played.unanswered:
        parts.append(f"{played.unanswered:,} of them while nobody was in service")
    if played.insiders_hurt:
        parts.append(f"{plural(played.insiders_hurt, 'more request')} of insiders, who look on purpose")
    if shielded:
        parts.append(f"{shielded:,} more of the candidate's failures were answered by live instead")
    reached = played.rollout.reached_bp
    parts.append(
        f"at most {percent(reached)} of users had the candidate" if reached else "nobody had the candidate"
    )
    return "; ".join(parts) + "."


def _assumed(setting: Setting, seed: str, width: int) -> list[str]:
    lines = [*assumptions(setting), f"{seed}; the same seed gives the same result"]
    return ["Assumed:", *(line for one in lines for line in wrapped(one, width, "- ", "  "))]


def _row(at: str, step: str, share: str, instances: str, reason: str, width: int) -> str:
    left = f"{at:>11}  {step:<10} {share:>9}  {instances:<9} "
    return "\n".join(wrapped(reason, width, f"{left:<{WHY}}", " " * WHY)).rstrip()


def _instances(move: Moved, first: bool) -> str:
    """`4 + 1`: of live, of the candidate, and of whoever is beside it."""
    sizes = move.desired["instances"]
    roles = ("candidate",) if first else ("live", "candidate", "baseline", *OTHERS)
    return " + ".join(str(sizes[role]) for role in roles if role in sizes)


def _outcomes(runs: Iterable[Played]) -> list[tuple[str, int]]:
    """The most frequent first; by name where they are equal."""
    counted = Counter(one.rollout.phase for one in runs)
    return sorted(counted.items(), key=lambda item: (-item[1], item[0]))


def _spread(numbers: Sequence[Any]) -> dict[str, Any]:
    ordered = sorted(numbers)
    at = {"p10": 0.1, "p50": 0.5, "p90": 0.9, "max": 1.0}
    return {name: ordered[ceil(part * len(ordered)) - 1] for name, part in at.items()}


def _traffic(rate: float) -> str:
    if not rate:
        return "nobody asks anything"
    kinds = f"{percent_of(READS)} are GET, the others POST"
    return f"{rate:,.4g} requests a second, independent of each other; {kinds}; one request, one user"
