"""`plainsail init`: a first `plainsail.yaml`, with what the directory lets us guess."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from plainsail.cli.exits import DONE
from plainsail.cli.screen import out
from plainsail.local.schema import PLACE, write_schema
from plainsail.ports.errors import Rejected
from plainsail.spec.decode import decode
from plainsail.spec.write import first_file
from plainsail.wiring import drivers

NAME = "plainsail.yaml"
FALLBACK = ("bin/serve", "--port", "{port}")
PROGRAMS = ("bin/serve", "bin/server", "bin/start", "serve", "server", "start.sh", "run.sh")
SCRIPTS = ("serve.py", "server.py", "app.py", "main.py")
HEALTH = re.compile(r"""["'`](/(?:healthz|health|readyz|ready|livez|ping|status))["'`]""")
SOURCES = frozenset({".py", ".js", ".ts", ".go", ".rb", ".java", ".rs", ".php", ".sh", ".cs", ".kt", ""})
MOST_FILES = 200
MOST_BYTES = 200_000
"""A guess is not worth more reading."""


def init(*, service: Annotated[str | None, Parameter(name=("--service", "-s"))] = None) -> int:
    """Write a first plainsail.yaml for this directory, with what it can guess.

    The command comes from a Procfile, a program such as bin/serve, package.json or a Python file; the health
    page from the sources. It says what it guessed, and which commands come next. Nothing is overwritten: where
    there is a plainsail.yaml already, it ends with 2.

    It also writes .plainsail/schema.json, by which editors complete and check the file.

    Example: `plainsail init`
    Example: `plainsail init --service shop`

    Parameters
    ----------
    service
        Its name; this directory's if left out.
    """
    here = Path.cwd()
    command = guess_command(here)
    health = guess_health(here)
    text = first_file(service or here.name, command or FALLBACK, health)
    try:
        with open(NAME, "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise Rejected(
            "file_exists", f"There is a {NAME} here already", "see what is wrong with it: plainsail check"
        ) from error
    except OSError as error:
        raise Rejected(
            "file_unwritable", f"{NAME} can't be written here: {error.strerror}", "is the directory yours?"
        ) from error
    write_schema(here / PLACE.parent)
    console = out()
    console.print(f"Wrote {NAME}. Look at these:")
    console.print(
        f"  command  {shlex.join(command or FALLBACK)}"
        + ("" if command else "  (nothing here says how it runs: put your own)"),
        soft_wrap=True,
    )
    console.print(f"  ready    {f'GET {health}' if health else 'its port accepts a connection'}")
    console.print(f"  editors  complete and check it by {PLACE}, which up keeps current", soft_wrap=True)
    (name,) = decode(text, NAME, drivers()).services
    console.print("Then:")
    console.print("  plainsail check")
    console.print("  plainsail up")
    console.print(
        f"  plainsail deploy {name} . --to production --wait   (in another terminal)", soft_wrap=True
    )
    return DONE


def guess_command(here: Path) -> tuple[str, ...] | None:
    """How one instance may run; None if nothing says it."""
    return next(
        (command for guess in (_procfile, _program, _package, _python, _pages) if (command := guess(here))),
        None,
    )


def guess_health(here: Path) -> str | None:
    """A path that the sources seem to answer for health."""
    found: set[str] = set()
    for path in _sources(here):
        try:
            found.update(HEALTH.findall(path.read_text(errors="ignore")))
        except OSError:
            continue
    return next(
        (
            path
            for path in ("/readyz", "/ready", "/healthz", "/health", "/livez", "/ping", "/status")
            if path in found
        ),
        None,
    )


def _procfile(here: Path) -> tuple[str, ...] | None:
    """The web process (12factor.net, Heroku)."""
    for line in _lines(here / "Procfile"):
        name, _, command = line.partition(":")
        if name.strip() == "web":
            try:
                words = shlex.split(re.sub(r"\$\{?PORT\}?", "{port}", command))
            except ValueError:
                return None
            # What a shell would do with other signs we can't, so it is asked to.
            if re.search(r"[$|&;<>`*]", command.replace("$PORT", "").replace("${PORT}", "")):
                return ("sh", "-c", f"exec {command.strip()}")
            return tuple(words) or None
    return None


def _program(here: Path) -> tuple[str, ...] | None:
    for name in PROGRAMS:
        if (here / name).is_file() and os.access(here / name, os.X_OK):
            return (name if "/" in name else f"./{name}", "--port", "{port}")
    return None


def _package(here: Path) -> tuple[str, ...] | None:
    """npm's start script; it finds its port in $PORT."""
    try:
        document = json.loads("\n".join(_lines(here / "package.json")) or "{}")
    except ValueError:
        return None
    scripts = document.get("scripts") if isinstance(document, dict) else None
    return ("npm", "start") if isinstance(scripts, dict) and "start" in scripts else None


def _python(here: Path) -> tuple[str, ...] | None:
    if (here / "manage.py").is_file():
        return ("python3", "manage.py", "runserver", "--noreload", "127.0.0.1:{port}")
    return next((("python3", name, "--port", "{port}") for name in SCRIPTS if (here / name).is_file()), None)


def _pages(here: Path) -> tuple[str, ...] | None:
    """Pages that only have to be handed out."""
    if not (here / "index.html").is_file():
        return None
    return ("python3", "-m", "http.server", "--bind", "127.0.0.1", "{port}")


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(errors="replace").splitlines() if path.stat().st_size <= MOST_BYTES else []
    except OSError:
        return []


def _sources(here: Path) -> Iterator[Path]:
    """Source files here and one below, a bounded number."""
    count = 0
    for pattern in ("*", "*/*"):
        for path in sorted(here.glob(pattern)):
            hidden = any(
                part.startswith(".") or part == "node_modules" for part in path.relative_to(here).parts
            )
            if hidden or path.suffix not in SOURCES or not path.is_file() or path.stat().st_size > MOST_BYTES:
                continue
            count += 1
            if count > MOST_FILES:
                return
            yield path
