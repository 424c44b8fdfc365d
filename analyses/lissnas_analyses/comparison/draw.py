"""The figures of a comparison: quality round by round, distributions of scores, and differences run by run."""

from dataclasses import dataclass
from string import ascii_lowercase
from typing import Literal

import polars as pl
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from lissnas_analyses import style
from lissnas_analyses.comparison.measure import ComparisonResult
from lissnas_analyses.comparison.summarize import LEFT_OUT


@dataclass(frozen=True)
class _Panel:
    """The title of a statistic of quality, and the scale of its axis."""

    title: str
    scale: Literal["linear", "log"] = "linear"


_PANELS = {
    "recall_1": _Panel("recall of the top 1 %"),
    "recall_5": _Panel("recall of the top 5 %"),
    "lift_1": _Panel("lift of the top 1 %", "log"),
    "lift_5": _Panel("lift of the top 5 %", "log"),
    "mean": _Panel("mean"),
    "best": _Panel("best kept"),
    "best_of_10": _Panel("expected best of 10"),
    "shrinkage_score": _Panel("shrinkage score"),
    "size": _Panel("architectures kept", "log"),
    "diversity": _Panel("diversity (edits per gene)"),
    "entropy": _Panel("entropy of operations"),
    "pockets": _Panel("pockets", "log"),
    "evaluations": _Panel("evaluations"),
}
"""The statistics that are drawn against the round."""

_PAIRED = {
    "recall_1": "recall of the top 1 %",
    "mean": "mean",
    "best": "best kept",
    "best_of_10": "expected best of 10",
    "shrinkage_score": "shrinkage score",
    "diversity": "diversity",
}
"""Title of each statistic that is drawn as a difference to the first method."""


def statistic_title(name: str) -> str:
    """Return what a figure calls a statistic of quality, such as "recall of the top 1 %" for "recall_1"."""
    return _PANELS[name].title if name in _PANELS else name.replace("_", " ")


def draw_rounds(result: ComparisonResult) -> Figure:
    """Draw the statistics of quality against the round; a method of one round is a horizontal line."""
    benchmark = result.benchmark
    figure, panels = style.new_figure(4, 4, width=2.6, height=2.1)
    for letter, (name, panel), axes in zip(ascii_lowercase, _PANELS.items(), panels, strict=False):
        unit = f" ({benchmark.unit})" if name in ("mean", "best", "best_of_10") else ""
        for method in result.methods:
            rows = result.rounds.filter((pl.col("method") == method) & (pl.col("statistic") == name)).sort("round")
            x, value, low, high = (rows[column].to_numpy() for column in ("round", "mean", "low", "high"))
            look = style.line_style(method)
            if len(x) == 2:
                axes.axhspan(low[-1], high[-1], color=look.color, alpha=0.18, linewidth=0)
                axes.axhline(value[-1], color=look.color, linestyle=look.dash, label=method)
            else:
                style.draw_with_interval(axes, x, value, low, high, look, method)
        axes.set(title=f"{letter}  {panel.title}{unit}")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        if panel.scale == "log":
            style.logarithmic(axes, "{x:,g}")
    for axes in panels[len(_PANELS) - 4 : len(_PANELS)]:
        axes.set_xlabel("round")
    for axes in panels[len(_PANELS) :]:
        axes.axis("off")
    panels[len(_PANELS)].legend(*panels[0].get_legend_handles_labels(), loc="center left", title="method")
    style.caption(
        figure,
        f"Shrinking {benchmark.name}",
        f"{benchmark.source}; {benchmark.roles}. "
        f"Means over {result.number_of_runs} runs; bands: 95 % intervals of the mean. Every method gets the size and "
        "the evaluations of LISSNAS in the same run, as far as its rule allows; kernel gets at most 150 evaluations. A "
        "horizontal line is a method of one round. A run that has stopped stays at its result. Round 0 is the full "
        "space.",
    )
    return figure


def draw_distributions(result: ComparisonResult) -> Figure:
    """Draw the share of architectures below each score: before, during and after shrinking."""
    benchmark = result.benchmark
    methods = [method for method in result.methods if method != "random-subset"] or ["random-subset"]
    columns = min(2, len(methods))
    figure, panels = style.new_figure(-(-len(methods) // columns), columns, width=3.7, height=3)
    drawn = {(method, number): rows for (method, number), rows in result.distributions.group_by(["method", "round"])}
    references = [("full space", drawn["whole-space", 0], style.WHOLE_SPACE)]
    if "random-subset" in result.methods:
        references.append(("random subset", drawn["random-subset", 1], style.line_style("random-subset")))
    for axes in panels[len(methods) :]:
        axes.axis("off")
    for letter, method, axes in zip(ascii_lowercase, methods, panels, strict=False):
        look = style.line_style(method)
        last = max(number for name, number in drawn if name == method)
        for number in range(1, last + 1):
            rows = drawn[method, number]
            strength = 0.3 + 0.7 * number / last
            axes.plot(rows["score"], rows["share_below"], color=look.color, alpha=strength, linewidth=0.5 + strength)
            if number == last:
                axes.fill_between(rows["score"], rows["low"], rows["high"], color=look.color, alpha=0.18, linewidth=0)
        handles = []
        for name, rows, line_style in references:
            handles += axes.plot(
                rows["score"],
                rows["share_below"],
                color=line_style.color,
                linestyle=line_style.dash,
                linewidth=1,
                label=name,
            )
        if last > 1:
            handles.append(Line2D([], [], color=look.color, alpha=0.5, linewidth=0.8, label="earlier rounds"))
        handles.append(Line2D([], [], color=look.color, label=f"round {last}, the last"))
        axes.legend(handles=handles, loc="upper left", fontsize=7)
        axes.set(
            title=f"{letter}  {method}", xlabel=benchmark.quantity, ylabel="share of architectures below", ylim=(0, 1)
        )
    style.caption(
        figure,
        f"Accuracy in {benchmark.name} before, during and after shrinking",
        f"{benchmark.source}; {benchmark.roles}. Means over {result.number_of_runs} runs; bands: 95 % intervals of "
        f"the mean of the last round. Further right and lower is better. The worst {100 * LEFT_OUT:g} % of the full "
        "space are left of the axis.",
    )
    return figure


def draw_paired(result: ComparisonResult) -> Figure:
    """Draw the difference of each method to the first one, figure by figure."""
    benchmark, differences = result.benchmark, result.paired
    methods = differences["method"].unique(maintain_order=True).to_list()
    height = 1.2 + 0.28 * len(methods)
    figure, panels = style.new_figure(2, 3, width=3.4, height=height)
    for letter, (name, title), axes in zip(ascii_lowercase, _PAIRED.items(), panels, strict=False):
        rows = differences.filter(pl.col("statistic") == name)
        for place, (method, value, low, high) in enumerate(
            rows.select("method", "difference", "low", "high").iter_rows()
        ):
            look = style.line_style(method)
            axes.plot([low, high], [place, place], color=look.color, linewidth=1.5)
            axes.plot([value], [place], look.marker, color=look.color)
        axes.axvline(0, color=style.WHOLE_SPACE.color, linewidth=0.8)
        unit = f" ({benchmark.unit})" if name in ("mean", "best", "best_of_10") else ""
        axes.set(title=f"{letter}  {title}{unit}", yticks=range(len(methods)), ylim=(len(methods) - 0.5, -0.5))
        axes.set_yticklabels(methods if axes in (panels[0], panels[3]) else [])
    reference, runs = differences["reference"][0], differences["runs"][0]
    style.caption(
        figure,
        f"Compared with {reference} in {benchmark.name}, run by run",
        f"{benchmark.source}; {benchmark.roles}. "
        f"Difference of each method to {reference} in the same run: the mean over {runs} runs, with its 95 % interval.",
    )
    return figure
