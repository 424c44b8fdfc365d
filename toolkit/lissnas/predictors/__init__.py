"""Models that predict the score of every architecture from a few scores.

`predictor.py` has the interface and the names of all models. Of the Gaussian process read `gaussian_process.py` first,
then `distance_kernel.py`; the other kernels are its components.
"""
