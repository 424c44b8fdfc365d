"""Kernel component for cheap scores: those of a supernet, a zero-cost score, FLOPs.

The features of a score are its quantile among all architectures, and whether it is missing. Architectures are similar
if their cheap scores are, with a weight that is learned. So a score need not rise with the accuracy: a reversed score
is as informative. The design is our own.
"""

from collections.abc import Sequence

import numpy as np

from lissnas.errors import SettingError
from lissnas.evaluation.evaluations import Evaluations
from lissnas.evaluation.evaluator import Evaluator
from lissnas.predictors.distance_kernel import KernelComponent
from lissnas.spaces.space import Floats, Rows, Space

_REFERENCES = 2_000
"""Number of random architectures that define the quantiles of a score where the space cannot be enumerated."""

_UNIT = 0.01
"""Prior kernel distance of two architectures whose scores differ by 1.4 standard deviations (our own choice)."""

_SPREAD = 1.0
"""Prior standard deviation of the log weight of one score, and of that of all scores (our own choice)."""


def cheap_score_component(space: Space, cheap: Sequence[Evaluator], rng: np.random.Generator) -> KernelComponent:
    """Return the kernel component of cheap scores. Each evaluator scores each architecture once.

    Raises SettingError if there is no evaluator.
    """
    if not cheap:
        raise SettingError("no cheap scores were given: use kernel shrinkage without them")
    columns = [Evaluations(space, evaluator) for evaluator in cheap]
    rows = space.all_rows() if space.enumerable else space.sample(_REFERENCES, rng)
    references = [np.sort(scores[~np.isnan(scores)]) for scores in (column(rows) for column in columns)]

    def features(rows: Rows) -> Floats:
        scores = np.stack([column(rows) for column in columns], axis=1)
        quantiles = [_normal_quantile(column, known) for column, known in zip(scores.T, references, strict=True)]
        return np.column_stack([*quantiles, np.isnan(scores)])

    names = [f"cheap {number}" for number in range(len(cheap))] + [f"missing {number}" for number in range(len(cheap))]
    factors = [[("cheap", _SPREAD), (name, _SPREAD)] for name in names]
    return KernelComponent(features, np.full(len(names), _UNIT), factors)


def _normal_quantile(scores: Floats, known: Floats) -> Floats:
    """Return the rank of each score among `known` as a standard normal quantile; 0, the median, for NaN."""
    from scipy.special import ndtri

    if not len(known):
        return np.zeros(len(scores))
    below, up_to = (np.searchsorted(known, scores, side) for side in ("left", "right"))
    share = np.clip((below + up_to) / (2 * len(known)), 0.5 / len(known), 1 - 0.5 / len(known))
    return np.where(np.isnan(scores), 0.0, ndtri(share))
