"""The stages of a supernet run in its folder, one module each: train, shrink, evaluate, search, retrain; and its plan.

Read `supernet_run.py` first, then the module of the stage.
"""
