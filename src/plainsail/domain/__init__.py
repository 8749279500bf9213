"""Values and decisions. Pure: no clock, no randomness, no I/O, no logging; the linter holds it."""
