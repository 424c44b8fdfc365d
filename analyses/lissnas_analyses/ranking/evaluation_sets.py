"""The sets of networks on which predictors are measured: the whole space, samples, shrunk spaces, the true top."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from lissnas.errors import SettingError
from lissnas.shrinkers.shrink import shrink, shrinker_class
from lissnas.spaces.space import Floats
from lissnas.statistics.noise_ceiling import Choice
from lissnas.statistics.quality import top
from lissnas.storage.random_streams import RankingStream, named_generator
from lissnas.subspaces.subspace import Subspace
from lissnas_benchmarks.benchmark import Benchmark
from numpy.typing import NDArray

WHOLE = "whole space"


@dataclass(frozen=True)
class EvaluationSet:
    """Networks on which every predictor is measured; sets of one name and several seeds are repetitions.

    Attributes
    ----------
    choose
        Which networks it holds, given the scores that are taken as true, NaN where one is not to be measured.
    """

    name: str
    seed: int
    choose: Choice


def standard_sets(
    there: NDArray[np.bool_], sample: int, runs: int, tops: Sequence[float], seed: int
) -> Iterator[EvaluationSet]:
    """Yield the whole space, `runs` random samples, and the true top shares of the networks that are there.

    Raises SettingError if the sample is larger than that, or a share does not lie between 0 and 1.
    """
    yield true_top(1)
    places = np.flatnonzero(there)
    if not 2 <= sample <= len(places):
        raise SettingError(f"a sample of {sample:,} of {len(places):,} networks: choose another size")
    for run in range(runs):
        rng = np.random.default_rng([seed, run, RankingStream.SAMPLE])
        yield EvaluationSet(f"sample of {sample:,}", run, _these(rng.choice(places, sample, replace=False), len(there)))
    for share in dict.fromkeys(tops):
        if not 0 < share < 1:
            raise SettingError(f"the true top is a share between 0 and 1, not {share:g}")
        yield true_top(share)


def sets_shrunk_by(benchmark: Benchmark, method: str, runs: int, seed: int) -> Iterator[EvaluationSet]:
    """Shrink the study's space with a method, once a run, by what a method may see."""
    for run in range(runs):
        trace = shrink(
            benchmark.space, benchmark.evaluator, shrinker_class(method)(), named_generator(method, seed, run)
        )
        yield EvaluationSet(f"shrunk by {method}", run, _these(trace.subspace.index, benchmark.space.size))


def set_of_subspace(subspace: Subspace, name: str) -> EvaluationSet:
    """Return a shrunk space as a set."""
    return EvaluationSet(f"shrunk to {name}", 0, _these(subspace.index, subspace.space.size))


def true_top(share: float) -> EvaluationSet:
    """Return the true best share as a set; the whole space if that is 1."""
    if share == 1:
        return EvaluationSet(WHOLE, 0, _measured)
    return EvaluationSet(f"true top {100 * share:g} %", 0, lambda truth: top(truth, share))


def _measured(truth: Floats) -> NDArray[np.bool_]:
    return ~np.isnan(truth)


def _these(places: NDArray[np.int64], size: int) -> Choice:
    inside = np.zeros(size, dtype=np.bool_)
    inside[places] = True
    return lambda truth: inside & _measured(truth)
