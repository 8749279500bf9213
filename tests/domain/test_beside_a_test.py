"""What is told of a test beside its arms."""

from __future__ import annotations

import pytest

from plainsail.domain.line import Line, Side
from plainsail.domain.trial_told import Test as Told
from plainsail.domain.trial_told import beside

TOLD = Told("sales", "keep", "", "", "", 0.99, 0.0, False, (), ())


def line(name: str, role: str) -> Line:
    return Line(name, "mean", role, "unsure", unit="", candidate=Side(), live=Side())  # type: ignore[arg-type]  # of a literal


@pytest.mark.parametrize(("name", "role", "left_out"), [
    ("sales", "informative", True), ("sales", "guardrail", False), ("sales", "critical", False),
    ("errors", "informative", False), ("errors", "critical", False),
])  # fmt: skip
def test_the_kpi_is_told_by_its_arms_unless_it_may_take_a_variant_back(
    name: str, role: str, left_out: bool
) -> None:
    lines = (line(name, role), line("other", "informative"))
    assert beside(TOLD, lines) == lines[left_out:]
    assert beside(None, lines) == lines
