"""What the kept spaces of a comparison contain: what a search would find there, and how diverse they are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from lissnas.spaces.space import Floats, Indices
from lissnas.statistics.diversity import diversity
from lissnas.statistics.quality import expected_best
from lissnas.statistics.repeated_runs import mean_over_runs
from lissnas.subspaces.subspace import FullSpace, Subspace
from lissnas_benchmarks.benchmark import Benchmark

_DRAWS = np.array([1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300])
"""Numbers of random draws for which the expected best is computed."""

_POCKETS = 10
"""Number of pockets, the largest ones, whose shares are computed."""

_STATISTICS = ("expected_best", "gene_entropy", "gene_operations", "pocket_shares")


@dataclass(frozen=True)
class KeptSpaces:
    """The numbers behind the figure; means over runs with 95 % intervals, of the result of each method.

    Attributes
    ----------
    search
        One row per method and number of draws: method, draws, value (the expected best of that many random draws), low,
        high.
    genes
        One row per method and gene: method, gene, entropy, entropy_low, entropy_high, operations (the share of the
        space's operations that remain), operations_low, operations_high.
    pockets
        One row per method and rank: method, rank, value (the share of the kept architectures in the pocket of this
        rank, 1 being the largest; 0 if there are fewer pockets), low, high.
    """

    search: pl.DataFrame
    genes: pl.DataFrame
    pockets: pl.DataFrame


def kept_space_statistics(benchmark: Benchmark, subspace: Subspace | None) -> dict[str, list[float] | None]:
    """Return the statistics of one kept space, each a list; None in place of each list without a subspace.

    These are expected_best (for each number of draws), gene_entropy and gene_operations (for each gene), and
    pocket_shares (of the largest pockets).
    """
    if subspace is None:
        return dict.fromkeys(_STATISTICS)
    spread = diversity(subspace)
    lists = (
        expected_best(benchmark.report[subspace.index], _DRAWS),
        spread.entropy,
        spread.operations,
        _largest_shares(spread.pocket_sizes),
    )
    return {name: values.tolist() for name, values in zip(_STATISTICS, lists, strict=True)}


def summarize_kept_spaces(benchmark: Benchmark, kept: Mapping[str, Sequence[Mapping[str, Any]]]) -> KeptSpaces:
    """Average the statistics of kept spaces over the runs of each method, and add those of the full space.

    Parameters
    ----------
    benchmark
        What was shrunk.
    kept
        For each method and run what `kept_space_statistics` returns.
    """
    search, genes, pockets = [], [], []
    full_space = kept_space_statistics(benchmark, FullSpace(benchmark.space))
    for method, runs in {"full-space": [full_space], **kept}.items():
        best, entropy, operations, shares = (np.array([run[name] for run in runs]) for name in _STATISTICS)
        search.append(_frame(method, ("draws", _DRAWS), {"value": best}, np.nanmax(benchmark.report)))
        by_gene = {"entropy": entropy, "operations": operations}
        genes.append(_frame(method, ("gene", np.arange(benchmark.space.genes)), by_gene))
        pockets.append(_frame(method, ("rank", np.arange(1, _POCKETS + 1)), {"value": shares}))
    return KeptSpaces(pl.concat(search), pl.concat(genes), pl.concat(pockets))


def _largest_shares(pocket_sizes: Indices) -> Floats:
    shares = np.zeros(_POCKETS)
    largest = pocket_sizes[:_POCKETS]
    shares[: len(largest)] = largest / pocket_sizes.sum()
    return shares


def _frame(method: str, of: tuple[str, np.ndarray], values: dict[str, Floats], largest: float = 1) -> pl.DataFrame:
    """Return means and intervals of statistics, shape (runs, n) each, in columns that begin with their names.

    Intervals are clipped to the range from 0 to `largest`.
    """
    columns: dict[str, np.ndarray] = dict([of])
    for name, runs in values.items():
        estimate = mean_over_runs(runs)
        prefix = "" if name == "value" else f"{name}_"
        columns |= {name: estimate.value, f"{prefix}low": np.maximum(estimate.low, 0)}
        columns[f"{prefix}high"] = np.minimum(estimate.high, largest)
    return pl.DataFrame({"method": [method] * len(of[1]), **columns})
