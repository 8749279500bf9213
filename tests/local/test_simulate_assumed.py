"""What a strategy needs and the file does not have is assumed by `simulate`, and said; what is written is played as it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from plainsail.cli.main import _run
from plainsail.domain.strategy import KINDS
from plainsail.local.simulate.assumed import COOKIE, KPI, WORTH

SPEC = """\
schema: 1
environments:
  production:
    router: {haproxy: {listen: 127.0.0.1:8081}}
services:
  shop:
    run: {command: [bin/serve]}
    in:
      production: {replicas: 3, hosts: [shop.example]%s}
"""
ASSUMED = "what the strategy needs and the file does not have: "


def played(capsys: pytest.CaptureFixture[str], file: Path, *words: str) -> Any:
    assert _run(["simulate", str(file), *words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def assumed(found: Any) -> str:
    return "".join(one.removeprefix(ASSUMED) for one in found["assumptions"] if one.startswith(ASSUMED))


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A file that names no strategy and no user."""
    (tmp_path / "shop.yaml").write_text(SPEC % "")
    return tmp_path / "shop.yaml"


@pytest.mark.parametrize("strategy", sorted(set(KINDS) - {"custom"}))
def test_every_strategy_that_is_more_than_its_steps_can_be_played_by_name(
    shop: Path, capsys: pytest.CaptureFixture[str], strategy: str
) -> None:
    found = played(capsys, shop, "--strategy", strategy)
    assert found["outcome"] == "succeeded"
    assert found["users_hurt"] == found["unanswered"], "a good release hurts who comes while nobody is there"
    assert bool(assumed(found)) == (strategy in ("dark", "a-b", "incremental"))


def test_insiders_are_who_ask_for_a_host_of_their_own(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = played(capsys, shop, "--strategy", "dark", "--release", "errors:100%")
    assert assumed(found) == "dark: {match: {hosts: [dark.shop.example]}}"
    assert found["steps"][1]["desired"]["inside"][0]["match"] == {"hosts": ["dark.shop.example"]}
    assert found["outcome"] == "rolled_back"


def test_the_first_variant_is_better_by_a_kpi_that_is_assumed(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = played(capsys, shop, "--strategy", "a-b", "--release", "kpi:+10%")
    assert found["reason"].startswith(f"candidate is better by {KPI}: ")
    assert assumed(found) == (
        f"a-b: {{kpi: {KPI}, margin: {WORTH}}}, a metric '{KPI}', the mean of one number for each user, 1 with live and "
        f"sticky: {{cookie: {COOKIE}}}"
    )


def test_what_the_file_has_is_not_assumed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written = ", sticky: {header: X-User}, strategy: [{dark: {match: {cookie: staff=1}, lasts: 2s}}, canary]"
    file = tmp_path / "shop.yaml"
    file.write_text(SPEC % written)
    dark = played(capsys, file, "--strategy", "dark")
    assert dark["steps"][1]["desired"]["inside"][0]["match"] == {"cookie": "staff=1"}
    assert not assumed(dark)
    assert not assumed(played(capsys, file, "--strategy", "incremental"))
    assert not assumed(played(capsys, file))


def test_what_insiders_meet_hurts_no_user(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "shop.yaml"
    file.write_text(SPEC % ", strategy: [{dark: {match: {cookie: staff=1}, lasts: 1m}}, canary]")
    found = played(capsys, file, "--release", "errors:50%")
    assert (found["outcome"], found["reached_bp"], found["users_hurt"]) == ("failed", 0, 0)
    assert found["insiders_hurt"] > 0
    assert _run(["simulate", str(file), "--release", "errors:50%"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert f"{found['insiders_hurt']} more requests of insiders, who look on purpose; nobody had" in told
