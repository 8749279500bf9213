"""Reads what is written as one word: texts, numbers, quantities with their units, and words of a list."""

from __future__ import annotations

import operator
import re
from decimal import Decimal
from typing import Any

from msgspec import inspect

from plainsail.spec.diagnostics import did_you_mean, listed
from plainsail.spec.nodes import Fields, Node, Scalar
from plainsail.spec.scalars import PERCENTAGE, READERS, Unreadable
from plainsail.spec.spots import Bad, Spot, Telling

BOOLEANS = {
    "yes": "true",
    "on": "true",
    "y": "true",
    "true": "true",
    "no": "false",
    "off": "false",
    "n": "false",
    "false": "false",
}
"""What YAML 1.1 takes for a truth value."""


class Words(Telling):
    """Reads scalars by their declared types."""

    def _quantity(self, node: Node, unit: str, kind: inspect.Type, spot: Spot) -> float | int | Bad:
        if not isinstance(node, Scalar):
            return self._wrong(node, spot, f"a {unit}")
        try:
            number = READERS[unit](node.text)
        except Unreadable as error:
            return self._bad(node.mark, spot, f"{spot.name()} {error.problem}", error.hint)
        return self._bounded(number, node, kind, spot)

    def _scalar(self, node: Node, kind: inspect.Type, spot: Spot) -> Any | Bad:
        match kind:
            case inspect.StrType():
                return self._text(node, spot)
            case inspect.IntType():
                if isinstance(node, Scalar) and re.fullmatch(r"-?(0|[1-9][0-9]{0,17})", node.text):
                    return self._bounded(int(node.text), node, kind, spot)
                return self._wrong(node, spot, "a whole number", "write one such as 4")
            case inspect.FloatType():
                if isinstance(node, Scalar) and re.fullmatch(r"-?[0-9]{1,15}(\.[0-9]{1,15})?", node.text):
                    return self._bounded(float(node.text), node, kind, spot)
                return self._wrong(node, spot, "a number", _plain(node) or "write one such as 0.5")
            case inspect.BoolType():
                if isinstance(node, Scalar) and node.text in ("true", "false"):
                    return node.text == "true"
                meant = BOOLEANS.get(node.text.lower()) if isinstance(node, Scalar) else None
                return self._wrong(node, spot, "true or false", f"did you mean '{meant}'?" if meant else "")
            case inspect.LiteralType(values=values):
                by_text = {str(value): value for value in values}
                if isinstance(node, Scalar) and node.text in by_text:
                    return by_text[node.text]
                hint = did_you_mean(node.text, by_text) if isinstance(node, Scalar) else ""
                return self._wrong(node, spot, listed(by_text, "or"), hint)
            case _:
                raise TypeError(f"{spot.name()}: {kind} has no form in YAML")

    def _text(self, node: Node, spot: Spot) -> str | Bad:
        if isinstance(node, Scalar):
            if "\0" in node.text:
                return self._bad(node.mark, spot, f"{spot.name()} holds a NUL character", "leave it out")
            return node.text
        if isinstance(node, Fields) and [_is_null(entry.value) for entry in node.entries.values()] == [True]:
            word = "{" + next(iter(node.entries)) + "}"
            return self._wrong(node, spot, "a text", f'did you mean "{word}", in quotes?')
        return self._wrong(node, spot, "a text")

    def _bounded(self, number: float, node: Node, kind: inspect.Type, spot: Spot) -> float | int | Bad:
        assert isinstance(kind, inspect.IntType | inspect.FloatType)
        for said, limit, kept in (
            ("at least", kind.ge, operator.ge),
            ("more than", kind.gt, operator.gt),
            ("at most", kind.le, operator.le),
            ("less than", kind.lt, operator.lt),
        ):
            if limit is not None and not kept(number, limit):
                message = f"{spot.name()} must be {said} {limit:g}, and is {number:g}"
                return self._bad(node.mark, spot, message)
        return number


def _plain(node: Node) -> str:
    """A part in percent, where a plain number is asked for."""
    if isinstance(node, Scalar) and PERCENTAGE.fullmatch(node.text):
        return f"did you mean {Decimal(node.text[:-1]) / 100:f}?"
    return ""


def _is_null(node: Node) -> bool:
    return isinstance(node, Scalar) and node.null()
