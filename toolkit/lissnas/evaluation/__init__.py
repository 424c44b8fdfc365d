"""Evaluators, which score architectures, and the memory, budget and journal of one run.

Read `evaluator.py` first, then `evaluations.py`.
"""
