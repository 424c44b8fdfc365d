"""The cell of NAS-Bench-101: a graph of at most 7 vertices and 9 edges, with one of three operations at each vertex.

Ying et al., "NAS-Bench-101: Towards Reproducible Neural Architecture Search", ICML 2019.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cache, cached_property, lru_cache
from itertools import product
from math import isqrt

import numpy as np

from lissnas.errors import ArchitectureError, SettingError, shortened
from lissnas.spaces.edit_graph import EditGraph
from lissnas.spaces.graph_codes import (
    EDGE_SHIFT,
    EDGES,
    INNER,
    OPERATION_SHIFT,
    VERTICES,
    Codes,
    canonical,
    edges,
    inner_vertices,
    pack,
    prune,
    unlabeled_edges,
    unpack,
)
from lissnas.spaces.graph_space import GraphSpace
from lissnas.spaces.space import Floats, Graphs, Indices, Rows, ShellSums

OPERATIONS = ("conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3")
"""The operations as official strings write them; genes count them from 1."""


class NasBench101(GraphSpace):
    """The different graphs with a limited number of vertices and edges.

    The first 5 genes are the operations of the inner vertices 1 to 5: 0 if the vertex does not exist, otherwise 1 plus
    the place in `OPERATIONS`. The other 21 genes are the upper triangle of the adjacency matrix of all 7 vertices, row
    by row. Vertex 0 is the input and vertex 6 the output, in smaller graphs too.

    Two rows are the same network if their graphs, without the vertices that are on no path from input to output, are
    isomorphic, operations included. The largest row represents the network.

    An edit removes an edge, adds one, or changes an operation. If the edit disconnects a vertex, that vertex is removed
    too, or added in the opposite direction, but at most one vertex: an edge on which more vertices depend is not a
    small change (our own choice; between graphs with equally many vertices it is that of White et al., "A Study on
    Neural Architecture Encodings", NeurIPS 2020). Distance is the smallest number of edits.

    Parameters
    ----------
    max_vertices
        Maximum number of vertices, input and output included: 2 to 7.
    max_edges
        Maximum number of edges: 1 to 21.

    Raises
    ------
    SettingError
        If either is out of range.
    """

    choices = (len(OPERATIONS) + 1,) * len(INNER) + (2,) * len(EDGES)

    def __init__(self, max_vertices: int = VERTICES, max_edges: int = 9) -> None:
        if not (2 <= max_vertices <= VERTICES and 1 <= max_edges <= len(EDGES)):
            raise SettingError(
                f"a cell of NAS-Bench-101 has 2 to {VERTICES} vertices and 1 to {len(EDGES)} edges, "
                f"not up to {max_vertices} and {max_edges}"
            )
        self.name = "nas-bench-101"
        if (max_vertices, max_edges) != (VERTICES, 9):
            self.name += f" up to {max_vertices} vertices and {max_edges} edges"
        self._codes = _graphs(max_vertices, max_edges)
        self.size = len(self._codes)

    @cached_property
    def graph(self) -> EditGraph:
        """The graph whose edges are single edits."""
        a, b = (np.concatenate(ends) for ends in zip(*_edits(self._codes), strict=True))
        return EditGraph.from_pairs(self.size, a, np.searchsorted(self._codes, b))

    def index(self, rows: Rows) -> Indices:
        return self._place(pack(self.checked(rows)), lambda first: f"row {first} {rows[first].tolist()}")

    def _place(self, codes: Codes, describe: Callable[[int], str]) -> Indices:
        """Return the place of each graph; raises ArchitectureError for the first that is not in the space."""
        place = self._search(codes)
        other = np.flatnonzero(place < 0)
        unlabeled = unlabeled_edges(codes[other])
        place[other] = np.where(unlabeled, -1, self._search(canonical(prune(codes[other]))))
        if (place < 0).any():
            first = int((place < 0).argmax())
            if unlabeled_edges(codes[[first]])[0]:
                why = "it has an edge at a vertex without an operation"
            else:
                why = "no path leads from input to output, or the paths have too many vertices or edges"
            raise ArchitectureError(f"{describe(first)} is not in {self.name}: {why}")
        return place

    def _search(self, codes: Codes) -> Indices:
        """Return the place of each code, or -1 if it is not in the space."""
        place = np.minimum(np.searchsorted(self._codes, codes), self.size - 1)
        return np.where(self._codes[place] == codes, place, -1)

    def rows(self, index: Indices) -> Rows:
        return unpack(self._codes[self.checked_index(index)])

    def near_shell_sums(self, columns: Floats, scores: Floats, largest_distance: int) -> ShellSums:
        return self.graph.near_shell_sums(columns, scores, largest_distance)

    def effective(self, rows: Rows) -> Rows:
        return self.canonical(rows)

    def graphs(self, rows: Rows) -> Graphs:
        """Return the pruned graph of each network; labels are 1 for the input, 2 for the output, operations from 3."""
        rows = self.canonical(rows)
        labels = np.empty((len(rows), VERTICES), dtype=np.int64)
        labels[:, 0], labels[:, -1] = 1, 2
        labels[:, 1:-1] = np.where(rows[:, : len(INNER)] > 0, rows[:, : len(INNER)].astype(np.int64) + 2, 0)
        shape = (len(rows), len(EDGES))
        sources, targets = (np.broadcast_to(np.array(ends, dtype=np.int64), shape) for ends in zip(*EDGES, strict=True))
        return Graphs(labels, sources, targets, rows[:, len(INNER) :] > 0, len(OPERATIONS) + 2)

    def write(self, rows: Rows) -> list[str]:
        """Return the adjacency matrix of each network, row by row, and its operations, as in the official records."""
        return [_written(row) for row in self.canonical(rows).tolist()]

    def read(self, strings: Sequence[str]) -> Rows:
        codes = np.empty(len(strings), dtype=np.int32)
        for place, string in enumerate(strings):
            adjacency, _, operations = string.partition(" ")
            edge_bits, operation_bits = _edge_bits(adjacency), _operation_bits(operations)
            if edge_bits is None or operation_bits is None or edge_bits[0] != operation_bits[0]:
                example = self.write(self.rows(np.array([self.size - 1])))[0]
                raise ArchitectureError(
                    f"'{shortened(string)}' is not written as {self.name} writes it: {_difference(string)}; "
                    f"for example '{example}'"
                )
            codes[place] = edge_bits[1] | operation_bits[1]
        return self.rows(self._place(codes, lambda first: f"'{strings[first]}'"))


@cache
def nasbench101(max_vertices: int = VERTICES) -> NasBench101:
    """Return the 423,624 graphs of NAS-Bench-101, or only those with at most `max_vertices` (2,532 for 5)."""
    return NasBench101(max_vertices)


def _written(row: list[int]) -> str:
    operations = [OPERATIONS[gene - 1] for gene in row[: len(INNER)] if gene]
    present = [*range(len(operations) + 1), VERTICES - 1]
    row_edges = {edge for edge, gene in zip(EDGES, row[len(INNER) :], strict=True) if gene}
    adjacency = "".join("01"[(start, end) in row_edges] for start, end in product(present, present))
    return f"{adjacency} {','.join(['input', *operations, 'output'])}"


def _difference(string: str) -> str:
    """Return what is wrong with a string that is not an adjacency matrix, a blank and the operations."""
    adjacency, blank, operations = string.partition(" ")
    vertices, names = isqrt(len(adjacency)), operations.split(",")
    unknown = [name for name in names[1:-1] if name not in OPERATIONS]
    if string != string.strip() or not blank:
        return "it is not a matrix and operations with one blank between them"
    if not set(adjacency) <= {"0", "1"} or vertices**2 != len(adjacency):
        return f"its matrix is not a square of 0 and 1 row by row, but '{shortened(adjacency, 49)}'"
    if (names[0], names[-1]) != ("input", "output"):
        return "its operations do not begin with input and end with output"
    if unknown:
        return f"unknown operation '{shortened(unknown[0], 20)}', which is one of {', '.join(OPERATIONS)}"
    if vertices != len(names):
        return f"its sizes differ: a matrix of {vertices} vertices and {len(names)} operations"
    if vertices > VERTICES:
        return f"it has {vertices} vertices, and the most are {VERTICES}"
    return "its matrix is not upper triangular"


@lru_cache(maxsize=1 << 15)
def _edge_bits(adjacency: str) -> tuple[int, int] | None:
    """Return the number of vertices of a matrix and its edges as bits; None if it is not upper triangular."""
    vertices = isqrt(len(adjacency))
    if not 2 <= vertices <= VERTICES or vertices**2 != len(adjacency) or not set(adjacency) <= {"0", "1"}:
        return None
    present = [*range(vertices - 1), VERTICES - 1]
    chosen = [edge for edge, digit in zip(product(present, present), adjacency, strict=True) if digit == "1"]
    if not EDGE_SHIFT.keys() >= set(chosen):
        return None
    return vertices, sum(1 << EDGE_SHIFT[edge] for edge in chosen)


@lru_cache(maxsize=1 << 10)
def _operation_bits(operations: str) -> tuple[int, int] | None:
    """Return the number of vertices of a list of operations and the operations as bits; None if it is invalid."""
    first, *inner, last = operations.split(",") if "," in operations else ("", "")
    if (first, last) != ("input", "output") or len(inner) > len(INNER) or not set(inner) <= set(OPERATIONS):
        return None
    shifts = zip(inner, OPERATION_SHIFT.values(), strict=False)
    return len(inner) + 2, sum(OPERATIONS.index(name) + 1 << shift for name, shift in shifts)


@cache
def _graphs(max_vertices: int, max_edges: int) -> Codes:
    """Return the canonical codes of all graphs, ascending; it makes shapes without operations, then labels them."""
    shapes = np.arange(1 << len(EDGES), dtype=np.int32)
    shapes = shapes[edges(shapes) <= max_edges] | _labeling((1,) * len(INNER))
    shapes = np.unique(canonical(np.unique(prune(shapes))))
    shapes = shapes[(shapes > 0) & (inner_vertices(shapes) <= max_vertices - 2)]
    graphs = []
    for inner in range(max_vertices - 1):
        labelings = [_labeling(labels) for labels in product(range(len(OPERATIONS)), repeat=inner)]
        labeled = shapes[inner_vertices(shapes) == inner, None] + np.array(labelings, dtype=np.int32)
        graphs.append(np.unique(canonical(labeled.ravel())))
    codes = np.sort(np.concatenate(graphs))
    codes.flags.writeable = False
    return codes


def _labeling(operations: tuple[int, ...]) -> np.int32:
    shifts = zip(operations, OPERATION_SHIFT.values(), strict=False)
    return np.int32(sum(operation << shift for operation, shift in shifts))


def _edits(codes: Codes) -> Iterator[tuple[Indices, Codes]]:
    """Yield places and the codes that an edit makes of them; each edit occurs in at least one direction.

    Adding an edge is removing it in the other direction. Changing each operation to the next one of a cycle of three
    covers every change of an operation in one direction.
    """
    for shift in EDGE_SHIFT.values():
        place = np.flatnonzero(codes & np.int32(1 << shift))
        cut = prune(codes[place] & ~np.int32(1 << shift))
        small = (cut > 0) & (inner_vertices(codes[place]) <= inner_vertices(cut) + 1)
        yield place[small], canonical(cut[small])
    for shift in OPERATION_SHIFT.values():
        operation = codes >> np.int32(shift) & np.int32(3)
        place = np.flatnonzero(operation)
        following = operation[place] % np.int32(len(OPERATIONS)) + np.int32(1)
        yield place, canonical(codes[place] & ~np.int32(3 << shift) | following << np.int32(shift))
