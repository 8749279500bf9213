from plainsail.testing.conformance.router.test_held import *  # noqa: F403
