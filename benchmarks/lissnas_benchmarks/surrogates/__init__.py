"""Surrogate benchmarks: ensembles of boosted trees predict the scores of spaces that are too large for a table.

Read `surrogate.py` first.
"""
