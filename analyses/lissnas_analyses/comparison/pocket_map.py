"""A map of the pockets: kept architectures and a part of the space, placed in the plane by edit distance."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from lissnas.spaces.space import INDEX_COLUMN, Floats, Indices, Rows, Space
from lissnas.statistics.quality import is_top
from lissnas.subspaces.pockets import pockets
from lissnas.subspaces.subspace import Subspace
from lissnas_benchmarks.benchmark import Benchmark

BACKGROUND = 1000
"""Number of random architectures of the full space on the map, besides those that a method keeps."""

TOP = 300
"""Maximum number of architectures of the top 1 % on the map, besides those that a method keeps (our own choice)."""


@dataclass(frozen=True)
class MapResult:
    """The numbers behind the map.

    Attributes
    ----------
    benchmark
        What was shrunk.
    architectures
        A row an architecture on the map: lissnas-index, architecture, x, y, score, and for each method the number of
        its pocket in the space that the method keeps, null if it is not kept.
    sizes
        For each method, the number of architectures it keeps and the number of their pockets.
    links
        For each method single edits that join the architectures of each pocket, shape (links, 2), by their rows in
        `architectures`: of all such edits the forest that is shortest in the plane.
    """

    benchmark: Benchmark
    architectures: pl.DataFrame
    sizes: dict[str, tuple[int, int]]
    links: dict[str, Indices]


_TSNE: dict[str, Any] = {"perplexity": 30, "max_iter": 320, "angle": 0.8}
"""Settings of t-SNE: few iterations and coarse sums, because a map takes seconds (our own choice)."""

_DECIMALS = 3
"""Decimals of a coordinate: a map is about 100 wide, and finer differences cannot be seen."""


def lay_out(benchmark: Benchmark, kept: Mapping[str, Subspace], rng: np.random.Generator) -> MapResult:
    """Place the kept spaces of the methods, the top 1 %, and a random part of the full space in the plane."""
    space, scores = benchmark.space, benchmark.report
    measured = np.flatnonzero(~np.isnan(scores))
    background = rng.choice(measured, min(BACKGROUND, len(measured)), replace=False)
    top = np.flatnonzero(is_top(scores, 0.01))
    top = top if len(top) <= TOP else rng.choice(top, TOP, replace=False)
    parts = [subspace.index for subspace in kept.values()]
    index = np.unique(np.concatenate([background, top, [np.nanargmax(scores)], *parts]))
    rows = space.rows(index)
    x, y = _embedded(space, rows).round(_DECIMALS).T
    columns = {INDEX_COLUMN: index, "architecture": space.write(rows), "x": x, "y": y, "score": scores[index]}
    labels = {method: _pocket_of(subspace, index) for method, subspace in kept.items()}
    sizes = {method: (subspace.size, labels[method].n_unique() - 1) for method, subspace in kept.items()}
    by_method = {f"pocket of {method}": label for method, label in labels.items()}
    neighbors = _neighbors_on_the_map(space, index, rows)
    links = {method: _links(neighbors, x, y, label.is_not_null().to_numpy()) for method, label in labels.items()}
    return MapResult(benchmark, pl.DataFrame(columns | by_method), sizes, links)


def _pocket_of(subspace: Subspace, index: np.ndarray) -> pl.Series:
    pocket = pl.DataFrame({"index": subspace.index, "pocket": pockets(subspace)})
    return pl.DataFrame({"index": index}).join(pocket, on="index", how="left", maintain_order="left")["pocket"]


def _neighbors_on_the_map(space: Space, index: Indices, rows: Rows) -> Indices:
    """Return the pairs of architectures on the map that are one edit apart, shape (pairs, 2), by their rows."""
    edited, source = space.neighbors(rows)
    neighbor = space.index(edited)
    target = np.minimum(np.searchsorted(index, neighbor), len(index) - 1)
    is_pair = (index[target] == neighbor) & (source < target)
    return np.stack([source[is_pair], target[is_pair]], axis=1)


def _links(neighbors: Indices, x: Floats, y: Floats, is_kept: np.ndarray) -> Indices:
    """Return the single edits that join the kept architectures of each pocket by the shortest lines in the plane."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import minimum_spanning_tree

    source, target = neighbors[is_kept[neighbors].all(axis=1)].T
    length = np.hypot(x[source] - x[target], y[source] - y[target]) + 10.0**-_DECIMALS  # 0 would mean no edge
    forest = minimum_spanning_tree(coo_array((length, (source, target)), shape=(len(x), len(x))).tocsr()).tocoo()
    return np.stack([forest.row, forest.col], axis=1).astype(np.int64)


def _embedded(space: Space, rows: Rows) -> Floats:
    """Return the place of each row by t-SNE of their edit distances, started from classical scaling, shape (n, 2).

    It runs on one thread, so that the number of cores changes no bit. van der Maaten and Hinton, J. Machine Learning
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
        embedding = TSNE(metric="precomputed", init=start.astype(np.float32), random_state=0, **_TSNE)
        places: Floats = embedding.fit_transform(distances).astype(np.float64)
    return places
