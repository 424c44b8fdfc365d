"""What a shrunk space is worth, judged by scores that no shrinker has seen."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lissnas.errors import SettingError
from lissnas.space import Floats
from lissnas.subspace import Subspace, pockets


@dataclass(frozen=True)
class Quality:
    """Figures of one subspace; "top q" are the q best of the whole space.

    Attributes
    ----------
    size, size_ratio
        Its number of architectures, and their share of the space's.
    mean, best
        Of its scores, in the scores' unit.
    recall_1, recall_5
        The share of the top 1 % and 5 % that it holds.
    lift_1, lift_5
        How many times more frequent these are in it than in the whole space.
    diversity
        The mean edit distance of its pairs, divided by the number of genes.
    pockets
        How many pockets it falls into.
    """

    size: int
    size_ratio: float
    mean: float
    best: float
    recall_1: float
    recall_5: float
    lift_1: float
    lift_5: float
    diversity: float
    pockets: int


def top(scores: Floats, share: float) -> NDArray[np.bool_]:
    """Mark the best `share` of the scores, shape (size,): as many as that rounds to, and all ties with the last.

    NaN scores are not counted.
    """
    measured = scores[~np.isnan(scores)]
    count = round(share * len(measured))
    if not 0 < share < 1 or count == 0:
        raise SettingError(f"the top {share:.3g} of {len(measured)} architectures holds none: choose a larger share")
    return scores >= np.partition(measured, len(measured) - count)[len(measured) - count]


def quality(subspace: Subspace, scores: Floats) -> Quality:
    """Judge a subspace by the scores of the whole space, shape (space size,); missing scores (NaN) are left out."""
    inside = scores[subspace.index]
    measured = int(np.count_nonzero(~np.isnan(scores)))
    measured_inside = int(np.count_nonzero(~np.isnan(inside)))
    if measured_inside == 0:
        raise SettingError("none of the subspace's architectures has a score")
    recall, lift = {}, {}
    for share in (0.01, 0.05):
        marked = top(scores, share)
        held = np.count_nonzero(marked[subspace.index])
        recall[share] = held / np.count_nonzero(marked)
        lift[share] = held / measured_inside / (np.count_nonzero(marked) / measured)
    rows = subspace.space.rows(subspace.index)
    return Quality(
        size=subspace.size,
        size_ratio=subspace.size / subspace.space.size,
        mean=float(np.nanmean(inside)),
        best=float(np.nanmax(inside)),
        recall_1=recall[0.01],
        recall_5=recall[0.05],
        lift_1=lift[0.01],
        lift_5=lift[0.05],
        diversity=subspace.space.mean_distance(rows) / subspace.space.genes,
        pockets=int(pockets(subspace).max()) + 1,
    )
