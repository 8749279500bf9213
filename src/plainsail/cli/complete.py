"""What the shells' scripts ask while somebody types: names from the control plane, at once or not at all."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Sequence
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from urllib.parse import quote, urlsplit

from plainsail.cli.exits import DONE, Refusal
from plainsail.cli.whereabouts import find

WITHIN = 0.3
"""Seconds for the answer. A Tab that takes longer is worse than one that offers nothing."""
LONGEST = 1_000_000
"""Bytes of an answer that are read."""
HARMLESS = re.compile(r"[A-Za-z0-9._+%/-]{1,200}")
"""Names that no shell takes for anything else and that need no quotes; others are not offered."""


def end_in_time() -> None:
    """Whatever happens, this process is over then: also out of a name server that does not answer."""
    signal.signal(signal.SIGALRM, lambda *_: os._exit(DONE))
    signal.setitimer(signal.ITIMER_REAL, WITHIN)


def complete(words: Sequence[str]) -> int:
    """`KIND PREFIX SERVICE WORD...`: names of a kind that begin so, one a line; the words so far say where to ask."""
    try:
        kind, prefix, service, *typed = words
        found = _ask(kind, prefix, service, typed)
    except Exception:  # Nobody who presses Tab wants to read why nothing came.
        return DONE
    sys.stdout.write("".join(f"{name}\n" for name in found if HARMLESS.fullmatch(name)))
    return DONE


def _ask(kind: str, prefix: str, service: str, typed: Sequence[str]) -> list[str]:
    import json

    data = _given(typed, "--data") or os.environ.get("PLAINSAIL_DATA")
    place = find(
        _given(typed, "--url") or os.environ.get("PLAINSAIL_URL"), Path(data).expanduser() if data else None
    )
    at = urlsplit(place.url)
    if at.hostname is None:
        raise Refusal(0, "", "")
    query = f"prefix={quote(prefix)}"
    if service:
        query += f"&service={quote(service)}"
    connection = (HTTPSConnection if at.scheme == "https" else HTTPConnection)(
        at.hostname, at.port, timeout=WITHIN
    )
    headers = {"Authorization": f"Bearer {place.token}"} if place.token else {}
    connection.request("GET", f"{at.path.rstrip('/')}/api/v1/names/{kind}?{query}", headers=headers)
    answer = connection.getresponse()
    names: list[str] = json.loads(answer.read(LONGEST))["names"] if answer.status == 200 else []
    return names


def _given(typed: Sequence[str], option: str) -> str | None:
    """Its value among the words so far: `--data DIR`, `--data=DIR`, or bash's three words of that."""
    words = [word for word in " ".join(typed).replace("=", " ").split(" ") if word]
    for index, word in enumerate(words[:-1]):
        if word == option:
            return words[index + 1]
    return None
