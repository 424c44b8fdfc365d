"""Optimizers that search for one good architecture inside a subspace, one a file.

Read `search.py` first: `search(subspace, evaluator, optimizer, rng, evaluations)`.
"""
