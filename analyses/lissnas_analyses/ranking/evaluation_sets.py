"""Sets of networks on which predictors are measured: the full space, samples, shrunk spaces, the true top."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from lissnas.errors import SettingError
from lissnas.shrinkers.shrink import shrink, shrinker_class
from lissnas.spaces.space import Floats
from lissnas.statistics.noise_ceiling import Choice
from lissnas.statistics.quality import is_top
from lissnas.storage.random_streams import RankingStream, named_generator
from lissnas.subspaces.subspace import Subspace
from lissnas_benchmarks.benchmark import Benchmark
from numpy.typing import NDArray

FULL = "full space"
"""Name of the set of all networks."""


@dataclass(frozen=True)
class EvaluationSet:
    """Networks on which every predictor is measured. Sets of one name and several seeds are repetitions.

    Attributes
    ----------
    name
        Its name in tables and figures.
    seed
        Number of the repetition.
    choose
        Returns the members as a mask of shape (size,), given the true scores; NaN marks networks to leave out.
    """

    name: str
    seed: int
    choose: Choice


def standard_sets(
    has_scores: NDArray[np.bool_], sample: int | None, runs: int, tops: Sequence[float], seed: int
) -> Iterator[EvaluationSet]:
    """Yield the full space, `runs` random samples, and the true top shares of the networks that have scores.

    There is no sample if `sample` is None.

    Raises SettingError if fewer networks than the sample have scores, or if a share is not between 0 and 1.
    """
    yield true_top(1)
    places = np.flatnonzero(has_scores)
    if sample is not None and not 2 <= sample <= len(places):
        raise SettingError(
            f"a sample of {sample:,} of {len(places):,} networks cannot be drawn: choose 2 to {len(places):,}"
        )
    for run in range(0 if sample is None else runs):
        rng = np.random.default_rng([seed, run, RankingStream.SAMPLE])
        yield EvaluationSet(
            f"sample of {sample:,}", run, _members(rng.choice(places, sample, replace=False), len(has_scores))
        )
    for share in dict.fromkeys(tops):
        if not 0 < share < 1:
            raise SettingError(f"--top must be a share between 0 and 1, not {share:g}")
        yield true_top(share)


def sets_shrunk_by(benchmark: Benchmark, method: str, runs: int, seed: int) -> Iterator[EvaluationSet]:
    """Yield the space as a method shrinks it by the selecting scores, once per run."""
    for run in range(runs):
        trace = shrink(
            benchmark.space, benchmark.evaluator, shrinker_class(method)(), named_generator(method, seed, run)
        )
        yield EvaluationSet(f"shrunk by {method}", run, _members(trace.subspace.index, benchmark.space.size))


def set_of_subspace(subspace: Subspace, name: str) -> EvaluationSet:
    """Return a saved subspace as a set."""
    return EvaluationSet(f"shrunk to {name}", 0, _members(subspace.index, subspace.space.size))


def true_top(share: float) -> EvaluationSet:
    """Return the true top share as a set; the full space if the share is 1."""
    if share == 1:
        return EvaluationSet(FULL, 0, _measured)
    return EvaluationSet(f"true top {100 * share:g} %", 0, lambda truth: is_top(truth, share))


def _measured(truth: Floats) -> NDArray[np.bool_]:
    return ~np.isnan(truth)


def _members(places: NDArray[np.int64], size: int) -> Choice:
    is_member = np.zeros(size, dtype=np.bool_)
    is_member[places] = True
    return lambda truth: is_member & _measured(truth)
