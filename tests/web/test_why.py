"""Why it was decided so, on the pages: the same numbers as anywhere, small pictures of each test, nobody's words as markup."""

from __future__ import annotations

import math

import msgspec
import pytest
from playwright.sync_api import expect
from tests.api.practice import until
from tests.web.conftest import Open
from tests.web.looks import faint, nameless, too_wide
from tests.web.stage import Stage
from tests.web.test_following import SHOP
from tests.web.window import Window

from plainsail.app import queries
from plainsail.domain.evidence import Evidence, Told
from plainsail.domain.explain import Explanation, explain
from plainsail.domain.line import Difference, Line, Side
from plainsail.domain.rollout import Rollout
from plainsail.testing.world import Behaviour
from plainsail.web.spark import spark

replace = msgspec.structs.replace
EVIL = "<img src=x onerror=alert(1)></li>{{7*7}}"
LONG = "basket_value_per_checkout_of_returning_customers_in_the_last_minute"


def with_metrics(rollout: Rollout, evidence: Evidence | None) -> Explanation:
    """As if sources told something, nothing, and what they should not."""
    why = explain(rollout, evidence)
    if not why.judged:
        return why
    told = tuple(
        Told(rollout.started_at + n, None if n == 2 else 12.0 + n, 12.5, EVIL if n == 2 else "")
        for n in range(4)
    )
    basket = Line(
        name=LONG, kind="mean", role="guardrail", outcome="unsure", better="higher", unit="", margin=0.5, harm=0.4,
        good=0.2, odds=6.0, candidate=Side(1204, None, 12.4), live=Side(20_412, None, 12.9),
        difference=Difference(-0.5, -1.1, 0.1, 0.99), measurements=told, note=EVIL, change=EVIL,
    )  # fmt: skip
    silent = Line(
        name=EVIL, kind="value", role="informative", outcome="unsure", unit="", candidate=Side(), live=Side(), missing=EVIL
    )  # fmt: skip
    tests = (*why.tests, LONG)
    trail = tuple(
        replace(point, each=(*point.each, math.sin(number / 9))) for number, point in enumerate(why.trail)
    )
    metrics = (*why.metrics, basket, silent)
    return replace(why, metrics=metrics, tests=tests, trail=trail, warnings=(EVIL,), voided=EVIL)


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (1280, "dark")])
def test_metrics_and_whatever_they_say_fit_and_are_text(
    plane: Stage, windows: Open, monkeypatch: pytest.MonkeyPatch, width: int, scheme: str
) -> None:
    monkeypatch.setattr(queries, "explain", with_metrics)
    plane.live("v1")
    page = windows(color_scheme=scheme, viewport={"width": width, "height": 800}).sign_in(SHOP)
    plane.canary("v2")
    metrics = page.get_by_test_id("metrics")
    for name in ("errors", "crashes", "p50 of answer times", LONG):
        expect(metrics.locator(".metric h3").filter(has_text=name).first).to_be_visible()
    expect(page.get_by_test_id("verdict")).to_contain_text(f"Warning: {EVIL}")
    expect(metrics.get_by_role("img", name="Evidence of harm").first).to_be_visible()
    expect(metrics).to_contain_text("0.5 less than live (-1.1 to +0.1, 99 % sure at any time)")
    expect(metrics).to_contain_text(EVIL)
    assert page.locator("main img").count() == 0
    assert (too_wide(page), faint(page), nameless(page)) == ([], [], [])


def test_the_page_has_the_numbers_of_the_api(plane: Stage, window: Window) -> None:
    plane.live("v1")
    page = window.sign_in(SHOP)
    plane.deploy(plane.release("v2-bad", Behaviour(errors=0.4)))
    ended = until(
        lambda: one if (one := plane.rollout())["version"] == "v2-bad" and one["ended_at"] else None
    )
    why = plane.get(f"/rollouts/{ended['id']}/verdict")["explanation"]
    for path in (SHOP, f"/rollouts/{ended['id']}"):
        window.open(path)
        expect(page.get_by_test_id("verdict")).to_contain_text(why["sentence"])
        first = page.locator(".metric").first
        expect(first).to_contain_text("worse")
        expect(first).to_contain_text(f"{why['metrics'][0]['candidate']['n']:,}")
        expect(first).to_contain_text("99 % sure at any time")
    drawn = explain_of(plane, ended["id"])
    assert {name for name in drawn.tests if spark(drawn, name)} == set(drawn.tests)


def test_what_is_updated_is_not_replaced(plane: Stage, window: Window) -> None:
    """Elements stay in their places and only their texts change, so that nothing flickers and what is marked stays marked;
    also where a cell says what another one said before, and where lines, rows and pictures come to those that are there."""
    plane.live("v1")
    page = window.sign_in(SHOP)
    plane.canary("v2")
    cell = page.locator(".metric").first.locator("tbody td").first
    expect(cell).to_be_visible()
    assert page.evaluate(_MARK) > 20
    expect(cell).not_to_have_text(cell.inner_text())
    assert page.evaluate(_REPLACED) == []


def test_a_cell_that_says_what_its_neighbour_said_stays_where_it_is(
    plane: Stage, window: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    plane.live("v1")
    page = window.sign_in(SHOP)
    plane.canary("v2")
    cells = page.locator(".metric").first.locator("tbody tr").first.locator("td")
    expect(cells.first).not_to_have_text("0")
    still = explain_of(plane, plane.rollout()["id"])
    monkeypatch.setattr(queries, "explain", lambda *_: still)
    wanted = [f"{side.n:,.0f}" for side in (still.metrics[0].candidate, still.metrics[0].live)]
    expect(cells).to_have_text(wanted)
    assert wanted[0] != wanted[1]
    page.evaluate(_MARK)
    shifted = replace(still, metrics=tuple(replace(one, candidate=one.live) for one in still.metrics))
    monkeypatch.setattr(queries, "explain", lambda *_: shifted)
    expect(cells).to_have_text([wanted[1], wanted[1]])
    assert page.evaluate(_REPLACED) == []


_MARK = """() => {
  window.marked = new Map();
  const all = '.metric, .metric tbody td, .spark, #numbers td, #instances tr, #rollouts tbody tr';
  for (const one of document.querySelectorAll(all)) if (one.id) window.marked.set(one, one.id);
  return window.marked.size;
}"""
_REPLACED = """() => [...window.marked].filter(([one, id]) => document.getElementById(id) !== one).map(([, id]) => id)"""
"""The ids of those whose place has another element now, or none."""


def explain_of(plane: Stage, id: str) -> Explanation:
    return msgspec.convert(plane.get(f"/rollouts/{id}/verdict")["explanation"], Explanation)
