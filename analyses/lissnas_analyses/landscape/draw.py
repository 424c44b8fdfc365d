"""Draw the landscapes of a benchmark, with its data sets side by side in each panel."""

from collections.abc import Callable, Sequence
from string import ascii_lowercase

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullFormatter

from lissnas_analyses import style
from lissnas_analyses.landscape.result import MIN_PAIRS, Landscapes, dataset_names

_DATASET_STYLES = (
    style.SINGLE,
    style.LineStyle("#d55e00", "--", "s"),
    style.LineStyle("#009e73", "-", "D"),
    style.LineStyle("#cc79a7", "--", "v"),
    style.LineStyle("#8c510a", ":", "<"),
    style.LineStyle("#e69f00", "-", ">"),
    style.LineStyle("#56b4e9", "--", "P"),
    style.LineStyle("#542788", ":", "X"),
    style.LineStyle("#777777", "-", "h"),
)
"""Styles of the data sets, in the requested order."""

_Datasets = Sequence[tuple[str, style.LineStyle]]
"""The data sets of a figure, and how each is drawn."""

_Drawer = Callable[[Axes, Landscapes, _Datasets, str], str]
"""Draws one panel, and returns its title."""

DRAWN_OPTIMA = 150
"""Maximum number of local optima that are drawn as a network: the best ones."""


def draw_landscapes(landscapes: Landscapes, title: str, quantity: str, text: str) -> Figure:
    """Return a figure of locality, regret, neutrality, basins and funnels, as far as they are known.

    Parameters
    ----------
    landscapes
        The data.
    title
        Title of the figure.
    quantity
        Name of the scores, with their unit.
    text
        Caption: the table, and the networks on which statistics are based.
    """
    datasets = _datasets(landscapes)
    drawers: list[_Drawer] = [_draw_correlation, _draw_top_rate]
    if not landscapes.by_distance.filter(pl.col("neighborhood") == "functions").is_empty():
        drawers.append(_draw_functions)
    if not landscapes.regret.is_empty():
        drawers += [_draw_regret, _draw_differences, _draw_basins]
    if landscapes.funnels["edits"].n_unique() > 1:
        drawers.append(_draw_funnels)
    columns = min(4, -(-len(drawers) // 2)) if len(drawers) > 3 else len(drawers)
    figure, panels = style.new_figure(-(-len(drawers) // columns), columns, width=3.2, height=2.7)
    for letter, draw, axes in zip(ascii_lowercase, drawers, panels, strict=False):
        name = draw(axes, landscapes, datasets, quantity)
        axes.set_title(f"{letter}  {name}")
    for axes in panels[len(drawers) :]:
        axes.axis("off")
    if len(datasets) > 1:
        handles, labels = panels[0].get_legend_handles_labels()
        spare = panels[len(drawers)] if len(drawers) < len(panels) else panels[0]
        spare.legend(handles, labels, title="data set", loc="best", fontsize=7)
    style.caption(figure, title, text)
    return figure


def _datasets(landscapes: Landscapes) -> list[tuple[str, style.LineStyle]]:
    return [
        (name, _DATASET_STYLES[number % len(_DATASET_STYLES)]) for number, name in enumerate(dataset_names(landscapes))
    ]


def _pairs(landscapes: Landscapes, dataset: str, measure: str, neighborhood: str = "architectures") -> pl.DataFrame:
    chosen = (pl.col("dataset") == dataset) & (pl.col("measure") == measure)
    enough = (pl.col("pairs") >= MIN_PAIRS) | (pl.col("distance") == 0)
    return landscapes.by_distance.filter(
        chosen & (pl.col("neighborhood") == neighborhood) & pl.col("value").is_not_nan() & enough
    )


def _draw_line(axes: Axes, rows: pl.DataFrame, look: style.LineStyle, label: str) -> None:
    x, value, low, high = (rows[column].to_numpy() for column in ("distance", "value", "low", "high"))
    style.draw_with_interval(axes, x, value, low, high, look, label)


def _draw_correlation(axes: Axes, landscapes: Landscapes, datasets: _Datasets, quantity: str) -> str:
    noisy = False
    for dataset, look in datasets:
        rows = _pairs(landscapes, dataset, "correlation")
        _draw_line(axes, rows, look, dataset)
        clean = rows.filter(pl.col("without_noise").is_not_null())
        noisy |= not clean.is_empty()
        axes.plot(clean["distance"], clean["without_noise"], color=look.color, linewidth=0.8, linestyle=(0, (1, 1)))
    axes.axhline(0, color=style.FULL_SPACE.color, linewidth=0.8)
    axes.set(xlabel="edit distance" + (" (0: another training)" if noisy else ""), ylabel="correlation of pairs")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if noisy:
        axes.plot([], [], color="#444444", linewidth=0.8, linestyle=(0, (1, 1)), label="without noise")
    return "How similarly pairs perform"


def _draw_top_rate(axes: Axes, landscapes: Landscapes, datasets: _Datasets, quantity: str) -> str:
    for dataset, look in datasets:
        _draw_line(axes, _pairs(landscapes, dataset, "P(top 1 %)").filter(pl.col("value") > 0), look, dataset)
    axes.axhline(0.01, color=style.FULL_SPACE.color, linewidth=0.8)
    style.logarithmic(axes, style.percent)
    axes.set(xlabel="edit distance of a and b", ylabel="P(b | a in the top 1 %)")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    return "Good networks are near good ones"


def _draw_functions(axes: Axes, landscapes: Landscapes, datasets: _Datasets, quantity: str) -> str:
    for dataset, look in datasets:
        plain = _pairs(landscapes, dataset, "correlation").filter(pl.col("distance") > 0)
        axes.plot(plain["distance"], plain["value"], color=look.color, linewidth=0.8, linestyle=(0, (1, 1)))
        _draw_line(axes, _pairs(landscapes, dataset, "correlation", "functions"), look, dataset)
    axes.axhline(0, color=style.FULL_SPACE.color, linewidth=0.8)
    axes.plot([], [], color="#444444", linewidth=0.8, linestyle=(0, (1, 1)), label="architectures")
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(handles[-1:], labels[-1:], fontsize=7)
    axes.set(xlabel="edit distance (0: the same function)", ylabel="correlation of functions")
    return "Functions instead of networks"


def _draw_regret(axes: Axes, landscapes: Landscapes, datasets: _Datasets, quantity: str) -> str:
    for dataset, look in datasets:
        rows = landscapes.regret.filter(pl.col("dataset") == dataset)
        x, value, low, high = (
            rows[column].to_numpy() for column in ("edits", "relative_regret", "relative_low", "relative_high")
        )
        style.draw_with_interval(axes, x, value, low, high, look, dataset)
    axes.set(xlabel="edits", ylabel="gap to the best left", ylim=(0, 1.03))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_major_formatter(style.percent)
    return "Regret after the best of k edits"


def _draw_differences(axes: Axes, landscapes: Landscapes, datasets: _Datasets, quantity: str) -> str:
    marked = False
    for dataset, look in datasets:
        rows = landscapes.neutral.filter((pl.col("dataset") == dataset) & (pl.col("difference") > 0))
        axes.plot(rows["difference"], rows["share"], color=look.color, linestyle=look.dash, label=dataset)
        if landscapes.has(dataset, "difference that noise makes"):
            noise = landscapes.statistic(dataset, "difference that noise makes")["value"]
            neutral = landscapes.statistic(dataset, "neighbors that differ by no more")["value"]
            axes.plot([noise], [neutral], look.marker, color=look.color)
            marked = True
    axes.set(xscale="log", ylim=(0, 1), ylabel="neighbors within it")
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel(f"difference of {quantity}" + ("\nmarks: what noise makes" if marked else ""))
    axes.yaxis.set_major_formatter(style.percent)
    return "Neutral edits"


def _draw_basins(axes: Axes, landscapes: Landscapes, datasets: _Datasets, quantity: str) -> str:
    for dataset, look in datasets:
        rows = landscapes.optima.filter((pl.col("dataset") == dataset) & (pl.col("basin") > 0))
        gap = rows["score"].max() - rows["score"] if len(datasets) > 1 else rows["score"]
        axes.plot(gap, rows["basin"], look.marker, color=look.color, alpha=0.6, markersize=3.5, label=dataset)
    style.logarithmic(axes, style.percent)
    several = len(datasets) > 1
    axes.set(ylabel="starts that end there")
    axes.set_xlabel(f"below the best: {quantity}" if several else f"{quantity} of a local optimum")
    return "Basins of local optima"


def _draw_funnels(axes: Axes, landscapes: Landscapes, datasets: _Datasets, quantity: str) -> str:
    edits = landscapes.funnels["edits"].unique().sort().to_list()
    for dataset, look in datasets:
        shares = [landscapes.statistic(dataset, "starts that end in a global optimum")["value"]]
        shares += [
            landscapes.statistic(dataset, f"starts that end in a global funnel at {_edits(k)}")["value"] for k in edits
        ]
        axes.plot([0, *edits], shares, color=look.color, linestyle=look.dash, marker=look.marker, label=dataset)
        optima = landscapes.statistic(dataset, "local optima")["value"]
        counts = [optima, *(landscapes.statistic(dataset, f"funnels at {_edits(k)}")["value"] for k in edits)]
        if len(datasets) == 1:
            nouns = [("optimum", "optima"), *[("funnel", "funnels")] * len(edits)]
            for x, share, count, noun in zip([0, *edits], shares, counts, nouns, strict=True):
                below = share > 0.1
                place = ((4, -4), "top") if below else ((4, 4), "bottom")
                style.label(axes, f"{count:,.0f} {noun[count != 1]}", x, share, look.color, *place)
    axes.set(xlabel="edits out of a local optimum", ylabel="starts that end at the best", ylim=(0, 1.05))
    axes.set(xticks=[0, *edits], xlim=(-0.15, edits[-1] + 0.6))
    axes.yaxis.set_major_formatter(style.percent)
    return "From optima to funnels"


def _edits(count: int) -> str:
    return f"{count} edit" if count == 1 else f"{count} edits"


def draw_networks(landscapes: Landscapes, title: str, quantity: str, text: str) -> Figure:
    """Return a figure of the monotonic networks of local optima, at the fewest edits of an escape.

    Arguments as for `draw_landscapes`. The height of an optimum is its score; its horizontal position is the mean of
    the sinks that it leads to, weighted by its edges.
    """
    datasets = _datasets(landscapes)
    columns = min(3, len(datasets))
    figure, panels = style.new_figure(-(-len(datasets) // columns), columns, width=4.2, height=3.4)
    for axes in panels[len(datasets) :]:
        axes.axis("off")
    for letter, (dataset, look), axes in zip(ascii_lowercase, datasets, panels, strict=False):
        _draw_network(axes, landscapes, dataset, look)
        axes.set_title(f"{letter}  {dataset}")
        axes.set_ylabel(quantity)
    style.caption(figure, title, text)
    return figure


def _draw_network(axes: Axes, landscapes: Landscapes, dataset: str, look: style.LineStyle) -> None:
    optima, edges, sinks = (
        frame.filter(pl.col("dataset") == dataset)
        for frame in (landscapes.optima, landscapes.edges, landscapes.funnels)
    )
    edits = sinks["edits"].min()
    edges, sinks = (frame.filter(pl.col("edits") == edits) for frame in (edges, sinks))
    score, basin = optima["score"].to_numpy(), optima["basin"].to_numpy()
    x = _places(len(score), edges, sinks["sink"].to_numpy())
    drawn = min(len(score), DRAWN_OPTIMA)
    source, target, weight = (edges[name].to_numpy() for name in ("source", "target", "weight"))
    both = (source < drawn) & (target < drawn)
    points = np.column_stack([x, score])
    lines = np.stack([points[source[both]], points[target[both]]], axis=1)
    faintness = np.clip(100 / max(1, len(lines)), 0.08, 0.4)
    widths = 0.3 + 2 * weight[both]
    axes.add_collection(LineCollection(list(lines), linewidths=widths, colors="#777777", alpha=faintness, zorder=1))
    is_sink = np.isin(np.arange(len(score)), sinks["sink"].to_numpy())[:drawn]
    size = 8 + 250 * basin[:drawn]
    axes.scatter(x[:drawn][~is_sink], score[:drawn][~is_sink], size[~is_sink], color=look.color, alpha=0.7, zorder=2)
    axes.scatter(x[:drawn][is_sink], score[:drawn][is_sink], size[is_sink], color="#b2182b", marker="s", zorder=3)
    axes.set(xticks=[], xlabel=f"{len(score):,} optima, {len(sinks)} funnel{'s' * (len(sinks) > 1)}")
    axes.margins(x=0.08, y=0.08)


def _places(count: int, edges: pl.DataFrame, sinks: np.ndarray) -> np.ndarray:
    """Return the horizontal position of each optimum: sinks evenly spaced, others between them, none overlapping."""
    x = np.zeros(count)
    x[sinks] = np.linspace(-1, 1, len(sinks)) if len(sinks) > 1 else 0
    source, target, weight = (edges[name].to_numpy() for name in ("source", "target", "weight"))
    for optimum in range(count):
        leaving = source == optimum
        if leaving.any() and optimum not in sinks:
            x[optimum] = np.average(x[target[leaving]], weights=weight[leaving])
    golden = (np.sqrt(5) - 1) / 2
    spread = (np.arange(count) * golden) % 1 - 0.5  # deterministic and evenly spread
    spread[sinks] = 0
    return x + spread * (2 / max(1, len(sinks) - 1) if len(sinks) > 1 else 1)
