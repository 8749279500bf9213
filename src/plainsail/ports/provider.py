"""The provider port: it runs instances, one driver object per environment. It sees groups and replica counts; how they run is its own affair."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import msgspec

from plainsail.domain.actions import Fleet
from plainsail.domain.observation import GroupSeen


class OutputLine(msgspec.Struct, frozen=True):
    """A line an instance wrote."""

    instance: str
    group: str
    text: str


class Provider(Protocol):
    """Lifecycle: `start` adopts what runs already; `stop` lets go and leaves it running, and from then on the object says
    Transient; `end` stops everything, and needs no `start`.

    An instance runs the command of its order in the release's directory, with `{port}` filled in, no shell, and these
    variables: those of `run.env`, the content of the files of `run.secrets`, `PORT`, and `PLAINSAIL_SERVICE`,
    `_ENVIRONMENT`, `_GROUP`, `_VERSION` and `_INSTANCE` (its id). None of the control plane's own reaches it.

    Raises only errors of `ports.errors`.
    """

    changed: Callable[[str], None]
    """Called with the service when something the engine should see has happened; set by the engine."""

    async def start(self) -> None: ...

    async def apply(self, fleet: Fleet, epoch: int) -> None:
        """Converge: start what is missing (backing off from a crash loop), let `leaving` ones go. Returns at once;
        starting and ending go on in the background. What can't be started is a failed start, and no error here. A group
        that is known with another release begins anew: that one's instances leave. So do those that an order names in
        `retire`, and others are started in their place. Fenced if a newer epoch was seen."""
        ...

    async def observe(self, service: str) -> tuple[GroupSeen, ...]: ...

    async def output(self, service: str, group: str | None = None, lines: int = 50) -> tuple[OutputLine, ...]:
        """The last lines of each instance, also of ended ones as long as they are kept."""
        ...

    async def stop(self) -> None: ...

    async def end(self) -> None: ...
