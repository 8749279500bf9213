"""Blast: how much harm a bad release does before it is taken back, ours beside the rules of other systems."""

from bench.blast.command import main

__all__ = ["main"]
