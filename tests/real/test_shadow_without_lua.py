"""A HAProxy without Lua can't copy requests: a shadow is refused before it begins, wherever it is asked for."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from tests.real.plane import Plane

from plainsail.drivers.routers.haproxy import binary

pytestmark = pytest.mark.timeout(200)

WRAPPER = """\
#!/bin/sh
[ "$1" = -vv ] && {{ {real} -vv | sed -e 's/USE_LUA=1//' -e 's/[+]LUA/{lua}/'; exit; }}
exec {real} "$@"
"""
"""A whole HAProxy that says it was built like this."""
AT_LEAST = "a canary of 1% shows the release to few"


def test_it_is_refused_by_check_apply_deploy_and_plan_and_nothing_begins(tmp_path: Path) -> None:
    program = tmp_path / "small-haproxy"
    built(program, "-LUA")
    plane = Plane(tmp_path, replicas=1, until="dwell")
    spec = tmp_path / "plainsail.yaml"
    listens = f"listen: {plane.address}"
    plain = spec.read_text().replace(listens, f"{listens}, binary: {program}")
    spec.write_text(plain)
    copies = re.sub(r"(?m)^( +strategy:) .*$", r"\1 [shadow, {canary: {steps: [20%]}}]", plain)
    line = next(number for number, text in enumerate(copies.splitlines(), 1) if "strategy:" in text)
    with plane:
        plane.cli("apply")
        plane.deploy(plane.release("v1"), "--wait")
        v2 = plane.release("v2")

        spec.write_text(copies)
        for command in ("check", "apply"):
            said = plane.cli(command, check=False)
            assert said.returncode == 2
            assert (
                f"plainsail.yaml:{line}:20: Requests can't be copied by the router 'haproxy'" in said.stderr
            )
            assert f"{program} was built without Lua" in said.stderr
            assert AT_LEAST in said.stderr
        refused = json.loads(plane.cli("apply", "--json", check=False).stdout)
        assert (refused["code"], refused["diagnostics"][0]["line"]) == ("spec_invalid", line)

        for asked in (("--plan",), ()):
            said = plane.deploy(v2, "--strategy", "shadow", *asked, check=False)
            assert said.returncode == 2
            assert f"{program} was built without Lua" in said.stderr
            assert AT_LEAST in said.stderr
        found = json.loads(plane.deploy(v2, "--strategy", "shadow", "--json", check=False).stdout)
        assert found["code"] == "strategy_unfit"
        assert plane.cli("simulate", "--strategy", "shadow").returncode == 0, "that needs no HAProxy"

        built(program, "+LUA")
        plane.cli("apply")
        built(program, "-LUA")
        for asked in (("--plan",), ()):
            said = plane.deploy(v2, *asked, check=False)
            assert said.returncode == 2, "it is not what the file was applied for"
            assert f"{program} was built without Lua" in said.stderr
        seen = plane.status()
        assert (seen["rollout"], seen["last_rollout"]["version"]) == (None, "v1")
        plane.deploy(v2, "--strategy", "canary", "--wait")
        assert plane.status()["groups"][0]["version"] == "v2"


def built(program: Path, lua: str) -> None:
    """Another one in its place, at once."""
    fresh = program.with_suffix(".new")
    fresh.write_text(WRAPPER.format(real=shlex.quote(binary.find(None)), lua=lua))
    fresh.chmod(0o755)
    fresh.rename(program)
