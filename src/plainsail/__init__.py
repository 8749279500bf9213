"""Progressive delivery on your own machines: release step by step, judge by evidence, roll back by itself."""

__version__ = "0.1.0"
