"""The table of `plainsail simulate --power`: the production judge, the same for the same seed, and in the right order."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from plainsail.domain.criteria import ErrorCriteria, EvidenceCriteria
from plainsail.local.simulate.power import Cell, effects, power, power_document, power_text


@pytest.fixture(scope="module")
def cells() -> list[Cell]:
    return list(power(EvidenceCriteria(), (1000,), 1, (100.0, 1000.0)))


def test_the_worse_the_sooner_and_more_traffic_is_sooner(cells: list[Cell]) -> None:
    few, many = ([cell.seconds for cell in cells if cell.traffic == traffic] for traffic in (100.0, 1000.0))
    assert all(one is not None for one in (*few, *many))
    for row in (few, many):
        assert row[:3] == sorted(row[:3], key=lambda seconds: seconds or 0.0)
    assert all((more or 0.0) < (less or 0.0) for less, more in zip(few, many, strict=True))


def test_the_same_seed_is_the_same_table(cells: list[Cell]) -> None:
    assert list(power(EvidenceCriteria(), (1000,), 1, (1000.0,))) == cells[4:]


def test_what_is_not_seen_in_time_is_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plainsail.local.simulate.power.MOST", 300)
    (*_, small, good) = power(EvidenceCriteria(errors=ErrorCriteria(margin=0.0001)), (1000,), 1, (1.0,))
    assert (small.seconds, good.seconds) == (None, None)
    assert small.effect == pytest.approx(0.0004)


def test_it_is_told_to_people_and_programs(cells: list[Cell]) -> None:
    told = power_text(cells, EvidenceCriteria())
    assert "At 10 % of users" in told
    assert "good: proven" in told
    document = json.loads(json.dumps(power_document(cells, EvidenceCriteria(), 1)))
    assert [cell["effect"] for cell in document["cells"][:4]] == [*effects(EvidenceCriteria())]
    assert {cell["share_bp"] for cell in document["cells"]} == {1000}


def test_the_command_prints_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plainsail.local.simulate.power.MOST", 300)
    from plainsail.local.simulate import command

    place = tmp_path / "plainsail.yaml"
    place.write_text(
        "schema: 1\nenvironments: {production: {router: {haproxy: {listen: 127.0.0.1:8081}}}}\nservices:\n  shop:\n"
        "    run: {command: [bin/serve]}\n    in: {production: {strategy: [{canary: {steps: [50%]}}]}}\n"
    )
    assert command.simulate(place, power=True, as_json=True) == 0
    assert len(json.loads(capsys.readouterr().out)["cells"]) == 16
