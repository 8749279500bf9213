from plainsail.testing.conformance.store.test_model import *  # noqa: F403
