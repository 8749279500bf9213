from plainsail.testing.conformance.router.test_insiders_held import *  # noqa: F403
