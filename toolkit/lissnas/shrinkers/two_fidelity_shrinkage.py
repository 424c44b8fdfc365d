"""Kernel shrinkage with two fidelities: a few dozen true evaluations, joined in one kernel with scores that are free.

Each round fits two Gaussian processes, one without the cheap scores and one with them. The second is used only where
it predicts left-out networks better, the best weighing most, by more than one standard error: scores that mislead are
left out, and the run is then the one without them. The method is ours, and so are its numbers.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lissnas.errors import SettingError
from lissnas.evaluation.evaluator import Evaluator
from lissnas.predictors.cheap_score_diagnosis import gain_at_the_top
from lissnas.predictors.cheap_score_kernel import cheap_score_component
from lissnas.predictors.distance_kernel import DistanceKernel
from lissnas.predictors.gaussian_process import GaussianProcess, WarmStartedFit
from lissnas.predictors.graph_kernel import kernel_components
from lissnas.shrinkers.kernel_shrinkage import KernelShrinkage
from lissnas.spaces.space import Floats, Rows, Space

_FEWEST = 30
"""With fewer true scores the cheap ones are left out: they could not be judged."""

_LEAST_GAIN = 0.001
"""In nats: a smaller gain is none, as where the scores are all the same and only the fits' last steps differ."""


@dataclass(frozen=True)
class TwoFidelityShrinkage(KernelShrinkage):
    """Settings of kernel shrinkage with cheap scores; all defaults are our own choice.

    Examples
    --------
    >>> TwoFidelityShrinkage(evaluations=50, cheap=(lambda rows: rows.sum(axis=1),)).evaluations
    50
    """

    cheap: tuple[Evaluator, ...] = ()
    """The cheap scores, at least one: a supernet's, a zero-cost score, FLOPs. A larger one need not be better."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.cheap:
            raise SettingError("no cheap scores were given: use kernel shrinkage without them")

    def _learner(self, space: Space, rng: np.random.Generator) -> Callable[[Rows, Floats], GaussianProcess]:
        parts = kernel_components(space)
        without = WarmStartedFit(DistanceKernel(parts))
        joined = WarmStartedFit(DistanceKernel([*parts, cheap_score_component(space, self.cheap, rng)]))

        def learn(rows: Rows, targets: Floats) -> GaussianProcess:
            plain, both = without(rows, targets), joined(rows, targets)
            gain, error = gain_at_the_top(plain, both, targets)
            helps = len(rows) >= _FEWEST and bool(gain > error) and bool(gain > _LEAST_GAIN)
            return both if helps else plain

        return learn
