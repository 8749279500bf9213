from plainsail.testing.conformance.notifier.test_tells import *  # noqa: F403
