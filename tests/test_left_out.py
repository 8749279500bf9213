"""CI takes a test that was left out for a failure."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = """
import pytest

def test_passes(): pass
def test_lacks_a_program(): pytest.skip("needs fish: apt-get install fish")
def test_lacks_a_right(): pytest.skip("needs the right to mount: run as root")
@pytest.mark.skipif(True, reason="apt-get install curl")
def test_marked(): pass
@pytest.mark.xfail
def test_known(): assert False
"""
MODULE = 'import pytest; pytest.skip("needs groff", allow_module_level=True)'


@pytest.mark.parametrize(
    ("ci", "code", "told"),
    [
        ("", 0, "1 passed, 4 skipped, 1 xfailed"),
        ("true", 1, "1 failed, 1 passed, 1 skipped, 1 xfailed, 2 errors"),
    ],
    ids=["elsewhere", "ci"],
)
def test_what_is_left_out_fails_in_ci_alone(tmp_path: Path, ci: str, code: int, told: str) -> None:
    shutil.copy(Path(__file__).with_name("conftest.py"), tmp_path)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "test_some.py").write_text(TESTS)
    (tmp_path / "test_whole.py").write_text(MODULE)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--continue-on-collection-errors", "-p", "no:cacheprovider", "--color=no"],
        cwd=tmp_path, env={**os.environ, "CI": ci}, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert told in done.stdout, done.stdout
    assert done.returncode == code
    assert ("left out, which CI does not allow: Skipped: needs fish" in done.stdout) == bool(ci)
