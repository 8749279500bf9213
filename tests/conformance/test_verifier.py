from plainsail.testing.conformance.verifier.test_asks import *  # noqa: F403
