from plainsail.testing.conformance.router.test_instances import *  # noqa: F403
