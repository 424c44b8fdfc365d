"""The engine that runs a grid of benchmarks, methods, settings, budgets and seeds.

Read `run_grid.py` first.
"""
