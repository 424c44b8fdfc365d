"""Explorer: what a reader needs to walk through the map of a space: networks, neighbors, pictures, rounds."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from lissnas.spaces.space import Floats, Indices, Space
from lissnas.statistics.quality import is_top
from lissnas_benchmarks.adapter import TableAdapter
from lissnas_benchmarks.catalog import benchmark_names, find_adapter, find_table_adapter
from lissnas_benchmarks.loading import is_ready, load_table
from lissnas_benchmarks.table import Table

from lissnas_analyses.diagrams.diagram import Diagram, diagrams
from lissnas_analyses.results.folder import read_manifest

_LISTED = 20
"""How many neighbors of a network are listed, the best ones."""

_CHANGES = 2
"""An edit of more changes than these, as where layers trade places, is told by what comes of it."""


def explorer(folder: Path) -> dict[str, Any] | None:
    """Return the explorer of a folder of results, in what JSON can hold; None if it has no map or its data is not here.

    Networks are told apart by their place on the map. A neighbor that is not on the map has the place -1.
    """
    manifest = read_manifest(folder)
    if not {"map.parquet", "rounds.parquet"} <= set(manifest["files"]):
        return None
    if not _has_table(manifest["benchmark"]):
        return None
    table = load_table(manifest["benchmark"])
    networks = pl.read_parquet(folder / "map.parquet")
    rounds = pl.read_parquet(folder / "rounds.parquet")
    index = networks["index"].to_numpy()
    space, scores = table.space, _scores(table, manifest["dataset"])
    rows = space.rows(index)
    drawn = diagrams(space, rows)
    return {
        "name": manifest["benchmark"],
        "dataset": manifest["dataset"],
        "size": space.size,
        "architecture": networks["architecture"].to_list(),
        "x": _rounded(networks["x"].to_numpy()),
        "y": _rounded(networks["y"].to_numpy()),
        "columns": _columns(table, manifest["dataset"], index),
        "drawings": [_drawing(one) for one in drawn],
        "neighbors": _neighbors(space, index, drawn, scores),
        "degrees": np.bincount(space.neighbors(rows)[1], minlength=len(rows)).tolist(),
        "methods": _methods(rounds, index, scores),
    }


def _has_table(name: str) -> bool:
    """Tell whether the name is of a tabular benchmark whose data is on this machine."""
    known = name in benchmark_names() and isinstance(find_adapter(name), TableAdapter)
    return known and is_ready(name)


def _scores(table: Table, dataset: str) -> Floats:
    return table.values(find_table_adapter(table.provenance.source.benchmark).reports, dataset)


def _columns(table: Table, dataset: str, index: Indices) -> dict[str, list[float | None]]:
    """Return every column of the data set for the networks of the map, the one that reports first."""
    benchmark = find_table_adapter(table.provenance.source.benchmark)
    unit = table.matching(benchmark.reports, dataset)[0].unit
    found = {f"{benchmark.reports.describe()} ({unit})": _scores(table, dataset)[index]}
    for column in table.columns:
        if column.dataset == dataset and "uncertainty" not in column.metric:
            seed = "" if column.seed is None else f", seed {column.seed}"
            name = f"{column.split} {column.metric}{seed} ({column.unit})".strip().removesuffix(" ()")
            found.setdefault(name, table.read([column.name])[index, 0])
    return {name: _rounded(values) for name, values in found.items() if not np.isnan(values).all()}


def _neighbors(space: Space, index: Indices, drawn: list[Diagram], scores: Floats) -> dict[str, list[Any]]:
    """Return for each network the best of its neighbors: which of all edits leads there, their place, their score.

    A list for each of the three, as that packs a third smaller than a list of neighbors.
    """
    rows, source = space.neighbors(space.rows(index))
    target = space.index(rows)
    distinct, of_neighbor = np.unique(target, return_inverse=True)
    theirs, written = diagrams(space, space.rows(distinct)), space.write(space.rows(distinct))
    place = np.full(space.size, -1, dtype=np.int64)
    place[index] = np.arange(len(index))
    edits: dict[str, int] = {}
    found: dict[str, list[list[Any]]] = {name: [[] for _ in index] for name in ("edit", "place", "score")}
    for i in np.lexsort((-np.nan_to_num(scores[target], nan=-np.inf), source)).tolist():
        if len(found["edit"][source[i]]) == _LISTED:
            continue
        edit = drawn[source[i]].describe_edit_to(theirs[of_neighbor[i]])
        if edit.count("; ") >= _CHANGES:
            edit = f"becomes {written[of_neighbor[i]]}"
        found["edit"][source[i]].append(edits.setdefault(edit, len(edits)))
        found["place"][source[i]].append(int(place[target[i]]))
        found["score"][source[i]] += _rounded(scores[target[[i]]])
    return {"edits": list(edits), **found}


def _methods(rounds: pl.DataFrame, index: Indices, scores: Floats) -> dict[str, list[dict[str, Any]]]:
    """Return for each method its rounds: evaluations, size, recall of the top 1 %, the places of those on the map."""
    best = np.flatnonzero(is_top(scores, 0.01))
    found: dict[str, list[dict[str, Any]]] = {}
    for (method, _number), held in rounds.group_by(["method", "round"], maintain_order=True):
        members = held["index"].to_numpy()
        found.setdefault(str(method), []).append(
            {
                "evaluations": int(held["evaluations"][0]),
                "size": len(members),
                "recall": round(float(np.isin(best, members).mean()), 4),
                "members": np.flatnonzero(np.isin(index, members)).tolist(),
            }
        )
    return found


def _drawing(one: Diagram) -> dict[str, Any]:
    """Return a diagram as short lists.

    Of nodes: name, label, x, y, whether it is an operation, shape; of arrows: source, target, label, bend.
    """
    nodes = [(node.name, node.label, node.x, node.y, int(node.operation), node.shape) for node in one.nodes]
    return {"nodes": nodes, "arrows": [(arrow.source, arrow.target, arrow.label, arrow.bend) for arrow in one.arrows]}


def _rounded(values: Floats) -> list[float | None]:
    """Return values with five significant digits, None where missing."""
    return [None if np.isnan(value) else float(f"{value:.5g}") for value in values.tolist()]
