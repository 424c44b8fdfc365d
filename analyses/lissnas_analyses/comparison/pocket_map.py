"""A map of the pockets: kept architectures and a random part of the space, placed in the plane by edit distance."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from lissnas.spaces.space import INDEX_COLUMN, Floats, Rows, Space
from lissnas.subspaces.pockets import pockets
from lissnas.subspaces.subspace import Subspace
from lissnas_benchmarks.benchmark import Benchmark

BACKGROUND = 1500
"""Number of random architectures of the full space on the map, besides those that a method keeps."""


@dataclass(frozen=True)
class MapResult:
    """The numbers behind the map.

    Attributes
    ----------
    benchmark
        What was shrunk.
    architectures
        A row an architecture on the map: index, architecture, x, y, score, and for each method the number of its pocket
        in the space that the method keeps, null if it is not kept.
    sizes
        For each method, the number of architectures it keeps and the number of their pockets.
    """

    benchmark: Benchmark
    architectures: pl.DataFrame
    sizes: dict[str, tuple[int, int]]


_DECIMALS = 3
"""Decimals of a coordinate: a map is about 100 wide, and finer differences cannot be seen."""


def lay_out(benchmark: Benchmark, kept: dict[str, Subspace], rng: np.random.Generator) -> MapResult:
    """Place the kept spaces of the methods, the global optimum, and a random part of the full space in the plane."""
    space, scores = benchmark.space, benchmark.report
    measured = np.flatnonzero(~np.isnan(scores))
    background = rng.choice(measured, min(BACKGROUND, len(measured)), replace=False)
    parts = [subspace.index for subspace in kept.values()]
    index = np.unique(np.concatenate([background, [np.nanargmax(scores)], *parts]))
    rows = space.rows(index)
    x, y = _embedded(space, rows).round(_DECIMALS).T
    columns = {INDEX_COLUMN: index, "architecture": space.write(rows), "x": x, "y": y, "score": scores[index]}
    labels = {method: _pocket_of(subspace, index) for method, subspace in kept.items()}
    sizes = {method: (subspace.size, labels[method].n_unique() - 1) for method, subspace in kept.items()}
    by_method = {f"pocket of {method}": label for method, label in labels.items()}
    return MapResult(benchmark, pl.DataFrame(columns | by_method), sizes)


def _pocket_of(subspace: Subspace, index: np.ndarray) -> pl.Series:
    pocket = pl.DataFrame({"index": subspace.index, "pocket": pockets(subspace)})
    return pl.DataFrame({"index": index}).join(pocket, on="index", how="left", maintain_order="left")["pocket"]


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
        embedding = TSNE(metric="precomputed", init=start.astype(np.float32), max_iter=300, angle=0.8, random_state=0)
        places: Floats = embedding.fit_transform(distances).astype(np.float64)
    return places
