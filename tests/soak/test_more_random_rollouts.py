"""Ten thousand more rollouts by chance, from other seeds than `test_random_rollouts.py`."""

from __future__ import annotations

import itertools

import pytest
from tests.soak.many import until

EACH = 1_000
"""Rollouts of one part."""


@pytest.mark.parametrize("part", range(10, 20))
def test_whatever_else_happens_every_property_holds(part: int) -> None:
    assert until(EACH, itertools.count(part * EACH)).rollouts >= EACH
