"""Methods that shrink a search space, one method per file; each file is named after its class.

Read `shrink.py` first: `shrink(space, evaluator, shrinker, rng)`. Then read `lissnas.py`.
"""
