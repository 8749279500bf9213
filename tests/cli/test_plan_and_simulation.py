"""The list of steps of `deploy --plan` is that of `simulate`: the same documents, in the same order, there and back."""

from __future__ import annotations

from typing import Any

import pytest
from tests.api.practice import SPEC, Plane
from tests.cli.terminal import Terminal

from plainsail.domain.strategy import SIMPLE

DARK = """strategy:
          - dark: {match: {header: "X-Insider: yes"}, lasts: 2s}
          - canary: {steps: [10%, 50%]}
"""


def planned_and_played(terminal: Terminal, plane: Plane, *words: str, release: str) -> tuple[Any, Any]:
    use = terminal.use(plane)
    plane.live("1.0")
    plane.release("1.1")
    plan = use("deploy", "shop", "1.1", "--to", "production", "--plan", "--json", *words).json()
    return plan, use("simulate", "--release", release, "--json", *words).json()


@pytest.mark.parametrize("strategy", sorted(SIMPLE))
def test_a_good_release_takes_the_steps_that_were_planned(
    terminal: Terminal, plane: Plane, strategy: str
) -> None:
    spec = SPEC.replace("        pace:", "        sticky: {cookie: version}\n        pace:")
    terminal.directory.joinpath("plainsail.yaml").write_text(spec)
    plane.apply(spec)
    plan, played = planned_and_played(terminal, plane, "--strategy", strategy, release="good")
    assert played["outcome"] == "succeeded"
    assert [step["desired"] for step in played["steps"]] == plan["steps"]


def test_who_is_taken_back_takes_the_way_that_was_planned(terminal: Terminal, plane: Plane) -> None:
    spec = SPEC.replace("strategy: [{canary: {steps: [10%, 50%]}}]\n", DARK)
    terminal.directory.joinpath("plainsail.yaml").write_text(spec)
    plane.apply(spec)
    plan, played = planned_and_played(terminal, plane, release="errors:100%")
    ways = [step["desired"] for step in played["steps"]]
    back = len(plan["back"])
    assert (played["outcome"], played["reached_bp"]) == ("failed", 0), "insiders saw what it is"
    assert ways[:-back] == plan["steps"][: len(ways) - back]
    assert ways[-back:] == plan["back"]
    assert ways[1]["inside"][0]["match"] == {"header": "X-Insider: yes"}


def test_what_deploy_refuses_for_want_of_steps_is_refused_by_simulate(
    terminal: Terminal, plane: Plane
) -> None:
    terminal.directory.joinpath("plainsail.yaml").write_text(SPEC)
    use = terminal.use(plane)
    plane.live("1.0")
    words = ("--strategy", "custom")
    asked = use("deploy", "shop", "1.0", "--to", "production", "--plan", *words)
    played = use("simulate", *words)
    assert asked.code == played.code == 2
    assert "write 'strategy: {custom: ...}' there" in " ".join(played.err.split())
