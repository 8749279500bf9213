"""Several files as one document, and what can only be seen when all of them are together."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Literal

from plainsail.domain.service import Document, Environment, Notify, Placement, Service
from plainsail.spec.abilities import beyond
from plainsail.spec.checks import Fault
from plainsail.spec.decode import Located, locate
from plainsail.spec.diagnostics import (
    MOST,
    Diagnostic,
    Path,
    SpecError,
    did_you_mean,
    dotted,
    shown,
    there_are,
)
from plainsail.spec.drivers import Drivers
from plainsail.spec.insiders import matches
from plainsail.spec.keys import type_of
from plainsail.spec.sources import unfounded

NOTHING = Document(schema=1)
EVERYWHERE = ("", "*", "0.0.0.0", "[::]")  # noqa: S104 - recognised, not listened on
MOST_TARGETS = 20_000
"""Services times environments of one control plane. Those of which nothing runs cost nothing; of those that run, a
machine carries far fewer. Beyond it lists and looks through all of them take seconds."""


def read(texts: Sequence[tuple[str, str]], drivers: Drivers, known: Document = NOTHING) -> Document:
    """All of `apply`: (file, text) pairs to one document. SpecError with the problems of every file.

    `known` is what is registered already: its environments may be named, and its hosts are taken.
    """
    located: list[Located] = []
    found: list[Diagnostic] = []
    for file, text in texts:
        try:
            located.append(locate(text, file, drivers))
        except SpecError as error:
            found += error.diagnostics
    if found:
        raise SpecError(tuple(found))
    return merge(located, drivers, known)


def merge(files: Sequence[Located], drivers: Drivers, known: Document = NOTHING) -> Document:
    """The documents as one. SpecError if they contradict each other or name what nobody declares."""
    environments: dict[str, Environment] = {}
    services: dict[str, Service] = {}
    for located in files:
        environments |= located.document.environments
        services |= located.document.services
    everywhere = {**known.environments, **environments}
    elsewhere = {name: service for name, service in known.services.items() if name not in services}
    complaints = chain(
        _given_twice(files, "environments"),
        _given_twice(files, "services"),
        _notify_twice(files),
        _unknown_environments(files, everywhere),
        _circles(files, everywhere),
        _hosts_taken(files, elsewhere),
        _beyond_routers(files, everywhere, elsewhere, drivers),
        _unfounded(files, everywhere, elsewhere, drivers),
        _listening_twice(files, known.environments, drivers),
        _too_many(files, elsewhere),
    )
    if found := list(islice(complaints, MOST)):
        order = [located.file for located in files]
        raise SpecError(tuple(sorted(found, key=lambda told: (order.index(told.file), told.line, told.col))))
    notify = next((file.document.notify for file in files if file.document.notify != Notify()), Notify())
    return Document(schema=1, environments=environments, services=services, notify=notify)


def _given_twice(
    files: Sequence[Located], section: Literal["environments", "services"]
) -> Iterator[Diagnostic]:
    noun = section.removesuffix("s")
    first: dict[str, Located] = {}
    for located in files:
        for name in getattr(located.document, section):
            if before := first.get(name):
                line = before.place(section, name, key=True).line
                message = f"The {noun} {shown(name)} is already given in {before.file}:{line}"
                yield _at(located, (section, name), message, "keep one of the two", key=True)
            first.setdefault(name, located)


def _notify_twice(files: Sequence[Located]) -> Iterator[Diagnostic]:
    given = [located for located in files if located.document.notify != Notify()]
    for located in given[1:]:
        line = given[0].place("notify", key=True).line
        message = f"'notify' is already given in {given[0].file}:{line}"
        yield _at(located, ("notify",), message, "keep one of the two", key=True)


def _unknown_environments(files: Sequence[Located], known: Collection[str]) -> Iterator[Diagnostic]:
    others = there_are(known) if known else "declare it under 'environments'"
    for located in files:
        for name, environment in located.document.environments.items():
            if environment.after is not None and environment.after not in known:
                message = f"Unknown environment {shown(environment.after)}"
                hint = did_you_mean(environment.after, known) or others
                yield _at(located, ("environments", name, "after"), message, hint)
        for name, service in located.document.services.items():
            for place in service.placements:
                if place not in known:
                    hint = did_you_mean(place, known) or others
                    message = f"Unknown environment {shown(place)}"
                    yield _at(located, ("services", name, "in", place), message, hint, key=True)


def _circles(files: Sequence[Located], environments: Mapping[str, Environment]) -> Iterator[Diagnostic]:
    """Each circle of `after` once, at the first of its members that a file declares."""
    declared = {name: located for located in files for name in located.document.environments}
    walked: set[str] = set()
    for start in declared:
        way: dict[str, None] = {}  # a set that keeps its order
        here: str | None = start
        while here and here not in walked and here not in way:
            way[here] = None
            here = _after(environments, here)
        walked.update(way)
        if here in way:
            circle = list(way)[list(way).index(here) :]
            first = next(name for name in declared if name in circle)
            at = circle.index(first)
            told = " after ".join((*circle[at:], *circle[:at], first))
            message = f"The environments come after each other in a circle: {told}"
            path = ("environments", first, "after")
            yield _at(declared[first], path, message, "let one of them be the first")


def _after(environments: Mapping[str, Environment], name: str) -> str | None:
    environment = environments.get(name)
    return environment.after if environment else None


def _hosts_taken(files: Sequence[Located], known: Mapping[str, Service]) -> Iterator[Diagnostic]:
    """Two services that answer the same host in one environment: who gets a request would be chance."""
    owners: dict[tuple[str, str], str] = {}
    for name, service in known.items():
        for place, placement in service.placements.items():
            owners |= {(place, host): name for _, host in _hosts_of(placement)}
    for located in files:
        for name, service in located.document.services.items():
            for place, placement in service.placements.items():
                for at, host in _hosts_of(placement):
                    owner = owners.setdefault((place, host), name)
                    if owner != name:
                        what = f"The host {shown(host)}" if host else "Every host"
                        yield _at(
                            located,
                            ("services", name, "in", place, *at),
                            f"{what} in {shown(place)} already leads to the service {shown(owner)}",
                            "give each service hosts of its own",
                            key=not host,
                        )


def _hosts_of(placement: Placement) -> Iterator[tuple[Path, str]]:
    """Those that lead to it, of insiders too; empty for every host."""
    if not placement.hosts:
        yield (), ""
    yield from ((("hosts", index), host) for index, host in enumerate(placement.hosts))
    for at, match in matches(placement):
        yield from (((*at, "hosts", index), host) for index, host in enumerate(match.hosts))


def _beyond_routers(
    files: Sequence[Located],
    environments: Mapping[str, Environment],
    known: Mapping[str, Service],
    drivers: Drivers,
) -> Iterator[Diagnostic]:
    """What is asked of a router that it can't do."""

    def faults(placement: Placement, place: str) -> Iterator[Fault]:
        router = environments[place].router if place in environments else None
        if router is not None and (can := drivers.capabilities.get(router.name)) is not None:
            yield from beyond(placement, router.name, can, lambda: drivers.lacking(router))

    return _at_odds(files, known, faults, "router")


def _unfounded(
    files: Sequence[Located],
    environments: Mapping[str, Environment],
    known: Mapping[str, Service],
    drivers: Drivers,
) -> Iterator[Diagnostic]:
    """What is asked of metric sources that are not there, or can't be asked it."""

    def faults(placement: Placement, place: str) -> Iterator[Fault]:
        if place in environments:
            yield from unfounded(placement, place, environments[place], drivers)

    return _at_odds(files, known, faults, "metrics")


def _at_odds(
    files: Sequence[Located],
    known: Mapping[str, Service],
    faults: Callable[[Placement, str], Iterator[Fault]],
    key: str,
) -> Iterator[Diagnostic]:
    """Services and environments that don't go together: told at the service, or at the environment's key if that is what
    is new."""
    for located in files:
        for name, service in located.document.services.items():
            for place, placement in service.placements.items():
                for fault in faults(placement, place):
                    path = ("services", name, "in", place, *fault.keys)
                    yield _at(located, path, fault.message, fault.hint)
        for place in located.document.environments:
            for name, service in known.items():
                for fault in faults(service.placements[place], place) if place in service.placements else ():
                    message = f"{fault.message}, as {shown(name)} wants it"
                    yield _at(located, ("environments", place, key), message, "change the service first")


def _listening_twice(
    files: Sequence[Located], known: Mapping[str, Environment], drivers: Drivers
) -> Iterator[Diagnostic]:
    """Two environments whose routers listen at one address: the second could not start."""
    declared = {name for located in files for name in located.document.environments}
    owners = {_listens(one, drivers): name for name, one in known.items() if name not in declared}
    for located in files:
        for name, environment in located.document.environments.items():
            address = _listens(environment, drivers)
            owner = next((owners[other] for other in owners if _clash(address, other)), name)
            if owner != name:
                yield _at(
                    located,
                    ("environments", name, "router", environment.router.name, "listen"),
                    f"The router of {shown(owner)} already listens on {address[2]}",
                    "give each environment an address of its own, such as another port",
                )
            owners.setdefault(address, name)


def _listens(environment: Environment, drivers: Drivers) -> tuple[str, str, str]:
    """Host (empty for every address) and port, and both as they are written; empty if the router has no address."""
    router = environment.router
    fields = (
        {field.encode_name: field for field in type_of(drivers.routers[router.name]).fields}
        if router.name in drivers.routers
        else {}
    )
    default = fields["listen"].default if "listen" in fields else ""
    written = router.config.get("listen", default)
    host, _, port = written.rpartition(":") if isinstance(written, str) else ("", "", "")
    return ("" if host in EVERYWHERE else host, port, f"{host}:{port}")


def _clash(one: tuple[str, str, str], other: tuple[str, str, str]) -> bool:
    return bool(one[1]) and one[1] == other[1] and (one[0] == other[0] or "" in (one[0], other[0]))


def _too_many(files: Sequence[Located], known: Mapping[str, Service]) -> Iterator[Diagnostic]:
    """Told at the service that is one too many."""
    count = sum(len(service.placements) for service in known.values())
    for located in files:
        for name, service in located.document.services.items():
            count += len(service.placements)
            if count > MOST_TARGETS:
                message = f"With this service there are {count:,} targets (services times environments); {MOST_TARGETS:,} are the limit of one control plane"
                yield _at(
                    located, ("services", name), message, "give the rest to another control plane", key=True
                )
                return


def _at(located: Located, path: Path, message: str, hint: str, *, key: bool = False) -> Diagnostic:
    mark = located.place(*path, key=key)
    return Diagnostic(located.file, mark.line, mark.col, dotted(path), message, hint)
