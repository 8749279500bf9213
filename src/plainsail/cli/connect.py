"""The options that say which control plane is asked, and the client for it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Group, Parameter

from plainsail.cli.whereabouts import find

if TYPE_CHECKING:
    from plainsail.client import Client

GROUP = Group("Control plane", sort_key=9)


@Parameter(name="*")
@dataclass(frozen=True)
class Plane:
    """Which control plane is asked."""

    url: Annotated[
        str | None,
        Parameter(group=GROUP, env_var="PLAINSAIL_URL", help="Its address; else the data directory says it."),
    ] = None
    data: Annotated[
        Path | None,
        Parameter(
            group=GROUP,
            env_var="PLAINSAIL_DATA",
            help="Data directory; else .plainsail here or in a directory above.",
        ),
    ] = None

    def connect(self) -> Client:
        """Raises Refusal (`plane_unknown`, `data_foreign`) when it is not said anywhere."""
        from plainsail.client import Client

        place = find(self.url, self.data)
        return Client(place.url, place.token)


HERE = Plane()
