"""A test of variants, simulated: the same seed gives the same, what is better wins, and what is not seldom does."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from tests.stories.test_simulated import FILES, said

from plainsail.domain.strategy import Canary
from plainsail.local.simulate.behaviour import read_release
from plainsail.local.simulate.many import play_many
from plainsail.local.simulate.play import Setting, play
from plainsail.local.simulate.report import assumptions
from plainsail.ports.store import Key
from plainsail.spec.merge import read
from plainsail.wiring import drivers

TEXT = (FILES / "ab.yaml").read_text()


def setting(release: str, **changes: str) -> Setting:
    text = TEXT
    for before, after in changes.items():
        assert before in text
        text = text.replace(before, after)
    shop = read([("ab.yaml", text)], drivers()).services["shop"]
    placement = shop.placements["production"]
    key = Key("shop", "production")
    return Setting(key, shop.run, placement, placement.strategy, read_release(release), rate=50.0)


@pytest.mark.parametrize("release", ["kpi:+20%", "errors:5%"])
def test_the_same_seed_gives_the_same(release: str) -> None:
    command = (
        f"$ plainsail simulate ab.yaml --strategy a-b --release {release} --traffic 30/s --within 2m --json"
    )
    first = said(command)
    assert first == said(command)
    told: dict[str, Any] = json.loads(first)
    assert {"outcome", "seconds", "users_hurt", "steps", "events"} <= set(told)
    test = next(step["desired"] for step in told["steps"] if step["step"] == "test")
    assert test["shares"] == {"candidate": 3000, "variant-2": 3000, "live": 4000}


def test_what_is_better_has_all_users_and_what_is_worse_has_none() -> None:
    quick = {"dwell: 2m": "dwell: 5s"}
    (better,) = play_many(setting("kpi:+40%", **quick), 1, 1)
    assert (better.rollout.phase, better.rollout.reached_bp) == ("succeeded", 10_000)
    (worse,) = play_many(setting("kpi:-40%", **quick, **{"margin: 0.05": "margin: 0.3"}), 1, 1)
    assert (worse.rollout.phase, worse.rollout.reason_code) == ("succeeded", "no_difference")
    assert worse.rollout.reached_bp == 3000


def test_the_person_who_is_asked_what_the_winner_gets_gives_it_to_all() -> None:
    asked = setting("kpi:+40%", **{"dwell: 2m": "dwell: 5s", "then: promote": "then: ask"})
    found = play(asked, 1)
    assert (found.rollout.phase, found.rollout.reached_bp) == ("succeeded", 10_000)
    assert found.seconds < 1800.0  # as long as the test may last; nobody is waited for
    assert next(move for move in found.moves if move.step == "100 %").reason.endswith(
        "a person said go (assumed)"
    )
    assert any("winner of the test" in line for line in assumptions(asked))


def test_a_kpi_without_a_test_is_said_to_change_nothing() -> None:
    test = setting("kpi:+40%")
    without = msgspec.structs.replace(test, strategy=(Canary((1000,)),))
    nothing = "kpi:+40% changes nothing"
    assert not any(line.startswith(nothing) for line in assumptions(test))
    assert sum(line.startswith(nothing) for line in assumptions(without)) == 1
