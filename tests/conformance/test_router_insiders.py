from plainsail.testing.conformance.router.test_insiders import *  # noqa: F403
