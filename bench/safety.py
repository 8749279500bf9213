"""The safety properties over many more random worlds than CI has time for: `python -m bench soak`."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from tests.domain.test_safety import Safety

WORLDS = 5_000


def main(arguments: Sequence[str] = ()) -> int:
    worlds = int(arguments[0]) if arguments else WORLDS
    run_state_machine_as_test(
        Safety,
        settings=settings(
            max_examples=worlds,
            stateful_step_count=60,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    print(f"{worlds} random worlds: every safety property held")
    return 0
