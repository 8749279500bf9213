from plainsail.testing.conformance.router.test_counts import *  # noqa: F403
