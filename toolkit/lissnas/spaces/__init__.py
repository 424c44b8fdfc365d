"""Search spaces: which architectures exist, which are one edit apart, and what they cost.

A `Space` holds no scores. `published/` has one file for each search space of the literature. Read `space.py` first.
"""
