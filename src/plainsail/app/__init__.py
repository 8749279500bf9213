"""Use cases: what people and machines may ask of plainsail. They write intents; only the engine writes rollouts."""
