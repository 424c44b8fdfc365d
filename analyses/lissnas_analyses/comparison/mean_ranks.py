"""Mean ranks: which of several things does best in run after run, with an interval from a bootstrap over the runs."""

import numpy as np
from lissnas.spaces.space import Floats
from lissnas.statistics.estimate import CONFIDENCE, Estimate

DRAWS = 2000
"""How many bootstrap draws the intervals rest on."""


def mean_ranks(values: Floats, rng: np.random.Generator) -> Estimate:
    """Return the mean rank of each thing, shape (things,), 1 being the best; equal ones share their mean rank.

    Parameters
    ----------
    values
        Shape (runs, conditions, things), more being better: things are ranked within each run and condition. The
        runs are independent, the conditions of one run need not be.
    rng
        For the bootstrap: percentiles of the mean over runs drawn with replacement.
    """
    from scipy.stats import rankdata

    ranks = rankdata(-values, axis=-1).mean(axis=1)
    runs = len(ranks)
    times = rng.multinomial(runs, np.full(runs, 1 / runs), size=DRAWS)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(times @ ranks / runs, [tail, 1 - tail], axis=0)
    return Estimate(ranks.mean(axis=0), low, high)
