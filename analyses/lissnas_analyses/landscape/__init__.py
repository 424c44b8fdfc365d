"""`lissnas landscape`: basins, funnels, regret, neutrality and noise on one or more data sets.

Read `result.py` first, which lists the tables; `measure.py` fills them exactly and `measure_sampled.py` by sampling.
"""
