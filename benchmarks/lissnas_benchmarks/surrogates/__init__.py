"""Surrogate benchmarks: ensembles of boosted trees that predict what no table lists.

Read `surrogate.py` first.
"""
