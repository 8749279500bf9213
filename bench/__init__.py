"""Measurements: each is a ratio between two things in one run, or a count; never an absolute time."""
