"""`plainsail simulate`: the same seed, the same bytes; outcomes that are right; bad input told where it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from plainsail.cli.main import _run
from plainsail.domain.service import Placement, Run
from plainsail.domain.strategy import BlueGreen, Canary, Pace, RedBlack
from plainsail.drivers.stores.sql import open_store
from plainsail.local.simulate.behaviour import read_release
from plainsail.local.simulate.play import Setting, play
from plainsail.ports.store import Key

SHOP = """\
schema: 1
environments:
  production:
    router: {haproxy: {listen: 127.0.0.1:8081}}
services:
  shop:
    run: {command: [bin/serve]}
    in:
      production: {replicas: 3, strategy: [{canary: {steps: [10%, 50%]}}]}
"""
TWO = """\
schema: 1
environments:
  staging: {router: {haproxy: {listen: 127.0.0.1:8080}}}
  production: {router: {haproxy: {listen: 127.0.0.1:8081}}}
services:
  shop:
    run: {command: [bin/serve]}
    in: {staging: {}, production: {hosts: [shop.example]}}
  blog:
    run: {command: [bin/serve]}
    in: {production: {hosts: [blog.example]}}
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with a file in it."""
    (tmp_path / "plainsail.yaml").write_text(SHOP)
    (tmp_path / "two.yaml").write_text(TWO)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def simulated(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    assert _run(["simulate", *words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def refused(capsys: pytest.CaptureFixture[str], *words: str, code: int = 2) -> str:
    assert _run(["simulate", *words]) == code
    told = capsys.readouterr()
    assert told.out == ""
    return told.err.strip()


@pytest.mark.parametrize("words", [("--release", "errors:2%"), ("--runs", "9", "--release", "crash:5s")])
def test_the_same_seed_gives_the_same_bytes_in_every_process(shop: Path, words: tuple[str, ...]) -> None:
    def bytes_with(hash_seed: str, seed: str) -> bytes:
        return (
            subprocess.run(
                [
                    sys.executable,
                    "-m",
                    "plainsail",
                    "simulate",
                    *words,
                    "--seed",
                    seed,
                    "--plot",
                    "p.svg",
                    "--json",
                ],
                cwd=shop,
                env={**os.environ, "PYTHONHASHSEED": hash_seed},
                check=True,
                capture_output=True,
            ).stdout
            + (shop / "p.svg").read_bytes()
        )

    one = bytes_with("1", "7")
    assert one == bytes_with("2", "7")
    assert one != bytes_with("2", "8")


def test_a_good_release_reaches_all_users_and_hurts_nobody(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for seed in range(3):
        found = simulated(capsys, "--seed", str(seed), "--traffic", "300/s")
        assert (found["outcome"], found["users_hurt"]) == ("succeeded", 0)
        assert found["requests"] == pytest.approx(300 * found["seconds"], rel=0.1)


@pytest.mark.parametrize(
    ("release", "outcome", "code"),
    [
        ("errors:2%", "rolled_back", {"errors"}),
        ("errors:100%", "rolled_back", {"errors", "max_errors"}),
        ("latency:+200%", "rolled_back", {"latency"}),
        ("crash:5s", "rolled_back", {"crashes", "errors", "max_errors"}),
        ("never-ready", "failed", {"never_ready"}),
    ],
)
def test_a_bad_release_is_taken_back(
    shop: Path, capsys: pytest.CaptureFixture[str], release: str, outcome: str, code: set[str]
) -> None:
    for seed in range(3):
        found = simulated(capsys, "--release", release, "--seed", str(seed), "--traffic", "300/s")
        assert found["outcome"] == outcome
        assert found["reason_code"] in code
        assert found["users_hurt"] < found["requests"] * 0.03
        assert found["steps"][-1]["desired"]["shares"] == {"live": 10_000}
        assert found["steps"][-1]["desired"]["instances"]["candidate"] == 0


def test_the_document_tells_the_way(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = simulated(capsys)
    assert [step["step"] for step in found["steps"]] == ["start", "10 %", "50 %", "100 %", "finish"]
    times = [step["at"] for step in found["steps"]]
    assert times[0] == 0
    assert times == sorted(times)
    assert found["seconds"] >= times[-1]
    assert all(sum(step["desired"]["shares"].values()) == 10_000 for step in found["steps"])
    assert all(step["reason"] for step in found["steps"])
    kinds = [event["kind"] for event in found["events"]]
    assert kinds[0] == "rollout_started"
    assert kinds[-1] == "rollout_ended"
    assert any("seed" not in one and "requests a second" in one for one in found["assumptions"])
    assert (found["seed"], found["strategy"], found["release"], found["traffic"]) == (
        1,
        "canary",
        "good",
        100.0,
    )


def test_the_strategy_can_be_chosen_by_name(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = simulated(capsys, "--strategy", "recreate")
    assert found["strategy"] == "recreate"
    assert found["unanswered"] == found["users_hurt"] > 0
    assert "'canary'" in refused(capsys, "--strategy", "canry")


def test_nobody_comes(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With a live release the step waits for its deadline and then for a person; a first deploy needs readiness only."""
    idle = simulated(capsys, "--traffic", "0/s", "--within", "2m")
    assert (idle["outcome"], idle["requests"]) == ("progressing", 0)
    assert idle["seconds"] == pytest.approx(120, abs=1)
    first = simulated(capsys, "--traffic", "0/s", "--first")
    assert (first["outcome"], first["users_hurt"]) == ("succeeded", 0)
    assert first["seconds"] < 5


def test_many_runs_are_each_like_one(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    many = simulated(capsys, "--runs", "10", "--release", "crash:5s", "--seed", "3")
    assert sum(many["outcomes"].values()) == many["runs"] == len(many["each"]) == 10
    assert many["seconds"]["p50"] <= many["seconds"]["p90"] <= many["seconds"]["max"]
    one = simulated(capsys, "--release", "crash:5s", "--seed", "5")
    same = next(each for each in many["each"] if each["seed"] == 5)
    assert (same["outcome"], same["seconds"], same["users_hurt"]) == (
        one["outcome"],
        one["seconds"],
        one["users_hurt"],
    )


def test_the_picture_is_an_svg_with_its_words(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(["simulate", "--release", "errors:5%", "--plot", "shop.svg"]) == 0
    assert "Wrote shop.svg" in capsys.readouterr().err
    words = [
        text.text for text in ElementTree.parse(shop / "shop.svg").iter("{http://www.w3.org/2000/svg}text")
    ]
    assert {"live", "candidate", "taken back", "taken back, or proven", "worse", "good enough"} <= set(words)
    assert "can't be written" in refused(capsys, "--plot", "nowhere/shop.svg")


def test_service_and_environment_are_asked_for_when_there_are_several(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "--service: shop or blog" in refused(capsys, "two.yaml")
    assert "--env: staging or production" in refused(capsys, "two.yaml", "--service", "shop")
    assert "did you mean 'blog'?" in refused(capsys, "two.yaml", "--service", "blok")
    assert simulated(capsys, "two.yaml", "--service", "blog")["environment"] == "production"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--traffic", "5"), "did you mean '5/s'?"),
        (("--traffic", "9999999/s"), "write 1000000/s or less"),
        (("--seed", "-1"), "write 0 or more"),
        (("--runs", "0"), "write 1 to 100,000"),
        (("--within", "5"), "did you mean '5s'?"),
        (("--release", "errors:2"), "did you mean errors:2%?"),
    ],
)
def test_bad_options_are_told(
    shop: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], told: str
) -> None:
    assert told in refused(capsys, *words)


def test_a_bad_file_is_told_at_its_line(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "bad.yaml").write_text(SHOP.replace("replicas: 3", "replicas: many").replace("[10%", "[10"))
    told = refused(capsys, "bad.yaml")
    assert "bad.yaml:9:" in told
    assert "2 problems" in told
    assert "There is no file gone.yaml" in refused(capsys, "gone.yaml", code=3)
    (shop / "empty.yaml").write_text("schema: 1\n")
    assert "no service in this file" in refused(capsys, "empty.yaml")


def test_the_store_of_production_makes_no_difference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one in memory is only quicker."""
    setting = Setting(
        Key("shop", "production"),
        Run(command=("bin/serve",)),
        Placement(replicas=2),
        (Canary((1000, 5000)),),
        read_release("errors:5%"),
        200.0,
    )
    in_memory = play(setting, 3)
    monkeypatch.setattr(
        "plainsail.local.simulate.play.MemoryStore", lambda: open_store(f"sqlite:///{tmp_path}/plainsail.db")
    )
    assert play(setting, 3) == in_memory


def test_what_nobody_uses_is_played_look_by_second() -> None:
    """Half an hour of nothing: not ten looks a second."""
    setting = Setting(
        Key("shop", "production"), Run(command=("bin/serve",)), Placement(), (RedBlack(1800.0),), read_release("good"), 0.0
    )  # fmt: skip
    found = play(setting, 1)
    assert found.rollout.phase == "succeeded"
    assert found.seconds == pytest.approx(1801.5, abs=1.5)
    assert len(found.samples) < 2_000


def test_a_step_by_hand_is_left_because_a_person_said_go() -> None:
    strategy = (BlueGreen(switch="manual"),)
    key, run = Key("shop", "production"), Run(command=("bin/serve",))
    found = play(Setting(key, run, Placement(), strategy, read_release("good"), 5.0), 1)
    assert found.rollout.phase == "succeeded"
    assert "a person said go (assumed)" in [move.reason for move in found.moves]
    assert not any("deadline" in move.reason for move in found.moves)


def test_a_step_left_by_time_says_what_failed_meanwhile() -> None:
    placement = Placement(pace=Pace(until="dwell", dwell=5.0))
    key, run = Key("shop", "production"), Run(command=("bin/serve",))
    found = play(Setting(key, run, placement, (BlueGreen(keep=5.0),), read_release("errors:10%"), 5.0), 1)
    assert found.rollout.phase == "succeeded"
    assert found.candidate.failures
    reason = next(move.reason for move in found.moves if move.step == "finish")
    assert reason.startswith("5 s without enough evidence of harm (")
    assert reason.endswith(" requests failed)")
    assert "no proof of harm in " in found.rollout.reason
