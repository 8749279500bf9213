"""`plainsail check`: everything that is wrong with a spec, without a control plane."""

from __future__ import annotations

from pathlib import Path

from plainsail.cli.exits import DONE
from plainsail.cli.options import AsJson
from plainsail.cli.screen import out, print_json, tell
from plainsail.domain.mirroring import Shadow, twice
from plainsail.domain.service import Document
from plainsail.domain.units import plural
from plainsail.ports.errors import NotFound, Rejected
from plainsail.spec.merge import read
from plainsail.wiring import drivers

DEFAULT = Path("plainsail.yaml")


def check(*files: Path, as_json: AsJson = False) -> int:
    """Say everything that is wrong with a plainsail.yaml, each at its line; needs no control plane.

    All complaints come at once, as file:line:col, what is wrong, and what was probably meant. What only the
    control plane knows (services that are registered already) is checked by diff and apply.

    Example: `plainsail check`
    Example: `plainsail check platform.yaml shop.yaml`
    Example: `plainsail check --json`

    Parameters
    ----------
    files
        Any number, checked as one; ./plainsail.yaml if left out.
    """
    texts = [(str(path), text_of(path)) for path in files or (DEFAULT,)]
    document = read(texts, drivers())
    names = ", ".join(name for name, _ in texts)
    warnings = _warnings(document)
    if as_json:
        print_json({
            "files": [name for name, _ in texts], "diagnostics": [], "warnings": warnings,
            "environments": list(document.environments), "services": list(document.services),
        })  # fmt: skip
    else:
        found = f"{plural(len(document.environments), 'environment')}, {plural(len(document.services), 'service')}"
        out().print(f"{names}: nothing is wrong ({found})", soft_wrap=True)
        for warning in warnings:
            tell(out(), f"warning: {warning}")
    return DONE


def _warnings(document: Document) -> list[str]:
    """What is allowed and rarely meant, each in one sentence."""
    found = [
        f"{name} in {environment}: {said}"
        for name, service in document.services.items()
        for environment, placement in service.placements.items()
        for strategy in placement.strategy
        if isinstance(strategy, Shadow) and (said := twice(strategy.methods))
    ]
    return list(dict.fromkeys(found))


def text_of(path: Path) -> str:
    """A file to be checked. Bytes that are not UTF-8 are kept, so that they are complained of at their line."""
    try:
        return path.read_bytes().decode(errors="surrogateescape")
    except FileNotFoundError as error:
        raise NotFound(
            "file_missing", f"There is no file {path}", "name it, or write one with plainsail init"
        ) from error
    except OSError as error:
        raise Rejected("file_unreadable", f"{path} can't be read: {error.strerror}", "name a file") from error
