"""`lissnas landscape`: basins, funnels, neutrality and noise, data sets side by side.

Read `measure.py` first.
"""
