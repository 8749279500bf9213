"""Shadows as they are written: something is copied, and by which methods it may be."""

from __future__ import annotations

from collections.abc import Iterator

from plainsail.domain.mirroring import Shadow
from plainsail.domain.traffic import Capabilities
from plainsail.spec.checks import Fault
from plainsail.spec.diagnostics import did_you_mean, shown, there_are

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
"""Of RFC 9110, 9.3, and RFC 5789; without CONNECT and TRACE, which are no requests to an application."""


def share(given: int) -> Iterator[Fault]:
    if not given:
        yield Fault("With a share of 0% nothing is copied", "leave it out: all requests are copied then")


def methods(given: tuple[str, ...]) -> Iterator[Fault]:
    if not given:
        yield Fault(
            "Without a method nothing is copied", "write one such as [GET, HEAD], or leave the key out"
        )
    for index, method in enumerate(given):
        if method not in METHODS:
            hint = did_you_mean(method.upper(), METHODS) or there_are(METHODS)
            yield Fault(f"{shown(method)} is not a method that can be copied", hint, (index,))
        elif method in given[:index]:
            yield Fault(f"{shown(method)} is here twice", "keep one", (index,))


def beyond(strategy: Shadow, of: str, can: Capabilities, why: str = "") -> Iterator[Fault]:
    """A router that can't copy requests; `of` says which, and `why` why this one can't though its kind can."""
    if can.mirror and not why:
        return
    few = "a canary of 1% shows the release to few"
    nearest = (
        f"write dark, with a 'match': insiders see the release, and no user does; or leave 'shadow' out: {few}"
        if can.match
        else f"leave 'shadow' out: {few}"
    )
    yield Fault(f"Requests can't be copied by {of}{why and f': {why}'}", nearest)
