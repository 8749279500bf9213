"""`python -m plainsail.testing.conformance`: what it runs, and what it says when it can't."""

from __future__ import annotations

import pytest

from plainsail.testing.conformance.__main__ import main


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nonsense"], "There are no drivers of the kind nonsense\nusage: "),
        (["router", "nobody"], "There is no router driver nobody; there are haproxy"),
    ],
)
def test_what_is_not_there_is_said(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert said in capsys.readouterr().err


def test_one_driver_is_tested_and_no_other(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["notifier", "webhook", "--collect-only"]) == 0
    listed = [line for line in capfd.readouterr().out.splitlines() if "::" in line]
    assert len(listed) > 5
    assert all("[webhook" in line for line in listed)


def test_without_a_name_all_are_tested(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["--collect-only"]) == 0
    out = capfd.readouterr().out
    assert all(f"[{name}" in out for name in ("haproxy", "process", "sql", "tree", "webhook"))
