"""The map of the pockets: one panel per method, with its kept architectures outlined."""

from string import ascii_lowercase

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lissnas_analyses import style
from lissnas_analyses.comparison.pocket_map import BACKGROUND, MapResult

_PIXELS = 400
"""Number of steps along each side of the grid on which outlines are found."""

_REACH = 0.012
"""Distance from a kept architecture to its outline, as a share of the width of the map."""


def draw_map(result: MapResult) -> Figure:
    """Draw the map once for each method."""
    benchmark = result.benchmark
    columns = min(2, len(result.sizes))
    figure, panels = style.new_figure(-(-len(result.sizes) // columns), columns, width=4.2, height=3.6)
    for axes in panels[len(result.sizes) :]:
        axes.axis("off")
    architectures = result.architectures.sort("score")
    low, high = np.nanquantile(architectures["score"], [0.1, 1])
    for letter, (method, (size, count)), axes in zip(ascii_lowercase, result.sizes.items(), panels, strict=False):
        kept = pl.col(f"pocket of {method}").is_not_null()
        for drawn, alpha, area in ((architectures.filter(~kept), 0.5, 4), (architectures.filter(kept), 1, 7)):
            points = axes.scatter(
                drawn["x"], drawn["y"], c=drawn["score"], cmap=style.SEQUENTIAL, vmin=low, vmax=high, s=area,
                alpha=alpha, linewidths=0,
            )  # fmt: skip
        _outline(axes, architectures, architectures.select(kept).to_series().to_numpy(), style.line_style(method).color)
        best = architectures.row(-1, named=True)
        axes.plot(best["x"], best["y"], "*", color="white", markeredgecolor="black", markersize=12)
        axes.set(title=f"{letter}  {method}: {size:,} architectures in {count:,} pocket{'s' if count != 1 else ''}")
        axes.set(xticks=[], yticks=[], aspect="equal")
        axes.margins(0.02)
        axes.spines[:].set_visible(False)
    bar = figure.colorbar(points, ax=panels, shrink=0.8, extend="min")
    bar.set_label(benchmark.quantity)
    bar.outline.set_visible(False)
    style.caption(
        figure,
        f"The kept spaces of {benchmark.name}",
        f"{benchmark.source}; {benchmark.roles}. "
        f"{architectures.height:,} of {benchmark.space.size:,} architectures: all that the first run kept, and "
        f"{BACKGROUND:,} at random, placed by t-SNE of their edit distances. Kept architectures are outlined and have "
        "stronger colors. A pocket is a set of kept architectures joined by single edits; the plane may split one. "
        "Star: the global optimum.",
    )
    return figure


def _outline(axes: Axes, architectures: pl.DataFrame, kept: np.ndarray, color: str) -> None:
    """Draw a line around the kept architectures, where their smoothed count falls below that of a single one."""
    from scipy.ndimage import gaussian_filter

    x, y = architectures["x"].to_numpy(), architectures["y"].to_numpy()
    width = max(np.ptp(x), np.ptp(y)) * (1 + 8 * _REACH)
    left, bottom = (x.max() + x.min() - width) / 2, (y.max() + y.min() - width) / 2
    count, x_edges, y_edges = np.histogram2d(
        x[kept], y[kept], bins=_PIXELS, range=((left, left + width), (bottom, bottom + width))
    )
    sigma = _REACH * _PIXELS
    single = 1 / (2 * np.pi * sigma**2)
    level = single * np.exp(-0.5)
    axes.contour(
        x_edges[1:], y_edges[1:], gaussian_filter(count, sigma).T, levels=[level], colors=[color], linewidths=1.2
    )
