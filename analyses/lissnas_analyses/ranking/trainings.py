"""Trainings: how often each of a benchmark's networks was trained, as far as its table tells them apart."""

from dataclasses import dataclass, replace

import numpy as np
from lissnas.spaces.space import Floats
from lissnas_benchmarks.benchmark import Benchmark

from lissnas_analyses.isomorphism_classes import isomorphism_classes


@dataclass(frozen=True)
class Trainings:
    """The trainings behind a study's reported scores.

    Attributes
    ----------
    runs
        The score of every training, shape (size, trainings); NaN where a network was not trained so often.
    counts
        Over how many of them each reported score is the mean, shape (size,).
    words
        What they are, for a caption.
    """

    runs: Floats
    counts: Floats
    words: str


def trainings_of(benchmark: Benchmark, rng: np.random.Generator) -> Trainings | None:
    """Return the trainings of what a study reports; None where no two of one network are known.

    Without seeds, cells that compute the same function are trainings of one network: each has one other, drawn with
    `rng`, as its second.
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
    """Return one other cell that computes the same function, drawn with `rng`, as the second training of each."""
    functions = isomorphism_classes(benchmark.space)
    if functions is None:
        return None
    other = _another_of_its_group(functions.index(benchmark.space.all_rows()), rng)
    twin = np.where(other >= 0, benchmark.report[other], np.nan)
    words = "cells that compute the same function"
    return Trainings(np.stack([benchmark.report, twin], axis=1), np.ones(benchmark.space.size), words)


def _another_of_its_group(groups: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return for each element the next of its group in a random circle, -1 where it is alone; shape (n,)."""
    order = np.lexsort((rng.random(len(groups)), groups))
    _, first, sizes = np.unique(groups[order], return_index=True, return_counts=True)
    start, size = np.repeat(first, sizes), np.repeat(sizes, sizes)
    following = start + (np.arange(len(groups)) - start + 1) % size
    other = np.empty(len(groups), dtype=np.int64)
    other[order] = np.where(size > 1, order[following], -1)
    return other
