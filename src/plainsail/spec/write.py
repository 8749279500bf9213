"""Writes YAML for people: a first `plainsail.yaml`, and words as a list that reads back as it was."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

PLAIN = re.compile(r"[A-Za-z0-9_./][A-Za-z0-9_./%-]*|--?[A-Za-z0-9][A-Za-z0-9_./-]*")
"""What no reader of YAML takes for anything but this text, also inside brackets."""


def flow(words: Iterable[str]) -> str:
    """`[bin/serve, --port, "{port}"]`"""
    return f"[{', '.join(map(quoted, words))}]"


def quoted(word: str) -> str:
    """The word, in quotes if it needs them. JSON's quoting is YAML's too, without the escapes of UTF-16 pairs."""
    if PLAIN.fullmatch(word) and word not in ("null", "Null", "NULL"):
        return word
    return json.dumps(word, ensure_ascii=False)
