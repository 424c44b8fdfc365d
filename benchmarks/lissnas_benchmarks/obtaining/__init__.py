"""How a benchmark's files get in: download, recognition of what a file is, import, and the cache.

Read `importing.py` first.
"""
