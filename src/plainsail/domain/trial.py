"""A test of variants: what a rollout knows of it besides its steps.

The first variant is the rollout's candidate, so that whatever watches a candidate watches it; the others are groups of their own.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from plainsail.domain.strategy import AB, Chain, Role

OTHERS: tuple[Role, ...] = ("variant-2", "variant-3")
"""Roles, in steps, of the variants that are not the candidate."""
MOST = 1 + len(OTHERS)
"""Variants of one test: with live four arms. Each more makes all the others slower to tell apart."""


class Decided(msgspec.Struct, frozen=True):
    """How a test came out."""

    code: Literal["winner", "no_difference", "mismatch"]
    sentence: str
    """What was found, with its numbers, in one clause."""
    at: float
    winner: str = ""
    """Group; empty: there is none."""


class Trial(msgspec.Struct, frozen=True):
    """The test that a rollout is."""

    asked: AB
    groups: tuple[str, ...]
    """Of the variants, in the order they are written."""
    names: tuple[str, ...]
    """What they are called, in the same order."""
    decided: Decided | None = None
    salt: str = ""
    """Of the hash that divides its users; empty: it began before there was one."""

    def name(self, group: str) -> str:
        """As people know it: the variant's, or `live`."""
        return self.names[self.groups.index(group)] if group in self.groups else "live"

    def others(self, candidate: str) -> tuple[str, ...]:
        """The groups beside the candidate, in the order of their roles."""
        return tuple(group for group in self.groups if group != candidate)

    def by_match(self) -> bool:
        """Who has which variant is said by requests themselves, and not by chance."""
        return self.asked.by_match()


def test_in(chain: Chain) -> AB | None:
    """The test that a chain ends with, if it does."""
    last = chain[-1] if chain else None
    return last if isinstance(last, AB) else None
