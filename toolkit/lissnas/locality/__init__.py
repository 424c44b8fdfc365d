"""Locality and fitness landscapes: exact over all pairs, or estimated from samples.

Read `exact_locality.py` first, then `landscape.py`.
"""
