"""What is inside the spaces that methods keep: what a search would find there, and how diverse they are."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from lissnas.shrinkers.shrink import Trace
from lissnas.spaces.space import Floats
from lissnas.statistics.diversity import Diversity, diversity
from lissnas.statistics.quality import expected_best
from lissnas.statistics.repeated_runs import mean_over_runs
from lissnas.subspaces.subspace import Subspace, WholeSpace
from lissnas_benchmarks.benchmark import Benchmark
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lissnas_analyses import style

_DRAWS = np.array([1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300])
"""How many networks a search draws."""

_POCKETS = 10
"""How many pockets, the largest, are followed."""


@dataclass(frozen=True)
class Inside:
    """The numbers behind the figure; means over runs with 95 % intervals, of each method's result.

    Attributes
    ----------
    search
        A row a method and number of draws: method, draws, value (the expected best of so many random draws), low, high.
    genes
        A row a method and gene: method, gene, entropy, entropy_low, entropy_high, operations (the share of the space's
        that is still there), operations_low, operations_high.
    pockets
        A row a method and place: method, place, value (the share of the networks kept in the pocket of this place, the
        largest being 1; 0 where there are fewer), low, high.
    """

    search: pl.DataFrame
    genes: pl.DataFrame
    pockets: pl.DataFrame


def measure(benchmark: Benchmark, done: Sequence[dict[str, Trace]]) -> Inside:
    """Look into the result of every run of every method, and into the whole space."""
    kept: dict[str, list[Subspace]] = {"whole-space": [WholeSpace(benchmark.space)]}
    kept |= {method: [run[method].subspace for run in done] for method in done[0]}
    search, genes, pockets = [], [], []
    for method, subspaces in kept.items():
        found = [diversity(subspace) for subspace in subspaces]
        drawn = np.stack([expected_best(benchmark.report[subspace.index], _DRAWS) for subspace in subspaces])
        search.append(_frame(method, ("draws", _DRAWS), {"value": drawn}, np.nanmax(benchmark.report)))
        by_gene = {
            "entropy": np.stack([one.entropy for one in found]),
            "operations": np.stack([one.operations for one in found]),
        }
        genes.append(_frame(method, ("gene", np.arange(benchmark.space.genes)), by_gene))
        shares = np.stack([_largest(one) for one in found])
        pockets.append(_frame(method, ("place", np.arange(1, _POCKETS + 1)), {"value": shares}))
    return Inside(pl.concat(search), pl.concat(genes), pl.concat(pockets))


def _largest(found: Diversity) -> Floats:
    shares = np.zeros(_POCKETS)
    sizes = found.pocket_sizes[:_POCKETS]
    shares[: len(sizes)] = sizes / found.pocket_sizes.sum()
    return shares


def _frame(method: str, of: tuple[str, np.ndarray], values: dict[str, Floats], largest: float = 1) -> pl.DataFrame:
    """Return means and intervals of figures, shape (runs, n) each, in columns that begin with their names.

    Intervals end where the figures do: at 0 and at `largest`.
    """
    columns: dict[str, np.ndarray] = dict([of])
    for name, runs in values.items():
        estimate = mean_over_runs(runs)
        prefix = "" if name == "value" else f"{name}_"
        columns |= {name: estimate.value, f"{prefix}low": np.maximum(estimate.low, 0)}
        columns[f"{prefix}high"] = np.minimum(estimate.high, largest)
    return pl.DataFrame({"method": [method] * len(of[1]), **columns})


def draw_inside(found: Inside, benchmark: Benchmark, runs: int) -> Figure:
    """Draw what a search inside finds, and the diversity of what is kept, method by method."""
    figure, (search, pockets, entropy, operations) = style.new_figure(2, 2, width=3.9, height=2.8)
    best = np.nanmax(benchmark.report)
    short = found.search.with_columns(best - pl.col("value", "low", "high")).filter(pl.col("value") > 0)
    _draw(search, short, "draws", "value", whole_space=True)
    search.set(xscale="log", xlabel="random draws", ylabel=f"below the best, {benchmark.unit or benchmark.quantity}")
    search.xaxis.set_major_formatter("{x:g}")
    style.logarithmic(search, "{x:g}")
    search.set_title("a  What a search inside finds")
    search.legend(fontsize=7)
    _draw(pockets, found.pockets, "place", "value", whole_space=False)
    pockets.set(title="b  Pockets", xlabel="pocket, the largest first", ylabel="of the networks kept", ylim=(0, None))
    pockets.yaxis.set_major_formatter(style.percent)
    _draw(entropy, found.genes, "gene", "entropy", whole_space=True)
    entropy.set(
        title="c  How evenly operations are used", xlabel="gene", ylabel="entropy / its maximum", ylim=(0, 1.05)
    )
    _draw(operations, found.genes, "gene", "operations", whole_space=True)
    operations.set(title="d  Operations left", xlabel="gene", ylabel="of the space's operations", ylim=(0, 1.05))
    operations.yaxis.set_major_formatter(style.percent)
    for axes in (pockets, entropy, operations):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    style.caption(
        figure,
        f"Inside what is kept of {benchmark.name}",
        f"{benchmark.source}; {benchmark.roles}. "
        f"Means over {runs} runs, bands: 95 % intervals of the mean. a: how far the "
        "best of so many random draws lies below the best of the space, the exact expectation. b: as a share of all "
        "that is kept.",
    )
    return figure


def _draw(axes: Axes, frame: pl.DataFrame, x: str, name: str, whole_space: bool) -> None:
    prefix = "" if name == "value" else f"{name}_"
    for (method,), rows in frame.group_by("method", maintain_order=True):
        if method == "whole-space":
            if not whole_space:
                continue
            look, label = style.WHOLE_SPACE, "whole space"
        else:
            look, label = style.line_style(str(method)), str(method)
        place, value, low, high = (rows[column].to_numpy() for column in (x, name, f"{prefix}low", f"{prefix}high"))
        style.draw_with_interval(axes, place, value, low, high, look, label)
