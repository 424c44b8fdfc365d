"""The data of an interactive map: the networks, their neighbors and drawings, and the rounds of each method."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from lissnas.spaces.space import INDEX_COLUMN, Floats, Indices, Space
from lissnas.statistics.quality import is_top
from lissnas.storage.sealed_parquet import read_parquet
from lissnas_benchmarks.adapter import TableAdapter
from lissnas_benchmarks.catalog import benchmark_names, find_adapter, find_table_adapter
from lissnas_benchmarks.loading import is_ready, load_table
from lissnas_benchmarks.table import Table

from lissnas_analyses.diagrams.diagram import Diagram, diagrams
from lissnas_analyses.results.folder import read_manifest

_MAX_NEIGHBORS = 12
"""Maximum number of neighbors listed for a network: the best ones."""

_MAX_CHANGES = 2
"""An edit with more changes, such as a swap of layers, is described by its result."""


def explorer(folder: Path) -> dict[str, Any] | None:
    """Return the data of the interactive map of a folder of results, as values of JSON.

    Returns None if the results have no map, or the data of the benchmark is not installed. The place of a network is
    its index in the map; a neighbor that is not on the map has the place -1.
    """
    manifest = read_manifest(folder)
    if not {"map.parquet", "rounds.parquet"} <= set(manifest["files"]):
        return None
    if not _has_table(manifest["benchmark"]):
        return None
    table = load_table(manifest["benchmark"]).listed()
    networks = read_parquet(folder / "map.parquet")
    rounds = read_parquet(folder / "rounds.parquet")
    index = networks[INDEX_COLUMN].to_numpy()
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
        "drawings": list(map(_drawing, drawn)),
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
    """Return the columns of the data set for the networks of the map, the reported score first."""
    benchmark = find_table_adapter(table.provenance.source.benchmark)
    unit = table.matching(benchmark.reports, dataset)[0].unit
    columns = {f"{benchmark.reports.describe()} ({unit})": _scores(table, dataset)[index]}
    for column in table.columns:
        if column.dataset == dataset and "uncertainty" not in column.metric:
            seed = "" if column.seed is None else f", seed {column.seed}"
            name = f"{column.split} {column.metric}{seed} ({column.unit})".strip().removesuffix(" ()")
            columns.setdefault(name, table.read([column.name])[index, 0])
    return {name: _rounded(values) for name, values in columns.items() if not np.isnan(values).all()}


def _neighbors(space: Space, index: Indices, drawn: list[Diagram], scores: Floats) -> dict[str, list[Any]]:
    """Return, for each network, the edits to its best neighbors, and their places and scores.

    Each of the three is a list of its own, because that compresses to two thirds of a list of neighbors.
    """
    rows, source = space.neighbors(space.rows(index))
    target = space.index(rows)
    best_first = np.lexsort((-np.nan_to_num(scores[target], nan=-np.inf), source))
    rank = np.arange(len(source)) - np.searchsorted(source[best_first], source[best_first])
    shown = best_first[rank < _MAX_NEIGHBORS]
    source, target = source[shown], target[shown]
    distinct, of_neighbor = np.unique(target, return_inverse=True)
    theirs, written = diagrams(space, space.rows(distinct)), space.write(space.rows(distinct))
    place = np.full(space.size, -1, dtype=np.int64)
    place[index] = np.arange(len(index))
    edits: dict[str, int] = {}
    listed: dict[str, list[list[Any]]] = {name: [[] for _ in index] for name in ("edit", "place", "score")}
    columns = source.tolist(), of_neighbor.tolist(), place[target].tolist(), _rounded(scores[target])
    for i, neighbor, on_map, score in zip(*columns, strict=True):
        edit = drawn[i].describe_edit_to(theirs[neighbor])
        if edit.count("; ") >= _MAX_CHANGES:
            edit = f"becomes {written[neighbor]}"
        listed["edit"][i].append(edits.setdefault(edit, len(edits)))
        listed["place"][i].append(on_map)
        listed["score"][i].append(score)
    return {"edits": list(edits), **listed}


def _methods(rounds: pl.DataFrame, index: Indices, scores: Floats) -> dict[str, list[dict[str, Any]]]:
    """Return the rounds of each method: evaluations, size, recall of the top 1 %, and members on the map."""
    best = np.flatnonzero(is_top(scores, 0.01))
    by_method: dict[str, list[dict[str, Any]]] = {}
    for (method, _number), subspace in rounds.group_by(["method", "round"], maintain_order=True):
        members = subspace[INDEX_COLUMN].to_numpy()
        by_method.setdefault(str(method), []).append(
            {
                "evaluations": int(subspace["evaluations"][0]),
                "size": len(members),
                "recall": round(float(np.isin(best, members).mean()), 4),
                "members": np.flatnonzero(np.isin(index, members)).tolist(),
            }
        )
    return by_method


def _drawing(diagram: Diagram) -> dict[str, Any]:
    """Return a diagram as lists.

    A node is name, label, x, y, is_operation (0 or 1), shape; an arrow is source, target, label, bend.
    """
    nodes = [(node.name, node.label, node.x, node.y, int(node.operation), node.shape) for node in diagram.nodes]
    arrows = [(arrow.source, arrow.target, arrow.label, arrow.bend) for arrow in diagram.arrows]
    return {"nodes": nodes, "arrows": arrows}


def _rounded(values: Floats) -> list[float | None]:
    """Return values with five significant digits, None where missing."""
    return [None if np.isnan(value) else float(f"{value:.5g}") for value in values.tolist()]
