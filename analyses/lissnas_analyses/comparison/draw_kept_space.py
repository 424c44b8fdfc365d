"""The figure of the kept spaces: what a search finds there, their pockets, and their operations."""

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lissnas_analyses import style
from lissnas_analyses.comparison.measure import ComparisonResult
from lissnas_analyses.comparison.message import search_message
from lissnas_analyses.diagrams.diagram import gene_names

_FULL_SPACE = "full-space"

_GENE_BAND = 0.8
"""Part of the height of a gene in which its methods are drawn, one below the other."""

_GENE_HEIGHT = 0.28
"""Height of a gene in inches."""


def draw_kept_spaces(result: ComparisonResult) -> Figure:
    """Draw what a search in the kept space of each method finds, and the diversity of that space."""
    benchmark, kept_spaces = result.benchmark, result.kept_spaces
    names = gene_names(benchmark.space)
    height = max(2.4, _GENE_HEIGHT * len(names))
    figure, (search, pockets, entropy, operations) = style.new_figure(2, 2, width=3.9, height=height)
    _draw_search(search, result)
    _draw_pockets(pockets, result)
    _draw_by_gene(entropy, kept_spaces.genes, "entropy", names)
    entropy.set(title="c  How evenly operations are used", xlabel="entropy / its maximum", xlim=(-0.02, 1.02))
    _draw_by_gene(operations, kept_spaces.genes, "operations", names)
    operations.set(title="d  Operations that remain", xlabel="share of the space's operations", xlim=(-0.02, 1.02))
    operations.xaxis.set_major_formatter(style.percent)
    operations.set_yticklabels([])
    style.caption(
        figure,
        search_message(result),
        f"{benchmark.source}; {benchmark.roles}. "
        f"Means over {result.number_of_runs} runs; bands and bars: 95 % intervals of the mean. a: difference between "
        "the best of the full space and the best of a number of random draws, the exact expectation. b: a pocket is a "
        "set of kept architectures joined by single edits; next to each number, the share of the kept architectures in "
        "the largest pocket. c, d: every gene of the space; colors as in a and b.",
    )
    return figure


def _look(method: str) -> style.LineStyle:
    return style.FULL_SPACE if method == _FULL_SPACE else style.line_style(method)


def _draw_search(axes: Axes, result: ComparisonResult) -> None:
    """Draw how far the best of some random draws is below the optimum."""
    best, ends = np.nanmax(result.benchmark.report), []
    gaps = result.kept_spaces.search.with_columns(best - pl.col("value", "low", "high")).filter(pl.col("value") > 0)
    for (method,), rows in gaps.group_by("method", maintain_order=True):
        name = str(method)
        draws, value, low, high = (rows[column].to_numpy() for column in ("draws", "value", "low", "high"))
        look = _look(name)
        style.draw_with_interval(axes, draws, value, low, high, look, name)
        ends.append((float(value[-1]), name.replace(_FULL_SPACE, "full space"), look.color))
    style.logarithmic(axes, "{x:g}", "x")
    style.logarithmic(axes, "{x:g}")
    unit = result.benchmark.unit
    axes.set(title="a  What a search in the kept space finds", xlabel="random draws")
    axes.set_ylabel(f"below the optimum ({unit})" if unit else "below the optimum")
    style.label_ends(axes, ends)


def _draw_pockets(axes: Axes, result: ComparisonResult) -> None:
    """Draw the number of pockets of each method, and write the share of the largest one."""
    largest = result.kept_spaces.pockets.filter(pl.col("rank") == 1)
    share = dict(largest.select("method", "value").iter_rows())
    for place, method in enumerate(result.methods):
        value, low, high = result.final(method, "pockets")
        look = style.line_style(method)
        axes.plot([low, high], [place, place], color=look.color)
        axes.plot([value], [place], look.marker, color=look.color)
        text = f"{100 * share[method]:.0f} % in the largest"
        style.label(axes, text, max(value, high if high == high else value), place, look.color, (6, 0), "center")
    style.logarithmic(axes, "{x:,g}", "x")
    left, right = axes.get_xlim()
    axes.set(title="b  Pockets", xlabel="number of pockets", ylim=(len(result.methods) - 0.5, -0.5))
    axes.set_xlim(min(left, 0.8), max(60 * right, 10))
    axes.set_yticks(range(len(result.methods)), result.methods)


def _draw_by_gene(axes: Axes, genes: pl.DataFrame, name: str, names: list[str]) -> None:
    """Draw a statistic of every gene: one line of points for each, in the order of the methods."""
    methods = [method for method in genes["method"].unique(maintain_order=True).to_list() if method != _FULL_SPACE]
    for number, method in enumerate(methods):
        rows, look = genes.filter(pl.col("method") == method).sort("gene"), style.line_style(method)
        place = rows["gene"].to_numpy() + _GENE_BAND * ((number + 0.5) / len(methods) - 0.5)
        axes.hlines(place, rows[f"{name}_low"], rows[f"{name}_high"], color=look.color, linewidth=1)
        axes.plot(rows[name], place, look.marker, color=look.color, markersize=3.5)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.grid(False, axis="y")
    for border in range(1, len(names)):
        axes.axhline(border - 0.5, color="#e4e4e4", linewidth=0.6)
