"""The callback that long work reports its progress to."""

from collections.abc import Callable

ProgressCallback = Callable[[str, float], None]
"""Receives what is being done, and which share of it is done, from 0 to 1."""
