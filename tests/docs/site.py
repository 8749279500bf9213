"""What `make docs` checks beside what the builder itself does: `python -m tests.docs.site site`.

The builder's own script knows addresses of other hosts: of diagrams, notebooks and galleries that our pages don't have, and
of a repository's stars. They are taken out after the build, so that nothing can ever ask for them.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from tests.docs.pages import DOCS, ROOT

FOREIGN = re.compile(r"https?://(?!www\.w3\.org/)([\w.-]+\.[a-z]{2,})")
"""Host names; the namespaces of SVG and XML are none that anybody asks."""
ASKED = re.compile(
    r"<(?:script|img|iframe|source|link)\b[^>]*?(?:src|href)=[\"']?(?:https?:)?//(?!www\.w3\.org)[^>]*>"
)
FETCHED = re.compile(r"url\([\"']?(?:https?:)?//[^)]*\)|@import[^;]*//[^;]*")


def navigation() -> list[str]:
    """Pages in the order of the navigation."""
    return list(_leaves(tomllib.loads((ROOT / "zensical.toml").read_text())["project"]["nav"]))


def misplaced() -> list[str]:
    """Pages that the navigation forgets or makes up. Decisions are found from each other and by search; they need not
    be listed."""
    there = {str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md") if path.parent.name != "adr"}
    listed = [name for name in navigation() if not name.startswith("adr/")]
    wrong = [f"{name} is not in the navigation (zensical.toml)" for name in sorted(there - set(listed))]
    wrong += [
        f"{name} is in the navigation, but there is no such page" for name in sorted(set(listed) - there)
    ]
    return wrong + [
        f"{name} is in the navigation twice"
        for name in sorted({one for one in listed if listed.count(one) > 1})
    ]


def keep_at_home(site: Path) -> None:
    """Take the addresses of other hosts out of the builder's scripts."""
    for path in site.rglob("*.js"):
        text = path.read_text()
        path.write_text(FOREIGN.sub("about:blank#", text))


def foreign(site: Path) -> list[str]:
    """What in the built site would make a browser ask another host."""
    found = []
    for path in sorted(site.rglob("*")):
        if path.suffix == ".js":
            found += [f"{path.relative_to(site)}: {host}" for host in FOREIGN.findall(path.read_text())]
        elif path.suffix == ".css":
            found += [f"{path.relative_to(site)}: {asks}" for asks in FETCHED.findall(path.read_text())]
        elif path.suffix == ".html":
            asked = [tag for tag in ASKED.findall(path.read_text()) if 'rel="canonical"' not in tag]
            found += [f"{path.relative_to(site)}: {tag}" for tag in asked]
    return found


def _leaves(nav: list[object]) -> Iterator[str]:
    for one in nav:
        match one:
            case str():
                yield one
            case dict():
                for below in one.values():
                    yield from _leaves(below if isinstance(below, list) else [below])
            case _:
                raise AssertionError(f"{one} is no page")


if __name__ == "__main__":
    built = Path(sys.argv[1])
    keep_at_home(built)
    wrong = misplaced() + foreign(built)
    print("\n".join(wrong), file=sys.stderr)
    sys.exit(bool(wrong))
