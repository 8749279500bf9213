"""Whatever changes in a check, an approval or a hook is shown by `diff`, and told when it is applied."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from tests.api.practice import DRIVERS, SPEC, Plane, practice

from plainsail.drivers.verifiers.webhook import Config

URL = "{webhook: {url: https://checks.example/a, retries: 3}}"
ASKING = SPEC.replace(
    "strategy: [{canary: {steps: [10%, 50%]}}]",
    f"""strategy: [{{custom: {{steps: [{{share: 10%, checks: {URL}}}, {{share: 50%, approval: true}}]}}}}]
        checks: {{start: {URL}}}
        approvals: [10%]
        hooks: {{after: {URL}}}""",
)


@pytest.fixture
def plane(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Plane]:
    drivers = msgspec.structs.replace(DRIVERS, verifiers={"webhook": Config})
    monkeypatch.setattr(Plane, "drivers", drivers)
    with practice(tmp_path, applied=False, idle=True) as running:
        running.apply(ASKING)
        yield running


@pytest.mark.parametrize(
    ("before", "after", "where"),
    [
        ("{share: 10%, checks: {webhook: {url: https://checks.example/a, retries: 3}}}", "{share: 10%}", "strategy"),
        ("{share: 10%, checks: {webhook: {url: https://checks.example/a, retries: 3}}}",
         "{share: 10%, checks: {webhook: {url: https://checks.example/a, retries: 4}}}", "strategy"),
        ("approval: true", "approval: false", "strategy"),
        ("start: {webhook: {url: https://checks.example/a", "start: {webhook: {url: https://checks.example/b", "checks.start"),
        ("approvals: [10%]", "approvals: [each]", "approvals"),
        ("after: {webhook: {url: https://checks.example/a", "failure: {webhook: {url: https://checks.example/a", "hooks.after"),
    ],
)  # fmt: skip
def test_a_change_is_seen(plane: Plane, before: str, after: str, where: str) -> None:
    text = ASKING.replace(before, after)
    assert text != ASKING
    found = plane.apply(text)
    fields = [field["path"] for change in found["changes"] for field in change["fields"]]
    assert f"in.production.{where}" in fields
    assert plane.apply(text)["changes"] == []
