"""Draw the locality of one benchmark."""

import numpy as np
import polars as pl
from lissnas_benchmarks.benchmark import Benchmark
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lissnas_analyses import style
from lissnas_analyses.locality.measure import TOP_SHARES, LocalityResult, max_pair_distance, top_label


def draw_locality(result: LocalityResult, benchmark: Benchmark) -> Figure:
    """Return a figure of difference, correlation and P(top) against edit distance, and of a random walk."""
    figure, (difference, correlation, rate, walk) = style.new_figure(2, 2, width=3.7)
    _draw_measure(difference, result, "difference", "mean over all pairs", style.SINGLE)
    difference.set(
        title="a  How much neighbors differ",
        ylabel=f"mean |difference| of\n{benchmark.quantity}",
        ylim=(0, 1.12 * difference.dataLim.y1),
    )
    _draw_measure(correlation, result, "correlation", "no correlation", style.SINGLE)
    correlation.set(title="b  How similarly neighbors perform", ylabel="correlation of pairs")
    for share, look in zip(TOP_SHARES, style.SHARE_STYLES, strict=True):
        _draw_measure(rate, result, f"P({top_label(share)})", None, look)
    rate.set(title="c  Good networks are near good networks", ylabel="P(b in top q | a in top q)")
    style.logarithmic(rate, style.percent)
    rate.margins(x=0.01)
    style.label_ends(rate, _ends(rate))
    for axes in (difference, correlation, rate):
        axes.set(xlabel="edit distance of a and b", xticks=result.by_distance["distance"].unique().sort().to_list())
    lag, value, low, high = (result.walk[name].to_numpy() for name in ("lag", "value", "low", "high"))
    style.draw_with_interval(walk, lag, value, low, high, style.SINGLE, "")
    walk.axhline(0, color=style.FULL_SPACE.color, linewidth=0.8)
    walk.set(title="d  Along a random walk", xlabel="steps (single edits)", ylabel="autocorrelation")
    largest = max_pair_distance(benchmark.space)
    near = "" if largest is None else f" up to {largest} edits apart"
    style.caption(
        figure,
        _message(result, benchmark),
        f"{benchmark.source}. "
        f"Exact over all pairs{near} of {benchmark.space.size:,} networks; bands: 95 % intervals by the "
        "jackknife over networks. Thin lines: all pairs of the space, which in c is chance. d: the exact value for an "
        "infinitely long walk.",
    )
    return figure


def _ends(axes: Axes) -> list[tuple[float, str, str]]:
    """Return the last value, the name and the color of each line that has a name; a line without points has no end."""
    lines = [line for line in axes.lines if not str(line.get_label()).startswith("_")]
    return [
        (float(np.asarray(line.get_ydata())[-1]), str(line.get_label()), str(line.get_color()))
        for line in lines
        if len(np.asarray(line.get_ydata()))
    ]


def _message(result: LocalityResult, benchmark: Benchmark) -> str:
    """Return the title: how much more often than by chance a neighbor of a good network is good."""
    is_neighbor = (pl.col("measure") == f"P({top_label(TOP_SHARES[0])})") & (pl.col("distance") == 1)
    row = result.by_distance.row(by_predicate=is_neighbor, named=True)
    times = f"{row['value'] / row['base']:.1f} times as often as chance" if row["value"] else "never"
    return f"{benchmark.name}: a neighbor of a top-1 % network is in the top 1 % {times}"


def _draw_measure(axes: Axes, result: LocalityResult, name: str, base_label: str | None, look: style.LineStyle) -> None:
    """Draw one measure and its value over all pairs, which `base_label` names.

    Without `base_label` the axis is logarithmic. A rate of 0 cannot be drawn on it; only the tables have it.
    """
    rows = result.by_distance.filter(pl.col("measure") == name)
    x, value, low, high = (rows[column].to_numpy() for column in ("distance", "value", "low", "high"))
    if base_label is None:
        positive = value > 0
        x, value, low, high = x[positive], value[positive], low[positive], high[positive]
    style.draw_with_interval(axes, x, value, low, high, look, name)
    base = rows["base"][0]
    if base_label is None:
        axes.axhline(base, color=look.color, linewidth=0.8, linestyle=look.dash)
    else:
        axes.axhline(base, color=style.FULL_SPACE.color, linewidth=0.8)
        style.label(axes, base_label, x[0], base, style.FULL_SPACE.color, offset=(0, 2), vertical="bottom")


_GLOBAL = "#b2182b"
"""Color of a global optimum."""


def draw_optima(result: LocalityResult, benchmark: Benchmark) -> Figure:
    """Return a figure of scores against distance to the global optimum, and of where steepest ascent ends."""
    figure, (slope, ends) = style.new_figure(1, 2, width=3.7)
    look = style.SINGLE
    distance, *quantiles = (
        result.to_optimum[name].to_numpy() for name in ("distance", "q05", "q25", "q50", "q75", "q95")
    )
    for low, high, alpha in ((quantiles[0], quantiles[4], 0.15), (quantiles[1], quantiles[3], 0.3)):
        slope.fill_between(distance, low, high, color=look.color, alpha=alpha, linewidth=0)
    slope.plot(distance, quantiles[2], color=look.color, marker=look.marker)
    correlation = result.summary.row(by_predicate=pl.col("statistic") == "fitness-distance correlation", named=True)
    slope.set(
        title="a  Fitness-distance correlation "
        + "{value:.2f} [{low:.2f}, {high:.2f}]".format_map(correlation).replace("-", "\N{MINUS SIGN}"),
        xlabel="edit distance to the global optimum",
        ylabel=benchmark.quantity,
        xticks=distance,
    )
    optima = result.optima.with_columns(is_global=pl.col("score") == pl.col("score").max())
    local, best = optima.filter(~pl.col("is_global")), optima.filter("is_global")
    ends.plot(local["score"], local["basin"], look.marker, color=look.color, alpha=0.5, markersize=3.5, linewidth=0)
    words = "global optimum" if best.height == 1 else f"{best.height} global optima"
    ends.plot(best["score"], best["basin"], "*", color=_GLOBAL, markersize=11, linewidth=0, label=words)
    style.logarithmic(ends, style.percent)
    ends.margins(x=0.08)
    ends.legend(loc="upper left", fontsize=7, labelcolor=_GLOBAL)
    ends.set(
        title=f"b  {len(result.optima):,} local optima",
        xlabel=f"{benchmark.quantity} of a local optimum",
        ylabel="starts that end there",
    )
    reach = result.statistic("share of starts that reach the global optimum")
    style.caption(
        figure,
        f"{benchmark.name}: steepest ascent has {len(result.optima):,} local optima, and reaches the global one from "
        f"{100 * reach:.1f} % of all starts",
        f"{benchmark.source}; all {benchmark.space.size:,} networks. "
        "a: median, middle 50 % and middle 90 % of the networks at "
        "each distance. b: steepest ascent by single edits from every network; one point for each local optimum.",
    )
    return figure
