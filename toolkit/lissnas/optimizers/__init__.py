"""Optimizers that search for one good architecture inside a subspace, one optimizer per file.

Read `search.py` first: `search(subspace, evaluator, optimizer, rng, evaluations)`.
"""
