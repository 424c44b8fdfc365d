"""Safe files, the identity of a run, random streams, and registers of names.

Read `run_identity.py` first.
"""
