"""Training all cells of `cell201` alone, many at once: how the tables in data/ were made.

Read `train_cells.py` first.
"""
