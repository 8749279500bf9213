"""`plainsail simulate`: what a rollout would do, before it does it."""
