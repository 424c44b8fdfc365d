"""The search spaces of the literature, one a file.

Most are one call of `CategoricalSpace`: read `channels.py` first, then `cell201.py`.
"""
