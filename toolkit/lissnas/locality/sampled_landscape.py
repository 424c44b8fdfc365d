"""Ascent where the space cannot be enumerated: from sampled starts, and out of the optima that are found.

Every neighbor of every architecture on the way is scored. All starts climb together, so that an evaluator is asked for
large batches.
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
    """Where steepest ascent leads from some starts.

    Attributes
    ----------
    start_scores
        Shape (n,).
    nearest_best
        The best score within one edit of each start, itself included, shape (n,).
    steps
        How many edits the ascent takes, shape (n,).
    ends, end_scores
        The local optimum that it reaches, shapes (n, genes) and (n,).
    gaps
        The absolute score differences of the starts to all their neighbors, one start after the other, shape (m,).
    gap_source
        Which start each difference belongs to, shape (m,).
    """

    start_scores: Floats
    nearest_best: Floats
    steps: Indices
    ends: Rows
    end_scores: Floats
    gaps: Floats
    gap_source: Indices


def ascents(space: Space, evaluator: Evaluator, starts: Rows) -> Ascents:
    """Climb from each start to the best neighbor, and on, until no neighbor is better.

    An evaluator that has no score (NaN) for an architecture closes the way over it. Raises SettingError if a start has
    none.
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
    """Return for each source its largest value, and where that stands; -inf for one that has none."""
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
    found: Ascents,
    rng: np.random.Generator,
    edits: int = 2,
    patience: int = 5,
) -> LocalOptimaNetwork:
    """Return the network of the local optima that ascents and escapes find.

    From where each ascent ended, random edits and ascent lead to another optimum; it is gone to if it is no worse, and
    the search ends where `patience` escapes in a row lead to nothing better. This is iterated local search, as it is
    used to sample local optima networks (Ochoa, Veerapen, Daolio and Tomassini, EvoCOP 2017).

    Parameters
    ----------
    space, evaluator
        Of any size.
    found
        Where the searches start.
    rng
        For the edits.
    edits
        How many random edits an escape makes.
    patience
        After how many vain escapes a search ends.

    Raises
    ------
    SettingError
        If `edits` or `patience` is below 1.

    A sink of the result is an optimum that the searches found no way up from; more patience may find one.
    """
    if edits < 1 or patience < 1:
        raise SettingError(f"an escape takes at least 1 edit and a search 1 escape, not {edits} and {patience}")
    here, scores = found.ends.copy(), found.end_scores.copy()
    places = [space.index(here)]
    scores_there = [scores.copy()]
    source, target, tries = [], [], []
    failed = np.zeros(len(here), dtype=np.int64)
    while len(searching := np.flatnonzero(failed < patience)):
        moved = here[searching]
        for _ in range(edits):
            moved = random_neighbors(space, moved, rng)
        ended = ascents(space, evaluator, moved)
        before, after = space.index(here[searching]), space.index(ended.ends)
        tries.append(before)
        no_worse = (ended.end_scores >= scores[searching]) & (after != before)
        source.append(before[no_worse])
        target.append(after[no_worse])
        better = ended.end_scores > scores[searching]
        failed[searching] = np.where(better, 0, failed[searching] + 1)
        goes = searching[no_worse]
        here[goes], scores[goes] = ended.ends[no_worse], ended.end_scores[no_worse]
        places.append(after[no_worse])
        scores_there.append(ended.end_scores[no_worse])
    return _network(np.concatenate(places), np.concatenate(scores_there), places[0], source, target, tries)


def _network(
    places: Indices,
    scores: Floats,
    first: Indices,
    source: list[Indices],
    target: list[Indices],
    tries: list[Indices],
) -> LocalOptimaNetwork:
    distinct, row = np.unique(places, return_index=True)
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
