"""EditGraph: the architectures of an enumerated space joined by single edits; distance is the shortest path.

Distances from many architectures at once are found by breadth-first search on packed bits: one bit a source, so that
one step of the search is an OR over neighbours.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from lissnas.space import Floats, Indices, ShellSums

_SOURCES_AT_ONCE = 1 << 15
"""How many searches share a pass: bounds the memory to nodes x 4096 bytes a shell."""

_BYTES_AT_ONCE = 1 << 19
"""How many bytes of neighbours' bits are gathered at once, and ..."""

_PAIRS_AT_ONCE = (256, 4096)
"""... how many centres and architectures around them are unpacked at once: to stay in the processor's cache."""


@dataclass(frozen=True)
class EditGraph:
    """Neighbour lists of all nodes, one after the other.

    Attributes
    ----------
    offsets
        Shape (nodes + 1,): the neighbours of node i are `targets[offsets[i] : offsets[i + 1]]`.
    targets
        Shape (edges,), each edge in both directions.
    """

    offsets: Indices
    targets: Indices

    @property
    def nodes(self) -> int:
        """The number of nodes."""
        return len(self.offsets) - 1

    @classmethod
    def from_pairs(cls, nodes: int, a: Indices, b: Indices) -> "EditGraph":
        """Join a[i] and b[i] for every i, both ways; pairs may repeat, and a node is never joined with itself."""
        different = a != b
        a, b = a[different], b[different]
        edges = np.unique(np.concatenate([a * nodes + b, b * nodes + a]))
        degrees = np.bincount(edges // nodes, minlength=nodes)
        return cls(np.concatenate([[0], np.cumsum(degrees)]), edges % nodes)

    def neighbours(self, nodes: Indices) -> tuple[Indices, Indices]:
        """Return the neighbours of each node, one after the other, and which of the given nodes each belongs to."""
        degrees = self.offsets[nodes + 1] - self.offsets[nodes]
        source = np.repeat(np.arange(len(nodes)), degrees)
        within = np.arange(len(source)) - np.repeat(np.cumsum(degrees) - degrees, degrees)
        return self.targets[self.offsets[nodes][source] + within], source

    def shells(self, sources: Indices) -> Iterator[NDArray[np.uint8]]:
        """Yield for distance 0, 1, ... which nodes have exactly this distance from each source.

        Each is packed bits of shape (nodes, ceil(len(sources) / 8)), as np.packbits makes them along the last axis.
        The last one is the largest distance of any node from a source.
        """
        reached = np.zeros((self.nodes, -(-len(sources) // 64) * 8), dtype=np.uint8)
        place = np.arange(len(sources))
        np.bitwise_or.at(reached, (sources, place // 8), np.uint8(128) >> (place % 8).astype(np.uint8))
        shell = reached
        missing = self.nodes * len(sources)
        linked = np.flatnonzero(np.diff(self.offsets))
        row_bytes = max(1, len(self.targets) // max(1, len(linked))) * reached.shape[1]
        nodes_at_once = max(1, _BYTES_AT_ONCE // max(1, row_bytes))
        while found := int(np.bitwise_count(shell).sum()):
            yield shell[:, : -(-len(sources) // 8)]
            missing -= found
            if missing == 0:
                return
            words = reached.view(np.uint64)
            grown = np.zeros_like(words)
            for first in range(0, len(linked), nodes_at_once):
                nodes = linked[first : first + nodes_at_once]
                start, stop = self.offsets[nodes[0]], self.offsets[nodes[-1] + 1]
                gathered = words[self.targets[start:stop]]
                grown[nodes] = np.bitwise_or.reduceat(gathered, self.offsets[nodes] - start, axis=0)
            shell = (grown & ~words).view(np.uint8)
            reached = (grown | words).view(np.uint8)

    def distances(self, sources: Indices) -> NDArray[np.uint8]:
        """Return how far every node is from each source, shape (nodes, len(sources)); 255 where there is no path."""
        distances = np.full((self.nodes, len(sources)), 255, dtype=np.uint8)
        for distance, shell in enumerate(self.shells(sources)):
            for first in range(0, self.nodes, _PAIRS_AT_ONCE[0]):
                block = slice(first, first + _PAIRS_AT_ONCE[0])
                found = np.unpackbits(shell[block], axis=1, count=len(sources))
                distances[block] += found * np.uint8(distance + 1)  # 255 + distance + 1 is distance modulo 256
        return distances

    @threadpool_limits.wrap(limits=1)  # type: ignore[untyped-decorator]
    def shell_sums(self, columns: Floats, scores: Floats) -> ShellSums:
        """As Space.shell_sums, one place in the space being one node.

        Nodes are taken in the order of their scores, so that a sum of absolute differences becomes two plain sums:
        over the nodes below and over the nodes above. On one thread: the products are too small to share.
        """
        order = np.argsort(scores)
        measured = int(np.count_nonzero(~np.isnan(scores)))
        ranked = np.nan_to_num(scores[order] - (scores[order[0]] if measured else 0))
        known = np.arange(self.nodes) < measured
        terms = np.column_stack([columns[order], known, ranked]).astype(np.float32)
        sums: list[Floats] = []
        differences: list[Floats] = []
        for first in range(0, self.nodes, _SOURCES_AT_ONCE):
            sources = slice(first, min(first + _SOURCES_AT_ONCE, self.nodes))
            for distance, shell in enumerate(self.shells(order[sources])):
                if distance == len(sums):
                    sums.append(np.zeros((self.nodes, columns.shape[1])))
                    differences.append(np.zeros(self.nodes))
                for centres, around, mask in _unpacked(shell[order], sources):
                    below = slice(around.start, min(max(centres.start, around.start), around.stop))
                    above = slice(max(min(centres.stop, around.stop), around.start), around.stop)
                    within = slice(below.stop, above.start)
                    below_sums = mask[:, : below.stop - around.start] @ terms[below]
                    above_sums = mask[:, above.start - around.start :] @ terms[above]
                    mask = mask[:, within.start - around.start : within.stop - around.start]
                    places = order[centres]
                    sums[distance][places] += (below_sums + above_sums + mask @ terms[within])[:, :-2]
                    count, total = (below_sums - above_sums)[:, -2:].T
                    gaps = np.abs(ranked[centres, None] - ranked[within]) * known[within]
                    differences[distance][places] += ranked[centres] * count - total + (mask * gaps).sum(axis=1)
        return ShellSums(np.stack(sums), np.stack(differences) * ~np.isnan(scores))


def _unpacked(shell: NDArray[np.uint8], sources: slice) -> Iterator[tuple[slice, slice, NDArray[np.float32]]]:
    """Yield a shell of (nodes, packed sources) in blocks: which nodes, which sources, and 1.0 where they are in it."""
    rows, columns = _PAIRS_AT_ONCE
    for start in range(sources.start, sources.stop, columns):
        around = slice(start, min(start + columns, sources.stop))
        byte = slice((start - sources.start) // 8, -(-(around.stop - sources.start) // 8))
        for first in range(0, len(shell), rows):
            centres = slice(first, min(first + rows, len(shell)))
            mask = np.unpackbits(shell[centres, byte], axis=1, count=around.stop - around.start)
            yield centres, around, mask.astype(np.float32)
