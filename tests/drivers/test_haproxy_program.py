"""What a HAProxy is asked about itself: which program it is, and what it was built with."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from plainsail import wiring
from plainsail.domain.driver import Driver
from plainsail.drivers.routers.haproxy import HAProxy, binary
from plainsail.drivers.routers.haproxy.config import Config

SAYS = """\
#!/bin/sh
echo "$1" >> {asked}
echo "HAProxy version {version} - https://haproxy.org/"
[ "$1" = -vv ] && echo "Feature list : -51DEGREES +EPOLL {lua} +OPENSSL"
exit 0
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    return tmp_path / "haproxy"


def written(program: Path, lua: str, version: str = "2.6.12", at: int = 0) -> None:
    """A program that says so of itself. `at`: when it was put there."""
    program.write_text(SAYS.format(asked=program.with_suffix(".asked"), version=version, lua=lua))
    program.chmod(0o755)
    os.utime(program, (at, at))


def asked(program: Path) -> int:
    """How often it was asked what it was built with."""
    return program.with_suffix(".asked").read_text().split().count("-vv")


def lacking(program: Path) -> Mapping[str, str]:
    """As `check` and `apply` ask."""
    router = Driver("haproxy", {"listen": "127.0.0.1:8080", "binary": str(program)})
    return wiring.drivers().lacking(router)


def test_one_without_lua_lacks_copies_and_says_which_it_is(program: Path) -> None:
    written(program, "-LUA")
    assert lacking(program) == {
        "mirror": f"{program} was built without Lua, which sends copies ('binary' names another)"
    }
    assert HAProxy.capabilities.mirror, "others of its kind can"


def test_one_with_lua_lacks_nothing(program: Path) -> None:
    written(program, "+LUA")
    assert lacking(program) == {}


def test_it_is_asked_once_and_again_when_another_is_in_its_place(program: Path) -> None:
    written(program, "-LUA", at=1)
    for _ in range(5):
        assert not binary.has_lua(str(program))
    assert asked(program) == 1
    written(program, "+LUA", at=2)
    for _ in range(5):
        assert binary.has_lua(str(program))
    assert asked(program) == 2


def test_of_one_that_is_not_there_or_does_not_fit_nothing_is_known(program: Path) -> None:
    """Where it is started it is said."""
    assert lacking(program) == {}
    written(program, "-LUA", version="2.4.0")
    assert lacking(program) == {}
    assert HAProxy.lacks(Config(listen="127.0.0.1:8080", binary="/nowhere")) == {}


def test_a_router_that_can_not_tell_lacks_nothing() -> None:
    found = wiring.drivers()
    assert found.lacking(Driver("of-somebody", {})) == {}
    assert found.lacking(Driver("haproxy", {"listen": 5})) == {}
