"""`lissnas tau`: how well predictors rank the networks of a benchmark.

Read `measure.py` first; `predictor_cost.py` measures what is lost when a predictor selects instead of the benchmark.
"""
