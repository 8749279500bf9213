"""Blast: how much harm a bad release does before it is taken back, ours beside the rules of other systems."""
