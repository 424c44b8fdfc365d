"""Readers of pickles: their data is built from a short list of names, and none of their code runs.

Read `pickle_stream.py` first.
"""
