"""Wheel and sdist work in an empty environment that has pip and nothing else: no npm, no node, no git.

Costs two builds, one environment with the runtime's packages and one install from the sdist: about half a minute,
nearly all of it pip's.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from plainsail.testing.conformance.bench import free_port

ROOT = Path(__file__).parents[2]
WEB = ROOT / "src/plainsail/web"
PIP = (sys._base_executable, "-m", "pip")  # type: ignore[attr-defined]  # the Python that made .venv has pip
PASSED_ON = ("PIP_", "SSL_", "REQUESTS_", "HTTP_", "HTTPS_", "http", "NO_PROXY", "no_proxy")
"""What pip may need to reach a registry from here; the program itself is given none of it."""

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the wheel and the sdist of this tree."""
    place = tmp_path_factory.mktemp("dist")
    build(ROOT, place)
    return place


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the packages that plainsail needs, by hash, and without plainsail."""
    place = tmp_path_factory.mktemp("bare") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(place)], check=True)
    install(place, "--require-hashes", "-r", str(ROOT / "requirements/runtime.txt"))
    return place


def test_the_wheel_works_where_there_is_nothing_else(built: Path, bare: Path, tmp_path: Path) -> None:
    install(bare, "--no-deps", str(one(built, "*.whl")))
    it_works(bare, tmp_path)


def test_the_sdist_works_where_there_is_nothing_else(built: Path, bare: Path, tmp_path: Path) -> None:
    """pip builds it on its own, with what the build system asks for and no npm."""
    install(bare, "--no-deps", "--force-reinstall", str(one(built, "*.tar.gz")))
    it_works(bare, tmp_path)


def test_what_is_built_from_the_sdist_is_the_same_to_the_byte(built: Path, tmp_path: Path) -> None:
    with tarfile.open(one(built, "*.tar.gz")) as tar:
        tar.extractall(tmp_path, filter="data")
    build(next(tmp_path.iterdir()), tmp_path / "again")
    for kind in ("*.whl", "*.tar.gz"):
        first, again = one(built, kind), one(tmp_path / "again", kind)
        assert first.name == again.name
        assert sha256(first) == sha256(again)


def test_the_wheel_holds_what_it_needs_and_nothing_else(built: Path) -> None:
    with zipfile.ZipFile(one(built, "*.whl")) as wheel:
        names = set(wheel.namelist())
        metadata = wheel.read(next(name for name in names if name.endswith(".dist-info/METADATA"))).decode()
    code = {name for name in names if ".dist-info/" not in name}
    in_tree = {
        str(path.relative_to(ROOT / "src"))
        for path in (ROOT / "src/plainsail").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert code == in_tree
    assert {"plainsail/py.typed", "plainsail/local/demo_app/serve.py"} <= code
    assert {f"plainsail/web/vendor/{file}" for file in vendored()} <= code
    for folder, ending in (
        ("web/templates", ".html"),
        ("web/static", ".css"),
        ("stores/sql/migrations", ".py"),
    ):
        assert any(folder in name and name.endswith(ending) for name in code), folder
    assert not [name for name in names if re.search(r"tests/|\.pyc$|\.plainsail|\.db$", name)]
    assert {name.split("/", 1)[1] for name in names - code} == {
        "METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE", "licenses/NOTICE",
    }  # fmt: skip
    assert "License-Expression: Apache-2.0 AND 0BSD AND MIT" in metadata
    assert "License-File: NOTICE" in metadata


def test_the_notice_names_every_file_of_others() -> None:
    notice = (ROOT / "NOTICE").read_text()
    for package in json.loads((WEB / "vendor.json").read_text())["packages"]:
        files = [file["name"] for file in package["files"] if not file["name"].startswith("LICENSE")]
        licence = next(file["name"] for file in package["files"] if file["name"].startswith("LICENSE"))
        line = f"{package['name']} {package['version']} ({package['license']}), {licence}: {', '.join(files)}"
        assert line in notice.splitlines()


def test_without_the_files_and_without_npm_nothing_is_built(tmp_path: Path) -> None:
    place = tmp_path / "tree"
    place.mkdir()
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE", "NOTICE"):
        shutil.copy(ROOT / name, place)
    shutil.copytree(
        ROOT / "src", place / "src", ignore=shutil.ignore_patterns("uPlot.min.css", "__pycache__")
    )
    (place / "src/plainsail/web/vendor/htmx.min.js").write_text("alert('not what was pinned')")
    run = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel"],
        cwd=place,
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1
    assert re.search(r"^Not built: htmx.org@\S+ has to be fetched, .* no npm .*sdist.*\.$", run.stderr, re.M)
    assert not list(place.rglob("*.whl"))


def it_works(venv: Path, place: Path) -> None:
    """A newcomer's first minute: init, check, up, deploy; then what the API, the page and the users get."""
    version = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.M)
    assert version
    assert run(venv, place, "--version").strip() == version[1]
    home = next(venv.glob("lib/python*/site-packages/plainsail"))
    shutil.copy(home / "local/demo_app/serve.py", place)
    run(venv, place, "init", "--service", "shop")
    port = free_port()
    spec = place / "plainsail.yaml"
    spec.write_text(re.sub(r"listen: 127\.0\.0\.1:\d+", f"listen: 127.0.0.1:{port}", spec.read_text()))
    run(venv, place, "check")
    with up(venv, place) as url, httpx2.Client(base_url=url, trust_env=False, timeout=20) as http:
        assert http.get("/api/v1/health").json()["status"] == "ok"
        run(venv, place, "deploy", "shop", ".", "--to", "production", "--wait")
        assert httpx2.get(f"http://127.0.0.1:{port}/", trust_env=False).status_code == 200
        page = http.get("/", follow_redirects=True)
        assert page.status_code == 200
        assert 'type="password"' in page.text
        linked = re.findall(r'(?:src|href)="(/[^"]+\.(?:js|css)(?:\?[^"]*)?)"', page.text)
        assert linked
        got = {path: http.get(path) for path in linked}
        assert {answer.status_code for answer in got.values()} == {200}
        assert [
            path
            for path, answer in got.items()
            if answer.content == (WEB / "vendor/uPlot.min.css").read_bytes()
        ]
        token = (place / ".plainsail/token").read_text().strip()
        status: Any = http.get(
            "/api/v1/services/shop/environments/production", headers={"Authorization": f"Bearer {token}"}
        ).json()
        assert [group["share_bp"] for group in status["groups"]] == [10_000]


@contextmanager
def up(venv: Path, place: Path) -> Iterator[str]:
    command = [str(venv / "bin/plainsail"), "up", "--listen", "127.0.0.1:0"]
    with (
        open(place / "up.log", "w") as log,
        subprocess.Popen(
            command, cwd=place, env=empty(venv, place), stdout=subprocess.PIPE, stderr=log, text=True
        ) as plane,
    ):
        try:
            assert plane.stdout is not None
            said = plane.stdout.readline()
            assert said.startswith("ready http://"), (place / "up.log").read_text()
            yield said.split()[1]
        finally:
            plane.terminate()
            plane.wait(60)
            run(venv, place, "down")


def run(venv: Path, place: Path, *arguments: str) -> str:
    done = subprocess.run(
        [str(venv / "bin/plainsail"), *arguments],
        cwd=place,
        env=empty(venv, place),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"plainsail {' '.join(arguments)}: {done.stdout}{done.stderr}"
    return done.stdout


def empty(venv: Path, place: Path) -> dict[str, str]:
    """No program but plainsail, and the Python that the application is written in; no npm, node, git or shell."""
    programs = venv.parent / "programs"
    programs.mkdir(exist_ok=True)
    if not (programs / "python3").exists():
        (programs / "python3").symlink_to(PIP[0])
    return {"PATH": f"{venv / 'bin'}:{programs}", "HOME": str(place), "LANG": "C.UTF-8"}


def install(venv: Path, *what: str) -> None:
    passed = {name: value for name, value in os.environ.items() if name.startswith(PASSED_ON)}
    done = subprocess.run(
        [
            *PIP,
            "--python",
            str(venv / "bin/python"),
            "install",
            "--quiet",
            "--no-warn-script-location",
            *what,
        ],
        env=passed
        | {"PATH": str(venv / "bin"), "HOME": os.environ.get("HOME", "/"), "PIP_ROOT_USER_ACTION": "ignore"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def build(tree: Path, into: Path) -> None:
    """Both, as `make dist` does; the files of others are there since `make setup`, so npm is not needed."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", str(into)],
        cwd=tree,
        env={"PATH": str(into)},
        check=True,
        capture_output=True,
    )


def vendored() -> list[str]:
    packages = json.loads((WEB / "vendor.json").read_text())["packages"]
    return [file["name"] for package in packages for file in package["files"]]


def one(place: Path, pattern: str) -> Path:
    (found,) = place.glob(pattern)
    return found


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
