from plainsail.testing.conformance.router.test_traffic import *  # noqa: F403
