"""The figures of a comparison: quality against evaluations, distributions of scores, and differences run by run."""

from dataclasses import dataclass
from functools import partial
from string import ascii_lowercase
from typing import Literal

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, MaxNLocator

from lissnas_analyses import style
from lissnas_analyses.comparison.measure import ComparisonResult
from lissnas_analyses.comparison.message import CHANCE, median_message, paired_message, recall_message
from lissnas_analyses.comparison.summarize import LEFT_OUT

_TITLES = {
    "recall_1": "recall of the top 1 %",
    "recall_5": "recall of the top 5 %",
    "lift_1": "lift of the top 1 %",
    "lift_5": "lift of the top 5 %",
    "mean": "mean",
    "best": "best kept",
    "best_of_10": "expected best of 10",
    "shrinkage_score": "shrinkage score",
    "size": "architectures kept",
    "diversity": "diversity (edits per gene)",
    "entropy": "entropy of operations",
    "pockets": "pockets",
    "evaluations": "evaluations",
}
"""What figures call the statistics of quality."""


@dataclass(frozen=True)
class _Panel:
    """How a statistic is drawn: the format of its values, the scale of its axis, and which direction is better."""

    form: str
    scale: Literal["linear", "log"] = "linear"
    direction: str = ""


_PANELS = {
    "recall_1": _Panel(".2f", direction="better \N{RIGHTWARDS ARROW}"),
    "mean": _Panel(".2f", direction="better \N{RIGHTWARDS ARROW}"),
    "best": _Panel(".2f", direction="better \N{RIGHTWARDS ARROW}"),
    "evaluations": _Panel(",.0f", direction="\N{LEFTWARDS ARROW} cheaper"),
    "size": _Panel(",.0f", "log", direction="\N{LEFTWARDS ARROW} smaller"),
    "diversity": _Panel(".2f", direction="more diverse \N{RIGHTWARDS ARROW}"),
    "pockets": _Panel(",.1f", "log"),
}
"""The statistics that are drawn against evaluations, and as differences to the first method; no more than six each."""

_MAX_METHODS = 6
"""Maximum number of methods with a panel of their own: the first ones."""


def statistic_title(name: str) -> str:
    """Return what a figure calls a statistic of quality, such as "recall of the top 1 %" for "recall_1"."""
    return _TITLES.get(name, name.replace("_", " "))


def _title(result: ComparisonResult, name: str) -> str:
    unit = f" ({result.benchmark.unit})" if result.benchmark.unit and name in ("mean", "best", "best_of_10") else ""
    return statistic_title(name) + unit


def draw_rounds(result: ComparisonResult) -> Figure:
    """Draw the statistics of quality after every round against the evaluations made until then."""
    benchmark = result.benchmark
    names = [name for name in _PANELS if name != "evaluations"]
    figure, panels = style.new_figure(2, 3, width=3.6, height=2.5)
    for letter, name, axes in zip("abcdef", names, panels, strict=True):
        _draw_against_evaluations(axes, result, name)
        axes.set_title(f"{letter}  {_title(result, name)}")
    for axes in panels[3:]:
        axes.set_xlabel("evaluations")
    style.caption(
        figure,
        recall_message(result),
        f"{benchmark.source}; {benchmark.roles}. "
        f"Means over {result.number_of_runs} runs after every round, and the value of the last one; bands and bars: "
        "95 % intervals of the mean. Every method gets the size and the evaluations of LISSNAS in the same run, as far "
        "as its rule allows; kernel gets at most 150 evaluations. A run that has stopped stays at its result.",
    )
    return figure


def _draw_against_evaluations(axes: Axes, result: ComparisonResult, name: str) -> None:
    """Draw a statistic of every method against evaluations; without evaluations it is a horizontal line."""
    panel, ends = _PANELS[name], []
    for method in result.methods:
        of_method = result.rounds.filter(pl.col("method") == method).sort("round")
        rows = of_method.filter(pl.col("statistic") == name)
        spent = of_method.filter(pl.col("statistic") == "evaluations")["mean"].to_numpy()
        value, low, high = (rows[column].to_numpy() for column in ("mean", "low", "high"))
        look = style.line_style(method)
        ends.append((value[-1], f"{value[-1]:{panel.form}}  {method}", look.color))
        if spent[-1] == 0:
            axes.axhspan(low[-1], high[-1], color=look.color, alpha=0.18, linewidth=0)
            axes.axhline(value[-1], color=look.color, linestyle=look.dash)
        elif len(value) == 2:
            axes.vlines(spent[-1:], low[-1:], high[-1:], color=look.color)
            axes.plot(spent[-1:], value[-1:], look.marker, color=look.color)
        else:
            style.draw_with_interval(axes, spent[1:], value[1:], low[1:], high[1:], look, method)
        if method == result.methods[0]:
            axes.axhline(value[0], color=style.FULL_SPACE.color, linewidth=0.8)
            ends.append((value[0], f"{value[0]:{panel.form}}  full space", style.FULL_SPACE.color))
    if max(result.rounds.filter(pl.col("statistic") == "evaluations")["mean"]) > 0:
        style.logarithmic(axes, "{x:,g}", "x")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 3)))
    if panel.scale == "log":
        style.logarithmic(axes, "{x:,g}")
    style.label_ends(axes, ends)


def draw_distributions(result: ComparisonResult) -> Figure:
    """Draw the share of architectures below each score: before, during and after shrinking."""
    benchmark = result.benchmark
    methods = ([method for method in result.methods if method != CHANCE] or [CHANCE])[:_MAX_METHODS]
    columns = min(2 if len(methods) <= 4 else 3, len(methods))
    figure, panels = style.new_figure(-(-len(methods) // columns), columns, width=3.7, height=2.7)
    drawn = {(method, number): rows for (method, number), rows in result.distributions.group_by(["method", "round"])}
    for axes in panels[len(methods) :]:
        axes.axis("off")
    for letter, method, axes in zip(ascii_lowercase, methods, panels, strict=False):
        look = style.line_style(method)
        handles = []
        if CHANCE in result.methods:
            rows = drawn[CHANCE, 1]
            chance_color = style.line_style(CHANCE).color
            handles += axes.plot(
                rows["score"], rows["share_below"], color=chance_color, alpha=0.45, linewidth=5, label="random subset"
            )
        rows = drawn["full-space", 0]
        full_space = axes.plot(
            rows["score"], rows["share_below"], color=style.FULL_SPACE.color, linewidth=1, label="full space"
        )
        handles = full_space + handles
        last = max(number for name, number in drawn if name == method)
        for number in range(1, last + 1):
            rows = drawn[method, number]
            strength = 0.3 + 0.7 * number / last
            axes.plot(rows["score"], rows["share_below"], color=look.color, alpha=strength, linewidth=0.5 + strength)
            if number == last:
                axes.fill_between(rows["score"], rows["low"], rows["high"], color=look.color, alpha=0.18, linewidth=0)
        if last > 1:
            handles.append(Line2D([], [], color=look.color, alpha=0.5, linewidth=0.8, label="earlier rounds"))
        handles.append(Line2D([], [], color=look.color, label=f"round {last}, the last"))
        axes.legend(handles=handles, loc="upper left", fontsize=7)
        axes.set(title=f"{letter}  {method}", ylim=(0, 1))
    for number, axes in enumerate(panels):
        axes.set_ylabel("" if number % columns else "share of architectures below")
        axes.set_xlabel(benchmark.quantity if number >= len(methods) - columns else "")
    style.caption(
        figure,
        median_message(result),
        f"{benchmark.source}; {benchmark.roles}. Means over {result.number_of_runs} runs; bands: 95 % intervals of "
        "the mean of the last round. Further right and lower is better. The gray line below that of the full space is "
        f"a random subset. The worst {100 * LEFT_OUT:g} % of the full space are left of the axis."
        + (f" The table has all {len(result.methods)} methods." if len(methods) == _MAX_METHODS else ""),
    )
    return figure


def draw_paired(result: ComparisonResult) -> Figure:
    """Draw the difference of each method to the first one in quality, cost and size."""
    benchmark, differences = result.benchmark, result.paired
    methods = differences["method"].unique(maintain_order=True).to_list()
    names = [name for name in _PANELS if name != "pockets"]
    figure, panels = style.new_figure(2, 3, width=3.4, height=1.4 + 0.25 * len(methods))
    reference, runs = differences["reference"][0], differences["runs"][0]
    for number, (name, axes) in enumerate(zip(names, panels, strict=True)):
        rows = differences.filter(pl.col("statistic") == name)
        axes.axvline(0, color=style.FULL_SPACE.color, linewidth=0.8)
        for place, (method, value, low, high) in enumerate(
            rows.select("method", "difference", "low", "high").iter_rows()
        ):
            look = style.line_style(method)
            axes.plot([low, high], [place, place], color=look.color, linewidth=1.5)
            axes.plot([value], [place], look.marker, color=look.color)
        axes.set(yticks=range(len(methods)), ylim=(len(methods) - 0.5, -0.5))
        axes.set_yticklabels([] if number % 3 else methods)
        axes.xaxis.set_major_locator(MaxNLocator(4))
        axes.xaxis.set_major_formatter(partial(_signed, at_zero=reference))
        axes.set_title(f"{ascii_lowercase[number]}  {_title(result, name)}")
        axes.set_xlabel(_PANELS[name].direction, fontsize=8)
    style.caption(
        figure,
        paired_message(result),
        f"{benchmark.source}; {benchmark.roles}. "
        f"Difference of each method to {reference} (the vertical line, 0) in the same run: the mean over {runs} runs, "
        "with its 95 % interval.",
    )
    return figure


def _signed(value: float, _position: float, at_zero: str) -> str:
    """Format a difference for an axis; below 0 is the name of what the difference is to."""
    return f"0\n{at_zero}" if value == 0 else f"{value:+,g}".replace("-", "\N{MINUS SIGN}")
