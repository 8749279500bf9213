"""Ten thousand rollouts by chance; `test_more_random_rollouts.py` has as many more, as CI runs two files at once. `make soak`
goes on from there."""

from __future__ import annotations

import itertools

import pytest
from tests.soak.many import until

EACH = 1_000
"""Rollouts of one part."""


@pytest.mark.parametrize("part", range(10))
def test_whatever_happens_every_property_holds(part: int) -> None:
    assert until(EACH, itertools.count(part * EACH)).rollouts >= EACH
