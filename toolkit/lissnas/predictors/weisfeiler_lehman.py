"""Weisfeiler-Lehman histograms: how often a graph holds each label, and each label with what surrounds it.

Shervashidze et al., "Weisfeiler-Lehman Graph Kernels", JMLR 2011; for architectures: Ru, Wan, Dong and Osborne,
"Interpretable Neural Architecture Search via Bayesian Optimization with Weisfeiler-Lehman Kernels", ICLR 2021.
Surroundings are named by a hash, and counted in a fixed number of bins (our own choice): no dictionary is kept, and
all graphs of a batch are refined at once.
"""

import numpy as np
from numpy.typing import NDArray

from lissnas.spaces.space import Floats, Graphs

Colors = NDArray[np.uint64]
"""A name for each vertex of a batch of graphs, shape (n, vertices); 0 where a graph has no such vertex."""


def colors(graphs: Graphs, steps: int) -> list[Colors]:
    """Return the colors after 0, 1, ... `steps` refinements.

    A refined color stands for the vertex's own color, the multiset of those that lead to it, and the multiset of
    those that it leads to. It does not depend on how the vertices are numbered.
    """
    there = graphs.labels > 0
    found = [np.where(there, _mixed(graphs.labels.astype(np.uint64)), np.uint64(0))]
    every = np.arange(len(graphs.labels))
    for _ in range(steps):
        before = found[-1]
        entering, leaving = np.zeros_like(before), np.zeros_like(before)
        for source, target, present in zip(graphs.sources.T, graphs.targets.T, graphs.present.T, strict=True):
            entering[every, target] += np.where(present, _mixed(before[every, source]), np.uint64(0))
            leaving[every, source] += np.where(present, _mixed(before[every, target]), np.uint64(0))
        surroundings = _mixed(entering) + _mixed(leaving ^ np.uint64(0x5851F42D4C957F2D))
        found.append(np.where(there, _mixed(before + surroundings), np.uint64(0)))
    return found


def histograms(graphs: Graphs, steps: int, bins: int) -> list[Floats]:
    """Return how often each graph holds each label, then each bin of refined colors.

    Shapes (n, kinds), then (n, bins) for each of the `steps` refinements.
    """
    counted = [_counted(graphs.labels - 1, graphs.label_count)]
    for refined in colors(graphs, steps)[1:]:
        bin_of = (refined % np.uint64(bins)).astype(np.int64)
        counted.append(_counted(np.where(refined > 0, bin_of, -1), bins))
    return counted


def _counted(places: NDArray[np.int64], bins: int) -> Floats:
    """Count for each row how often each place from 0 to bins - 1 stands in it; -1 is none."""
    offset = np.arange(len(places))[:, None] * (bins + 1) + 1
    flat = np.bincount((places + offset).ravel(), minlength=len(places) * (bins + 1))
    return flat.reshape(len(places), bins + 1)[:, 1:].astype(np.float64)


def _mixed(values: Colors) -> Colors:
    """Scatter 64-bit integers: the finalizer of splitmix64 (Steele, Lea and Flood, 2014)."""
    values = values + np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
