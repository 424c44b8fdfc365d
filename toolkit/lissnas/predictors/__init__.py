"""Models that predict the score of every architecture from a few scores.

Read `gaussian_process.py` first, then `distance_kernel.py`; the other kernels are its components.
"""
