"""Intervals, rank correlation, noise ceilings, and the quality and diversity of a subspace.

Read `estimate.py` first, then `quality.py`.
"""
