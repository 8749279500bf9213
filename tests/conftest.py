"""Settings of all tests."""

import os

from hypothesis import settings

# CI decides by the code alone, the same each time; elsewhere hypothesis looks at new examples with every run.
settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("ci")
