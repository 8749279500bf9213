"""A test of variants on the pages: its arms, how far they are from live, and how it ended; the numbers are those of the API."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import given
from playwright.sync_api import Page, expect
from tests.api.practice import until
from tests.web.conftest import Open
from tests.web.looks import faint, nameless, too_wide
from tests.web.trial import KEY, Trial, spec, trial

from plainsail.app import queries
from plainsail.app.documents import RolloutDocument, StepDocument
from plainsail.domain.comparing import ArmRate, Gap
from plainsail.domain.evidence import Evidence
from plainsail.domain.explain import Explanation, explain
from plainsail.domain.match import Match
from plainsail.domain.rollout import Rollout
from plainsail.domain.strategy import Inside
from plainsail.domain.trial_told import Test as Told
from plainsail.domain.trial_told import rows
from plainsail.testing.world import Behaviour
from plainsail.web.arms import WIDTH, arms, standing

SHOP = "/services/shop/production"
SPEED = 20.0
EVIL = "<img src=x onerror=alert(1)></li>{{7*7}}"
OPEN = Told(KEY, "keep", "", "", "", 0.99, 0.0, False, (), ())
ROLLOUT = RolloutDocument(
    id="r-1", service="shop", environment="production", kind="deploy", by="ada", phase="progressing", strategy="a-b",
    release="sha256:1", version="v2", step=0, steps=(), reason="", reason_code="", started_at=1.0,
)  # fmt: skip


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[Trial]:
    with trial(tmp_path, speed=SPEED) as one:
        yield one


def test_a_test_under_way_shows_its_arms_and_follows_them(plane: Trial, windows: Open) -> None:
    id = plane.begin()
    page = windows().sign_in(SHOP)
    shown = page.get_by_test_id("arms")
    expect(shown.locator("tbody tr")).to_have_count(3)
    expect(shown.locator("tbody th")).to_have_text(["live", "red", "blue"])
    expect(shown).to_contain_text(f"{KEY} decides the test")
    expect(shown.get_by_test_id("stands")).to_have_text("not decided yet")
    expect(shown.locator("tbody td:nth-child(2)")).to_have_text(["50 %", "25 %", "25 %"])
    expect(shown.locator(".interval")).to_have_count(2)
    expect(page.locator("#state .sentence")).to_have_text(
        "v2 has 50 % of the users, as red and blue, v1 has the rest"
    )
    expect(page.locator("#steps")).to_contain_text("2 live, 1 red, 1 blue")
    expect(page.get_by_test_id("metrics")).not_to_contain_text(f"{KEY} only shown")
    users = shown.locator("#arm-red-users")
    before = users.inner_text()
    page.evaluate("window.kept = document.getElementById('arm-red-users')")
    expect(users).not_to_have_text(before)
    assert page.evaluate("window.kept === document.getElementById('arm-red-users')")
    _as_the_api_says(plane, id, page)


def test_a_test_that_is_decided_names_the_winner(tmp_path: Path, windows: Open) -> None:
    place = tmp_path / "decided"
    place.mkdir()
    with trial(place, speed=SPEED, text=spec(dwell="1m")) as plane:
        id = plane.deploy(plane.release("v2", Behaviour(kpi=0.3)))
        until(lambda: plane.get(f"/rollouts/{id}")["ended_at"], within=180)
        window = windows(plane.url)
        window.sign_in()
        for path in (SHOP, f"/rollouts/{id}"):
            page = window.open(path)
            expect(page.get_by_test_id("stands")).to_have_text("red is better")
            expect(page.locator("#arm-red th")).to_contain_text("(winner)")
            expect(page.locator("#arm-blue th")).to_have_text("blue")
            _as_the_api_says(plane, id, page)


@pytest.mark.parametrize(
    ("width", "scheme"), [(360, "light"), (390, "dark"), (1280, "light"), (1280, "dark")]
)
def test_whatever_arms_are_called_they_fit_and_are_text(
    plane: Trial, windows: Open, monkeypatch: pytest.MonkeyPatch, width: int, scheme: str
) -> None:
    plane.begin()
    monkeypatch.setattr(queries, "explain", hostile)
    page = windows(color_scheme=scheme, viewport={"width": width, "height": 800}).sign_in(SHOP)
    shown = page.get_by_test_id("arms")
    expect(shown).to_contain_text(EVIL)
    expect(shown).to_contain_text(f"No data: {EVIL}")
    assert page.locator("main img").count() == 0
    assert (too_wide(page), faint(page), nameless(page)) == ([], [], [])


edges = st.floats(-1e6, 1e6).flatmap(
    lambda at: st.tuples(st.just(at), st.floats(0.0, 1e6), st.floats(0.0, 1e6)).map(
        lambda drawn: Gap("a", "live", drawn[0], drawn[0] - drawn[1], drawn[0] + drawn[2])
    )
)


@given(st.lists(edges, min_size=1, max_size=3))
def test_intervals_have_one_scale_and_stay_inside(drawn: list[Gap]) -> None:
    """What is better is farther to the right, and zero is at one place."""
    gaps = tuple(msgspec.structs.replace(gap, of=f"v{place}") for place, gap in enumerate(drawn))
    told = tuple(ArmRate(name, name, 10.0, 1.0) for name in ("live", *(gap.of for gap in gaps)))
    test = msgspec.structs.replace(OPEN, arms=told, gaps=gaps)
    found = [one.drawn for one in arms(test, ROLLOUT)[1:]]
    assert len({one.zero for one in found if one is not None}) <= 1
    for gap, one in zip(gaps, found, strict=True):
        if one is None:
            assert all(other.low == other.high == 0.0 for other in gaps), "there is nothing to draw"
            continue
        low, high = (float(end) for end in re.findall(r"^M(\S+) \S+H([^M]+)", one.between)[0])
        zero = float(one.zero[1:].split(" ")[0])
        assert 0.0 <= low <= float(one.at) <= high <= WIDTH
        assert gap.low is not None
        assert gap.high is not None
        assert (low <= zero) or gap.low >= 0.0
        assert (zero <= high) or gap.high <= 0.0


@pytest.mark.parametrize(("decided", "winner", "phase", "tone", "word"), [
    ("", "", "progressing", "busy", "not decided yet"), ("", "", "aborted", "none", "ended undecided"),
    ("", "", "rolling_back", "none", "ended undecided"), ("winner", "red", "succeeded", "good", "red is better"),
    ("winner", "red", "progressing", "good", "red is better"), ("no_difference", "", "succeeded", "none", "no difference"),
    ("mismatch", "", "failed", "bad", "void"),
])  # fmt: skip
def test_how_it_stands_has_a_word(decided: str, winner: str, phase: str, tone: str, word: str) -> None:
    test = msgspec.structs.replace(OPEN, decided=decided, winner=winner)
    ended = 9.0 if phase in ("aborted", "succeeded", "failed") else None
    found = standing(test, msgspec.structs.replace(ROLLOUT, phase=phase, ended_at=ended))
    assert (found.tone, found.word) == (tone, word)


def test_who_has_which_arm_by_a_match_has_no_share() -> None:
    told = (ArmRate("live", "g1", 0.0, None), ArmRate("red", "g2", 0.0, None))
    test = msgspec.structs.replace(OPEN, arms=told, gaps=(Gap("red", "live", 0.0),))
    step = StepDocument(
        "test", 2500, {"live": 2, "candidate": 1}, "", shares={"live": 7500, "candidate": 2500}
    )
    live, red = arms(test, msgspec.structs.replace(ROLLOUT, steps=(step,)))
    assert [(one.name, one.share, one.rate, one.drawn) for one in (live, red)] == [
        ("live", "75 %", "nothing", None), ("red", "25 %", "nothing", None)
    ]  # fmt: skip
    assert "too few users" in red.against
    by_match = msgspec.structs.replace(step, share_bp=0, inside=(Inside(Match(cookie="a=b"), "candidate"),))
    assert [one.share for one in arms(test, msgspec.structs.replace(ROLLOUT, steps=(by_match,)))] == ["", ""]


def hostile(rollout: Rollout, evidence: Evidence | None) -> Explanation:
    """As if names of arms and what sources say could be anything."""
    why = explain(rollout, evidence)
    if why.test is None:
        return why
    names = {"red": EVIL, "blue": "b" * 40, "live": "live"}
    told = tuple(msgspec.structs.replace(one, name=names[one.name]) for one in why.test.arms)
    gaps = tuple(
        msgspec.structs.replace(one, of=names[one.of], than=names[one.than]) for one in why.test.gaps
    )
    test = msgspec.structs.replace(why.test, arms=told, gaps=gaps, missing=EVIL, kpi="k" * 40)
    return msgspec.structs.replace(why, test=test)


def _as_the_api_says(plane: Trial, id: str, page: Page) -> None:
    """The numbers of `plainsail verdict --json`, which move while they are looked at: of one moment both are the same."""

    def alike() -> bool:
        test = msgspec.convert(plane.get(f"/rollouts/{id}/verdict")["explanation"]["test"], Told)
        cells = [
            [page.locator(f"#arm-{name}-{what}").inner_text() for what in ("users", "rate")]
            for name, *_ in rows(test)
        ]
        return cells == [[users, rate] for _, users, rate, _ in rows(test)]

    assert until(alike)
