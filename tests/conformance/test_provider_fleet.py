from plainsail.testing.conformance.provider.test_fleet import *  # noqa: F403
