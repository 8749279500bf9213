"""The control plane is replaced by a newer version in mid-rollout: users, instances and the rollout go on."""

from __future__ import annotations

import json
import shutil
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from tests.real.plane import Plane, pids_below

import plainsail
from plainsail.domain.rollout import SHAPE
from plainsail.drivers.stores.sql.tables import HEAD
from plainsail.local.load import Load

pytestmark = pytest.mark.timeout(300)

OLD = Path(plainsail.__file__).parent
PATCHES = {
    "__init__.py": [(f'__version__ = "{plainsail.__version__}"', '__version__ = "9.0.0"')],
    "domain/rollout.py": [
        (f"SHAPE = {SHAPE}\n", f"SHAPE = {SHAPE + 1}\n"),
        ('    reason_code: str = ""\n', '    reason_code: str = ""\n    origin: str = "new"\n'),
    ],
    "drivers/stores/sql/shapes.py": [
        (
            "UPGRADES: Mapping[int, Upgrade] = {}",
            "UPGRADES: Mapping[int, Upgrade] = {\n"
            f'    {SHAPE}: lambda table, data: {{**data, "origin": "old"}} if table == "rollout" else data\n}}',
        )
    ],
    "drivers/stores/sql/tables.py": [
        (f'HEAD = "{HEAD}"', 'HEAD = "9000"'),
        ('sa.Index("event_by_service"', 'sa.Index("event_by_time", event.c.at)\nsa.Index("event_by_service"'),
    ],
    "drivers/_kit/journal.py": [
        ("VERSION = 1\n", "VERSION = 2\n"),
        (
            "UPGRADES: Mapping[int, Upgrade] = {}",
            'UPGRADES: Mapping[int, Upgrade] = {1: lambda data: {**data, "note": "of 1"}}',
        ),
        ("    record: int = VERSION\n", '    record: int = VERSION\n    note: str = ""\n'),
    ],
    "drivers/routers/haproxy/shelf.py": [
        ("VERSION = 1\n", "VERSION = 2\n"),
        (
            "UPGRADES: Mapping[int, Upgrade] = {}",
            'UPGRADES: Mapping[int, Upgrade] = {1: lambda data: {**data, "note": "of 1"}}',
        ),
        ("    record: int = VERSION\n", '    record: int = VERSION\n    note: str = ""\n'),
    ],
    "drivers/routers/haproxy/template.py": [("    timeout check 1s", "    timeout check 2s")],
}
"""A version as the next one may be: every stored shape is another, the tables are, and HAProxy's configuration is."""

MIGRATION = f'''\
"""Events by their time."""

from alembic import op

revision = "9000"
down_revision = "{HEAD}"


def upgrade() -> None:
    op.create_index("event_by_time", "event", ["at"])
'''


def newer(place: Path) -> Path:
    """What PYTHONPATH takes to run the newer version."""
    copy = place / "newer" / "plainsail"
    shutil.copytree(OLD, copy, ignore=shutil.ignore_patterns("__pycache__"))
    for name, patches in PATCHES.items():
        text = (copy / name).read_text()
        for before, after in patches:
            assert before in text, f"{name} has no {before!r} any more"
            text = text.replace(before, after)
        (copy / name).write_text(text)
    (copy / "drivers/stores/sql/migrations/versions/r9000_time.py").write_text(MIGRATION)
    return copy.parent


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL], ids=["SIGTERM", "SIGKILL"])
def test_upgraded_in_mid_rollout(ending: signal.Signals, tmp_path: Path) -> None:
    with Plane(tmp_path, replicas=2, steps="[20%, 50%]", dwell="3s") as plane:
        plane.deploy(plane.release("v1"), "--wait")
        load = Load(plane.address, 60, fresh=0.2).start()
        plane.deploy(plane.release("v2"))
        before = plane.until("v2 has users", lambda status: _judged(status) > 20)
        running = _running(tmp_path)
        stop(plane, ending)

        plane.env["PYTHONPATH"] = str(newer(tmp_path))
        plane.up()
        assert plane.cli("--version").stdout.strip().endswith("9.0.0")
        after = plane.until("it is judged again", lambda status: status["rollout"] is None or _judged(status))
        if after["rollout"] is not None:
            assert after["rollout"]["id"] == before["rollout"]["id"]
            assert after["rollout"]["step"] >= before["rollout"]["step"]
            assert _judged(after) >= _judged(before) - 60, "evidence goes on; a second of it may be lost"
        plane.until("v2 is live", lambda status: status["rollout"] is None, within=120)

        last = plane.status()["last_rollout"]
        assert (last["id"], last["phase"]) == (before["rollout"]["id"], "succeeded")
        (group,) = plane.status()["groups"]
        assert (group["version"], group["ready"], group["share_bp"]) == ("v2", 2, 10_000)
        gone_on = _running(tmp_path)
        assert gone_on["haproxy"] == running["haproxy"], "the master process is the same"
        assert "timeout check 2s" in next((tmp_path / ".plainsail").rglob("haproxy.cfg")).read_text()
        assert running["v2"] <= gone_on["v2"], "its instances were not restarted"
        assert _rows(tmp_path, last["id"]) == (SHAPE + 1, "old"), (
            "written by the old version, upgraded by the new"
        )

        stop(plane, signal.SIGTERM)
        data, running = _data(tmp_path), _running(tmp_path)
        del plane.env["PYTHONPATH"]
        refused = plane.cli("up", "--listen", "127.0.0.1:0", check=False)
        assert refused.returncode == 1
        assert "run the newer plainsail that wrote it" in refused.stderr
        assert "Traceback" not in refused.stderr
        assert _data(tmp_path) == data
        assert _running(tmp_path) == running
        plane.env["PYTHONPATH"] = str(tmp_path / "newer")
        plane.up()
        plane.until("its instances are found again", lambda status: status["groups"][0]["ready"] == 2)
        load.stop()
        assert load.failed() == []
        assert {sample.version for sample in load.samples[-20:]} == {"v2"}


def stop(plane: Plane, ending: signal.Signals) -> None:
    if ending == signal.SIGKILL:
        plane.kill()
    else:
        assert plane.process is not None
        assert plane.process.stdout is not None
        plane.process.send_signal(ending)
        assert plane.process.wait(30) == 0, plane.log()
        plane.process.stdout.close()


def _judged(status: dict[str, object]) -> int:
    """Requests of the candidate in the evidence."""
    match status["rollout"]:
        case {"verdict": {"candidate": {"requests": int(requests)}}}:
            return requests
        case _:
            return 0


def _running(place: Path) -> dict[str, set[int]]:
    """Processes by what they are: HAProxy's master, and instances by version."""
    router = json.loads(next((place / ".plainsail").rglob("process.json")).read_text())
    found: dict[str, set[int]] = {"haproxy": {router["pid"]}}
    for pid, command in pids_below(place).items():
        if "serve.py" in command:
            release = Path(f"/proc/{pid}/cwd").readlink()
            version = json.loads((release / "behaviour.json").read_text())["version"]
            found.setdefault(version, set()).add(pid)
    return found


def _rows(place: Path, rollout: str) -> tuple[int, str]:
    with closing(sqlite3.connect(place / ".plainsail" / "plainsail.db")) as database:
        (row,) = database.execute("SELECT shape, state FROM rollout WHERE id = ?", (rollout,)).fetchall()
    return row[0], json.loads(row[1])["origin"]


def _data(place: Path) -> dict[str, object]:
    """All that a control plane has written down."""
    directory = place / ".plainsail"
    with closing(sqlite3.connect(directory / "plainsail.db")) as database:
        rows = list(database.iterdump())
    records = {str(path): path.read_bytes() for path in sorted(directory.rglob("*.json"))}
    return {"plainsail.db": rows, **records}
