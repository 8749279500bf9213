"""`plainsail status`: readable at three in the morning."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import NamedTuple

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from plainsail.cli.connect import HERE, Plane
from plainsail.cli.exits import DONE, NOT_FOUND, Refusal
from plainsail.cli.options import AsJson, Env
from plainsail.cli.planned import whom
from plainsail.cli.screen import (
    Json,
    clock,
    groups_table,
    headline,
    lasting,
    out,
    plain,
    print_json,
    tell,
    way,
)
from plainsail.client import Client

MOST_SHOWN = 50
"""Services that a person may look through; of more, those at rest are only counted."""
MOST_HOSTS = 2
"""Of a service that are named, so that it stays one line."""
PAGE = 100
"""Services asked for at a time when all are wanted."""


def status(
    service: str | None = None, /, *, env: Env = None, as_json: AsJson = False, plane: Plane = HERE
) -> int:
    """Show what runs where, which share of the users it has, and why.

    Each group of instances with its release, how many are ready and its share; what is under way, why it stands
    where it stands, and the commands that steer it. Where there are many services, those at rest are counted and
    those that want attention are shown; name one to see it, or take --json for all.

    Example: `plainsail status`
    Example: `plainsail status shop --env production`
    Example: `plainsail status --json`

    Parameters
    ----------
    service
        One service; all if left out.
    """
    with plane.connect() as client:
        seen = everything(client, env) if as_json and service is None else look(client, service, env)
    if as_json:
        found = seen.documents
        print_json(found[0] if service and len(found) == 1 else {"services": by_service(found)})
        return DONE
    console = out()
    if not seen.documents and not seen.rest:
        console.print("No service is registered; apply a plainsail.yaml: plainsail apply")
    for document in seen.documents:
        show(console, document)
    if seen.rest:
        tell(console, seen.rest)
    return DONE


class Seen(NamedTuple):
    """The targets to show, and what is said of those that are not."""

    documents: list[Json]
    rest: str = ""


def look(client: Client, service: str | None, env: str | None) -> Seen:
    """Those that are meant; of very many only those that want attention. Raises ProblemError, Refusal."""
    if service is not None:
        return Seen(find(client, service, env))
    page = client.overview(size=MOST_SHOWN)
    if page["services"] <= MOST_SHOWN:
        return Seen(_in(env, page["rows"]))
    wanting = [one for one in _in(env, page["rows"]) if one["rollout"] or one["trouble"]]
    told = f"{page['services']:,} services: {page['busy']:,} with a rollout under way, {page['trouble']:,} in trouble"
    return Seen(wanting, f"{told}; the others are at rest. See one: plainsail status SERVICE; all: --json")


def everything(client: Client, env: str | None) -> Seen:
    """All targets, asked for in pages: no answer takes long, however many there are."""
    rows: list[Json] = []
    number, pages = 1, 1
    while number <= pages:
        page = client.overview(number, PAGE)
        rows += page["rows"]
        number, pages = number + 1, page["pages"]
    unique = {row["service"]: row for row in rows}  # while it was asked, one may have moved to another page
    return Seen(_in(env, [unique[name] for name in sorted(unique)]))


def _in(env: str | None, rows: list[Json]) -> list[Json]:
    """Raises Refusal (`environment_unknown`)."""
    found = [document for row in rows for document in row["environments"].values()]
    return _chosen(found, env)


def find(client: Client, service: str | None, env: str | None) -> list[Json]:
    """The targets of a service, or all, each as its document. Raises ProblemError, Refusal (`environment_unknown`)."""
    if service is not None and env is not None:
        return [client.status(service, env)]
    found = [one for known in client.services(service)["services"] for one in known["environments"]]
    return _chosen(found, env)


def _chosen(found: list[Json], env: str | None) -> list[Json]:
    chosen = [one for one in found if env is None or one["environment"] == env]
    if found and not chosen:
        there = ", ".join(dict.fromkeys(one["environment"] for one in found))
        raise Refusal(NOT_FOUND, "environment_unknown", f"No service is in {env}", f"there is {there}")
    return chosen


def by_service(documents: list[Json]) -> list[Json]:
    names = dict.fromkeys(document["service"] for document in documents)
    return [
        {"service": name, "environments": [one for one in documents if one["service"] == name]}
        for name in names
    ]


def show(console: Console, document: Json) -> None:
    console.print(picture(document))
    console.print()


def picture(document: Json) -> RenderableType:
    """One target: groups, what is under way and why, and what a person can do."""
    title = Text(f"{document['service']} in {document['environment']}", style="bold")
    if where := _where(document):
        title.append(f"  {where}", style="not bold dim")
    lines: list[RenderableType] = [title]
    if document["groups"]:
        lines.append(groups_table(document["groups"]))
        lines += _insiders(document)
    else:
        lines.append(
            Text(
                f"nothing runs yet: plainsail deploy {document['service']} DIRECTORY --to {document['environment']}"
            )
        )
    for driver, trouble in document["trouble"].items():
        lines.append(Text(f"{driver}: {plain(trouble)}", style="red"))
    if document["observed_at"] is None and document["groups"]:
        lines.append(Text("not looked at yet: the shares above are not known", style="yellow"))
    lines += _rollout(document)
    return Group(lines[0], Padding(Group(*lines[1:]), (0, 0, 0, 2), expand=False))


def _where(document: Json) -> str:
    """Where users come in: behind one address there may be many services, each known by its hosts."""
    hosts = document["hosts"]
    more = f" and {len(hosts) - MOST_HOSTS} more" if len(hosts) > MOST_HOSTS else ""
    named = f"{', '.join(map(plain, hosts[:MOST_HOSTS]))}{more}"
    return " for ".join(filter(None, (document["url"], named)))


def _insiders(document: Json) -> Iterator[Text]:
    """Who has a release whatever the shares, by the rules that are in force."""
    versions = {group["group"]: group["version"] for group in document["groups"]}
    for route in document["routes"][:-1]:
        has = " and ".join(plain(versions.get(one["group"], one["group"])) for one in route["split"])
        yield Text(f"insiders have {has}: {whom(route['match'])}")


def _rollout(document: Json) -> list[RenderableType]:
    rollout = document["rollout"] or document["last_rollout"]
    if rollout is None:
        return []
    lines: list[RenderableType] = [headline(rollout)]
    if document["rollout"]:
        lines.append(way(rollout))
    if rollout["reason"]:
        lines.append(Text(plain(rollout["reason"])))
    if document["rollout"] and rollout["back_at"] is not None:
        left = lasting(max(0.0, rollout["back_at"] - time.time()))
        when = clock(rollout["back_at"], "day")
        lines.append(Text(f"goes back by itself in {left} ({when}) if nobody decides", style="yellow"))
    if document["rollout"] and (verbs := _verbs(rollout)):
        where = f"{document['service']} --env {document['environment']}"
        for verb in verbs:
            label = "steer:" if verb == verbs[0] else ""
            lines.append(Text(f"{label:<6} plainsail {verb} {where}", style="dim"))
    elif not document["rollout"] and rollout["phase"] in ("rolled_back", "failed"):
        lines.append(Text(f"numbers: plainsail verdict {rollout['id']}", style="dim"))
    return lines


def _verbs(rollout: Json) -> list[str]:
    """What a person can do about it now."""
    if rollout["awaits_approval"] and rollout["steps"][rollout["step"]]["approval"] and not rollout["worse"]:
        # Advance would pass over what else is lacking, and abort is what reject does.
        return ["approve", "reject", "resume" if rollout["phase"] == "paused" else "pause"]
    # Upkeep waits for instances, which nobody can pass over.
    on = [] if rollout["kind"] in ("scale", "restart", "remove") else ["advance"]
    match rollout["phase"]:
        case "finishing":
            return []
        case "rolling_back":
            return ["abort"] if rollout["gradual"] else []
        case "paused":
            return [*([] if rollout["worse"] else ["resume"]), *on, "abort"]
        case _:
            return ["pause", *on, "abort"]
