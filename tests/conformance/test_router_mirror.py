from plainsail.testing.conformance.router.test_mirror import *  # noqa: F403
