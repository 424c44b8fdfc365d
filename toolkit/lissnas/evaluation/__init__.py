"""Who scores architectures, and the memory, budget and journal of one run.

Read `evaluator.py` first.
"""
