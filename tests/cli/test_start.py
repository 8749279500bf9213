"""Starting quickly, helping, finding the control plane."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.api.practice import SPEC, TOKEN, Plane
from tests.cli.terminal import Terminal

from plainsail.cli.connect import Plane as Connect
from plainsail.cli.exits import Refusal

HEAVY = (
    "asyncio",
    "cyclopts",
    "msgspec",
    "rich",
    "httpx2",
    "litestar",
    "sqlalchemy",
    "uvicorn",
    "yaml",
    "plainsail.engine",
    "plainsail.app",
    "plainsail.drivers",
)


@pytest.mark.parametrize(
    "tokens", [["--help"], ["--version"], ["deploi"], [], ["__complete", "services", "", ""]]
)
def test_what_needs_nothing_loads_nothing(tokens: list[str]) -> None:
    code = (
        "import sys\nfrom plainsail.cli.main import run\n"
        f"try: run({tokens!r})\nexcept SystemExit: pass\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert set(done.stderr.split()).isdisjoint(HEAVY)


def test_options_before_the_command_are_put_behind_it(terminal: Terminal) -> None:
    said = terminal("--url", "http://127.0.0.1:7676", "status", "shop")
    assert said.code == 2
    hint = "options come after the command: plainsail status shop --url http://127.0.0.1:7676"
    assert said.err == f"--url is no command; {hint}\n"
    assert "see plainsail --help" in terminal("--url", "somewhere").err
    assert terminal("--json", "status").json()["code"] == "usage"


def test_the_control_plane_is_found(terminal: Terminal, plane: Plane) -> None:
    data = terminal.directory / ".plainsail"
    below = terminal.directory / "a" / "b"
    below.mkdir(parents=True)
    assert terminal("status").code == 8
    data.mkdir()
    (data / "url").write_text(plane.url + "\n")
    (data / "token").write_text(TOKEN + "\n")
    assert terminal("status").code == 0
    os.chdir(below)
    assert terminal("status").code == 0
    os.chdir("/")
    assert terminal("status", "--data", str(data)).code == 0
    above = terminal("status", "--data", str(data.parent))
    assert above.code == 8
    assert f"did you mean {data}?" in above.err
    terminal.set("PLAINSAIL_DATA", str(data))
    assert terminal("status").code == 0
    terminal.set("PLAINSAIL_TOKEN", "ps_other")
    assert terminal("status").code == 4
    terminal.unset("PLAINSAIL_TOKEN")
    terminal.set("PLAINSAIL_URL", "http://127.0.0.1:1")
    assert terminal("status").code == 8
    assert terminal("status", "--url", plane.url.removeprefix("http://")).code == 0


def test_a_token_that_lies_near_goes_to_no_other_machine(terminal: Terminal) -> None:
    data = terminal.directory / ".plainsail"
    data.mkdir()
    (data / "url").write_text("https://plainsail.example")
    (data / "token").write_text(TOKEN)

    def sent(connect: Connect) -> str | None:
        with connect.connect() as client:
            return client._http.headers.get("authorization")

    assert sent(Connect()) == f"Bearer {TOKEN}"
    assert sent(Connect(url="http://127.0.0.1:7676")) == f"Bearer {TOKEN}"
    assert sent(Connect(url="https://evil.example")) is None
    assert sent(Connect(url="https://other.example", data=data)) == f"Bearer {TOKEN}"


def test_a_data_directory_of_somebody_else_is_not_believed(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = terminal.directory / ".plainsail"
    data.mkdir()
    if os.getuid() == 0:
        os.chown(data, 12_345, -1)  # what root owns is believed by all
    monkeypatch.setattr(os, "getuid", lambda: data.stat().st_uid + 1)
    with pytest.raises(Refusal) as raised:
        Connect().connect()
    assert raised.value.code == "data_foreign"


def test_a_reader_that_has_seen_enough(terminal: Terminal, plane: Plane) -> None:
    """`plainsail history | head -1` ends without a word on stderr."""
    terminal.use(plane)
    command = f"{sys.executable} -m plainsail status --json"
    done = subprocess.run(
        ["sh", "-c", f"{command} | true"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=terminal.directory,
    )
    assert done.stderr == ""


def test_copies_of_what_changes_something_are_warned_of(terminal: Terminal) -> None:
    strategy = "strategy: [{shadow: {methods: [GET, POST]}}, {canary: {steps: [10%, 50%]}}]"
    spec = SPEC.replace("strategy: [{canary: {steps: [10%, 50%]}}]", strategy)
    (terminal.directory / "plainsail.yaml").write_text(spec)
    told = terminal("check")
    assert told.code == 0
    assert "warning: shop in production: what users do by POST is done twice" in told.out
    assert len(terminal("check", "--json").json()["warnings"]) == 1
    (terminal.directory / "plainsail.yaml").write_text(SPEC)
    assert terminal("check", "--json").json()["warnings"] == []


def test_init_and_check(terminal: Terminal) -> None:
    (terminal.directory / "Procfile").write_text("web: gunicorn app:app --bind 127.0.0.1:$PORT\n")
    (terminal.directory / "app.py").write_text('@app.get("/healthz")\n')
    wrote = terminal("init", "--service", "shop")
    assert wrote.code == 0
    assert "gunicorn app:app --bind" in wrote.out
    assert "plainsail deploy shop . --to production --wait" in wrote.out
    text = (terminal.directory / "plainsail.yaml").read_text()
    assert 'command: [gunicorn, app:app, --bind, "127.0.0.1:{port}"]' in text.replace('"app:app"', "app:app")
    assert "{http: /healthz" in text
    where = text.splitlines()[0].removeprefix("# yaml-language-server: $schema=")
    assert (terminal.directory / where).read_text() == terminal("schema").out
    (terminal.directory / where).write_text("{}")
    assert terminal("schema", "--write").code == 0
    assert (terminal.directory / where).read_text() == terminal("schema").out
    assert "nothing is wrong (1 environment, 1 service)" in terminal("check").out
    assert terminal("init").code == 2
    (terminal.directory / "plainsail.yaml").write_text(text.replace("replicas", "replica"))
    wrong = terminal("check")
    assert wrong.code == 2
    assert "did you mean 'replicas'?" in wrong.err
    assert (
        terminal("check", "--json").json()["diagnostics"][0]["path"] == "services.shop.in.production.replica"
    )
    (terminal.directory / "bytes.yaml").write_bytes(b"schema: \xff\n")
    assert terminal("check", "bytes.yaml").code == 2
    assert terminal("check", "missing.yaml").code == 3


@pytest.mark.parametrize(
    ("files", "command"),
    [
        ({"bin/serve": "#!"}, "[bin/serve, --port,"),
        ({"package.json": '{"scripts": {"start": "node ."}}'}, "[npm, start]"),
        ({"package.json": "[]"}, "[bin/serve, --port,"),
        ({"manage.py": ""}, "[python3, manage.py, runserver, --noreload,"),
        ({"server.py": ""}, "[python3, server.py, --port,"),
        ({"index.html": ""}, "[python3, -m, http.server,"),
        ({"Procfile": "web: a | b"}, '[sh, -c, "exec a | b"]'),
        ({"Procfile": "worker: b"}, "[bin/serve, --port,"),
        ({}, "[bin/serve, --port,"),
    ],
)
def test_guesses(terminal: Terminal, files: dict[str, str], command: str) -> None:
    for name, text in files.items():
        path = terminal.directory / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
    assert terminal("init").code == 0
    assert f"command: {command}" in (terminal.directory / "plainsail.yaml").read_text()
    assert terminal("check").code == 0


def test_a_file_that_cannot_be_written(terminal: Terminal, tmp_path: Path) -> None:
    (terminal.directory / "plainsail.yaml").symlink_to(tmp_path / "nowhere" / "at" / "all")
    assert terminal("init").code == 2
