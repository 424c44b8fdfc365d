"""`lissnas locality`: how similarly similar networks perform on one benchmark.

Read `measure.py` first; `draw.py` makes the figures and `describe.py` the sentences.
"""
