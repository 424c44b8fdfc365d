"""The loop of training and shrinking: train a supernet, shrink its space, and train on in what is left.

Read `shrinking_loop.py` first.
"""
