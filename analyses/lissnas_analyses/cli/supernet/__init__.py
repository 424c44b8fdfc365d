"""The commands `lissnas supernet ...`.

Read `stages.py` first.
"""
