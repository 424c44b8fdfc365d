"""`lissnas compare`: shrinking methods side by side on one benchmark.

Read `measure.py` first.
"""
