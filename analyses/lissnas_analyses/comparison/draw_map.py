"""The map of the pockets: the scores of the space, and for each method which of the top 1 % it keeps."""

from string import ascii_lowercase

import numpy as np
from lissnas.spaces.space import INDEX_COLUMN
from lissnas.statistics.quality import is_top
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lissnas_analyses import style
from lissnas_analyses.comparison.pocket_map import BACKGROUND, TOP, MapResult

_MAX_METHODS = 4
"""Maximum number of methods with a panel: the first ones."""

_KEPT, _LOST = "#0072b2", "#d55e00"
"""Colors of the architectures of the top 1 % that a method keeps, and of those that it loses."""

_REST = "#9cc9e8"
"""Color of kept architectures outside the top 1 %."""


def draw_map(result: MapResult) -> Figure:
    """Draw the scores on the map, and the kept space of each method."""
    benchmark, architectures = result.benchmark, result.architectures
    methods = list(result.sizes)[:_MAX_METHODS]
    cells = len(methods) + 2
    columns = min(3, cells)
    figure, panels = style.new_figure(-(-cells // columns), columns, width=3.3, height=3.1)
    top = is_top(benchmark.report, 0.01)
    for axes in panels:
        axes.axis("off")
    _draw_scores(panels[0], result)
    on_map, recalls = top[architectures[INDEX_COLUMN]], {}
    for letter, method, axes in zip(ascii_lowercase[1:], methods, panels[1:], strict=False):
        is_kept = architectures[f"pocket of {method}"].is_not_null().to_numpy()
        recalls[method] = (on_map & is_kept).sum() / top.sum()
        size, count = result.sizes[method]
        _draw_kept(axes, result, method, is_kept, on_map)
        axes.set_title(
            f"{letter}  {method}: {100 * recalls[method]:.0f} % of the top 1 %\n"
            f"     {size:,} architectures in {count:,} pocket{'s' if count != 1 else ''}"
        )
    _draw_legend(panels[len(methods) + 1])
    kept = ", ".join(
        f"{100 * recalls[name]:.0f} % ({name})" for name in sorted(recalls, key=lambda name: -recalls[name])
    )
    style.caption(
        figure,
        f"{benchmark.name}: in the first run alone the methods keep {kept} of the top 1 %",
        f"{benchmark.source}; {benchmark.roles}. This is one run; tables and other figures show means over all runs. "
        f"{architectures.height:,} of {benchmark.space.size:,} architectures: all that the first run kept, up to "
        f"{TOP:,} of the top 1 %, and {BACKGROUND:,} at random, placed by t-SNE of their edit distances. A pocket is a "
        "set of kept architectures joined by single edits. Lines are such edits, the fewest and shortest that join "
        "each pocket: the plane draws one pocket as several islands.",
    )
    return figure


def _draw_scores(axes: Axes, result: MapResult) -> None:
    """Draw the scores of all architectures on the map, the best ones on top."""
    architectures = result.architectures.sort("score")
    low, high = np.nanquantile(architectures["score"], [0.1, 1])
    points = axes.scatter(
        architectures["x"], architectures["y"], c=architectures["score"], cmap=style.SEQUENTIAL, vmin=low, vmax=high,
        s=7, linewidths=0, rasterized=True,
    )  # fmt: skip
    _frame(axes)
    axes.set_title(f"a  {result.benchmark.quantity}\n")
    bar = axes.figure.colorbar(points, ax=axes, shrink=0.7, extend="min", pad=0.01, aspect=25)
    bar.outline.set_visible(False)


def _draw_kept(axes: Axes, result: MapResult, method: str, is_kept: np.ndarray, top: np.ndarray) -> None:
    """Draw the architectures that a method keeps, the edits that join them, and those of the top 1 % that it loses."""
    places = result.architectures.select("x", "y").to_numpy()
    axes.add_collection(
        LineCollection(list(places[result.links[method]]), colors=_REST, linewidths=0.7, rasterized=True, zorder=1)
    )
    for chosen, area, face, edge in (
        (~is_kept & ~top, 3, style.FAINT, "none"),
        (is_kept & ~top, 7, _REST, "none"),
        (~is_kept & top, 9, "white", _LOST),
        (is_kept & top, 9, _KEPT, "none"),
    ):
        x, y = places[chosen].T
        axes.scatter(x, y, s=area, c=face, edgecolors=edge, linewidths=0.8, rasterized=True, zorder=2)
    best = int(result.architectures["score"].arg_max() or 0)
    axes.plot(*places[best], "*", color="white", markeredgecolor="black", markersize=11)
    _frame(axes)


def _draw_legend(axes: Axes) -> None:
    """Explain the markers of the methods' panels in a panel of its own."""
    markers = (
        ("top 1 %, kept", "o", 5, _KEPT, _KEPT, 0.0),
        ("top 1 %, lost", "o", 5, "white", _LOST, 0.0),
        ("kept, not in the top 1 %", "o", 4, _REST, _REST, 0.0),
        ("single edits that join a pocket", "", 0, _REST, _REST, 1.0),
        ("not kept", "o", 3, style.FAINT, style.FAINT, 0.0),
        ("global optimum", "*", 10, "white", "black", 0.0),
    )
    handles = [
        Line2D([], [], marker=marker, markersize=size, color=face, markeredgecolor=edge, linewidth=width, label=name)
        for name, marker, size, face, edge, width in markers
    ]
    axes.legend(handles=handles, loc="center left", fontsize=8)


def _frame(axes: Axes) -> None:
    """Show the panel without ticks and borders, with equal scales."""
    axes.axis("on")
    axes.set(xticks=[], yticks=[], aspect="equal")
    axes.margins(0.02)
    axes.spines[:].set_visible(False)
