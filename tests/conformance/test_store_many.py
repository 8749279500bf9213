from plainsail.testing.conformance.store.test_many import *  # noqa: F403
