"""Small directed acyclic graphs with labeled vertices, encoded as integers so that numpy prunes and compares them.

A graph has an input (vertex 0), an output (vertex 6) and up to five inner vertices. Each inner vertex has an operation
from 1 to 3; 0 means that the vertex does not exist. A code has two bits for each operation, then one bit for each
possible edge, the first ones highest, so that codes sort as rows of genes do. Edges lead from lower to higher vertices.
"""

from functools import cache
from itertools import combinations, permutations

import numpy as np
from numpy.typing import NDArray

from lissnas.spaces.space import Rows

Codes = NDArray[np.int32]
"""One integer for each graph, shape (n,)."""

VERTICES = 7

INNER = tuple(range(1, VERTICES - 1))
"""The vertices with an operation, in the order of the first genes."""

EDGES = tuple(combinations(range(VERTICES), 2))
"""The edges in the order of the last genes: the upper triangle of the adjacency matrix, row by row."""

OPERATION_SHIFT = {vertex: len(EDGES) + 2 * (len(INNER) - 1 - place) for place, vertex in enumerate(INNER)}
"""Position of the lower bit of each inner vertex's operation in a code."""

EDGE_SHIFT = {edge: len(EDGES) - 1 - place for place, edge in enumerate(EDGES)}
"""Position of the bit of each edge in a code."""

_SHIFTS = (*OPERATION_SHIFT.values(), *EDGE_SHIFT.values())
_WIDTHS = (2,) * len(INNER) + (1,) * len(EDGES)

_CHUNKS = (slice(0, 10), slice(10, 20), slice(20, 31))
"""The groups of bits of a code that one table look-up relabels."""

_BACKWARD = np.int32(-(2**31))
"""The sign bit, set in a relabeled code if an edge leads from a higher to a lower vertex."""

_AT_ONCE = 1 << 14
"""Number of graphs processed at once, to stay in the processor's cache."""


def pack(rows: Rows) -> Codes:
    """Return the code of each row of genes: the operations of the inner vertices, then the edges."""
    codes = np.zeros(len(rows), dtype=np.int32)
    for gene, shift in enumerate(_SHIFTS):
        codes |= rows[:, gene].astype(np.int32) << np.int32(shift)
    return codes


def unpack(codes: Codes) -> Rows:
    """Return the row of genes of each code."""
    rows = np.empty((len(codes), len(_SHIFTS)), dtype=np.uint8)
    for gene, (shift, width) in enumerate(zip(_SHIFTS, _WIDTHS, strict=True)):
        rows[:, gene] = codes >> np.int32(shift) & np.int32((1 << width) - 1)
    return rows


def prune(codes: Codes) -> Codes:
    """Return the codes without the vertices that are on no path from input to output; 0 if there is no such path."""
    pruned = np.empty_like(codes)
    for first in range(0, len(codes), _AT_ONCE):
        block = codes[first : first + _AT_ONCE]
        present = {
            edge: (block >> np.int32(shift) & np.int32(1)).astype(np.uint8) for edge, shift in EDGE_SHIFT.items()
        }
        ahead = np.full(len(block), 1, dtype=np.uint8)
        for (start, end), bit in present.items():
            ahead |= (ahead >> np.uint8(start) & bit) << np.uint8(end)
        behind = np.full(len(block), 1 << (VERTICES - 1), dtype=np.uint8)
        for (start, end), bit in reversed(present.items()):
            behind |= (behind >> np.uint8(end) & bit) << np.uint8(start)
        pruned[first : first + _AT_ONCE] = block & _bits_between()[ahead & behind]
    return pruned


def canonical(codes: Codes) -> Codes:
    """Return for each graph the largest code over all numberings of its inner vertices.

    Two graphs have the same canonical code if and only if they are isomorphic, with their operations. In a canonical
    code the existing inner vertices come first.
    """
    best = codes.copy()
    for first in range(0, len(codes), _AT_ONCE):
        block = best[first : first + _AT_ONCE]
        parts = [block >> np.int32(bits.start) & np.int32((1 << bits.stop - bits.start) - 1) for bits in _CHUNKS]
        low, middle, high = (part.astype(np.intp) for part in parts)
        relabeled, part = np.empty_like(block), np.empty_like(block)
        for low_images, middle_images, high_images in zip(*_images(), strict=True):
            np.take(low_images, low, out=relabeled, mode="clip")
            relabeled |= np.take(middle_images, middle, out=part, mode="clip")
            relabeled |= np.take(high_images, high, out=part, mode="clip")
            np.maximum(block, relabeled, out=block)
    return best


def unlabeled_edges(codes: Codes) -> NDArray[np.bool_]:
    """Return whether each graph has an edge at an inner vertex without an operation, shape (n,)."""
    unlabeled = np.zeros(len(codes), dtype=np.bool_)
    for vertex, shift in OPERATION_SHIFT.items():
        edges_of_vertex = np.int32(sum(1 << bit for edge, bit in EDGE_SHIFT.items() if vertex in edge))
        unlabeled |= (codes >> np.int32(shift) & np.int32(3) == 0) & (codes & edges_of_vertex != 0)
    return unlabeled


def inner_vertices(codes: Codes) -> NDArray[np.uint8]:
    """Return the number of vertices of each graph between input and output."""
    operations = (codes >> np.int32(len(EDGES))).astype(np.uint32)
    return np.bitwise_count((operations | operations >> 1) & 0b0101010101)


def edges(codes: Codes) -> NDArray[np.uint8]:
    """Return the number of edges of each graph."""
    return np.bitwise_count(codes & np.int32((1 << len(EDGES)) - 1))


@cache
def _bits_between() -> Codes:
    """Return for each set of vertices (one bit for each) the bits of a code that belong to these vertices only."""
    masks = np.zeros(1 << VERTICES, dtype=np.int32)
    for chosen in range(1 << VERTICES):
        masks[chosen] = sum(3 << shift for vertex, shift in OPERATION_SHIFT.items() if chosen >> vertex & 1) + sum(
            1 << shift for (start, end), shift in EDGE_SHIFT.items() if chosen >> start & chosen >> end & 1
        )
    return masks


@cache
def _images() -> tuple[NDArray[np.int32], ...]:
    """Return for each chunk of a code the image of each of its values, shape (numberings, values)."""
    numberings = list(permutations(INNER))
    images = np.empty((len(numberings), sum(_WIDTHS)), dtype=np.int32)
    for numbering, image in zip(numberings, images, strict=True):
        new = {0: 0, VERTICES - 1: VERTICES - 1, **dict(zip(INNER, numbering, strict=True))}
        for vertex, shift in OPERATION_SHIFT.items():
            image[[shift, shift + 1]] = 1 << OPERATION_SHIFT[new[vertex]], 2 << OPERATION_SHIFT[new[vertex]]
        for (start, end), shift in EDGE_SHIFT.items():
            image[shift] = 1 << EDGE_SHIFT[new[start], new[end]] if new[start] < new[end] else _BACKWARD
    tables = []
    for bits in _CHUNKS:
        table = np.zeros((len(numberings), 1), dtype=np.int32)
        for bit in range(bits.start, bits.stop):
            table = np.hstack([table, table | images[:, bit, None]])
        tables.append(table)
    return tuple(tables)
