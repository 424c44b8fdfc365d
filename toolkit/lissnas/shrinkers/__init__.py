"""Methods that shrink a search space, one a file.

Read `shrink.py` first: `shrink(space, evaluator, shrinker, rng)`. Then read `lissnas.py`.
"""
