"""Readers of official file formats. A file is untrusted: nothing in it is ever executed.

Read `pickle_stream.py` first.
"""
