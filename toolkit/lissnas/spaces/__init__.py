"""Which architectures there are, which are one edit apart, and what they cost.

A `Space` knows nothing of data. `published/` has one file for each space of the literature. Read `space.py` first.
"""
