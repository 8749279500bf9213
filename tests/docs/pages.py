"""Documentation pages as their tests see them: fenced blocks, headings, links, and remarks for the tests.

What a page can say to its tests, in comments that no reader sees:

    <!-- stage: application -->          begin with an app.py in the directory
    <!-- stage: shop -->                 begin with the control plane up and release 1.0 of a shop live
    <!-- stage: shop with visitors -->   and somebody asking it all the time
    <!-- stage: shop slowly -->          and a rollout stays where it is until somebody steers it
    <!-- stage: shop on 2.0 -->          and 2.0 is live, after 1.0
    <!-- background -->                  above a console block: leave it running, wait only for what is shown
    <!-- any outcome -->                 above a console block: how it ends depends on the machine
    <!-- not run: why -->                above a block of `sh` and the like: what no test can run

A `console` block is run: what follows `$ ` (and `> `, where it goes on), in one shell for the whole page. What is shown
below must come out; `...` stands for anything. A command must succeed unless `echo $?` follows it. A block with a
`title` is a file of that name. An `sh` block is not run and says why.
"""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"

FENCE = re.compile(r"^(?P<indent> *)(?P<ticks>```+)(?P<language>[\w-]*)(?P<options>.*)$")
REMARK = re.compile(r"^<!-- (?P<text>.*) -->$")
TITLE = re.compile(r'title="([^"]+)"')


class Block(msgspec.Struct, frozen=True):
    """A fenced block; `line` is that of its first line of content, counted from 1."""

    language: str
    title: str
    remark: str
    line: int
    text: str


class Command(msgspec.Struct, frozen=True):
    """One command of a console block, and what is shown below it."""

    line: int
    text: str
    shown: tuple[str, ...]


class Page(msgspec.Struct, frozen=True):
    path: Path
    text: str
    blocks: tuple[Block, ...]

    @property
    def name(self) -> str:
        return str(self.path.relative_to(ROOT))

    @property
    def stage(self) -> str:
        """`shop`, `shop with visitors`, or nothing."""
        found = re.search(r"^<!-- stage: (.*) -->$", self.text, re.MULTILINE)
        return found[1] if found else ""

    def prose(self) -> str:
        """The text without its fenced blocks, lines kept."""
        lines = self.text.split("\n")
        for block in self.blocks:
            for number in range(block.line - 2, block.line + block.text.count("\n")):
                lines[number] = ""
        return "\n".join(lines)

    def anchors(self) -> set[str]:
        """Of its headings, as GitHub and the site make them, and of `<a id>`."""
        titles = re.findall(r"^#{1,6} (.+)$", self.prose(), re.MULTILINE)
        return {slug(title) for title in titles} | set(re.findall(r'<a id="([^"]+)">', self.text))


def slug(title: str) -> str:
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title).replace("`", "")
    kept = re.sub(r"[^\w\- ]", "", plain.lower())
    return kept.strip().replace(" ", "-")


def page(path: Path) -> Page:
    text = path.read_text()
    return Page(path, text, tuple(_blocks(text)))


def pages() -> list[Page]:
    """README.md and everything below docs/."""
    return [page(path) for path in (ROOT / "README.md", *sorted(DOCS.rglob("*.md")))]


def commands(block: Block) -> list[Command]:
    """Of a console block. Raises ValueError if it begins with output."""
    found: list[tuple[int, list[str], list[str]]] = []
    for number, line in enumerate(block.text.split("\n"), block.line):
        if line.startswith("$ "):
            found.append((number, [line[2:]], []))
        elif not found:
            raise ValueError(f"line {number} comes before any command")
        elif line.startswith("> ") and not found[-1][2]:
            found[-1][1].append(line[2:])
        else:
            found[-1][2].append(line)
    return [Command(line, "\n".join(text), tuple(shown)) for line, text, shown in found]


def _blocks(text: str) -> list[Block]:
    blocks: list[Block] = []
    remark = ""
    opened: re.Match[str] | None = None
    inside: list[str] = []
    first = 0
    for number, line in enumerate(text.split("\n"), 1):
        if opened is not None:
            if line.strip() == opened["ticks"]:
                title = TITLE.search(opened["options"])
                blocks.append(
                    Block(
                        opened["language"],
                        title[1] if title else "",
                        remark,
                        first,
                        _dedented(opened, inside),
                    )
                )
                opened, remark = None, ""
            else:
                inside.append(line)
        elif fence := FENCE.match(line):
            opened, inside, first = fence, [], number + 1
        elif said := REMARK.match(line):
            remark = said["text"]
        elif line.strip():
            remark = ""
    return blocks


def _dedented(fence: re.Match[str], lines: list[str]) -> str:
    return "\n".join(line.removeprefix(fence["indent"]) for line in lines)
