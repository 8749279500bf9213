"""The window for live charts: what is kept, what it costs."""

from __future__ import annotations

from plainsail.domain.observation import Counts, GroupSeen, Instance, Seen
from plainsail.domain.recent import KEPT_FOR, Recent


def seen(at: float, requests: int = 0, router_up: bool = True) -> Seen:
    up = Instance("g-1", "g", "ready", "127.0.0.1:1", 0.0)
    return Seen(
        at=at, groups={"g": GroupSeen("g", 1, (up,))}, router_up=router_up, counts={"g": Counts(requests)}
    )


def test_a_busy_target_is_sampled_once_a_second_for_a_quarter_of_an_hour() -> None:
    recent = Recent()
    for look in range(20_000):
        recent.add(seen(look / 10, look), busy=True)
    samples = recent.since()
    assert KEPT_FOR * 0.9 <= len(samples) <= KEPT_FOR * 1.2
    assert samples[1].at >= samples[-1].at - KEPT_FOR
    assert samples[-1].groups["g"].ready == 1
    assert recent.since(samples[-3].at) == samples[-2:]


def test_a_silent_stretch_costs_two_samples_and_keeps_its_ends() -> None:
    recent = Recent()
    for look in range(400):
        recent.add(seen(10.0 + look * 2, 7), busy=False)
    first, last = recent.since()
    assert first.at == 10.0
    assert last.at >= 800.0


def test_a_look_without_the_router_says_nothing() -> None:
    recent = Recent()
    recent.add(seen(1.0, router_up=False), busy=True)
    assert recent.since() == ()
