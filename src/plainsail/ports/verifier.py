"""The verifier port: somebody else says whether a rollout may go on."""

from __future__ import annotations

from typing import Protocol

from plainsail.domain.checks import Answer, Question, Terms

__all__ = ["Answer", "Question", "Terms", "Verifier"]


class Verifier(Protocol):
    """Built as `Driver(config, site)` for each question, where `config` is a Struct that extends `Terms`.

    An answer is go, no-go or not yet. Only what was said counts: a no is `no_go`, whoever can't be asked or makes no
    sense is a failure and never an answer. The same question may be asked more than once with the same `key`, since a
    control plane may be killed between an answer and its record; whoever acts on it must do so once for each key.
    """

    async def ask(self, question: Question) -> Answer:
        """Raises only errors of `ports.errors`: Transient when it may work later (no connection, no answer in time),
        Rejected when what was answered makes no sense, Broken when a person must look (a token's file is gone). Heeds
        cancellation; holds nothing afterwards, be it a connection or a process."""
        ...
