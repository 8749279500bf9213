"""docs/reference/drivers.md, from the registered drivers: their configuration, capabilities and docstrings."""

from __future__ import annotations

import inspect
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, cast

import msgspec

from plainsail import wiring
from plainsail.local.schema import docs
from plainsail.ports.router import Capabilities
from plainsail.ports.site import Site
from plainsail.spec.reference import reference

KINDS = {
    "router": "moves the users' traffic; one for each environment (`environments.ENVIRONMENT.router`).",
    "provider": "runs the instances; one for each environment (`environments.ENVIRONMENT.provider`).",
    "store": "keeps state and events; one for each control plane. There is nothing to set.",
    "notifier": "tells people (`notify`).",
    "verifier": "is asked whether a rollout may go on, or told of it; any number of them in checks and hooks of a service ([ask others](../how-to/checks.md)).",
    "metric": "source is asked for numbers by release; any number of them for each environment (`environments.ENVIRONMENT.metrics.NAME`).",
}

OPENING = """\
# Drivers

A driver is one file and one entry point; those here come with plainsail and use the same way in as one of yours
([write a driver](../how-to/write-a-driver.md)). This page is made from the code (`python -m tests.docs.made`).

"""

MORE = {
    "haproxy": """\
HAProxy, one process for an environment, started and held by plainsail. It goes on when plainsail ends.

KEYS

Files, in `sites/ENVIRONMENT/router/` of the data directory: its configuration, maps and state as they are in force
([files on disk](files.md#router)). HAProxy is started from them when it is found dead, so it is right from its first
request.

Copies of requests (`shadow`) need one that was built with Lua, as packages are; `check`, `apply` and `deploy` ask the program
that would be started.

Limits: one rule of traffic for a service; four groups beside live can have a share at once; one thread, some 15,000
requests a second; no TLS of its own ([install](../how-to/install.md) puts it behind something that has). What it does for a
request that the candidate fails: [the shield](../how-to/shield.md).
""",
    "process": """\
Instances are plain processes of this machine, each in a session of its own. They go on when plainsail ends.

KEYS

An instance runs in the release's directory, which is read-only. Besides what `env` and `secrets` say, it gets `PORT`;
`PLAINSAIL_SERVICE`, `PLAINSAIL_ENVIRONMENT`, `PLAINSAIL_GROUP` and `PLAINSAIL_VERSION`; a `TMPDIR` of its own, which goes with
it; and of the control plane's environment `PATH`, `HOME`, `USER`, `LOGNAME`, `LANG`, `LC_ALL` and `TZ`.

Files, in `sites/ENVIRONMENT/provider/`: a record of each group and instance, and their output
([files on disk](files.md#provider)).

Limits: this machine only; an instance has the user and the rights of `plainsail up`; `limits` are kept as far as the machine
permits (cgroups for memory and cores; where they can't be had it is said once in the log). The exit code of an instance that
an earlier control plane started is not known, and output is not rotated while no control plane runs.
""",
    "prometheus": """\
Prometheus and everything that speaks its HTTP API; tested on Prometheus 2.42 and VictoriaMetrics 1.79
([metric sources](../how-to/metric-sources.md#prometheus)).

KEYS

Each query is an instant query as of the end of the window (`POST /api/v1/query`). It has to give one series; a histogram's
may differ by `le` alone. No files.
""",
    "graphite": """\
Graphite's render API; tested on 1.1.8 ([metric sources](../how-to/metric-sources.md#graphite)).

KEYS

Each query is a target (`GET /render`) that has to give one series. A `value` is the last point of the window, everything else
the sum of its points. Graphite has no histograms. No files.
""",
    "json": """\
Anything that answers GET with JSON ([metric sources](../how-to/metric-sources.md#json)).

KEYS

Each query is an address below `url`, a space, and a JSONPath (RFC 9535: names, indexes, and filters such as
`[?@.group == "{group}"]`) that leads to one value. Queries with the same address are one request. No files.
""",
    "command": """\
Any program of this machine ([metric sources](../how-to/metric-sources.md#command)).

KEYS

Each query is a command with arguments; no shell is started. Exit code 0: one JSON number on standard output, or one object with
the parts by name; 3: there is no data, for the reason on the last line of standard error; any other: it failed. It runs in `/`,
as the user of `plainsail up`, four at a time. No files.
""",
    "webhook (check)": """\
Asks over HTTP ([what is sent, and what is an answer](../how-to/checks.md#over-http)).

KEYS

https, or http on this machine; no redirects, no proxies of the environment; answers of at most 64 KiB. No files.
""",
    "command (check)": """\
Asks a program of this machine ([exit codes](../how-to/checks.md#by-a-command)).

KEYS

It runs in `/`, as the user of `plainsail up`, without a shell, and is ended with all that it started. No files.
""",
    "sql": """\
Files: `plainsail.db` in the data directory, SQLite, with `plainsail.db-wal` and `plainsail.db-shm` beside it while it is open.
A newer plainsail brings an older store up to date when it opens it; an older one refuses a newer store and leaves it as it is.
""",
    "webhook": """\
No files. It tells of a rollout's end, of a way back, and of a hold; to anything that takes Slack's incoming webhooks
([notifications](../how-to/notifications.md)). 5 seconds for an answer; a message that can't be delivered is dropped with a
line in the log, and never keeps a rollout waiting.
""",
}
"""What no code says. A registered driver without an entry fails a test."""


def page() -> str:
    parts = [OPENING]
    for kind, about in KINDS.items():
        parts.append(f"## {kind.capitalize()}s\n\nA {kind} {about}\n")
        parts += [
            _driver(kind, point.name, point.load())
            for point in sorted(entry_points(group=f"plainsail.{kind}s"), key=lambda one: one.name)
        ]
    return "\n".join(parts)


def _driver(kind: str, name: str, driver: Any) -> str:
    more = MORE[title(kind, name)]
    tables = _keys(kind, name) if "KEYS" in more else ""
    if kind == "router":
        tables += "\n\n" + _capabilities(driver)
    return f"### {title(kind, name)}\n\n" + more.replace("KEYS", tables)


def title(kind: str, name: str) -> str:
    """Two kinds may have a driver of the same name."""
    return f"{name} (check)" if kind == "verifier" else name


def _keys(kind: str, name: str) -> str:
    """Its table of plainsail-yaml.md."""
    drivers = wiring.drivers()
    text = reference(docs(drivers), drivers)
    place = f"environments.ENVIRONMENT.{'metrics.NAME' if kind == 'metric' else kind}"
    if kind == "verifier":
        place = "services.SERVICE.in.ENVIRONMENT.checks.STEP"
    section = text.split(f"## `{place}.{name}`\n", 1)[1].split("\n## ", 1)[0]
    return "| key" + section.split("| key", 1)[1].rstrip()


def _capabilities(driver: Any) -> str:
    config = inspect.get_annotations(driver.__init__, eval_str=True)["config"]()
    found: Capabilities = driver(
        config, Site("production", Path("/nonexistent"), cast(Any, None))
    ).capabilities
    rows = [
        f"| `{field}` | {_shown(field, value)} |" for field, value in msgspec.structs.asdict(found).items()
    ]
    return "What it can do, as the planner and `check` see it:\n\n| capability | |\n|---|---|\n" + "\n".join(
        rows
    )


def _shown(field: str, value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value} basis points" if field.endswith("_bp") else str(value)
