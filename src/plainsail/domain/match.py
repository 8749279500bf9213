"""Which requests a rule of traffic is for: insiders, by what their requests carry."""

from __future__ import annotations

import msgspec


class Match(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """All conditions that are given must hold; each holds if one of its values does. Without conditions: every request."""

    hosts: tuple[str, ...] = ()
    """Host names, such as `www-dark.shop.example`; they lead to this service then."""
    header: str | None = None
    """`Name: value`, compared as a whole; the name in any case."""
    cookie: str | None = None
    """`name=value`, compared as a whole."""
    networks: tuple[str, ...] = ()
    """Networks that users come from, such as `10.0.0.0/8`. Only of the connection itself: a header could say anything."""

    def told(self) -> str:
        """In a sentence after `insiders`: `who asks for www-dark.shop.example, and who comes from 10.0.0.0/8`."""
        parts = (
            ("who asks for", self.hosts),
            ("whose header is", (self.header,) if self.header else ()),
            ("whose cookie is", (self.cookie,) if self.cookie else ()),
            ("who comes from", self.networks),
        )
        return ", and ".join(f"{before} {' or '.join(values)}" for before, values in parts if values)

    def everybody(self) -> bool:
        return not (self.hosts or self.header or self.cookie or self.networks)
