"""The callback to which long work reports its progress."""

from collections.abc import Callable

ProgressCallback = Callable[[str, float], None]
"""Receives what is being done, and the share of it that is done, from 0 to 1."""
