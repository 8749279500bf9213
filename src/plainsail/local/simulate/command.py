"""`plainsail simulate`: what a rollout would do, before it does it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import Parameter

from plainsail.app.deploy import fitting
from plainsail.cli.connect import HERE, Plane
from plainsail.cli.exits import DONE
from plainsail.cli.options import AsJson, Env, Flag
from plainsail.cli.screen import err, out, print_json
from plainsail.domain.courses import course
from plainsail.domain.service import Document, Placement, run_in
from plainsail.domain.strategy import Canary, Chain, Incremental, Judged
from plainsail.domain.units import percent, plural
from plainsail.local.check import DEFAULT, text_of
from plainsail.local.simulate.assumed import completed
from plainsail.local.simulate.behaviour import read_release
from plainsail.local.simulate.faults import read_faults
from plainsail.local.simulate.many import play_many
from plainsail.local.simulate.play import Played, Setting, play
from plainsail.local.simulate.plot import picture
from plainsail.local.simulate.power import SHARES, Cell, power_document, power_text
from plainsail.local.simulate.power import TRAFFIC as POWER_TRAFFIC
from plainsail.local.simulate.power import power as table
from plainsail.local.simulate.recorded import Recorded, recorded
from plainsail.local.simulate.replay import compare
from plainsail.local.simulate.replay_report import replay_document, replay_text
from plainsail.local.simulate.report import document, runs_document, runs_text, text
from plainsail.ports.errors import Rejected
from plainsail.ports.store import Key
from plainsail.spec.diagnostics import did_you_mean, listed, shown
from plainsail.spec.merge import read
from plainsail.spec.scalars import Unreadable, duration, rate
from plainsail.wiring import drivers

TRAFFIC, LONGEST = "100/s", "12h"
FASTEST = 1_000_000.0
"""Requests per second."""
MOST_RUNS = 100_000


def simulate(
    file: Path = DEFAULT,
    /,
    *,
    service: Annotated[str | None, Parameter(name=("--service", "-s"))] = None,
    env: Env = None,
    strategy: str | None = None,
    release: Annotated[str, Parameter(metavar="BEHAVIOUR")] = "good",
    traffic: Annotated[str, Parameter(metavar="RATE")] = TRAFFIC,
    fault: Annotated[tuple[str, ...], Parameter(metavar="FAULT", negative="")] = (),
    first: Flag = False,
    seed: int = 1,
    runs: int = 1,
    within: Annotated[str, Parameter(metavar="DURATION")] = LONGEST,
    plot: Annotated[Path | None, Parameter(metavar="FILE.svg")] = None,
    power: Flag = False,
    replay: Annotated[str | None, Parameter(metavar="ROLLOUT|FILE")] = None,
    config: Annotated[Path | None, Parameter(metavar="FILE")] = None,
    as_json: AsJson = False,
    plane: Plane = HERE,
) -> int:
    """Play a rollout on a simulated world, with the real loop, planner and judge: no control plane, no instances, no
    waiting. Exits 0 whatever the outcome, 2 if it can't be simulated.

    Example: `plainsail simulate --release errors:2% --traffic 200/s --plot shop.svg`
    Example: `plainsail simulate --release leak:20m --fault router-away@30s+10s --runs 100`
    Example: `plainsail simulate --replay r-20261121-064830-1f --config stricter.yaml`

    Parameters
    ----------
    file
        The plainsail.yaml to play.
    service
        The service, if the file has several.
    strategy
        By name, with its keys as the file has them, else with their defaults; the file's own if left out. What it can't do
        without, and the file does not have, is assumed and said: insiders, a KPI, sticky.
    release
        What the new release is like: good, errors:2%, latency:+50%, p99:+300%, tail:+200%, crash:30s, never-ready,
        leak:20m, one-bad-replica, dependency-outage, bursts:10, for a shadow differs:2% or, in a test, kpi:+10%; from some time after the deploy on with @after=10m.
    traffic
        Requests of all users; 0/s is an idle service.
    fault
        What goes wrong around it, at a time after the deploy: router-away@30s+10s, control-plane-killed@30s,
        store-slow@30s+10s, clock-jump:-1h@30s, check-refused@30s, check-silent@30s; as often as you like.
    first
        Nothing is live yet.
    seed
        The same seed gives the same result.
    runs
        So many runs, with seeds one after the other: how the outcomes are spread.
    within
        The longest time to simulate.
    plot
        Write a picture of the (first) run here: shares, failures, slow answers and evidence over time.
    power
        Not a rollout but a table: how long a verdict takes, by traffic, share and how bad a release is.
    replay
        No made-up users but the samples of a recorded rollout, before the judge once more with this file's policy: what
        would have changed. A rollout, or what plainsail verdict ROLLOUT --json wrote.
    config
        The file again, where it is better named.
    """
    file = config or file
    like = read_release(release)
    requests, longest, faults = _rate(traffic), _duration(within), read_faults(fault)
    _check_numbers(seed, runs)
    past = None if replay is None else recorded(replay, plane, env)
    if past is not None:
        service, env = service or past.rollout.service, env or past.rollout.environment
    known = msgspec.structs.replace(drivers(), lacks={})  # the simulated router lacks nothing
    declared = read([(str(file), text_of(file))], known)
    key, placement = _chosen(declared, service, env)
    placement, assumed = completed(placement, strategy)
    run = run_in(declared.services[key.service], placement)
    chosen = fitting(known, placement, declared.environments[key.environment], strategy)
    if past is not None:
        return _replay(past, placement, chosen, file, as_json)
    if power:
        return _power(placement, chosen, seed, as_json)
    setting = Setting(key, run, placement, chosen, like, requests, first, faults, longest, assumed)
    one = play(setting, seed) if runs == 1 or plot is not None else None
    if one is not None and plot is not None:
        _write(plot, one)
    if one is not None and runs == 1:
        found, told = document(one), text(one, out().width)
    else:
        playing = f"Playing {plural(runs, 'rollout')}"
        with err().status(playing) as status:
            many = play_many(
                setting, seed, runs, told=lambda done: status.update(f"{playing}: {done:,} done")
            )
        found, told = runs_document(many), runs_text(many, out().width)
    if as_json:
        print_json(found)
    else:
        out().print(told, soft_wrap=True, end="")
    if plot is not None:
        err().print(f"Wrote {plot}", soft_wrap=True)
    return DONE


def _replay(past: Recorded, placement: Placement, strategy: Chain, file: Path, as_json: bool) -> int:
    way = course(strategy, placement.pace, placement.replicas, placement.replicas, placement.evidence)
    exposures = [step.leave.exposure for step in way.steps if isinstance(step.leave, Judged)]
    found = compare(past, placement, exposures)
    if as_json:
        print_json(replay_document(found))
    else:
        out().print(replay_text(found, str(file), out().width), soft_wrap=True, end="")
    return DONE


def _power(placement: Placement, strategy: Chain, seed: int, as_json: bool) -> int:
    shares = next((one.steps for one in strategy if isinstance(one, Canary | Incremental)), SHARES)
    cells: list[Cell] = []
    with err().status("") as told:
        for row, (share, requests) in enumerate(
            rows := [(one, all_) for one in shares for all_ in POWER_TRAFFIC], 1
        ):
            told.update(
                f"Watching releases until their verdict: row {row} of {len(rows)},"
                f" {percent(share)} of users at {requests:g} requests/s"
            )
            cells += table(placement.evidence, (share,), seed, (requests,))
    if as_json:
        print_json(power_document(cells, placement.evidence, seed))
    else:
        out().print(power_text(cells, placement.evidence), soft_wrap=True, end="")
    return DONE


def _chosen(declared: Document, service: str | None, env: str | None) -> tuple[Key, Placement]:
    """The only ones, or those that were named."""
    services = {name: one for name, one in declared.services.items() if one.placements}
    name = _one("service", "--service", service, list(services))
    placements = services[name].placements
    place = _one(f"environment of {name}", "--env", env, list(placements))
    return Key(name, place), placements[place]


def _one(noun: str, option: str, asked: str | None, known: list[str]) -> str:
    if asked in known:
        return str(asked)
    if asked is not None:
        hint = did_you_mean(asked, known) or (
            f"there is {listed(known, 'and')}" if known else "the file declares none"
        )
        raise Rejected("unknown", f"There is no {noun.split(maxsplit=1)[0]} {shown(asked)} here", hint)
    if not known:
        raise Rejected("nothing_declared", f"There is no {noun} in this file", "declare one under services")
    if len(known) > 1:
        raise Rejected(
            "ambiguous", f"There is more than one {noun}", f"choose with {option}: {listed(known, 'or')}"
        )
    return known[0]


def _rate(given: str) -> float:
    try:
        found = rate(given)
    except Unreadable as wrong:
        raise Rejected("traffic_unreadable", f"--traffic {wrong.problem}", wrong.hint) from None
    if found > FASTEST:
        raise Rejected("traffic_unreadable", f"--traffic is {shown(given)}, more than a simulation is good for", "write 1000000/s or less")  # fmt: skip
    return found


def _duration(given: str) -> float:
    try:
        return duration(given)
    except Unreadable as wrong:
        raise Rejected("within_unreadable", f"--within {wrong.problem}", wrong.hint) from None


def _check_numbers(seed: int, runs: int) -> None:
    if seed < 0:
        raise Rejected("seed_invalid", f"--seed is {seed}", "write 0 or more")
    if not 1 <= runs <= MOST_RUNS:
        raise Rejected("runs_invalid", f"--runs is {runs:,}", f"write 1 to {MOST_RUNS:,}")


def _write(place: Path, played: Played) -> None:
    try:
        place.write_text(picture(played), encoding="utf-8")
    except OSError as error:
        raise Rejected("plot_unwritable", f"{place} can't be written: {error.strerror}", "name a file in a directory of yours") from error  # fmt: skip
