"""Readers of official file formats. Files are untrusted: nothing in them is executed.

Read `pickle_stream.py` first.
"""
