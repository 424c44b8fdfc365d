"""Bridges to other search tools, one tool per file: export a subspace, and import what the tool found.

Read `optuna.py` first.
"""
