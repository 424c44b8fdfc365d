"""The locality of one benchmark: how alike networks perform that are built alike, measured and drawn."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from lissnas.locality.exact_locality import pair_locality
from lissnas.locality.fitness_distance_correlation import fitness_distance_correlation
from lissnas.locality.landscape import Landscape
from lissnas.locality.random_walks import walk_autocorrelation
from lissnas.spaces.space import Floats, Space
from lissnas.statistics.estimate import Estimate
from lissnas.statistics.quality import top
from lissnas.subspaces.pockets import pockets
from lissnas.subspaces.subspace import ExplicitSubspace
from lissnas_benchmarks.benchmark import Benchmark
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lissnas_analyses import style

SHARES = (0.01, 0.05, 0.10)
"""The best shares that are followed."""

_ALL_PAIRS = 100_000
"""The largest space of which all pairs are compared; of a larger one those up to `_NEAR` edits apart (our own choice).
"""

_NEAR = 2

_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True)
class LocalityResult:
    """The numbers behind the locality figures.

    Attributes
    ----------
    by_distance
        A row a measure and edit distance: measure, distance, pairs, value, low, high, base (over the whole space).
    walk
        A row a lag: lag, value, low, high.
    to_optimum
        A row a distance to the nearest global optimum: distance, networks, quantiles of the scores.
    optima
        A row a local optimum, best first: index, architecture, score, basin (share of starts that end there).
    summary
        A row a figure: figure, value, low, high.
    """

    by_distance: pl.DataFrame
    walk: pl.DataFrame
    to_optimum: pl.DataFrame
    optima: pl.DataFrame
    summary: pl.DataFrame

    def figure(self, name: str) -> float:
        """Return one figure of the summary."""
        return float(self.summary.row(by_predicate=pl.col("figure") == name, named=True)["value"])


def measure(benchmark: Benchmark) -> LocalityResult:
    """Measure every kind of locality of a study's reported scores, exactly, over the whole space."""
    space, scores = benchmark.space, benchmark.report
    landscape = Landscape(space, scores)
    optima = landscape.local_optima()
    optima = optima[np.argsort(-scores[optima], kind="stable")]
    return LocalityResult(
        by_distance=_by_distance(benchmark),
        walk=_walk(landscape),
        to_optimum=_to_optimum(benchmark),
        optima=pl.DataFrame(
            {
                "index": optima,
                "architecture": space.write(space.rows(optima)),
                "score": scores[optima],
                "basin": _basins(landscape)[optima],
            }
        ),
        summary=_summary(benchmark, landscape, len(optima)),
    )


def _top(share: float) -> str:
    return f"top {100 * share:g} %"


def largest_compared(space: Space) -> int | None:
    """Return up to how many edits apart the pairs of a space are compared; None for all pairs."""
    return None if space.size <= _ALL_PAIRS else _NEAR


def _by_distance(benchmark: Benchmark) -> pl.DataFrame:
    scores = benchmark.report
    found = pair_locality(benchmark.space, scores, SHARES, largest_compared(benchmark.space))
    names = [f"P({_top(share)})" for share in SHARES]
    rates = Estimate(found.top_rate.value, found.top_rate.low, found.top_rate.high)
    measures = [
        ("difference", found.difference, _mean_absolute_difference(scores)),
        ("correlation", found.correlation, 0.0),
        *(
            (name, Estimate(rates.value[i], rates.low[i], rates.high[i]), found.base_rate[i])
            for i, name in enumerate(names)
        ),
    ]
    return pl.concat(
        pl.DataFrame(
            {
                "measure": name,
                "distance": found.distance,
                "pairs": found.pairs,
                "value": estimate.value,
                "low": estimate.low,
                "high": estimate.high,
                "base": float(base),
            }
        )
        for name, estimate, base in measures
    )


def _mean_absolute_difference(scores: Floats) -> float:
    """Return the mean over all pairs of different architectures: Gini's mean difference, from the sorted scores."""
    ranked = np.sort(scores[~np.isnan(scores)])
    count = len(ranked)
    return float(2 * ((2 * np.arange(1, count + 1) - count - 1) @ ranked) / (count * (count - 1)))


def _walk(landscape: Landscape) -> pl.DataFrame:
    estimate = walk_autocorrelation(landscape)
    lags = np.arange(len(estimate.value))
    return pl.DataFrame({"lag": lags, "value": estimate.value, "low": estimate.low, "high": estimate.high})


def _to_optimum(benchmark: Benchmark) -> pl.DataFrame:
    space, scores = benchmark.space, benchmark.report
    optima = np.flatnonzero(scores == np.nanmax(scores))
    distance = space.distances(space.rows(optima), space.all_rows()).min(axis=0)
    rows = []
    for d in np.unique(distance):
        shell = scores[distance == d]
        quantiles = np.nanquantile(shell, _QUANTILES)
        named = {f"q{round(100 * q):02d}": value for q, value in zip(_QUANTILES, quantiles, strict=True)}
        rows.append({"distance": int(d), "networks": int(np.count_nonzero(~np.isnan(shell))), **named})
    return pl.DataFrame(rows)


def _basins(landscape: Landscape) -> Floats:
    """Return for each architecture the share of starts from which steepest ascent ends there."""
    ends = landscape.ascend()[~np.isnan(landscape.scores)]
    return np.bincount(ends, minlength=landscape.size) / len(ends)


def _summary(benchmark: Benchmark, landscape: Landscape, optima: int) -> pl.DataFrame:
    correlation = fitness_distance_correlation(benchmark.space, benchmark.report)
    walk = walk_autocorrelation(landscape, lags=1)
    figures_with_intervals: dict[str, tuple[float, float | None, float | None]] = {
        "networks": (float(np.count_nonzero(~np.isnan(benchmark.report))), None, None),
        "best": (float(np.nanmax(benchmark.report)), None, None),
        "mean": (float(np.nanmean(benchmark.report)), None, None),
        "fitness-distance correlation": (float(correlation.value), float(correlation.low), float(correlation.high)),
        "walk autocorrelation at lag 1": (float(walk.value[1]), float(walk.low[1]), float(walk.high[1])),
        "correlation length": (float(-1 / np.log(abs(walk.value[1]))), None, None),
        "local optima": (float(optima), None, None),
        "share of starts that reach the global optimum": (landscape.global_reach(), None, None),
    }
    for share in SHARES:
        best = ExplicitSubspace(benchmark.space, np.flatnonzero(top(benchmark.report, share)))
        figures_with_intervals[f"pockets of the {_top(share)}"] = (float(pockets(best).max() + 1), None, None)
    return pl.DataFrame(
        [
            {"figure": name, "value": value, "low": low, "high": high}
            for name, (value, low, high) in figures_with_intervals.items()
        ],
        schema={"figure": pl.String, "value": pl.Float64, "low": pl.Float64, "high": pl.Float64},
    )


def draw_locality(result: LocalityResult, benchmark: Benchmark) -> Figure:
    """Draw difference, correlation and P(top) against edit distance, and the autocorrelation of random walks."""
    figure, (difference, correlation, rate, walk) = style.new_figure(2, 2, width=3.7)
    _draw_measure(difference, result, "difference", "mean over all pairs", style.SINGLE)
    difference.set(
        title="a  How much neighbors differ",
        ylabel=f"mean |difference| of\n{benchmark.quantity}",
        ylim=(0, 1.12 * difference.dataLim.y1),
    )
    _draw_measure(correlation, result, "correlation", "no correlation", style.SINGLE)
    correlation.set(title="b  How alike they perform", ylabel="correlation of pairs")
    for share, look in zip(SHARES, style.SHARE_STYLES, strict=True):
        _draw_measure(rate, result, f"P({_top(share)})", None, look)
    rate.set(title="c  Good networks lie near good networks", ylabel="P(b in top q | a in top q)")
    style.logarithmic(rate, style.percent)
    for axes in (difference, correlation, rate):
        axes.set(xlabel="edit distance of a and b", xticks=result.by_distance["distance"].unique().sort().to_list())
    lag, value, low, high = (result.walk[name].to_numpy() for name in ("lag", "value", "low", "high"))
    style.draw_with_interval(walk, lag, value, low, high, style.SINGLE, "")
    walk.axhline(0, color=style.WHOLE_SPACE.color, linewidth=0.8)
    walk.set(title="d  Along a random walk", xlabel="steps (single edits)", ylabel="autocorrelation")
    largest = largest_compared(benchmark.space)
    near = "" if largest is None else f" up to {largest} edits apart"
    style.caption(
        figure,
        f"Locality of {benchmark.name}",
        f"{benchmark.source}. "
        f"Exact over all pairs{near} of {benchmark.space.size:,} networks; bands: 95 % intervals by the "
        "jackknife over networks. Thin lines: the whole space. The estimator of d is one infinitely long walk.",
    )
    return figure


def _draw_measure(axes: Axes, result: LocalityResult, name: str, base_label: str | None, look: style.LineStyle) -> None:
    """Draw one measure with a label for the whole space's value, or, if logarithmic, with its own name at its end.

    A rate of 0 has no place on a logarithmic axis; it stands in the numbers.
    """
    rows = result.by_distance.filter(pl.col("measure") == name)
    x, value, low, high = (rows[column].to_numpy() for column in ("distance", "value", "low", "high"))
    if base_label is None:
        seen = value > 0
        x, value, low, high = x[seen], value[seen], low[seen], high[seen]
    style.draw_with_interval(axes, x, value, low, high, look, name)
    base = rows["base"][0]
    if base_label is None:
        axes.axhline(base, color=look.color, linewidth=0.8, linestyle=look.dash)
        axes.set_xlim(right=x[-1] + 0.15)
        style.label(axes, name, x[-1], value[-1], style.WHOLE_SPACE.color, offset=(10, 0), vertical="center")
    else:
        axes.axhline(base, color=style.WHOLE_SPACE.color, linewidth=0.8)
        style.label(axes, base_label, x[0], base, style.WHOLE_SPACE.color, offset=(0, 2), vertical="bottom")


def draw_optima(result: LocalityResult, benchmark: Benchmark) -> Figure:
    """Draw scores against distance to the global optimum, and where steepest ascent ends."""
    figure, (slope, ends) = style.new_figure(1, 2, width=3.7)
    look = style.SINGLE
    distance, *quantiles = (
        result.to_optimum[name].to_numpy() for name in ("distance", "q05", "q25", "q50", "q75", "q95")
    )
    for low, high, alpha in ((quantiles[0], quantiles[4], 0.15), (quantiles[1], quantiles[3], 0.3)):
        slope.fill_between(distance, low, high, color=look.color, alpha=alpha, linewidth=0)
    slope.plot(distance, quantiles[2], color=look.color, marker=look.marker)
    correlation = result.summary.row(by_predicate=pl.col("figure") == "fitness-distance correlation", named=True)
    slope.set(
        title="a  Correlation {value:.2f} [{low:.2f}, {high:.2f}]".format_map(correlation).replace(
            "-", "\N{MINUS SIGN}"
        ),
        xlabel="edit distance to the global optimum",
        ylabel=benchmark.quantity,
        xticks=distance,
    )
    ends.vlines(result.optima["score"], 0, result.optima["basin"], color=look.color, linewidth=1)
    ends.plot(result.optima["score"], result.optima["basin"], look.marker, color=look.color)
    ends.set(
        title=f"b  {len(result.optima):,} local optima",
        xlabel=f"{benchmark.quantity} of a local optimum",
        ylabel="starts that end there",
        ylim=(0, None),
    )
    ends.yaxis.set_major_formatter(style.percent)
    style.caption(
        figure,
        f"The way up in {benchmark.name}",
        f"{benchmark.source}; all {benchmark.space.size:,} networks. "
        "a: median, middle 50 % and middle 90 % of the networks at "
        "each distance. b: steepest ascent by single edits from every network; the last one is the global optimum.",
    )
    return figure
