from plainsail.testing.conformance.provider.test_adoption import *  # noqa: F403
