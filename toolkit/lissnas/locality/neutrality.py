"""Neutrality: the share of edits that leave the score unchanged, and the networks that such edits connect.

Reidys and Stadler, "Neutrality in fitness landscapes", Applied Mathematics and Computation 117, 2001. Measured scores
are rarely equal, so scores count as unchanged within a tolerance. Our analyses set it to the noise of training.
"""

from dataclasses import dataclass

import numpy as np

from lissnas.errors import SettingError
from lissnas.locality.landscape import Landscape
from lissnas.spaces.space import Indices
from lissnas.statistics.estimate import Estimate, jackknife_error, normal_estimate


@dataclass(frozen=True)
class Neutrality:
    """The neutrality of a landscape.

    Attributes
    ----------
    tolerance
        Maximum difference of two scores that count as equal, in their unit.
    rate
        Share of the ordered pairs of neighbors whose scores count as equal.
    networks
        Number of measured architectures in each neutral network, largest first. Neutral networks are the connected
        components under neutral edits, including single architectures.
    """

    tolerance: float
    rate: Estimate
    networks: Indices


def neutrality(landscape: Landscape, tolerance: float = 0.0) -> Neutrality:
    """Return the exact neutrality of a landscape; `tolerance` has the unit of its scores.

    The interval is the infinitesimal jackknife over architectures; see `lissnas.locality.exact_locality`. Raises
    SettingError for a tolerance below 0, or if no two neighbors have scores.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if tolerance < 0:
        raise SettingError(f"the tolerance must be at least 0, not {tolerance}")
    if not len(landscape.source):
        raise SettingError("no two neighbors have scores: there is no neutrality to measure")
    gaps = np.abs(landscape.scores[landscape.source] - landscape.scores[landscape.target])
    neutral = gaps <= tolerance
    pairs = np.bincount(landscape.source, minlength=landscape.size)
    hits = np.bincount(landscape.source[neutral], minlength=landscape.size)
    rate = hits.sum() / pairs.sum()
    error = jackknife_error(2 * (hits - rate * pairs) / pairs.sum())
    joined = coo_array(
        (np.ones(hits.sum(), dtype=np.bool_), (landscape.source[neutral], landscape.target[neutral])),
        shape=(landscape.size, landscape.size),
    )
    label = connected_components(joined, directed=False)[1][landscape.measured]
    sizes = np.bincount(label)
    return Neutrality(tolerance, normal_estimate(np.asarray(rate), error), np.sort(sizes[sizes > 0])[::-1])
