"""`plainsail simulate --replay`: the same samples and policy say the same; an edited one says what it would; files that are
no verdict are refused on one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from tests.local.test_simulate import SHOP, refused, simulated

from plainsail.cli.main import _run
from plainsail.domain.criteria import ErrorCriteria, EvidenceCriteria, LatencyCriteria
from plainsail.domain.explain import explain
from plainsail.domain.service import Placement, Run
from plainsail.domain.strategy import Canary, Pace
from plainsail.domain.trail import Point, Tally
from plainsail.local.simulate.behaviour import read_release
from plainsail.local.simulate.play import Setting, of_one
from plainsail.local.simulate.replay import replay
from plainsail.ports.store import Key

MARGINS = EvidenceCriteria(errors=ErrorCriteria(margin=0.005, max=0.05), latency=LatencyCriteria(bound=1.0))


def kept(release: str, seed: int = 1) -> dict[str, Any]:
    """What `plainsail verdict --json` would say of a simulated rollout."""
    setting = Setting(
        Key("shop", "production"), Run(command=("bin/serve",)), Placement(replicas=3, evidence=MARGINS),
        (Canary((1000, 5000)),), read_release(release), 200.0,
    )  # fmt: skip
    rollout, evidence = of_one(setting, seed)
    found: dict[str, Any] = msgspec.to_builtins({
        "rollout": {
            "id": rollout.id, "service": "shop", "environment": "production", "phase": rollout.phase,
            "decided_at": rollout.decided_at, "more": "is passed over",
        },
        "verdict": rollout.verdict, "criteria": MARGINS, "explanation": explain(rollout, evidence),
    })  # fmt: skip
    return found


@pytest.fixture(scope="module")
def bad() -> dict[str, Any]:
    """Of a release that was taken back because 3 % of its requests failed."""
    return kept("errors:3%")


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bad: dict[str, Any]) -> Path:
    """A directory with a file, an edited one, and what was recorded."""
    (tmp_path / "plainsail.yaml").write_text(SHOP)
    lax = SHOP.replace(
        "steps: [10%, 50%]}}]", "steps: [10%, 50%]}}], evidence: {errors: {margin: 10%, max: 20%}}"
    )
    (tmp_path / "lax.yaml").write_text(lax)
    (tmp_path / "strict.yaml").write_text(lax.replace("margin: 10%, max: 20%", "margin: 0.1%, max: 1%"))
    (tmp_path / "bad.json").write_text(json.dumps(bad))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_same_policy_says_the_same(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = simulated(capsys, "--replay", "bad.json")
    assert found["changed"] is False
    assert found["recorded"]["outcome"] == "rolled_back"
    assert found["policy"] == found["same_policy"]
    assert found["policy"]["said"] == found["recorded"]["said"] == "taken back"
    assert found["policy"]["code"] == found["recorded"]["code"] == "errors"
    assert found["policy"]["seconds"] == pytest.approx(found["recorded"]["seconds"], abs=1.0)


def test_a_wider_margin_would_have_let_it_stay(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = simulated(capsys, "--replay", "bad.json", "--config", "lax.yaml")
    assert (found["changed"], found["policy"]["said"], found["policy"]["seconds"]) == (
        True,
        "not taken back",
        None,
    )
    assert found["same_policy"]["said"] == "taken back"
    assert any("the samples end after" in one for one in found["unknown"])


def test_copies_are_not_called_requests() -> None:
    trail = tuple(
        Point(float(n), 0, Tally(50 * n, 20 * n, 0), Tally(50 * n, 0, 0), 0.0, 0.0, ()) for n in range(20)
    )
    said = replay(trail, EvidenceCriteria(), Pace(), (), copied=True)
    assert said.said == "taken back"
    assert "copies for the candidate failed" in said.sentence


def test_a_narrower_one_would_have_been_quicker(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    as_it_was = simulated(capsys, "--replay", "bad.json")["policy"]["seconds"]
    found = simulated(capsys, "--replay", "bad.json", "--config", "strict.yaml")
    assert found["policy"]["said"] == "taken back"
    assert found["policy"]["seconds"] <= as_it_was


def test_it_is_told_calmly(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(["simulate", "lax.yaml", "--replay", "bad.json"]) == 0
    told = capsys.readouterr().out
    assert "This would have changed: it is not taken back in the" in told
    assert "Not known:" in told
    assert max(map(len, told.splitlines())) <= 100


def test_a_good_release_goes_on_share_by_share(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "plainsail.yaml").write_text(SHOP)
    (tmp_path / "good.json").write_text(json.dumps(kept("good")))
    found = simulated(capsys, str(tmp_path / "plainsail.yaml"), "--replay", str(tmp_path / "good.json"))
    assert (found["changed"], found["policy"]["said"]) == (False, "not taken back")
    assert [one["share_bp"] for one in found["shares"]][:2] == [1000, 5000]
    for share in found["shares"][:2]:
        assert share["entered"] <= share["would_leave"] <= share["left"] + 1.0


def test_what_is_not_kept_is_said(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "other.yaml").write_text(
        SHOP.replace(
            "steps: [10%, 50%]}}]", "steps: [10%, 50%]}}], evidence: {latency: {bound: 200ms, p99: 50%}}"
        )
    )
    unknown = " ".join(simulated(capsys, "other.yaml", "--replay", "bad.json")["unknown"])
    assert "slow were requests beyond 1 s" in unknown
    assert "quantiles (p50, p90, p99) are left out" in unknown
    (shop / "plain.yaml").write_text(
        SHOP.replace("steps: [10%, 50%]}}]", "steps: [10%, 50%]}}], evidence: {judge: threshold}")
    )
    assert "thresholds can't be asked again" in refused(capsys, "plain.yaml", "--replay", "bad.json")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is not JSON (line 1, column 1"),
        ("[" * 100_000, "nested too deeply"),
        ("{}", "is no verdict of plainsail"),
        ('{"rollout": {"id": "r", "service": "shop", "environment": "production", "phase": "succeeded"}}', "Nothing was judged in r"),
    ],
)  # fmt: skip
def test_what_is_no_verdict_is_refused(
    shop: Path, capsys: pytest.CaptureFixture[str], text: str, told: str
) -> None:
    (shop / "odd.json").write_text(text)
    assert told in refused(capsys, "--replay", "odd.json")


def test_a_file_that_is_not_there_is_said(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "There is no file gone.json" in refused(capsys, "--replay", "gone.json", code=3)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.floats(allow_nan=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
points = st.lists(
    st.tuples(
        st.floats(0, 1e6), st.integers(-1, 10_001),
        st.lists(st.integers(-1, 10**6), min_size=3, max_size=3), st.lists(st.integers(-1, 10**6), min_size=3, max_size=3),
        st.floats(-1, 2), st.floats(-1, 2),
    ).map(list), max_size=8,
)  # fmt: skip


@settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=150)
@given(st.sampled_from(["rollout", "verdict", "criteria", "explanation", "trail"]), json_values, points)
def test_a_damaged_file_is_replayed_or_refused(
    shop: Path,
    capsys: pytest.CaptureFixture[str],
    bad: dict[str, Any],
    where: str,
    what: Any,
    trail: list[Any],
) -> None:
    damaged = {**bad, where: what} if where != "trail" else {**bad, "explanation": {"trail": trail}}
    (shop / "odd.json").write_text(json.dumps(damaged))
    code = _run(["simulate", "--replay", "odd.json"])
    told = capsys.readouterr()
    assert code in (0, 2, 3), told.err
    assert code == 0 or (told.out == "" and "Traceback" not in told.err and "failed here" not in told.err)
