"""The search spaces of the literature, one in each file.

Most are one call of `CategoricalSpace`. Read `channels.py` first, then `cell201.py`.
"""
