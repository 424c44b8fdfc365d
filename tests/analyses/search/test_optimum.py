"""Evaluations until the optimum: counted as the search scores, censored at the total, and summarized by quantiles."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from lissnas.optimizers.local_search import LocalSearch
from lissnas.optimizers.random_search import RandomSearch
from lissnas.optimizers.search import search
from lissnas.shrinkers.sampling_baselines import RandomSubset
from lissnas.subspaces.subspace import FullSpace
from lissnas_analyses.search.describe import optimum_sentences
from lissnas_analyses.search.measure import FULL_SPACE, compare_searches
from lissnas_analyses.search.optimum import evaluations_to_optimum, published_searches, summarize_optimum
from lissnas_benchmarks.adapter import TableAdapter
from lissnas_benchmarks.benchmark import Benchmark
from lissnas_benchmarks.catalog import find_adapter


def test_the_optimum_is_the_best_by_the_scores_that_select(proteins: Benchmark) -> None:
    trace = search(
        FullSpace(proteins.space), proteins.evaluator, LocalSearch(), np.random.default_rng(0), proteins.space.size
    )
    index, _ = trace.evaluations.history
    needed = 1 + index.tolist().index(int(np.nanargmax(proteins.selection)))
    assert evaluations_to_optimum(trace, proteins, proteins.space.size) == needed
    assert evaluations_to_optimum(trace, proteins, needed) == needed
    assert evaluations_to_optimum(trace, proteins, needed - 1) is None


def test_random_search_needs_half_of_the_space_in_the_median(proteins: Benchmark) -> None:
    needed = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        trace = search(FullSpace(proteins.space), proteins.evaluator, RandomSearch(), rng, proteins.space.size)
        needed.append(evaluations_to_optimum(trace, proteins, proteins.space.size))
    summary = summarize_optimum({("full space", "random"): pl.Series(needed)}).row(0, named=True)
    assert summary["reached"] == 200
    for quantile, share in {"low": 0.25, "median": 0.5, "high": 0.75}.items():
        assert summary[quantile] == pytest.approx(share * proteins.space.size, abs=0.12 * proteins.space.size)


def test_quantiles_are_known_only_if_enough_runs_reach_the_optimum() -> None:
    summary = summarize_optimum({("full space", "random"): pl.Series([30, None, 10, None], dtype=pl.Int64)})
    assert summary.row(0) == ("full space", "random", 4, 2, 10, 30, None)
    none = summarize_optimum({("full space", "random"): pl.Series([None, None], dtype=pl.Int64)})
    assert none.row(0) == ("full space", "random", 2, 0, None, None, None)


def test_the_sentences_name_every_search_and_the_published_figures(proteins: Benchmark) -> None:
    methods = {"random-subset": RandomSubset(size=3)}
    result = compare_searches(proteins, methods, ("random",), proteins.space.size, runs=2)
    assert result.optimum["reached"].to_list() == [2, 0]
    full, kept = optimum_sentences(result)
    needed = result.optimum["median"][0]
    assert f"2 of 2 runs score the best network by the scores that select; median {needed:,} evaluations" in full
    assert kept == "random in the space of random-subset: 0 of 2 runs score the best network by the scores that select"
    assert result.optimum["space"].to_list() == [FULL_SPACE, "random-subset"]
    adapter = find_adapter("nas-bench-101")
    assert isinstance(adapter, TableAdapter)
    official = replace(proteins, adapter=adapter, dataset="cifar10", selects=adapter.selects, reports=adapter.reports)
    assert "published: LaNAS, best validation accuracy after a median of 2,056" in "".join(
        optimum_sentences(replace(result, benchmark=official))
    )
    assert published_searches(replace(official, dataset="cifar100")) == ()
