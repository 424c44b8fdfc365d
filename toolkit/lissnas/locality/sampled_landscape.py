"""Landscapes of spaces that cannot be enumerated: ascents from sampled starts, and the network of their optima.

Every neighbor of every architecture on a path is scored. All starts climb together, so the evaluator gets large
batches.
"""

from dataclasses import dataclass

import numpy as np

from lissnas.errors import SettingError
from lissnas.evaluation.evaluator import Evaluator
from lissnas.locality.local_optima_network import LocalOptimaNetwork
from lissnas.locality.random_walks import random_neighbors
from lissnas.spaces.space import Floats, Indices, Rows, Space


@dataclass(frozen=True)
class Ascents:
    """Steepest ascents from several starts.

    Attributes
    ----------
    start_scores
        Scores of the starts, shape (n,).
    nearest_best
        Best score within one edit of each start, including the start, shape (n,).
    steps
        Number of edits of each ascent, shape (n,).
    ends, end_scores
        The local optimum at which each ascent ends and its score, shapes (n, genes) and (n,).
    gaps
        Absolute score differences of the starts to all their neighbors, start by start, shape (m,).
    gap_source
        The start of each difference, shape (m,).
    """

    start_scores: Floats
    nearest_best: Floats
    steps: Indices
    ends: Rows
    end_scores: Floats
    gaps: Floats
    gap_source: Indices


def ascents(space: Space, evaluator: Evaluator, starts: Rows) -> Ascents:
    """Return the steepest ascent from each start: to the best neighbor, until no neighbor is better.

    Ascents never pass through an architecture whose score is NaN. Raises SettingError if a start has no score.
    """
    rows, scores = starts.copy(), _scored(evaluator, starts)
    if np.isnan(scores).any():
        raise SettingError(f"{np.count_nonzero(np.isnan(scores))} of {len(starts)} starts have no score to climb from")
    start_scores, steps = scores.copy(), np.zeros(len(starts), dtype=np.int64)
    nearest_best, gaps, gap_source = scores.copy(), np.empty(0), np.empty(0, dtype=np.int64)
    climbing = np.arange(len(starts))
    while len(climbing):
        neighbors, source = space.neighbors(rows[climbing])
        around = _scored(evaluator, neighbors)
        best, row = _best_of_each(around, source, len(climbing))
        if not steps.any():
            nearest_best = np.maximum(scores, best)
            gaps, gap_source = np.abs(around - scores[source]), source
        higher = best > scores[climbing]
        climbing, row = climbing[higher], row[higher]
        rows[climbing], scores[climbing] = neighbors[row], around[row]
        steps[climbing] += 1
    return Ascents(start_scores, nearest_best, steps, rows, scores, gaps, gap_source)


def _best_of_each(values: Floats, source: Indices, sources: int) -> tuple[Floats, Indices]:
    """Return the largest value of each source and its position; -inf for a source without values."""
    filled = np.where(np.isnan(values), -np.inf, values)
    best = np.full(sources, -np.inf)
    row = np.zeros(sources, dtype=np.int64)
    order = np.lexsort((filled, source))
    last = np.flatnonzero(np.diff(source[order], append=-1))
    best[source[order[last]]], row[source[order[last]]] = filled[order[last]], order[last]
    return best, row


def sampled_local_optima_network(
    space: Space,
    evaluator: Evaluator,
    first_ascents: Ascents,
    rng: np.random.Generator,
    edits: int = 2,
    patience: int = 5,
) -> LocalOptimaNetwork:
    """Return the network of the local optima that iterated local search finds.

    From the end of each ascent, random edits and another ascent lead to a further optimum. The search moves there if it
    is not worse, and ends after `patience` escapes in a row without improvement. Ochoa, Veerapen, Daolio and Tomassini
    sample local optima networks in this way (EvoCOP 2017).

    Parameters
    ----------
    space, evaluator
        A space of any size, and the evaluator of its rows.
    first_ascents
        The ascents at whose ends the searches start.
    rng
        The source of the random edits.
    edits
        Number of random edits of an escape.
    patience
        Number of escapes in a row without improvement after which a search ends.

    Raises
    ------
    SettingError
        If `edits` or `patience` is below 1.

    A sink of the result is an optimum from which the searches found no improvement. More patience may find one.
    """
    if edits < 1 or patience < 1:
        raise SettingError(f"an escape takes at least 1 edit and a search 1 escape, not {edits} and {patience}")
    current, scores = first_ascents.ends.copy(), first_ascents.end_scores.copy()
    optima = [space.index(current)]
    optimum_scores = [scores.copy()]
    source, target, tries = [], [], []
    failed = np.zeros(len(current), dtype=np.int64)
    while len(searching := np.flatnonzero(failed < patience)):
        moved = current[searching]
        for _ in range(edits):
            moved = random_neighbors(space, moved, rng)
        ended = ascents(space, evaluator, moved)
        before, after = space.index(current[searching]), space.index(ended.ends)
        tries.append(before)
        not_worse = (ended.end_scores >= scores[searching]) & (after != before)
        source.append(before[not_worse])
        target.append(after[not_worse])
        better = ended.end_scores > scores[searching]
        failed[searching] = np.where(better, 0, failed[searching] + 1)
        moves = searching[not_worse]
        current[moves], scores[moves] = ended.ends[not_worse], ended.end_scores[not_worse]
        optima.append(after[not_worse])
        optimum_scores.append(ended.end_scores[not_worse])
    return _network(np.concatenate(optima), np.concatenate(optimum_scores), optima[0], source, target, tries)


def _network(
    optima: Indices,
    scores: Floats,
    first: Indices,
    source: list[Indices],
    target: list[Indices],
    tries: list[Indices],
) -> LocalOptimaNetwork:
    distinct, row = np.unique(optima, return_index=True)
    order = np.argsort(-scores[row], kind="stable")
    number = np.empty(len(distinct), dtype=np.int64)
    number[order] = np.arange(len(distinct))

    def numbered(index: Indices) -> Indices:
        return number[np.searchsorted(distinct, index)]

    count = len(distinct)
    ends = numbered(np.concatenate(source)) * count + numbered(np.concatenate(target))
    edge, times = np.unique(ends, return_counts=True)
    tried = np.bincount(numbered(np.concatenate(tries)), minlength=count)
    basins = np.bincount(numbered(first), minlength=count)
    return LocalOptimaNetwork(
        optima=distinct[order],
        scores=scores[row][order],
        basins=basins / basins.sum(),
        source=edge // count,
        target=edge % count,
        weight=times / tried[edge // count],
    )


def _scored(evaluator: Evaluator, rows: Rows) -> Floats:
    return np.asarray(evaluator(rows), dtype=np.float64)
