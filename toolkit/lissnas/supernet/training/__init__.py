"""Training a supernet: the loop, its paths, gradients, processes and checkpoints.

Read `training_loop.py` first.
"""
