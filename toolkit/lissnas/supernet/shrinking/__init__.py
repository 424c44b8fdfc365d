"""The shrinking loop: train a supernet, shrink its space, and train it in the shrunk space.

Read `shrinking_loop.py` first.
"""
