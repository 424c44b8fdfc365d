"""`lissnas tau`: how well predictors rank the networks of a benchmark.

Read `measure.py` first.
"""
