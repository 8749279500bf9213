"""What `plainsail verdict` shows of a rollout, word by word, and that nobody's words move the cursor."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from rich.console import Console
from tests.api.practice import SPEC, Plane, until
from tests.cli.terminal import Terminal
from tests.domain.test_explain import Watched, rollout

from plainsail.cli.plot import HIGHEST, LEFT, plot
from plainsail.cli.verdict import show
from plainsail.domain.criteria import Counted, EvidenceCriteria, Metric
from plainsail.domain.evidence import Sums, Told, Track, Verdict
from plainsail.domain.explain import Explanation, explain
from plainsail.domain.observation import Counts, Mirrored
from plainsail.domain.trail import Point, Tally
from plainsail.domain.trial_told import Test as Variants

GOLDEN = Path(__file__).parent / "golden"
replace = msgspec.structs.replace


@pytest.fixture(autouse=True)
def _clock_of_greenwich(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


def picture(why: Explanation, width: int = 80) -> str:
    """As in a pipe, where nothing is coloured; the rollout's own line apart, which tells the time."""
    console = Console(
        file=io.StringIO(), width=width, highlight=False, markup=False, emoji=False, no_color=True
    )
    document: dict[str, Any] = {
        "kind": "deploy", "version": "2.0", "phase": why.phase, "ended_at": None, "started_at": None,
        "strategy": "canary", "by": "ada", "id": "r1", "reason": "",
    }  # fmt: skip
    with console.capture() as shown:
        show(console, why, document)
    return "\n".join(line.rstrip() for line in shown.get().splitlines()) + "\n"


def told(name: str, trial: Watched, verdict: Verdict, **fields: Any) -> Explanation:
    why = explain(rollout(verdict, trial.criteria, **fields), trial.evidence)
    shown = picture(why)
    place = GOLDEN / f"verdict-{name}.txt"
    if os.environ.get("GOLDEN") == "write":
        place.write_text(shown)
    assert shown == place.read_text()
    assert shown.isascii()
    return why


def test_taken_back() -> None:
    trial = Watched()
    verdict = trial.look()
    for number in range(40):
        verdict = trial.block(Counts(10), Counts(190, 1 if number % 20 == 7 else 0))
    while verdict.outcome != "fail":
        verdict = trial.block(Counts(10, 3, 2, 1), Counts(190))
    told(
        "taken-back",
        trial,
        verdict,
        phase="rolled_back",
        reason=verdict.sentence,
        decided_at=trial.blocks / 10,
    )


def test_not_sure_yet_with_a_metric_of_a_source() -> None:
    orders = Metric("shop", counts=Counted("a", "b"), margin=0.01)
    trial = Watched(
        EvidenceCriteria(metrics={"orders": orders, "silent": Metric("prom", value="x", role="informative")})
    )
    verdict = trial.look()
    for number in range(12):
        verdict = trial.block(Counts(10, 1 if number == 4 else 0), Counts(190))
    windows = tuple(
        Told(1795000000.0 + 10 * n, 0.01 * n, 0.01, "7 of 8 shards" if n == 3 else "") for n in range(4)
    )
    trial.evidence = replace(trial.evidence, tracks={
        "orders": Track(candidate=Sums(200, 3), live=Sums(1800, 9), told=windows),
        "silent": Track(missing="prom answered 503"),
    })  # fmt: skip
    verdict = replace(verdict, warnings=("live's own instances differ by more than chance allows",))
    told("not-sure", trial, verdict)


def test_proven() -> None:
    trial = Watched()
    verdict = trial.look()
    for _ in range(70):
        verdict = trial.block(Counts(10), Counts(90))
    told("proven", trial, verdict)


def test_other_peoples_words_stay_in_their_line() -> None:
    evil = "\x1b[2J\x1b]0;owned\x07a\nb\rc"
    trial = Watched(EvidenceCriteria(metrics={evil: Metric("prom", value="x")}))
    verdict = trial.block(Counts(10), Counts(90))
    trial.evidence = replace(
        trial.evidence, tracks={evil: Track(missing=evil, told=(Told(1.0, None, None, evil),))}
    )
    shown = picture(explain(rollout(replace(verdict, sentence=evil, warnings=(evil,))), trial.evidence))
    assert not [letter for letter in shown if not (letter.isprintable() or letter == "\n")]
    assert "owned" not in shown


@pytest.mark.parametrize("width", [20, 80, 200])
def test_a_plot_keeps_its_width_and_shows_who_is_over_the_line(width: int) -> None:
    trail = [Point(at / 10, 1000, Tally(), Tally(), at / 20, -9.0) for at in range(40)]
    rows = plot(trail, width)
    assert max(map(len, rows)) <= width
    line = next(row for row in rows if row.strip().startswith("1 "))
    assert set(line[LEFT:]) <= set("-x")
    over = "".join(rows[: rows.index(line)])
    assert "x" in over
    assert "o" not in over
    assert len(rows) <= 2 + (HIGHEST + 1.0) / 0.25
    assert plot(trail[:1], width) == []
    assert plot([trail[0], trail[0]], width) == []


def test_of_a_service_it_is_the_present_rollout(terminal: Terminal, plane: Plane) -> None:
    use = terminal.use(plane)
    plane.live("1.0")
    plane.apply(SPEC.replace("dwell: 3s", "dwell: 9m"))
    started = plane.deploy(plane.release("1.1"))
    until(lambda: (why := plane.get(f"/rollouts/{started}/verdict")["explanation"]) and why["judged"])
    by_name, by_id = (use("verdict", name, "--json").json()["explanation"] for name in ("shop", started))
    assert by_name["rollout"] == by_id["rollout"] == started
    assert use("verdict", "shop", "--env", "production").out.startswith(
        ("Not sure yet ", "Good enough so far ")
    )
    why = plane.get(f"/rollouts/{started}/verdict")["explanation"]
    shown = [line["name"] for line in why["metrics"] if line["name"] not in ("p50", "p90", "p99")]
    assert shown == ["errors", "max_errors", "latency", "crashes"]
    assert use("verdict", "shop", "--env", "staging").code != 0


def test_of_a_test_the_variant_is_named_and_its_kpi_told_once() -> None:
    trial = Watched(EvidenceCriteria(metrics={"sales": Metric("prom", value="x", role="informative")}))
    verdict = trial.look()
    for _ in range(4):
        verdict = trial.block(Counts(10), Counts(90))
    why = explain(rollout(verdict, trial.criteria), trial.evidence)
    assert [line.name for line in why.metrics][-1] == "sales"
    test = Variants("sales", "keep", "", "", "", 0.99, 0.0, True, (), (), judged="red")
    shown = picture(
        replace(why, test=test, change="A difference that is proven; after 4 min it ends in any case.")
    )
    assert shown.count("sales") == 3, "its heading, its column, and what would change it"
    assert "(only shown)" not in shown
    assert "nothing: it is only shown" not in shown
    assert "  sales: a difference that is proven; after 4 min it ends in any case" in shown
    assert " red " in shown
    assert "candidate   " not in shown


def test_who_only_had_copies_had_no_users() -> None:
    trial = Watched()
    verdict = trial.look()
    for _ in range(4):
        verdict = trial.block(Counts(10), Counts(10))
    why = explain(rollout(verdict, trial.criteria), trial.evidence)
    asked = replace(
        why,
        copies=Mirrored(pairs=40),
        decided_after=3.86,
        trail=tuple(replace(point, share_bp=0) for point in why.trail),
    )
    assert "Decided 3.86 s after the first copies came" in picture(asked)
