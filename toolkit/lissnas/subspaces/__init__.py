"""Subspaces: what a shrinker returns. They are lists, boxes or unions of balls; they have pockets and files.

Read `subspace.py` first.
"""
