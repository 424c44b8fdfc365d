"""The figure of the kept spaces: what a search finds there, their pockets, and their operations."""

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lissnas_analyses import style
from lissnas_analyses.comparison.measure import ComparisonResult


def draw_kept_spaces(result: ComparisonResult) -> Figure:
    """Draw what a search in the kept space of each method finds, and the diversity of that space."""
    benchmark, kept_spaces = result.benchmark, result.kept_spaces
    figure, (search, pockets, entropy, operations) = style.new_figure(2, 2, width=3.9, height=2.8)
    best = np.nanmax(benchmark.report)
    short = kept_spaces.search.with_columns(best - pl.col("value", "low", "high")).filter(pl.col("value") > 0)
    _draw(search, short, "draws", "value", with_full_space=True)
    search.set(xscale="log", xlabel="random draws", ylabel=f"below the best, {benchmark.unit or benchmark.quantity}")
    search.xaxis.set_major_formatter("{x:g}")
    style.logarithmic(search, "{x:g}")
    search.set_title("a  What a search in the kept space finds")
    search.legend(fontsize=7)
    _draw(pockets, kept_spaces.pockets, "rank", "value", with_full_space=False)
    pockets.set(
        title="b  Pockets", xlabel="pocket, the largest first", ylabel="share of the kept architectures", ylim=(0, None)
    )
    pockets.yaxis.set_major_formatter(style.percent)
    _draw(entropy, kept_spaces.genes, "gene", "entropy", with_full_space=True)
    entropy.set(
        title="c  How evenly operations are used", xlabel="gene", ylabel="entropy / its maximum", ylim=(0, 1.05)
    )
    _draw(operations, kept_spaces.genes, "gene", "operations", with_full_space=True)
    operations.set(
        title="d  Operations that remain", xlabel="gene", ylabel="share of the space's operations", ylim=(0, 1.05)
    )
    operations.yaxis.set_major_formatter(style.percent)
    for axes in (pockets, entropy, operations):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    style.caption(
        figure,
        f"Inside the kept spaces of {benchmark.name}",
        f"{benchmark.source}; {benchmark.roles}. "
        f"Means over {result.number_of_runs} runs; bands: 95 % intervals of the mean. a: difference between the best "
        "of the full space and the best of a number of random draws, the exact expectation. b: share of all kept "
        "architectures.",
    )
    return figure


def _draw(axes: Axes, frame: pl.DataFrame, x: str, name: str, with_full_space: bool) -> None:
    prefix = "" if name == "value" else f"{name}_"
    for (method,), rows in frame.group_by("method", maintain_order=True):
        if method == "whole-space":
            if not with_full_space:
                continue
            look, label = style.WHOLE_SPACE, "full space"
        else:
            look, label = style.line_style(str(method)), str(method)
        place, value, low, high = (rows[column].to_numpy() for column in (x, name, f"{prefix}low", f"{prefix}high"))
        style.draw_with_interval(axes, place, value, low, high, look, label)
