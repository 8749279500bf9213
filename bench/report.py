"""docs/benchmarks.md from the results that are kept: `python -m bench report`. Nothing on the page is written by hand but
what each bench does and why, which is `about` below and holds no number that was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from bench.results import Result, kept
from bench.rig.machine import Machine
from plainsail.web.chart import draw

DOCS = Path(__file__).parents[1] / "docs"
PAGE = DOCS / "benchmarks.md"


class About(msgspec.Struct, frozen=True):
    """What a bench measures and why."""

    bench: str
    title: str
    text: str


HEAD = """\
# Benchmarks

Written by `python -m bench report` from the results in `bench/results/`; a test keeps the two the same.

Each number is a count, or a ratio of two things that were measured in the same run, so that a slow machine changes both
sides. Milliseconds, megabytes and requests per second stand beside them as context of one machine, and promise nothing
for yours. Run them yourself: `make bench` runs all, `python -m bench NAME` one, `--quick` only proves that it works.
Peers are not dependencies: `make bench` installs nginx and Caddy for the comparison and for nothing else.
"""

ABOUTS = (
    About(
        "switching", "Does a switch cost a request?",
        """\
A router is asked for the same work again and again under load: new instances in, 5 %, 50 %, all users, back at once, all
users again, old instances out and ended. plainsail does it through its own HAProxy driver. Beside it, in the same run,
with the same users and the same instances, two ways that are common today: writing a new nginx configuration and
reloading it, and PATCH on Caddy's admin API.

The peers are set as well as their documentation knows how. nginx keeps connections to instances, and the newer one has
[`keepalive_min_timeout`](https://nginx.org/en/docs/http/ngx_http_core_module.html#keepalive_min_timeout), which was made
for this. Caddy has [`stream_close_delay`](https://github.com/caddyserver/caddy/issues/5471), so that WebSockets survive.
An instance is ended when nobody is connected to it any more, which most orchestrators do not wait for with these routers.
HAProxy has one thread, nginx one worker, Caddy one core, always the same one; users and instances share another.

A request is lost when it was refused, closed before or in the middle of its answer, late by 10 s, or answered 5xx. A
browser would ask again for a GET whose connection was closed under it; many clients do not, and nobody may for a POST.
Users are one process of `bench/rig/users.py`: at a rate, latency counts from when a request was due. Its own use of CPU is
in the last table: where it is far from a whole core, it is not what limits a router.""",
    ),
    About(
        "reaction", "How soon is a bad release off?",
        """\
Nobody can react before there is evidence, and how soon there is depends on traffic and on how bad it is. So each run looks
for the deciding request: the first one after which the judge, had it looked at that very moment, would have said no. It is
found by replaying the run with the production judge, request by request. From there the clock runs to the look that saw
it, to the router's table saying 0, and to the last request that the candidate was asked. Real rollouts, real HAProxy, real
processes that fail, hang and crawl. The shield is on, as it is by default: a GET that the candidate fails is answered by
live, so users see mostly their POSTs fail.""",
    ),
    About(
        "kills", "What does a kill cost?",
        """\
SIGKILL at random moments of rollouts under load, again and again, and afterwards the state must be right: no rollout is
stuck, one whole release has all users, and after `plainsail down` nothing is left running. The control plane may die and
users must not notice at all. HAProxy carries the requests, so with it they die; what counts is how soon it is back. An
instance that dies takes with it what it was answering. Last, a disk that is full from the moment on in which a candidate
has users, and then turns bad.""",
    ),
    About(
        "cost", "What does the control plane cost?",
        """\
Fifty services at rest in a real control plane with a real HAProxy; the start of the command line beside Python's own; and
a turn of the engine (read intents, look, decide, judge, record), measured in CPU time over the time of one JSON encoding
of its target, with the real store on disk and the drivers of the simulated world.""",
    ),
    About(
        "looks", "How much evidence does it take?",
        """\
The judge alone, on simulated traffic: how many looks pass from the beginning of a fault to the verdict, and how many
requests fail in them. [What the verdict means](explanation/evidence.md) has the mathematics.""",
    ),
    About(
        "copies", "What does a shadow cost the router?",
        """\
HAProxy's CPU while all GETs are copied and compared, beside the same HAProxy while none is: rounds of both in turn, under
the same load in the same run. What the instances spend on copies is not in it: that is as much again as live's.""",
    ),
    About(
        "false_alarms", "How often is a good release taken back?",
        """\
The price of being quick. Good releases are watched for an hour each, a look a second, with failures that come singly, in
bursts and in tides. The promise is that at most 1 % are taken back however often one looks.""",
    ),
    About(
        "blast", "How much harm does a bad release do, with us and with others?",
        """\
One world per case and seed, the same for all: ours, and the decision rules of Argo Rollouts, Flagger and Kayenta, each
re-stated in `bench/blast/peers/` as a pure function beside the source files it comes from, with what their code takes by
default, with their documented samples, and as quick as they can be set. 1,000 requests a second, 5 % of them the
candidate's, 0.1 % failing on both sides, a margin of half a point for errors and of one for requests slower than 500 ms.

What the peers' set-ups cost them counts: queries over a window, scrapes each 5 s (the Prometheus that comes with Flagger)
or 15 s (Prometheus' own sample), Flagger's tick after the one that saw it, Argo's errors while there are no scrapes yet. In
their favour: the share stays at 5 % though their samples raise it while they look; Kayenta's baseline is all of live; no
query fails; an analysis begins with the first users. Kayenta's canary lives for an hour. The thresholds are those of the
samples: 99 % for Flagger and for the tight Argo, 95 % for Argo's samples, which ask nothing of latency. Ours takes the
measured time from verdict to a router that says 0.

The bound is what any test needs that errs in at most 1 % of all releases, even one that was told both rates beforehand
(`domain/stats/oracle.py`). Requests spoiled are those that the fault made fail, or slower.""",
    ),
)  # fmt: skip


def main(arguments: Sequence[str] = ()) -> int:
    results = kept()
    PAGE.write_text(page(results))
    for name, text in images(results).items():
        place = DOCS / "images" / f"{name}.svg"
        place.parent.mkdir(exist_ok=True)
        place.write_text(text)
    print(f"{PAGE.name} has {len(results)} benches: {', '.join(results)}")
    return 0


def page(results: Mapping[str, Result]) -> str:
    """The whole text."""
    parts = [HEAD, _losses(results)]
    parts += [_section(about, results[about.bench]) for about in ABOUTS if about.bench in results]
    return "\n".join(parts)


def images(results: Mapping[str, Result]) -> dict[str, str]:
    """SVG by file name without its ending."""
    return {name: draw(chart) for result in results.values() for name, chart in result.charts.items()}


def _losses(results: Mapping[str, Result]) -> str:
    rows = [f"- {loss}" for about in ABOUTS if about.bench in results for loss in results[about.bench].losses]
    return "\n".join(["## Where we lose", "", *rows, ""])


def _section(about: About, result: Result) -> str:
    lines = [f"## {about.title}", "", about.text, ""]
    lines += [f"- {finding}" for finding in result.findings]
    for name, chart in result.charts.items():
        lines += ["", f"![{chart.title}](images/{name}.svg)"]
    for table in result.tables:
        lines += ["", f"**{table.title}**", "", table.markdown()]
    lines += ["", f"`{result.command}` on {_said(result.machine)}."]
    if result.versions:
        lines += ["", *(f"- {one}" for one in result.versions)]
    return "\n".join([*lines, ""])


def _said(machine: Machine) -> str:
    return f"{machine.cores} cores ({machine.processor}), {machine.memory_gb} GB, Linux {machine.kernel}, Python {machine.python}"
