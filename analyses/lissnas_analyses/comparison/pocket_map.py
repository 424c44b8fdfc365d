"""A map of the pockets: networks laid out in the plane by edit distance, with what each method keeps outlined on it."""

from dataclasses import dataclass
from string import ascii_lowercase

import numpy as np
import polars as pl
from lissnas.shrinkers.shrink import Trace
from lissnas.spaces.space import Floats, Rows, Space
from lissnas.subspaces.pockets import pockets
from lissnas.subspaces.subspace import Subspace
from lissnas_benchmarks.benchmark import Benchmark
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lissnas_analyses import style

_BACKGROUND = 1500
"""How many networks of the whole space are drawn beside those that a method keeps."""

_PIXELS = 400
"""The outlines are found on a grid of this many steps a side."""

_REACH = 0.012
"""How far around a kept network its outline runs, as a share of the map's width."""


@dataclass(frozen=True)
class MapResult:
    """The numbers behind the map.

    Attributes
    ----------
    networks
        A row a network drawn: index, architecture, x, y, score, and for each method the pocket of what it keeps that
        the network is in, null if it is not kept.
    sizes
        For each method how many networks it keeps, and in how many pockets.
    """

    networks: pl.DataFrame
    sizes: dict[str, tuple[int, int]]


def lay_out(benchmark: Benchmark, kept: dict[str, Trace], rng: np.random.Generator) -> MapResult:
    """Lay out what the methods keep, the global optimum, and a random part of the whole space."""
    space, scores = benchmark.space, benchmark.report
    measured = np.flatnonzero(~np.isnan(scores))
    background = rng.choice(measured, min(_BACKGROUND, len(measured)), replace=False)
    parts = [trace.subspace.index for trace in kept.values()]
    index = np.unique(np.concatenate([background, [np.nanargmax(scores)], *parts]))
    rows = space.rows(index)
    x, y = _embedded(space, rows).T
    columns = {"index": index, "architecture": space.write(rows), "x": x, "y": y, "score": scores[index]}
    labels = {method: _pocket_of(trace.subspace, index) for method, trace in kept.items()}
    sizes = {method: (trace.subspace.size, labels[method].n_unique() - 1) for method, trace in kept.items()}
    return MapResult(pl.DataFrame(columns | {f"pocket of {method}": label for method, label in labels.items()}), sizes)


def _pocket_of(subspace: Subspace, index: np.ndarray) -> pl.Series:
    found = pl.DataFrame({"index": subspace.index, "pocket": pockets(subspace)})
    return pl.DataFrame({"index": index}).join(found, on="index", how="left", maintain_order="left")["pocket"]


def _embedded(space: Space, rows: Rows) -> Floats:
    """Place rows by t-SNE of their edit distances, started from classical scaling.

    On one thread, so that the number of cores changes no bit of it. van der Maaten and Hinton, J. Machine Learning
    Research 9, 2008; Torgerson, Psychometrika 17, 1952.
    """
    from scipy.sparse.linalg import eigsh
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    distances = space.distances(rows, rows).astype(np.float32)
    squares = distances**2
    centered = squares - squares.mean(axis=0) - squares.mean(axis=1)[:, None] + squares.mean()
    with threadpool_limits(limits=1):
        _values, vectors = eigsh(-centered / 2, k=2, v0=np.ones(len(rows), dtype=np.float32))
        start = 1e-4 * vectors[:, ::-1] / vectors.std(axis=0)[::-1]
        embedding = TSNE(metric="precomputed", init=start.astype(np.float32), max_iter=300, angle=0.8, random_state=0)
        placed: Floats = embedding.fit_transform(distances).astype(np.float64)
    return placed


def draw_map(result: MapResult, benchmark: Benchmark) -> Figure:
    """Draw the map once for each method."""
    columns = min(2, len(result.sizes))
    figure, panels = style.new_figure(-(-len(result.sizes) // columns), columns, width=4.2, height=3.6)
    for axes in panels[len(result.sizes) :]:
        axes.axis("off")
    networks = result.networks.sort("score")
    low, high = np.nanquantile(networks["score"], [0.1, 1])
    for letter, (method, (size, count)), axes in zip(ascii_lowercase, result.sizes.items(), panels, strict=False):
        kept = pl.col(f"pocket of {method}").is_not_null()
        for drawn, alpha, area in ((networks.filter(~kept), 0.5, 4), (networks.filter(kept), 1, 7)):
            points = axes.scatter(
                drawn["x"], drawn["y"], c=drawn["score"], cmap=style.SEQUENTIAL, vmin=low, vmax=high, s=area,
                alpha=alpha, linewidths=0,
            )  # fmt: skip
        _outline(axes, networks, networks.select(kept).to_series().to_numpy(), style.line_style(method).color)
        best = networks.row(-1, named=True)
        axes.plot(best["x"], best["y"], "*", color="white", markeredgecolor="black", markersize=12)
        axes.set(title=f"{letter}  {method}: {size:,} networks in {count:,} pocket{'s' if count != 1 else ''}")
        axes.set(xticks=[], yticks=[], aspect="equal")
        axes.margins(0.02)
        axes.spines[:].set_visible(False)
    bar = figure.colorbar(points, ax=panels, shrink=0.8, extend="min")
    bar.set_label(benchmark.quantity)
    bar.outline.set_visible(False)
    style.caption(
        figure,
        f"What shrinking keeps of {benchmark.name}",
        f"{benchmark.source}; {benchmark.roles}. "
        f"{networks.height:,} of {benchmark.space.size:,} networks: all kept ones of the "
        f"first run and {_BACKGROUND:,} at random, laid out by t-SNE of their edit distances. Outlined and stronger: "
        "what is kept. A pocket is a set of kept networks joined by single edits; the plane may tear one apart. "
        "Star: the global optimum.",
    )
    return figure


def _outline(axes: Axes, networks: pl.DataFrame, kept: np.ndarray, color: str) -> None:
    """Draw a line around the kept networks: where a smoothed count of them falls below that of a lone one."""
    from scipy.ndimage import gaussian_filter

    x, y = networks["x"].to_numpy(), networks["y"].to_numpy()
    width = max(np.ptp(x), np.ptp(y)) * (1 + 8 * _REACH)
    left, bottom = (x.max() + x.min() - width) / 2, (y.max() + y.min() - width) / 2
    count, x_edges, y_edges = np.histogram2d(
        x[kept], y[kept], bins=_PIXELS, range=((left, left + width), (bottom, bottom + width))
    )
    sigma = _REACH * _PIXELS
    lone = 1 / (2 * np.pi * sigma**2)
    level = lone * np.exp(-0.5)
    axes.contour(
        x_edges[1:], y_edges[1:], gaussian_filter(count, sigma).T, levels=[level], colors=[color], linewidths=1.2
    )
