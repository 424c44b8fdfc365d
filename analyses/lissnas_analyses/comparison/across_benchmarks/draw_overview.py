"""The figure that answers which method keeps the best architectures, and at what cost: recall against evaluations."""

import numpy as np
import polars as pl
from lissnas_benchmarks.benchmark import subject
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from lissnas_analyses import style
from lissnas_analyses.comparison.across_benchmarks.overview import ALL_LABELS, Overview

_COLUMNS = {1: 1, 4: 2, 9: 3}
"""Number of columns of up to so many panels; more have four."""

_SAME_SIZE = 1.1
"""A round that keeps more than this many times the architectures of the result has a hollow marker."""

_NEAR_TOP = 0.85
"""From this recall on a label has no room above its marker."""

_FREE = "random-subset"
"""The method without evaluations: its recall is the chance level."""


def draw_recall(overview: Overview, *, is_narrow: bool = False) -> Figure:
    """Draw the recall of the top 1 % against evaluations, one panel for each benchmark.

    A method with several budgets has a point for the result at each, every other method one for every round.

    Parameters
    ----------
    overview
        The curves and the results.
    is_narrow
        Draw the panels below each other, for the screen of a phone.
    """
    subjects = list(overview.table.select("benchmark", "dataset").unique(maintain_order=True).iter_rows())
    columns = 1 if is_narrow else next((columns for most, columns in _COLUMNS.items() if len(subjects) <= most), 4)
    figure, panels = style.new_figure(
        -(-len(subjects) // columns),
        columns,
        width=3.6 if columns > 1 or is_narrow else 5.5,
        height=2.3 if is_narrow else 2.9,
    )
    for axes in panels[len(subjects) :]:
        axes.axis("off")
    for number, (axes, (benchmark, dataset)) in enumerate(zip(panels, subjects, strict=False)):
        is_here = (pl.col("benchmark") == benchmark) & (pl.col("dataset") == dataset)
        draw_recall_panel(axes, overview.curves.filter(is_here), overview.table.filter(is_here))
        axes.set_title(subject(benchmark, dataset))
        if number % columns:
            axes.set_ylabel("")
    runs = sorted(set(overview.table["runs"]))
    counted = f"{runs[0]}" if len(runs) == 1 else f"{runs[0]} to {runs[-1]}"
    style.caption(
        figure,
        "Recall of the top 1 % against evaluations",
        f"Means over {counted} runs after every round{_budgets(overview)}; bands and bars: 95 % intervals of the mean. "
        f"{_sizes(overview)} Hollow markers: earlier rounds, which still keep more networks, so they may lie above the "
        "dashed line; a label says how many. The dashed line, all labels, keeps the networks with the best selection "
        "scores of the full space; the report scores judge it too, so it is no upper bound. The dotted line, chance, "
        "is a random subset.",
    )
    return figure


def _budgets(overview: Overview) -> str:
    if not overview.by_budget:
        return ""
    return f", or with budgets of {', '.join(f'{budget:,}' for budget in overview.by_budget)} evaluations"


def _sizes(overview: Overview) -> str:
    if overview.has_given_size:
        return "Every method ends with the given number of networks, as far as its rule allows."
    return "In each run every method ends with as many networks as LISSNAS, as far as its rule allows."


def draw_recall_panel(axes: Axes, curves: pl.DataFrame, table: pl.DataFrame) -> None:
    """Draw the curves of one benchmark into axes; `curves` and `table` are the rows of an `Overview` for it."""
    reference = table.filter(pl.col("method") == ALL_LABELS)["recall"].item()
    axes.axhline(reference, color=style.FULL_SPACE.color, linestyle="--", linewidth=1)
    ends = [(reference, ALL_LABELS, style.FULL_SPACE.color)]
    above: list[tuple[float, float, float, str]] = []
    for (series,), rows in curves.group_by("series", maintain_order=True):
        name, line = str(series), style.line_style(str(series))
        if rows["budget"].n_unique() > 1:
            ends.append((_draw_budgets(axes, table.filter(pl.col("series") == name), line), name, line.color))
            continue
        if name == _FREE:
            recall = table.filter(pl.col("method") == _FREE)["recall"].item()
            axes.axhline(recall, color=line.color, linestyle=line.dash, linewidth=1)
            ends.append((recall, "chance", line.color))
            continue
        x, value, low, high, size = (
            rows[column].to_numpy() for column in ("evaluations", "recall", "low", "high", "size")
        )
        ends.append((value[-1], name, line.color))
        is_final_size = size <= _SAME_SIZE * size[-1]
        final = np.flatnonzero(is_final_size)
        axes.plot(x, value, color=line.color, linestyle=line.dash, alpha=0.35)
        axes.plot(x[final], value[final], color=line.color, linestyle=line.dash)
        axes.plot(x[~is_final_size], value[~is_final_size], line.marker, color=line.color, fillstyle="none", alpha=0.6)
        above += [
            (value[place], x[place], size[place], line.color)
            for place in np.flatnonzero(~is_final_size & (value > reference))
        ]
        shown = final[:: -max(1, len(final) // 6)]
        axes.plot(x[shown], value[shown], line.marker, color=line.color)
        if len(final) > 1:
            axes.fill_between(x[final], low[final], high[final], color=line.color, alpha=0.18, linewidth=0)
        else:
            axes.vlines(x[final], low[final], high[final], color=line.color)
    style.logarithmic(axes, "{x:,g}", "x")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 3)))
    axes.set(xlabel="evaluations", ylabel="recall of the top 1 %", ylim=(0, 1.02))
    if above:
        _label_size(axes, *max(above, key=lambda point: (point[0], -point[1])))
    style.label_ends(axes, [(recall, f"{recall:.2f}  {name}", color) for recall, name, color in ends])


def _label_size(axes: Axes, recall: float, spent: float, kept: float, color: str) -> None:
    """Write how many networks the round of a hollow marker keeps, below the marker if that is near the top."""
    below = recall > _NEAR_TOP
    axes.annotate(
        f"keeps\n{kept:,.0f}",
        (spent, recall),
        xytext=(3, -5) if below else (3, 3),
        textcoords="offset points",
        ha="right" if below else "left",
        va="top" if below else "bottom",
        fontsize=7,
        color=color,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 0.5},
    )


def _draw_budgets(axes: Axes, results: pl.DataFrame, line: style.LineStyle) -> float:
    """Draw the results of a method at its budgets, and return the recall at the largest."""
    results = results.sort("evaluations")
    x, value, low, high = (results[name].to_numpy() for name in ("evaluations", "recall", "low", "high"))
    style.draw_with_interval(axes, x, value, low, high, line, results["series"][0])
    return float(value[-1])
