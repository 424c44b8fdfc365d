"""Expected best: what a search that draws a few networks of a subspace at random finds there on average."""

import numpy as np

from lissnas.errors import SettingError
from lissnas.spaces.space import Floats, Indices


def expected_best(scores: Floats, draws: Indices) -> Floats:
    """Return the expected best score of so many different random draws, shape (k,), exactly.

    Parameters
    ----------
    scores
        Of the subspace, shape (n,); NaN where missing, and left out.
    draws
        How many draws, ascending or not, shape (k,), each at least 1; more than there are networks are all of them.

    Raises
    ------
    SettingError
        If no architecture has a score, or a number of draws is below 1.

    The i-th smallest of n scores is the best of k draws with probability C(i - 1, k - 1) / C(n, k): the largest with
    k / n, and each one below with (i - k) / (i - 1) of the one above.
    """
    ranked = np.sort(scores[~np.isnan(scores)])[::-1]
    if not len(ranked):
        raise SettingError("none of the architectures has a score: nothing can be found there")
    draws = np.minimum(np.asarray(draws, dtype=np.int64), len(ranked))
    if (draws < 1).any():
        raise SettingError(f"a search draws at least 1 network, not {draws.min()}")
    place = np.arange(len(ranked), 1, -1)
    falls = np.maximum(place - draws[:, None], 0) / (place - 1)
    chances = np.cumprod(np.column_stack([draws / len(ranked), falls]), axis=1)
    best: Floats = chances @ ranked
    return best
