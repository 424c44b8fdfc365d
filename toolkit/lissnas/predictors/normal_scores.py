"""Normal scores: places among others as quantiles of the standard normal, what a Gaussian process is fitted to."""

import numpy as np

from lissnas.errors import SettingError
from lissnas.spaces.space import Floats


def normal_scores(scores: Floats) -> Floats:
    """Return each score's place among all as a quantile of the standard normal; equal scores share their mean place.

    Raises SettingError for fewer than 3 scores, or if all are equal.
    """
    from scipy.special import ndtri
    from scipy.stats import rankdata

    if len(scores) < 3 or scores.min() == scores.max():
        raise SettingError(
            f"the evaluator gave {len(np.unique(scores))} different scores in {len(scores)}: too few to learn from"
        )
    return np.asarray(ndtri((rankdata(scores) - 0.5) / len(scores)))
