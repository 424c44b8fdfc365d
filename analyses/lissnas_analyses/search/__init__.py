"""`lissnas search`: the same search inside a shrunk space and in the full one.

Read `measure.py` first.
"""
