"""EditGraph: the architectures of an enumerated space, joined by single edits; distance is the shortest path.

A breadth-first search finds the distances from many architectures at once. It packs one bit for each source, so that
one step of the search is an OR over neighbors.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from lissnas.spaces.space import Floats, Indices, ShellSums

_SOURCES_AT_ONCE = 1 << 15
"""Maximum number of sources in one search: a shell then takes at most nodes x 4,096 bytes of memory."""

_SOURCES_OF_A_MEAN = 128
"""Maximum number of nodes from which the mean distance of a batch is measured."""

_CENTERS_AT_ONCE = 1 << 10
"""Number of centers whose surroundings are listed together: a few hundred thousand pairs within two edits."""

_BYTES_AT_ONCE = 1 << 19
"""Maximum number of bytes of neighbors' bits gathered at once, to stay in the processor's cache."""

_FEW_WORDS = 8
"""Up to this number of words of 64 sources, a step goes word by word: rows this short are slow to gather."""

_PAIRS_AT_ONCE = (256, 4096)
"""Number of centers, and of architectures around them, unpacked at once, to stay in the processor's cache."""


@dataclass(frozen=True)
class EditGraph:
    """The neighbor lists of all nodes, concatenated.

    Attributes
    ----------
    offsets
        Shape (nodes + 1,): the neighbors of node i are `targets[offsets[i] : offsets[i + 1]]`.
    targets
        Shape (edges,); each edge occurs in both directions.
    """

    offsets: Indices
    targets: Indices

    @property
    def nodes(self) -> int:
        """The number of nodes."""
        return len(self.offsets) - 1

    @classmethod
    def from_pairs(cls, nodes: int, a: Indices, b: Indices) -> "EditGraph":
        """Return the graph that joins a[i] and b[i] for every i; pairs may repeat; a pair of equal nodes is ignored."""
        different = a != b
        a, b = a[different], b[different]
        edges = np.concatenate([a * nodes + b, b * nodes + a])
        edges.sort()  # five times faster than np.unique for ten million edges
        edges = edges[np.diff(edges, prepend=-1) > 0]
        degrees = np.bincount(edges // nodes, minlength=nodes)
        return cls(np.concatenate([[0], np.cumsum(degrees)]), edges % nodes)

    def neighbors(self, nodes: Indices) -> tuple[Indices, Indices]:
        """Return the neighbors of each node, concatenated, and the place in `nodes` that each belongs to."""
        degrees = self.offsets[nodes + 1] - self.offsets[nodes]
        source = np.repeat(np.arange(len(nodes)), degrees)
        within = np.arange(len(source)) - np.repeat(np.cumsum(degrees) - degrees, degrees)
        return self.targets[self.offsets[nodes][source] + within], source

    def shells(self, sources: Indices, among: Indices | None = None) -> Iterator[NDArray[np.uint8]]:
        """Yield, for distance 0, 1, ..., which nodes are at exactly this distance from each source.

        Each item is packed bits of shape (nodes, ceil(len(sources) / 8)), as np.packbits packs the last axis. The last
        item is for the largest distance of any node from a source; with `among` for the largest of these nodes.
        """
        counted = slice(None) if among is None else among
        reached = np.zeros((self.nodes, -(-len(sources) // 64) * 8), dtype=np.uint8)
        _set_bits(reached, sources, np.arange(len(sources)))
        shell = reached
        missing = len(reached[counted]) * len(sources)
        distance = 0
        while shell.any():
            yield shell[:, : -(-len(sources) // 8)]
            missing -= int(np.bitwise_count(shell[counted]).sum())
            if missing == 0:
                return
            words = reached.view(np.uint64)
            if distance == 0:
                first = np.zeros_like(reached)
                _set_bits(first, *self.neighbors(sources))
                grown = first.view(np.uint64)
            else:
                grown = self._grown(words)
            shell = (grown & ~words).view(np.uint8)
            reached = (grown | words).view(np.uint8)
            distance += 1

    def _grown(self, words: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """Return for each node the bits that are set for any of its neighbors, shape (nodes, words)."""
        linked = np.flatnonzero(np.diff(self.offsets))
        grown = np.zeros_like(words)
        if words.shape[1] <= _FEW_WORDS:
            for column, bits in enumerate(np.ascontiguousarray(words.T)):
                grown[linked, column] = np.bitwise_or.reduceat(bits[self.targets], self.offsets[linked])
            return grown
        row_bytes = max(1, len(self.targets) // max(1, len(linked))) * words.itemsize * words.shape[1]
        nodes_at_once = max(1, _BYTES_AT_ONCE // row_bytes)
        for first in range(0, len(linked), nodes_at_once):
            nodes = linked[first : first + nodes_at_once]
            start, stop = self.offsets[nodes[0]], self.offsets[nodes[-1] + 1]
            gathered = words[self.targets[start:stop]]
            grown[nodes] = np.bitwise_or.reduceat(gathered, self.offsets[nodes] - start, axis=0)
        return grown

    def distances(self, sources: Indices, nodes: Indices | None = None) -> NDArray[np.uint8]:
        """Return the distance of nodes, by default all, from each source, shape (nodes, len(sources)).

        It is 255 if there is no path.
        """
        distances = np.full((self.nodes if nodes is None else len(nodes), len(sources)), 255, dtype=np.uint8)
        for distance, shell in enumerate(self.shells(sources, nodes)):
            wanted = shell if nodes is None else shell[nodes]
            for first in range(0, len(wanted), _PAIRS_AT_ONCE[0]):
                block = slice(first, first + _PAIRS_AT_ONCE[0])
                in_shell = np.unpackbits(wanted[block], axis=1, count=len(sources))
                distances[block] += in_shell * np.uint8(distance + 1)  # 255 + distance + 1 is distance modulo 256
        return distances

    def distance(self, a: Indices, b: Indices) -> NDArray[np.uint8]:
        """Return the distance between a[i] and b[i], shape (n,); 255 if there is no path."""
        if len(np.unique(a)) > len(np.unique(b)):
            a, b = b, a
        sources, column = np.unique(a, return_inverse=True)
        distance: NDArray[np.uint8] = self.distances(sources)[b, column]
        return distance

    def mean_distance(self, nodes: Indices) -> float:
        """Return the mean distance of the pairs of different nodes; NaN for fewer than two nodes.

        With more than 128 nodes it is the mean from 128 evenly spaced nodes to all others.
        """
        if len(nodes) < 2:
            return float("nan")
        nodes = np.sort(nodes)
        sources = nodes[np.unique(np.linspace(0, len(nodes) - 1, _SOURCES_OF_A_MEAN).round().astype(np.int64))]
        pairs = [int(np.bitwise_count(shell[nodes]).sum()) for shell in self.shells(sources, nodes)]
        return sum(distance * count for distance, count in enumerate(pairs)) / (len(sources) * (len(nodes) - 1))

    def near_shell_sums(self, columns: Floats, scores: Floats, largest_distance: int) -> ShellSums:
        """As `shell_sums`, but only for the distances 0 to `largest_distance`, which allows for many more nodes.

        The method lists all pairs within that distance; a shell is what one more step adds to the pairs within reach.
        """
        from scipy.sparse import csr_array, eye_array

        targets, offsets = self.targets.astype(np.int32), self.offsets.astype(np.int32)
        shape = (self.nodes, self.nodes)
        stay = eye_array(self.nodes, dtype=np.bool_, format="csr")
        step = csr_array((np.ones(len(targets), dtype=np.bool_), targets, offsets), shape) + stay
        known = ~np.isnan(scores)
        filled = np.where(known, scores, 0)
        sums = np.empty((largest_distance + 1, self.nodes, columns.shape[1]))
        differences = np.empty((largest_distance + 1, self.nodes))
        for first in range(0, self.nodes, _CENTERS_AT_ONCE):
            centers = slice(first, min(first + _CENTERS_AT_ONCE, self.nodes))
            within: Any = stay[centers]
            for distance in range(largest_distance + 1):
                sums[distance, centers] = within @ columns
                gaps = np.abs(np.repeat(filled[centers], np.diff(within.indptr)) - filled[within.indices])
                differences[distance, centers] = np.add.reduceat(gaps * known[within.indices], within.indptr[:-1])
                if distance < largest_distance:
                    within = within @ step
        return ShellSums(np.diff(sums, axis=0, prepend=0), np.diff(differences, axis=0, prepend=0) * known)

    @threadpool_limits.wrap(limits=1)  # type: ignore[untyped-decorator]
    def shell_sums(self, columns: Floats, scores: Floats) -> ShellSums:
        """As Space.shell_sums, where each place in the space is a node.

        The nodes are sorted by score, so that a sum of absolute differences becomes two plain sums: over the nodes
        below and over the nodes above. It runs on one thread, since the products are too small to share.
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
                for centers, around, mask in _unpacked(shell[order], sources):
                    below = slice(around.start, min(max(centers.start, around.start), around.stop))
                    above = slice(max(min(centers.stop, around.stop), around.start), around.stop)
                    within = slice(below.stop, above.start)
                    below_sums = mask[:, : below.stop - around.start] @ terms[below]
                    above_sums = mask[:, above.start - around.start :] @ terms[above]
                    mask = mask[:, within.start - around.start : within.stop - around.start]
                    places = order[centers]
                    sums[distance][places] += (below_sums + above_sums + mask @ terms[within])[:, :-2]
                    count, total = (below_sums - above_sums)[:, -2:].T
                    gaps = np.abs(ranked[centers, None] - ranked[within]) * known[within]
                    differences[distance][places] += ranked[centers] * count - total + (mask * gaps).sum(axis=1)
        return ShellSums(np.stack(sums), np.stack(differences) * ~np.isnan(scores))


def _set_bits(packed: NDArray[np.uint8], nodes: Indices, places: Indices) -> None:
    """Set the bit of a source, by its place, for each of some nodes."""
    np.bitwise_or.at(packed, (nodes, places // 8), np.uint8(128) >> (places % 8).astype(np.uint8))


def _unpacked(shell: NDArray[np.uint8], sources: slice) -> Iterator[tuple[slice, slice, NDArray[np.float32]]]:
    """Yield a shell of (nodes, packed sources) in blocks: nodes, sources, and a mask that is 1.0 in the shell.

    Blocks without a pair in the shell are left out.
    """
    rows, columns = _PAIRS_AT_ONCE
    for start in range(sources.start, sources.stop, columns):
        around = slice(start, min(start + columns, sources.stop))
        byte = slice((start - sources.start) // 8, -(-(around.stop - sources.start) // 8))
        for first in range(0, len(shell), rows):
            centers = slice(first, min(first + rows, len(shell)))
            mask = np.unpackbits(shell[centers, byte], axis=1, count=around.stop - around.start)
            yield centers, around, mask.astype(np.float32)
