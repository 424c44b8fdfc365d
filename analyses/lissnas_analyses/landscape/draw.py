"""The landscapes of a benchmark, drawn: its data sets side by side in every panel."""

from collections.abc import Callable, Sequence
from string import ascii_lowercase

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullFormatter

from lissnas_analyses import style
from lissnas_analyses.landscape.result import FEWEST_PAIRS, Landscapes, dataset_names

_LOOKS = (
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
"""Of the data sets, in the order they were asked for."""

_Datasets = Sequence[tuple[str, style.LineStyle]]
"""The data sets of a figure, and how each is drawn."""

_Drawer = Callable[[Axes, Landscapes, _Datasets, str], str]
"""Draws one panel, and returns its title."""

DRAWN_OPTIMA = 150
"""How many local optima, the best ones, are drawn as a network at most."""


def draw_landscapes(found: Landscapes, title: str, quantity: str, text: str) -> Figure:
    """Draw what was measured of each data set: locality, regret, neutrality, basins and funnels.

    Parameters
    ----------
    found
        The numbers.
    title
        Over the figure.
    quantity
        What the scores are, with their unit.
    text
        The caption: which table, and over what figures are taken.
    """
    datasets = _datasets(found)
    drawers: list[_Drawer] = [_draw_correlation, _draw_top_rate]
    if not found.by_distance.filter(pl.col("neighborhood") == "functions").is_empty():
        drawers.append(_draw_functions)
    if not found.regret.is_empty():
        drawers += [_draw_regret, _draw_differences, _draw_basins]
    if found.funnels["edits"].n_unique() > 1:
        drawers.append(_draw_funnels)
    columns = min(4, -(-len(drawers) // 2)) if len(drawers) > 3 else len(drawers)
    figure, panels = style.new_figure(-(-len(drawers) // columns), columns, width=3.2, height=2.7)
    for letter, draw, axes in zip(ascii_lowercase, drawers, panels, strict=False):
        name = draw(axes, found, datasets, quantity)
        axes.set_title(f"{letter}  {name}")
    for axes in panels[len(drawers) :]:
        axes.axis("off")
    if len(datasets) > 1:
        handles, labels = panels[0].get_legend_handles_labels()
        spare = panels[len(drawers)] if len(drawers) < len(panels) else panels[0]
        spare.legend(handles, labels, title="data set", loc="best", fontsize=7)
    style.caption(figure, title, text)
    return figure


def _datasets(found: Landscapes) -> list[tuple[str, style.LineStyle]]:
    return [(name, _LOOKS[number % len(_LOOKS)]) for number, name in enumerate(dataset_names(found))]


def _pairs(found: Landscapes, dataset: str, measure: str, neighborhood: str = "architectures") -> pl.DataFrame:
    chosen = (pl.col("dataset") == dataset) & (pl.col("measure") == measure)
    enough = (pl.col("pairs") >= FEWEST_PAIRS) | (pl.col("distance") == 0)
    return found.by_distance.filter(
        chosen & (pl.col("neighborhood") == neighborhood) & pl.col("value").is_not_nan() & enough
    )


def _draw_line(axes: Axes, rows: pl.DataFrame, look: style.LineStyle, label: str) -> None:
    x, value, low, high = (rows[column].to_numpy() for column in ("distance", "value", "low", "high"))
    style.draw_with_interval(axes, x, value, low, high, look, label)


def _draw_correlation(axes: Axes, found: Landscapes, datasets: _Datasets, quantity: str) -> str:
    noisy = False
    for dataset, look in datasets:
        rows = _pairs(found, dataset, "correlation")
        _draw_line(axes, rows, look, dataset)
        clean = rows.filter(pl.col("without_noise").is_not_null())
        noisy |= not clean.is_empty()
        axes.plot(clean["distance"], clean["without_noise"], color=look.color, linewidth=0.8, linestyle=(0, (1, 1)))
    axes.axhline(0, color=style.WHOLE_SPACE.color, linewidth=0.8)
    axes.set(xlabel="edit distance" + (" (0: another training)" if noisy else ""), ylabel="correlation of pairs")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if noisy:
        axes.plot([], [], color="#444444", linewidth=0.8, linestyle=(0, (1, 1)), label="without noise")
    return "How alike pairs perform"


def _draw_top_rate(axes: Axes, found: Landscapes, datasets: _Datasets, quantity: str) -> str:
    for dataset, look in datasets:
        _draw_line(axes, _pairs(found, dataset, "P(top 1 %)").filter(pl.col("value") > 0), look, dataset)
    axes.axhline(0.01, color=style.WHOLE_SPACE.color, linewidth=0.8)
    style.logarithmic(axes, style.percent)
    axes.set(xlabel="edit distance of a and b", ylabel="P(b | a in the top 1 %)")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    return "Good lie near good"


def _draw_functions(axes: Axes, found: Landscapes, datasets: _Datasets, quantity: str) -> str:
    for dataset, look in datasets:
        plain = _pairs(found, dataset, "correlation").filter(pl.col("distance") > 0)
        axes.plot(plain["distance"], plain["value"], color=look.color, linewidth=0.8, linestyle=(0, (1, 1)))
        _draw_line(axes, _pairs(found, dataset, "correlation", "functions"), look, dataset)
    axes.axhline(0, color=style.WHOLE_SPACE.color, linewidth=0.8)
    axes.plot([], [], color="#444444", linewidth=0.8, linestyle=(0, (1, 1)), label="architectures")
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(handles[-1:], labels[-1:], fontsize=7)
    axes.set(xlabel="edit distance (0: the same function)", ylabel="correlation of functions")
    return "Functions in place of networks"


def _draw_regret(axes: Axes, found: Landscapes, datasets: _Datasets, quantity: str) -> str:
    for dataset, look in datasets:
        rows = found.regret.filter(pl.col("dataset") == dataset)
        x, value, low, high = (rows[column].to_numpy() for column in ("edits", "left", "left_low", "left_high"))
        style.draw_with_interval(axes, x, value, low, high, look, dataset)
    axes.set(xlabel="edits", ylabel="gap to the best left", ylim=(0, 1.03))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_major_formatter(style.percent)
    return "Regret after the best of k edits"


def _draw_differences(axes: Axes, found: Landscapes, datasets: _Datasets, quantity: str) -> str:
    marked = False
    for dataset, look in datasets:
        rows = found.neutral.filter((pl.col("dataset") == dataset) & (pl.col("difference") > 0))
        axes.plot(rows["difference"], rows["share"], color=look.color, linestyle=look.dash, label=dataset)
        if found.has(dataset, "difference that noise makes"):
            noise = found.figure(dataset, "difference that noise makes")["value"]
            neutral = found.figure(dataset, "neighbors that differ by no more")["value"]
            axes.plot([noise], [neutral], look.marker, color=look.color)
            marked = True
    axes.set(xscale="log", ylim=(0, 1), ylabel="neighbors within it")
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel(f"difference of {quantity}" + ("\nmarks: what noise makes" if marked else ""))
    axes.yaxis.set_major_formatter(style.percent)
    return "Neutral edits"


def _draw_basins(axes: Axes, found: Landscapes, datasets: _Datasets, quantity: str) -> str:
    for dataset, look in datasets:
        rows = found.optima.filter((pl.col("dataset") == dataset) & (pl.col("basin") > 0))
        gap = rows["score"].max() - rows["score"] if len(datasets) > 1 else rows["score"]
        axes.plot(gap, rows["basin"], look.marker, color=look.color, alpha=0.6, markersize=3.5, label=dataset)
    style.logarithmic(axes, style.percent)
    several = len(datasets) > 1
    axes.set(ylabel="starts that end there")
    axes.set_xlabel(f"below the best: {quantity}" if several else f"{quantity} of a local optimum")
    return "Basins of local optima"


def _draw_funnels(axes: Axes, found: Landscapes, datasets: _Datasets, quantity: str) -> str:
    edits = found.funnels["edits"].unique().sort().to_list()
    for dataset, look in datasets:
        shares = [found.figure(dataset, "starts that end in a global optimum")["value"]]
        shares += [found.figure(dataset, f"starts that end in a global funnel at {_edits(k)}")["value"] for k in edits]
        axes.plot([0, *edits], shares, color=look.color, linestyle=look.dash, marker=look.marker, label=dataset)
        optima = found.figure(dataset, "local optima")["value"]
        counts = [optima, *(found.figure(dataset, f"funnels at {_edits(k)}")["value"] for k in edits)]
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


def draw_networks(found: Landscapes, title: str, quantity: str, text: str) -> Figure:
    """Draw the monotonic network of local optima of each data set, at the fewest edits out of an optimum.

    Arguments as of `draw_landscapes`. Height is the score; an optimum stands over the middle of the sinks that it
    leads to, by the weights of its edges.
    """
    datasets = _datasets(found)
    columns = min(3, len(datasets))
    figure, panels = style.new_figure(-(-len(datasets) // columns), columns, width=4.2, height=3.4)
    for axes in panels[len(datasets) :]:
        axes.axis("off")
    for letter, (dataset, look), axes in zip(ascii_lowercase, datasets, panels, strict=False):
        _draw_network(axes, found, dataset, look)
        axes.set_title(f"{letter}  {dataset}")
        axes.set_ylabel(quantity)
    style.caption(figure, title, text)
    return figure


def _draw_network(axes: Axes, found: Landscapes, dataset: str, look: style.LineStyle) -> None:
    optima, edges, sinks = (
        frame.filter(pl.col("dataset") == dataset) for frame in (found.optima, found.edges, found.funnels)
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
    """Return where each optimum stands from left to right: the sinks in a row, the rest in between, none on another."""
    x = np.zeros(count)
    x[sinks] = np.linspace(-1, 1, len(sinks)) if len(sinks) > 1 else 0
    source, target, weight = (edges[name].to_numpy() for name in ("source", "target", "weight"))
    for optimum in range(count):
        leaving = source == optimum
        if leaving.any() and optimum not in sinks:
            x[optimum] = np.average(x[target[leaving]], weights=weight[leaving])
    golden = (np.sqrt(5) - 1) / 2
    spread = (np.arange(count) * golden) % 1 - 0.5  # evenly filled, and the same every time
    spread[sinks] = 0
    return x + spread * (2 / max(1, len(sinks) - 1) if len(sinks) > 1 else 1)
