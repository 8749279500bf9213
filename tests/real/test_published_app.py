"""An application nobody here wrote: two published versions of pypiserver, the older deployed, rolled to the newer."""

from __future__ import annotations

import re
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from tests.real.plane import Plane

from plainsail.local.load import Load

SPEC = """\
schema: 1
environments:
  production:
    router: {{haproxy: {{listen: {address}}}}}
services:
  packages:
    run:
      command: [{python}, -m, pypiserver, run, -i, 127.0.0.1, -p, "{{port}}", packages]
      env: {{PYTHONPATH: .}}
      ready: {{http: /health, within: 20s}}
      stop: {{drain: 3s, grace: 3s}}
    in:
      production:
        replicas: 2
        strategy: {{canary: {{steps: [10%, 50%]}}}}
        pace: {{dwell: 1s, deadline: 120s, on_unsure: rollback}}
        evidence: {{errors: {{margin: 2%}}, latency: {{bound: 1s, margin: 5%}}}}
"""


def installed(place: Path, version: str) -> str:
    """A release directory: the published wheel and its dependencies."""
    tree = place / version
    subprocess.run(
        [*_pip(), "install", "--quiet", "--no-compile", "--target", str(tree), f"pypiserver=={version}"],
        check=True,
    )
    (tree / "packages").mkdir()
    (tree / "packages" / "README").write_text("no packages yet\n")
    return str(tree)


def _pip() -> list[str]:
    """A pip from outside: our own environment has none."""
    outside = Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    return [str(outside), "-m", "pip", "--python", sys.executable]


def running_version(address: str) -> str:
    with urllib.request.urlopen(f"http://{address}/", timeout=5) as answer:
        found = re.search(r"running version ([0-9.]+)", answer.read().decode())
    assert found
    return found[1]


@pytest.mark.timeout(300)
def test_from_the_older_to_the_newer_under_load(tmp_path: Path) -> None:
    older, newer = installed(tmp_path, "2.3.2"), installed(tmp_path, "2.4.0")
    plane = Plane(tmp_path)
    (tmp_path / "plainsail.yaml").write_text(SPEC.format(address=plane.address, python=f'"{sys.executable}"'))
    with plane:
        plane.cli("deploy", "packages", older, "--to", "production", "--version", "2.3.2", "--wait")
        assert running_version(plane.address) == "2.3.2"
        load = Load(plane.address, 60, connections=8, path="/health").start()
        time.sleep(1)
        plane.cli("deploy", "packages", newer, "--to", "production", "--version", "2.4.0", "--wait")
        assert {running_version(plane.address) for _ in range(10)} == {"2.4.0"}
        samples = load.stop()
        assert len(samples) > 200
        assert load.failed() == []
        kept = list((tmp_path / ".plainsail" / "releases").rglob("*.pyc"))
        assert kept == [], "compiled caches are kept out of the content store"
