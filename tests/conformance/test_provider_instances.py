from plainsail.testing.conformance.provider.test_instances import *  # noqa: F403
