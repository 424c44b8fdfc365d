"""The Gaussian process over all kernel components of a space, as a predictor."""

from dataclasses import dataclass

import numpy as np

from lissnas.predictors.distance_kernel import DistanceKernel
from lissnas.predictors.gaussian_process import fit_gaussian_process, normal_scores
from lissnas.predictors.graph_kernel import kernel_components
from lissnas.predictors.predictor import Prediction
from lissnas.spaces.space import Floats, Rows, Space


@dataclass(frozen=True)
class GaussianProcessPredictor:
    """The Gaussian process of kernel shrinkage, fitted to normal scores.

    Choose it for up to several hundred scores: its time grows with their cube. The kernel is our own design.
    """

    def fit(self, space: Space, rows: Rows, scores: Floats, rng: np.random.Generator) -> Prediction:
        process = fit_gaussian_process(DistanceKernel(kernel_components(space)), rows, normal_scores(scores))
        return process.mean
