"""What the page says of insiders, of holds, and of ways back that take their time; and what its buttons do about them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect
from tests.api.practice import until
from tests.web.stage import SPEC, Stage, stage
from tests.web.window import Window

from plainsail.testing.world import Behaviour

SHOP = "/services/shop/production"
DARK = SPEC.replace(
    "strategy: [{canary: {steps: [10%, 50%]}}]",
    "strategy: [{dark: {match: {hosts: [next.shop.example]}}}, {canary: {steps: [10%, 50%]}}]",
).replace("deadline: 60m", "deadline: 60m, on_failure: hold")


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[Stage]:
    with stage(tmp_path, spec=DARK) as one:
        yield one


def test_insiders_are_named_from_the_dark_on(plane: Stage, window: Window) -> None:
    _in_the_dark(plane, "v2")
    page = window.sign_in(SHOP)
    line = page.locator("[data-test=insiders]")
    expect(line).to_have_text("insiders have v2: who asks for next.shop.example")
    expect(page.locator("#state .sentence")).to_have_text("Insiders have v2; all other users have v1")
    expect(page.locator("#steps")).to_contain_text("and insiders: who asks for next.shop.example")
    plane.steer("advance")
    until(lambda: plane.status()["groups"][1]["share_bp"] == 1000)
    expect(line).to_have_text("insiders have v2: who asks for next.shop.example")


def test_an_abort_can_be_gradual(plane: Stage, window: Window) -> None:
    release = _in_the_dark(plane, "v2")
    plane.steer("advance")
    until(lambda: plane.share(release) == 1000)
    plane.steer("advance")
    until(lambda: plane.share(release) == 5000)
    page = window.sign_in(SHOP)
    page.get_by_role("link", name="Abort…").click()
    question = page.get_by_role("dialog")
    question.get_by_label("Gradually").check()
    question.get_by_role("button", name="Abort").click()
    until(lambda: plane.share(release) == 1000)
    expect(page.locator("#state .sentence")).to_contain_text("v2 is being taken back step by step")
    page.get_by_role("link", name="Abort…").click()
    expect(question).to_be_visible()
    expect(question.get_by_label("Gradually")).to_have_count(0)
    question.get_by_role("button", name="Abort").click()
    until(lambda: plane.rollout()["phase"] == "aborted")
    assert plane.share(release) == 0


def test_a_hold_says_when_it_ends(plane: Stage, window: Window) -> None:
    release = _in_the_dark(plane, "v2", Behaviour(errors=0.3))
    plane.steer("advance")
    until(lambda: plane.rollout()["phase"] == "paused")
    page = window.sign_in(SHOP)
    expect(page.locator("[data-test=back-at]")).to_contain_text(
        "If nobody decides, it goes back by itself in"
    )
    expect(page.get_by_role("button", name="Resume")).to_have_attribute("aria-disabled", "true")
    expect(page.get_by_role("link", name="Advance…")).to_be_visible()
    assert plane.share(release) == 1000


def _in_the_dark(plane: Stage, version: str, behaviour: Behaviour | None = None) -> str:
    """v1 is live, and insiders have this one; its digest."""
    plane.live("v1")
    release = plane.release(version, behaviour or Behaviour())
    plane.deploy(release)
    until(lambda: len(plane.status()["routes"]) == 2)
    return release
