"""Readers of official file formats. Files are untrusted: nothing in them is executed.

Read `chain_json.py` first, the shortest reader; `pickles/` reads pickles.
"""
