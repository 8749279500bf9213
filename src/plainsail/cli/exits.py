"""Exit codes, and the errors that lead to them. The numbers are a contract."""

from __future__ import annotations

from typing import Any, Final

DONE: Final = 0
INTERNAL: Final = 1
USAGE: Final = 2
"""Wrong usage or invalid input."""
NOT_FOUND: Final = 3
REFUSED: Final = 4
"""For good: policy, permission, quarantine."""
ROLLED_BACK: Final = 5
ABORTED: Final = 6
TIMED_OUT: Final = 7
"""Of waiting; the rollout goes on."""
UNREACHABLE: Final = 8
GATED: Final = 9
SUPERSEDED: Final = 10
FAILED: Final = 11
"""Before any user had it: never started, or worse where only insiders, copies or an analysis met it."""
INTERRUPTED: Final = 130
"""Ctrl-C, as shells count it."""

MEANING: Final = {
    DONE: "done; with --wait: the rollout succeeded",
    INTERNAL: "internal error, or it could not be done here",
    USAGE: "wrong usage, or invalid input",
    NOT_FOUND: "not found",
    REFUSED: "refused for good: policy, permission, quarantine",
    ROLLED_BACK: "rolled back: the release was worse",
    ABORTED: "aborted by a person",
    TIMED_OUT: "timed out waiting; the rollout goes on",
    UNREACHABLE: "the control plane can't be reached",
    GATED: "still gated when --wait --timeout ended",
    SUPERSEDED: "superseded by a newer release",
    FAILED: "failed before any user had it: it never started, or was worse in a shadow, dark or analysis step",
    INTERRUPTED: "Ctrl-C; what was begun goes on",
}
"""As help and the docs say it."""

OF_PHASE: Final = {
    "succeeded": DONE,
    "rolled_back": ROLLED_BACK,
    "aborted": ABORTED,
    "superseded": SUPERSEDED,
    "failed": FAILED,
}


class Refusal(Exception):
    """What a command itself finds wrong: what happened, what to do, and how it ends."""

    def __init__(self, exit_code: int, code: str, detail: str, next_step: str = "") -> None:
        super().__init__(detail)
        self.exit_code, self.code, self.detail, self.next_step = exit_code, code, detail, next_step


def of_rollout(rollout: dict[str, Any]) -> int:
    """Of a rollout that has ended."""
    if rollout["phase"] == "failed" and rollout["reason_code"] == "quarantined":
        return REFUSED
    return OF_PHASE[rollout["phase"]]


def of_status(status: int) -> int:
    """Of a problem by its HTTP status."""
    if status in (401, 403):
        return REFUSED
    if status == 404:
        return NOT_FOUND
    return USAGE if status < 500 else INTERNAL
