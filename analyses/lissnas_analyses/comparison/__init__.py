"""`lissnas compare`: shrinking methods side by side on one benchmark or several.

Read `measure.py` first.
"""
