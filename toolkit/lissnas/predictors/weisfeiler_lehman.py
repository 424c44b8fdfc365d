"""Weisfeiler-Lehman histograms: the counts of each label of a graph, and of each label with its surroundings.

Shervashidze et al., "Weisfeiler-Lehman Graph Kernels", JMLR 2011; for architectures: Ru, Wan, Dong and Osborne,
"Interpretable Neural Architecture Search via Bayesian Optimization with Weisfeiler-Lehman Kernels", ICLR 2021.
Surroundings are hashed, and counted in a fixed number of bins (our own choice). So no dictionary is needed, and all
graphs of a batch are refined at once.
"""

import numpy as np
from numpy.typing import NDArray

from lissnas.spaces.space import Floats, Graphs

Colors = NDArray[np.uint64]
"""A color for each vertex of a batch of graphs, shape (n, vertices); 0 where a graph has no such vertex."""


def colors(graphs: Graphs, steps: int) -> list[Colors]:
    """Return the colors after 0, 1, ... `steps` refinements.

    A refined color is a hash of the color of the vertex, the multiset of the colors of its predecessors, and that of
    its successors. It does not depend on the numbering of the vertices.
    """
    is_vertex = graphs.labels > 0
    refined = [np.where(is_vertex, _mixed(graphs.labels.astype(np.uint64)), np.uint64(0))]
    graph = np.arange(len(graphs.labels))
    for _ in range(steps):
        before = refined[-1]
        entering, leaving = np.zeros_like(before), np.zeros_like(before)
        for source, target, present in zip(graphs.sources.T, graphs.targets.T, graphs.present.T, strict=True):
            entering[graph, target] += np.where(present, _mixed(before[graph, source]), np.uint64(0))
            leaving[graph, source] += np.where(present, _mixed(before[graph, target]), np.uint64(0))
        surroundings = _mixed(entering) + _mixed(leaving ^ np.uint64(0x5851F42D4C957F2D))
        refined.append(np.where(is_vertex, _mixed(before + surroundings), np.uint64(0)))
    return refined


def histograms(graphs: Graphs, steps: int, bins: int) -> list[Floats]:
    """Return the counts of each label in each graph, then those of each bin of refined colors.

    Shapes (n, kinds), then (n, bins) for each of the `steps` refinements.
    """
    counted = [_counted(graphs.labels - 1, graphs.label_count)]
    for refined in colors(graphs, steps)[1:]:
        bin_of = (refined % np.uint64(bins)).astype(np.int64)
        counted.append(_counted(np.where(refined > 0, bin_of, -1), bins))
    return counted


def _counted(places: NDArray[np.int64], bins: int) -> Floats:
    """Return the counts of the values 0 to bins - 1 in each row, shape (n, bins); -1 is ignored."""
    offset = np.arange(len(places))[:, None] * (bins + 1) + 1
    flat = np.bincount((places + offset).ravel(), minlength=len(places) * (bins + 1))
    return flat.reshape(len(places), bins + 1)[:, 1:].astype(np.float64)


def _mixed(values: Colors) -> Colors:
    """Return a hash of 64-bit integers: the finalizer of splitmix64 (Steele, Lea and Flood, 2014)."""
    values = values + np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
