from plainsail.testing.conformance.metrics.test_trouble import *  # noqa: F403
