from plainsail.testing.conformance.store.test_records import *  # noqa: F403
