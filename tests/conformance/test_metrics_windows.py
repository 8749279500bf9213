from plainsail.testing.conformance.metrics.test_windows import *  # noqa: F403
