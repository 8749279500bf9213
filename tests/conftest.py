"""Settings of all tests."""

import os
from collections.abc import Generator
from typing import TypeVar

import pytest
from hypothesis import settings

R = TypeVar("R", pytest.TestReport, pytest.CollectReport)

CI = bool(os.environ.get("CI"))
MAY_LACK = ("mount", "chattr")
"""Rights that CI's machine may not give; a test that needs one says so in the reason it is skipped for."""

# CI decides by the code alone, the same each time; elsewhere hypothesis looks at new examples with every run.
settings.register_profile("ci", derandomize=True)
if CI:
    settings.load_profile("ci")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    return _not_skipped(report)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Of a whole module, say."""
    report = yield
    return _not_skipped(report)


def _not_skipped(report: R) -> R:
    """In CI a test that was left out has failed: its machine has all that they need."""
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    if (
        CI
        and report.skipped
        and not hasattr(report, "wasxfail")
        and not any(one in reason for one in MAY_LACK)
    ):
        report.outcome = "failed"
        report.longrepr = f"left out, which CI does not allow: {reason}"
    return report
