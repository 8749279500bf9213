"""Writes YAML for people: a first `plainsail.yaml`, and words as a list that reads back as it was."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from plainsail.spec import checks
from plainsail.spec.nodes import BREAK, FOREIGN

PLAIN = re.compile(r"[A-Za-z0-9_./][A-Za-z0-9_./%-]*|--?[A-Za-z0-9][A-Za-z0-9_./-]*")
"""What no reader of YAML takes for anything but this text, also inside brackets."""

FIRST = """\
# yaml-language-server: $schema=.plainsail/schema.json
# {service}: how it runs, and how a release of it reaches its users.
# Check this file with `plainsail check`; plainsail's docs/reference/plainsail-yaml.md has every key.
schema: 1

environments:
  production:
    router: {{haproxy: {{listen: 127.0.0.1:8080}}}}   # where users come in; plainsail runs it

services:
  {service}:
    run:                                   # one instance
      # Run in the release's directory. It must listen on 127.0.0.1, on the port that {{port}} (and $PORT) becomes.
      command: {command}{guess}
      ready: {ready}
    in:
      production:
        replicas: 2
        # hosts: [{service}.example]   # without it: every host
        # 1 % of the users first; further as soon as the evidence allows it, back at once when it is worse.
        strategy: [{{canary: {{steps: [1%, 10%, 50%]}}}}]
        pace:
          until: proven                    # `dwell` moves on by time alone, unless something failed
          dwell: 10s                       # shortest time at a share
          deadline: 30m                    # longest; then
          on_unsure: hold                  # hold, rollback or advance
        evidence:
          errors: {{margin: 0.5%, max: 5%}}  # at most half a point more failures than live, never more than 5 %
"""


def first_file(service: str, command: tuple[str, ...], health: str | None) -> str:
    """A `plainsail.yaml` to begin with, which decodes whatever was guessed.

    A guess that can't stand (a name in capitals, a command with `{host}`) is mended, or replaced and marked so.
    """
    sound = not any(checks.command(command)) and not any(
        re.search("[\0\ud800-\udfff]", word) for word in command
    )
    ready = "{tcp: true, within: 30s}             # better, if it has one: {http: /healthz}"
    if health and not any(checks.http_path(health)):
        ready = f"{{http: {quoted(health)}, within: 30s}}"
    return FIRST.format(
        service=quoted(_name(service)),
        command=flow(command if sound else ("bin/serve", "--port", "{port}")),
        guess="" if sound else "   # put your own here",
        ready=ready,
    )


def flow(words: Iterable[str]) -> str:
    """`[bin/serve, --port, "{port}"]`"""
    return f"[{', '.join(map(quoted, words))}]"


def quoted(word: str) -> str:
    """The word, in quotes if it needs them. JSON's quoting is YAML's too, as long as nothing is escaped in pairs."""
    if PLAIN.fullmatch(word) and word not in ("null", "Null", "NULL"):
        return word
    text = json.dumps(word, ensure_ascii=False)
    return re.sub(f"{FOREIGN.pattern}|{BREAK.pattern}", lambda found: f"\\u{ord(found[0]):04x}", text)


def _name(guess: str) -> str:
    name = re.sub(r"[^a-z0-9]+", "-", guess.lower())[:80].strip("-0123456789")[:40].rstrip("-")
    return name if checks.NAME.fullmatch(name) else "service"
