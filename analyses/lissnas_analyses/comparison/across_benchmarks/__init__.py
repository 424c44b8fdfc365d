"""Several benchmarks side by side: recall against evaluations, the table of methods, and mean ranks.

Read `overview.py` first. One benchmark is an overview of one panel.
"""
