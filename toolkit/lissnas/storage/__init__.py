"""How runs are kept: atomic files, locks, registers of names, random streams.

Read `atomic_write.py` first.
"""
