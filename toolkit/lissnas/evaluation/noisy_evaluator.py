"""NoisyEvaluator: a table whose ranking is degraded to a given Kendall tau, to imitate a cheap evaluator.

How we degrade it is our own choice: Gaussian noise on the normal scores of the table, so that good networks are
confused as much as bad ones. The values remain those of the table, sorted by the noisy scores, so that only the ranking
is worse.
"""

import numpy as np

from lissnas.errors import SettingError
from lissnas.evaluation.evaluator import TableEvaluator
from lissnas.spaces.space import Floats, Space

_BRACKET = 0.03
"""Half-width in radians of the first bracket, around the angle for normal scores without ties."""

_PRECISION = 1e-3
"""Precision of the angle in radians; tau changes by at most two thirds as much."""


class NoisyEvaluator(TableEvaluator):
    """Scores architectures by a degraded table; a network gets the same score every time.

    Parameters
    ----------
    space
        The space of the table.
    scores
        Shape (size,), in the order of the space's index; NaN where missing.
    tau
        Kendall's tau-b between the degraded scores and the scores of the full table, from 0 to 1.
    rng
        Draws the noise of each network.

    Raises
    ------
    SettingError
        If tau is not between 0 and 1, or all scores are equal.

    Examples
    --------
    >>> from lissnas.spaces.published.macro import macro
    >>> scores = macro().all_rows().sum(axis=1) / 16
    >>> evaluator = NoisyEvaluator(macro(), scores, 0.6, np.random.default_rng(0))
    """

    def __init__(self, space: Space, scores: Floats, tau: float, rng: np.random.Generator) -> None:
        super().__init__(space, degrade(scores, tau, rng))


def degrade(scores: Floats, tau: float, rng: np.random.Generator) -> Floats:
    """Return the scores in a worse order, with Kendall's tau-b `tau` to the given ones; see `NoisyEvaluator`.

    Signal and noise are mixed by the cosine and sine of an angle. Without ties the expected tau is 1 - 2 / pi times the
    angle (Kruskal, J. Am. Stat. Assoc. 53, 1958). Starting there, Brent's method finds the angle for this draw of the
    noise. Raises SettingError if tau is not between 0 and 1, or if all scores are equal.
    """
    from scipy.optimize import brentq
    from scipy.special import ndtri
    from scipy.stats import kendalltau, rankdata

    if not 0 <= tau <= 1:
        raise SettingError(f"tau must be between 0 and 1, not {tau}")
    measured = ~np.isnan(scores)
    values = scores[measured]
    if len(np.unique(values)) < 2:
        raise SettingError(f"all {len(values)} scores are equal: there is no ranking to degrade")
    noise = rng.standard_normal(len(values))
    if tau == 1:
        return scores.copy()
    normal, ranked = ndtri((rankdata(values) - 0.5) / len(values)), np.sort(values)

    def mixed(angle: float) -> Floats:
        worse = np.empty_like(values)
        worse[np.argsort(np.cos(angle) * normal + np.sin(angle) * noise)] = ranked
        return worse

    def excess(angle: float) -> float:
        return float(kendalltau(values, mixed(angle)).statistic) - tau

    expected = np.pi / 2 * (1 - tau)
    low, high = max(expected - _BRACKET, 0), expected + _BRACKET
    if excess(low) < 0 or excess(high) > 0:
        low, high = 0, np.pi  # from the table's own order to its reverse
    worse = scores.copy()
    worse[measured] = mixed(brentq(excess, low, high, xtol=_PRECISION))
    return worse
