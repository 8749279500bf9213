from plainsail.testing.conformance.artifacts.test_trees import *  # noqa: F403
