"""`lissnas supernet`: the stages of a run, and the study that compares supernets with trained networks.

Read `stages.py` first.
"""
