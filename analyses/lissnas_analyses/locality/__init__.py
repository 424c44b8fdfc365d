"""`lissnas locality`: how alike similar networks perform on one benchmark.

Read `measure.py` first.
"""
