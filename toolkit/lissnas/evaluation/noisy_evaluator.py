"""NoisyEvaluator: a table whose ranking is degraded to a stated Kendall tau, as that of a cheap evaluator is.

How it is degraded is our own choice: Gaussian noise on the normal scores of the table, so that good networks are
confused as much as bad ones. The values stay those of the table, in the order of the noisy scores: only the ranking is
worse.
"""

import numpy as np

from lissnas.errors import SettingError
from lissnas.evaluation.evaluator import TableEvaluator
from lissnas.spaces.space import Floats, Space

_NEAR = 0.03
"""By how many radians the angle differs from that of normal scores without ties; farther is looked for if it does."""

_PRECISION = 1e-3
"""How exactly the angle is found, in radians: tau changes by at most two thirds as much."""


class NoisyEvaluator(TableEvaluator):
    """Scores architectures by a degraded table: the same network gets the same score every time.

    Parameters
    ----------
    space
        The space of the table.
    scores
        Shape (size,), in the order of the space's index; NaN where missing.
    tau
        Kendall's tau-b of the degraded scores and those of the table, over all of it: 0 to 1.
    rng
        For the noise, one draw a network.

    Raises
    ------
    SettingError
        If tau lies outside 0 to 1, or the scores are all equal.
    """

    def __init__(self, space: Space, scores: Floats, tau: float, rng: np.random.Generator) -> None:
        super().__init__(space, degrade(scores, tau, rng))


def degrade(scores: Floats, tau: float, rng: np.random.Generator) -> Floats:
    """Return the scores in a worse order, of which Kendall's tau-b with the given ones is `tau`; see `NoisyEvaluator`.

    The share of noise is the cosine and sine of an angle. Without ties tau would be 1 - 2 / pi times it on average
    (Kruskal, J. Am. Stat. Assoc. 53, 1958); from there the angle of this very draw is found by Brent's method. Raises
    SettingError for a tau that does not lie between 0 and 1, or if all scores are equal.
    """
    from scipy.optimize import brentq
    from scipy.special import ndtri
    from scipy.stats import kendalltau, rankdata

    if not 0 <= tau <= 1:
        raise SettingError(f"tau must lie between 0 and 1, not be {tau}")
    measured = ~np.isnan(scores)
    values = scores[measured]
    if len(np.unique(values)) < 2:
        raise SettingError(f"{len(values)} scores, all equal: there is no ranking to degrade")
    noise = rng.standard_normal(len(values))
    if tau == 1:
        return scores.copy()
    normal, ranked = ndtri((rankdata(values) - 0.5) / len(values)), np.sort(values)

    def turned(angle: float) -> Floats:
        worse = np.empty_like(values)
        worse[np.argsort(np.cos(angle) * normal + np.sin(angle) * noise)] = ranked
        return worse

    def excess(angle: float) -> float:
        return float(kendalltau(values, turned(angle)).statistic) - tau

    expected = np.pi / 2 * (1 - tau)
    low, high = max(expected - _NEAR, 0), expected + _NEAR
    if excess(low) < 0 or excess(high) > 0:
        low, high = 0, np.pi  # from the table's own order to its reverse
    found = scores.copy()
    found[measured] = turned(brentq(excess, low, high, xtol=_PRECISION))
    return found
