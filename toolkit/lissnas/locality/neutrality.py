"""Neutrality: how many edits leave the score as it is, and how far one gets by such edits alone.

Reidys and Stadler, "Neutrality in fitness landscapes", Applied Mathematics and Computation 117, 2001. Measured scores
are rarely equal; what counts as unchanged is therefore a tolerance, which our analyses take from the noise of training.
"""

from dataclasses import dataclass

import numpy as np

from lissnas.errors import SettingError
from lissnas.locality.landscape import Landscape
from lissnas.spaces.space import Indices
from lissnas.statistics.estimate import Estimate, with_error


@dataclass(frozen=True)
class Neutrality:
    """What edits leave unchanged.

    Attributes
    ----------
    tolerance
        By how much two scores may differ that count as equal, in their unit.
    rate
        The share of ordered pairs of neighbors that do.
    networks
        How many measured architectures each neutral network holds, the largest first: the connected components under
        neutral edits, those of a single architecture too.
    """

    tolerance: float
    rate: Estimate
    networks: Indices


def neutrality(landscape: Landscape, tolerance: float = 0.0) -> Neutrality:
    """Measure neutrality over a whole landscape; the tolerance has the unit of its scores.

    The interval is the infinitesimal jackknife over architectures, as of every exact figure; see
    `lissnas.locality.exact_locality`. Raises SettingError for a tolerance below 0, or if no two neighbors are both
    measured.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if tolerance < 0:
        raise SettingError(f"two scores cannot differ by less than 0: the tolerance cannot be {tolerance}")
    if not len(landscape.source):
        raise SettingError("no two neighbors are both measured: there is no neutrality to measure")
    gaps = np.abs(landscape.scores[landscape.source] - landscape.scores[landscape.target])
    neutral = gaps <= tolerance
    pairs = np.bincount(landscape.source, minlength=landscape.size)
    hits = np.bincount(landscape.source[neutral], minlength=landscape.size)
    rate = hits.sum() / pairs.sum()
    error = np.sqrt(((2 * (hits - rate * pairs) / pairs.sum()) ** 2).sum())
    joined = coo_array(
        (np.ones(hits.sum(), dtype=np.bool_), (landscape.source[neutral], landscape.target[neutral])),
        shape=(landscape.size, landscape.size),
    )
    label = connected_components(joined, directed=False)[1][landscape.measured]
    sizes = np.bincount(label)
    return Neutrality(tolerance, with_error(np.asarray(rate), error), np.sort(sizes[sizes > 0])[::-1])
