"""The engine that runs grids of benchmarks, methods, settings and seeds.

Read `grid.py` first.
"""
