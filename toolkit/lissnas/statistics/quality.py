"""What a shrunk space is worth, judged by scores that no shrinker has seen."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lissnas.errors import SettingError
from lissnas.spaces.space import Floats, Indices
from lissnas.statistics.diversity import gene_entropy
from lissnas.subspaces.pockets import pockets
from lissnas.subspaces.subspace import Subspace

_BEST_OF = 10
"""Number of random draws for `Quality.best_of_10` (our own choice)."""


@dataclass(frozen=True)
class Quality:
    """Figures of one subspace; "top q" are the q best of the whole space.

    Attributes
    ----------
    size, size_ratio
        Its number of architectures, and their share of the space's.
    mean, best
        Of its scores, in the scores' unit.
    lower_quartile, median, upper_quartile
        Of its scores, in the scores' unit.
    best_of_10
        The expected best of 10 different random draws, in the scores' unit: what a small search inside would find.
    recall_1, recall_5
        The share of the top 1 % and 5 % that it holds.
    lift_1, lift_5
        How many times more frequent these are in it than in the whole space.
    diversity
        The mean edit distance of its pairs, divided by the number of genes.
    entropy
        The mean over genes of how evenly their operations are used; see `lissnas.statistics.diversity.gene_entropy`.
    pockets
        How many pockets it falls into.
    largest_pocket
        The share of its architectures in the largest one.
    shrinkage_score
        All in one number; see `shrinkage_score`.
    """

    size: int
    size_ratio: float
    mean: float
    best: float
    lower_quartile: float
    median: float
    upper_quartile: float
    best_of_10: float
    recall_1: float
    recall_5: float
    lift_1: float
    lift_5: float
    diversity: float
    entropy: float
    pockets: int
    largest_pocket: float
    shrinkage_score: float


def top(scores: Floats, share: float) -> NDArray[np.bool_]:
    """Mark the best `share` of the scores, shape (size,): as many as that rounds to, and all ties with the last.

    NaN scores are not counted. Raises SettingError if the share holds no architecture, or is not between 0 and 1.
    """
    measured = scores[~np.isnan(scores)]
    count = round(share * len(measured))
    if not 0 < share < 1 or count == 0:
        raise SettingError(f"the top {share:.3g} of {len(measured)} architectures holds none: choose a larger share")
    return scores >= np.partition(measured, len(measured) - count)[len(measured) - count]


def shrinkage_score(mean: float, size: int, whole_mean: float, whole_best: float, whole_size: int) -> float:
    """Return how far the mean rose towards the best, times how far the size fell towards one, on a logarithmic scale.

    (mean(S) - mean(S0)) / (max(S0) - mean(S0)) · log(|S0| / |S|) / log |S0|, for a subspace S of a space S0: 0 for the
    whole space or a random part of it, 1 for the best architecture alone, negative where the mean fell. The definition
    is our own; it is not the "shrink index" of the LISSNAS paper, whose formula is not known.
    """
    if whole_size == 1 or whole_best == whole_mean:
        return 0.0
    rise = (mean - whole_mean) / (whole_best - whole_mean)
    return rise * math.log(whole_size / size) / math.log(whole_size)


def quality(subspace: Subspace, scores: Floats) -> Quality:
    """Judge a subspace by the scores of the whole space, shape (space size,); missing scores (NaN) are left out.

    Raises SettingError if none of its architectures has a score.
    """
    inside = scores[subspace.index]
    inside = inside[~np.isnan(inside)]
    measured = int(np.count_nonzero(~np.isnan(scores)))
    if not len(inside):
        raise SettingError("none of the subspace's architectures has a score")
    recall, lift = {}, {}
    for share in (0.01, 0.05):
        marked = top(scores, share)
        held = np.count_nonzero(marked[subspace.index])
        recall[share] = held / np.count_nonzero(marked)
        lift[share] = held / len(inside) / (np.count_nonzero(marked) / measured)
    rows = subspace.space.rows(subspace.index)
    pocket_sizes = np.bincount(pockets(subspace))
    mean, whole = float(inside.mean()), subspace.space.size
    lower, median, upper = np.quantile(inside, [0.25, 0.5, 0.75]).tolist()
    return Quality(
        size=subspace.size,
        size_ratio=subspace.size / whole,
        mean=mean,
        best=float(inside.max()),
        lower_quartile=lower,
        median=median,
        upper_quartile=upper,
        best_of_10=float(expected_best(inside, np.array([_BEST_OF]))[0]),
        recall_1=recall[0.01],
        recall_5=recall[0.05],
        lift_1=lift[0.01],
        lift_5=lift[0.05],
        diversity=subspace.space.mean_distance(rows) / subspace.space.genes,
        entropy=float(gene_entropy(rows, subspace.space.choices).mean()),
        pockets=len(pocket_sizes),
        largest_pocket=float(pocket_sizes[0]) / subspace.size,
        shrinkage_score=shrinkage_score(
            mean, subspace.size, float(np.nanmean(scores)), float(np.nanmax(scores)), whole
        ),
    )


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
