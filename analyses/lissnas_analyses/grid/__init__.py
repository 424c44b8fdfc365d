"""The engine that runs a grid of benchmarks, methods, settings, budgets and seeds.

Read `run_grid.py` first. An analysis brings a frozen dataclass for its grid points and a task that computes rows, and
calls `run_grid`; `lissnas_analyses/search/measure.py` is an example.
"""
