"""A file of two thousand services: read, registered, shown, completed; and one that is too large is refused clearly."""

from __future__ import annotations

import pytest
from tests.api.practice import Plane, until
from tests.cli.terminal import Terminal

from plainsail.ports.store import Key
from plainsail.spec import merge

MANY = 2000
"""Four times those from which on the engine looks less often. Ten thousand are on a page in `tests/web/test_under_load.py`."""
SERVICE = """\
  s{number:05d}:
    run: {{command: [bin/serve, --port, "{{port}}"], ready: {{http: /healthz}}}}
    in: {{production: {{replicas: 2, hosts: [s{number:05d}.example]}}}}
"""
ENVIRONMENTS = (
    "schema: 1\nenvironments: {production: {router: {haproxy: {listen: 127.0.0.1:18080}}}}\nservices:\n"
)


def spec(count: int) -> str:
    return ENVIRONMENTS + "".join(SERVICE.format(number=number) for number in range(count))


@pytest.mark.timeout(300)
def test_two_thousand_services(terminal: Terminal, plane: Plane) -> None:
    use = terminal.use(plane)
    file = terminal.directory / "plainsail.yaml"
    file.write_text(spec(MANY))
    assert f"1 environment, {MANY:,} services" in use("check").out

    known = len(plane.get("/overview")["rows"])
    events = plane.get("/events", after=-1, limit=1)["last"]
    applied = use("apply")
    assert applied.code == 0, applied.err
    assert "more; all of them: --json" in applied.out
    assert len(applied.out.splitlines()) < 200
    assert plane.get("/events", after=-1, limit=1)["last"] >= events + MANY
    assert use("diff").out == "Nothing changes\n"

    at_rest = f"{MANY + known:,} services: 0 with a rollout under way, 0 in trouble"
    told = until(lambda: one if at_rest in (one := use("status")).out else None, within=300)
    assert len(told.out.splitlines()) < 10
    assert "nothing runs yet" in use("status", "s01234").out
    assert use("__complete", "services", "s0199", "").out.split() == [f"s0199{digit}" for digit in range(10)]
    assert len(use("__complete", "services", "s", "").out.split()) == 200
    assert use("history", "s01234").code == 0

    # Nobody looks at what was never deployed, and still nothing is forgotten.
    keys = [Key(f"s{number:05d}", "production") for number in range(MANY)]
    until(lambda: not any(plane.context.live.seen(key) for key in keys), within=600)
    asked = plane.post(
        "/services/s01234/environments/production/rollouts", release=plane.release("1.0", service="s01234")
    )
    assert asked.status_code == 202, asked.text
    until(lambda: plane.get("/services/s01234/environments/production")["groups"])
    until(lambda: "s01234 in production" in use("status").out or _is_live(plane))


def _is_live(plane: Plane) -> bool:
    return bool(plane.get("/services/s01234/environments/production")["last_rollout"])


def test_more_targets_than_one_control_plane_has(
    terminal: Terminal, plane: Plane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merge, "MOST_TARGETS", 20)
    (terminal.directory / "plainsail.yaml").write_text(spec(30))
    refused = terminal.use(plane)("apply")
    assert refused.code == 2
    assert "plainsail.yaml:61:3: With this service there are 21 targets" in refused.err
    assert "give the rest to another control plane" in refused.err


def test_a_body_beyond_all_measure(terminal: Terminal, plane: Plane) -> None:
    (terminal.directory / "plainsail.yaml").write_text("schema: 1\n# " + "x" * 17_000_000)
    refused = terminal.use(plane)("apply")
    assert refused.code == 2
    assert "split it into several" in refused.err
