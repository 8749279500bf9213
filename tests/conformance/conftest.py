"""The suites over all registered drivers, and over those that only tests use."""

import pytest

pytest.register_assert_rewrite("plainsail.testing.conformance")

from plainsail.testing.conformance.plugin import (  # noqa: E402
    bench,
    pytest_collection_modifyitems,
    pytest_generate_tests,
)

__all__ = ["bench", "pytest_collection_modifyitems", "pytest_generate_tests"]
