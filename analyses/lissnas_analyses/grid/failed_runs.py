"""Failed runs: those in which a method kept the full space, so that it did not shrink anything.

The definition is our own choice. Such runs form a group of their own: their recall is 1, whatever the method does in
the others. A mean over both groups describes neither, so the commands print the median and the number of failed runs.
"""

import polars as pl

FAILED = pl.col("size_ratio") >= 1
"""Marks the failed runs among rows with the statistics of the result of a run."""


def failure_words(failed: int, runs: int) -> str:
    """Return how many runs failed, as in '2 of 20 runs failed: they kept the full space'."""
    return f"{failed:,} of {runs:,} runs failed: they kept the full space"
