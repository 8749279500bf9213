"""The errors a driver may raise. The engine decides by class alone; the code is stable and documented.

Failure
├── Transient      try again
├── Rejected       the input is wrong
│   └── NotFound
├── Unsupported    this target can't
├── Fenced         somebody newer holds this target: stop, touch nothing
└── Broken         a person must look
"""

from __future__ import annotations


class Failure(Exception):
    """Says what was tried and failed, and the next step. `code` is stable: `haproxy_unreachable`."""

    def __init__(self, code: str, message: str, next_step: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.next_step = next_step

    def __str__(self) -> str:
        return f"{self.message}; {self.next_step}" if self.next_step else self.message


class Transient(Failure):
    """Try again; nothing has to change."""


class Rejected(Failure):
    """The input is wrong; trying again with the same does not help."""


class NotFound(Rejected):
    """What was named is not there."""


class Unsupported(Failure):
    """This target can't do that."""


class Fenced(Failure):
    """An order of an older epoch was refused."""


class Broken(Failure):
    """A person must look."""
