"""Scores from a trained supernet: recalibrated accuracy, weight angles, batch-norm weights.

Read `supernet_evaluator.py` first.
"""
