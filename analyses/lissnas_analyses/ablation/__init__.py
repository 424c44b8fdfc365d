"""`lissnas ablate`: settings, noise and fidelity on a grid.

Read `measure.py` first.
"""
