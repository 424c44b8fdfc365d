"""The commands about results: make all of them, repeat some, show and cite them, and what the paper claims.

Read `reproduce.py` first.
"""
