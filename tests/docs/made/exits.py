"""docs/reference/exit-codes.md, from cli/exits.py."""

from __future__ import annotations

from plainsail.cli.exits import MEANING, OF_PHASE

OPENING = """\
# Exit codes

How every command ends, for scripts. The numbers are a contract and don't change. This page is made from the code
(`python -m tests.docs.made`).

| code | meaning |
|---|---|
"""

CLOSING = """
`deploy --wait` and `rollback --wait` end with what became of the rollout:

| phase | code |
|---|---|
"""

MORE = """
`rollback --wait` ends with 0 when the rollout under way was taken back: that is what was asked for. With `--json` a failure
is one document on stdout, a problem (RFC 9457) with the same number in `exit_code` and a stable `code`: [errors](errors.md).
[Deploy from CI](../how-to/deploy-from-ci.md) shows what to do with them.
"""


def page() -> str:
    rows = [f"| {code} | {meaning[0].upper()}{meaning[1:]}. |" for code, meaning in MEANING.items()]
    phases = [f"| `{phase}` | {code} |" for phase, code in OF_PHASE.items()]
    return OPENING + "\n".join(rows) + "\n" + CLOSING + "\n".join(phases) + "\n" + MORE
