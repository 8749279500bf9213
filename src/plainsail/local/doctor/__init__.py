"""`plainsail doctor`: what works here and what is missing; each check is a small function that returns findings."""
