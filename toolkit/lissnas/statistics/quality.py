"""Quality of a shrunk space, measured by scores that no shrinker has used."""

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
    """Quality measures of one subspace. "Top q" means the best share q of the full space.

    Attributes
    ----------
    size, size_ratio
        Number of architectures, and its ratio to the size of the space.
    mean, best
        Mean and best score, in the unit of the scores.
    lower_quartile, median, upper_quartile
        Quartiles of the scores, in the unit of the scores.
    best_of_10
        Expected best of 10 different random draws, in the unit of the scores: what a small search would find.
    recall_1, recall_5
        Share of the top 1 % and of the top 5 % that is in the subspace.
    lift_1, lift_5
        Ratio of the frequency of the top 1 % and 5 % in the subspace to that in the full space.
    diversity
        Mean edit distance of two architectures, divided by the number of genes.
    entropy
        Mean over genes of the normalized entropy; see `lissnas.statistics.diversity.gene_entropy`.
    pockets
        Number of pockets.
    largest_pocket
        Share of the architectures in the largest pocket.
    shrinkage_score
        Mean gained and size lost, in one number; see `shrinkage_score`.
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


def is_top(scores: Floats, share: float) -> NDArray[np.bool_]:
    """Mark the best `share` of the scores, shape (size,): that share, at least one, and all ties with the last.

    NaN scores are ignored. Raises SettingError if the share is not between 0 and 1, or no architecture has a score.
    """
    measured = scores[~np.isnan(scores)]
    if not 0 < share < 1:
        raise SettingError(f"a share of {share:.3g} is not between 0 and 1")
    if not len(measured):
        raise SettingError(f"no architecture has a score, so none is in the top {share:.3g}")
    count = max(1, round(share * len(measured)))
    return scores >= np.partition(measured, len(measured) - count)[len(measured) - count]


def shrinkage_score(mean: float, size: int, space_mean: float, space_best: float, space_size: int) -> float:
    """Return the rise of the mean towards the best, times the fall of the size towards 1 on a logarithmic scale.

    (mean(S) - mean(S0)) / (max(S0) - mean(S0)) · log(|S0| / |S|) / log |S0|, for a subspace S of a space S0. It is 0
    for the full space, about 0 for a random subset, 1 for the best architecture alone, and negative if the mean fell.
    The definition is our own. It is not the "shrink index" of the LISSNAS paper, whose formula is not known.
    """
    if space_size == 1 or space_best == space_mean:
        return 0.0
    rise = (mean - space_mean) / (space_best - space_mean)
    return rise * math.log(space_size / size) / math.log(space_size)


def quality(subspace: Subspace, scores: Floats) -> Quality:
    """Return the quality of a subspace by the scores of the full space, shape (space size,); NaN where missing.

    Raises SettingError if no architecture of the subspace has a score.

    Examples
    --------
    >>> from lissnas.spaces.published.macro import macro
    >>> from lissnas.subspaces.subspace import ExplicitSubspace
    >>> best = ExplicitSubspace(macro(), np.arange(6000, 6561))
    >>> float(quality(best, np.arange(6561.0)).recall_1)
    1.0
    """
    kept = scores[subspace.index]
    kept = kept[~np.isnan(kept)]
    measured = int(np.count_nonzero(~np.isnan(scores)))
    if not len(kept):
        raise SettingError("none of the subspace's architectures has a score")
    recall, lift = {}, {}
    for share in (0.01, 0.05):
        marked = is_top(scores, share)
        hits = np.count_nonzero(marked[subspace.index])
        recall[share] = hits / np.count_nonzero(marked)
        lift[share] = hits / len(kept) / (np.count_nonzero(marked) / measured)
    rows = subspace.space.rows(subspace.index)
    pocket_sizes = np.bincount(pockets(subspace))
    mean, space_size = float(kept.mean()), subspace.space.size
    lower, median, upper = np.quantile(kept, [0.25, 0.5, 0.75]).tolist()
    return Quality(
        size=subspace.size,
        size_ratio=subspace.size / space_size,
        mean=mean,
        best=float(kept.max()),
        lower_quartile=lower,
        median=median,
        upper_quartile=upper,
        best_of_10=float(expected_best(kept, np.array([_BEST_OF]))[0]),
        recall_1=recall[0.01],
        recall_5=recall[0.05],
        lift_1=lift[0.01],
        lift_5=lift[0.05],
        diversity=subspace.space.mean_distance(rows) / subspace.space.genes,
        entropy=float(gene_entropy(rows, subspace.space.choices).mean()),
        pockets=len(pocket_sizes),
        largest_pocket=float(pocket_sizes[0]) / subspace.size,
        shrinkage_score=shrinkage_score(
            mean, subspace.size, float(np.nanmean(scores)), float(np.nanmax(scores)), space_size
        ),
    )


def expected_best(scores: Floats, draws: Indices) -> Floats:
    """Return the exact expected best score of random draws without replacement, shape (k,).

    Parameters
    ----------
    scores
        Scores of the subspace, shape (n,); NaN scores are ignored.
    draws
        Numbers of draws, shape (k,), in any order, each at least 1. More draws than scores count as all scores.

    Raises
    ------
    SettingError
        If all scores are NaN, or a number of draws is below 1.

    The i-th smallest of n scores is the best of k draws with probability C(i - 1, k - 1) / C(n, k). For the largest
    that is k / n; each next lower score has (i - k) / (i - 1) times the probability of the one above it.
    """
    ranked = np.sort(scores[~np.isnan(scores)])[::-1]
    if not len(ranked):
        raise SettingError("none of the architectures has a score: there is no best")
    draws = np.minimum(np.asarray(draws, dtype=np.int64), len(ranked))
    if (draws < 1).any():
        raise SettingError(f"a search draws at least 1 network, not {draws.min()}")
    place = np.arange(len(ranked), 1, -1)
    falls = np.maximum(place - draws[:, None], 0) / (place - 1)
    chances = np.cumprod(np.column_stack([draws / len(ranked), falls]), axis=1)
    best: Floats = chances @ ranked
    return best
