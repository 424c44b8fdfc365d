"""What a shrinker keeps: a list, a box or a union of balls, its pockets, and its file.

Read `subspace.py` first.
"""
