"""The repeated trainings of a benchmark's networks, from which the noise ceiling is estimated."""

from dataclasses import dataclass, replace

import numpy as np
from lissnas.spaces.catalog import isomorphism_classes
from lissnas.spaces.space import Floats
from lissnas_benchmarks.benchmark import Benchmark


@dataclass(frozen=True)
class Trainings:
    """The trainings behind a benchmark's reported scores.

    Attributes
    ----------
    runs
        Score of every training, shape (size, trainings); NaN where a network has fewer trainings.
    counts
        Number of trainings of which each reported score is the mean, shape (size,).
    description
        What the trainings are, for captions and sentences.
    """

    runs: Floats
    counts: Floats
    description: str


def trainings_of(benchmark: Benchmark, rng: np.random.Generator) -> Trainings | None:
    """Return the trainings behind a benchmark's reported scores; None if no network has two.

    If the table has no seeds, cells that compute the same function count as trainings of one network: the second
    training of each is one other such cell, drawn with `rng`.
    """
    table, reports, dataset = benchmark.table, benchmark.reports, benchmark.dataset
    averaged = table.matching(reports, dataset)
    columns = averaged if len(averaged) > 1 else table.matching(replace(reports, seeds=None), dataset)
    if len(columns) > 1:
        runs = table.read([column.name for column in columns])
        counts = np.count_nonzero(~np.isnan(table.read([column.name for column in averaged])), axis=1)
        return Trainings(runs, np.maximum(counts, 1).astype(np.float64), "trainings with different seeds")
    return isomorphic_pairs(benchmark, rng)


def isomorphic_pairs(benchmark: Benchmark, rng: np.random.Generator) -> Trainings | None:
    """Return trainings in which the second of each cell is another cell that computes the same function.

    `rng` draws the other cell. Returns None if the space's isomorphic cells are unknown.
    """
    classes = isomorphism_classes(benchmark.space)
    if classes is None:
        return None
    other = _another_of_its_group(classes.index(benchmark.space.all_rows()), rng)
    second = np.where(other >= 0, benchmark.report[other], np.nan)
    runs = np.stack([benchmark.report, second], axis=1)
    return Trainings(runs, np.ones(benchmark.space.size), "cells that compute the same function")


def _another_of_its_group(groups: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return, for each element, the next of its group in a random cyclic order; -1 if it is alone. Shape (n,)."""
    order = np.lexsort((rng.random(len(groups)), groups))
    _, first, sizes = np.unique(groups[order], return_index=True, return_counts=True)
    start, size = np.repeat(first, sizes), np.repeat(sizes, sizes)
    following = start + (np.arange(len(groups)) - start + 1) % size
    other = np.empty(len(groups), dtype=np.int64)
    other[order] = np.where(size > 1, order[following], -1)
    return other
