"""Recipes: TOML files that describe a complete supernet run, and how they are read and written.

Read `run_recipe.py` first.
"""
