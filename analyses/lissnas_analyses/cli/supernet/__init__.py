"""The commands `lissnas supernet ...`.

Read `options.py` first; each command has its own module.
"""
