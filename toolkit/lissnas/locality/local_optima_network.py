"""Local optima networks: which local optima a few edits and an ascent connect, and the funnels of the network.

Nodes are local optima. An edge leads from one to another if ascent from some architecture within a few edits of the
first ends at the second (escape edges: Verel, Daolio, Ochoa and Tomassini, Artificial Evolution 2011). A monotonic
network has no edge to a lower score. A compressed network merges equal optima that are connected; its nodes without
outgoing edges are sinks, the bottoms of funnels (Ochoa, Veerapen, Daolio and Tomassini, EvoCOP 2017).

This module finds every optimum and every edge of an enumerable space. The library lonkit builds such networks from the
traces of a search, edge by edge. A test compares its funnels with ours.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from lissnas.errors import SettingError
from lissnas.locality.landscape import Landscape
from lissnas.spaces.space import Floats, Indices


@dataclass(frozen=True)
class LocalOptimaNetwork:
    """A monotonic network of local optima.

    Attributes
    ----------
    optima
        Indices of the local optima in the space, best first, shape (n,).
    scores
        Scores of the optima, shape (n,).
    basins
        Share of all starts whose ascent ends at each optimum, shape (n,).
    source, target
        The edges, as positions in `optima`, shape (m,). The target is never worse than the source.
    weight
        Share of the measured architectures around the source, except itself, whose ascent ends at the target, shape
        (m,).
    """

    optima: Indices
    scores: Floats
    basins: Floats
    source: Indices
    target: Indices
    weight: Floats


@dataclass(frozen=True)
class Funnels:
    """The funnels of a network of local optima.

    Attributes
    ----------
    node
        The node of each optimum in the compressed network, numbered from the best, shape (n,).
    sinks
        The nodes without outgoing edges, best first, shape (s,).
    sink_scores
        Scores of the sinks, shape (s,).
    size
        Share of all starts that end in each sink, by ascent and then by edges chosen by their weight, shape (s,). The
        sum is 1.
    reach
        Share of the optima from which each sink is reachable, shape (s,).
    global_size, global_reach
        Size and reach of all sinks with the best score together.
    """

    node: Indices
    sinks: Indices
    sink_scores: Floats
    size: Floats
    reach: Floats
    global_size: float
    global_reach: float


def local_optima_network(landscape: Landscape, edits: int = 2) -> LocalOptimaNetwork:
    """Return the monotonic network whose edges lead up to `edits` edits away from each local optimum.

    Two edits are the minimum to leave an optimum whose neighbors all lead back to it. Raises SettingError for fewer
    edits than 1. Verel, Daolio, Ochoa and Tomassini, EA 2011.
    """
    if edits < 1:
        raise SettingError(f"an escape takes at least 1 edit, not {edits}")
    optima = landscape.local_optima()
    optima = optima[np.argsort(-landscape.scores[optima], kind="stable")]
    number = np.full(landscape.size, -1, dtype=np.int64)
    number[optima] = np.arange(len(optima))

    source, around = np.arange(len(optima)), optima
    for _ in range(edits):
        further, from_pair = landscape.edits.neighbors(around)
        reached = np.concatenate([source * landscape.size + around, source[from_pair] * landscape.size + further])
        source, around = np.divmod(np.unique(reached), landscape.size)
    is_escape = landscape.measured[around] & (around != optima[source])
    source, around = source[is_escape], around[is_escape]
    surroundings = np.bincount(source, minlength=len(optima))

    edge, count = np.unique(source * len(optima) + number[landscape.ascend()[around]], return_counts=True)
    source, target = np.divmod(edge, len(optima))
    scores = landscape.scores[optima]
    upward = (source != target) & (scores[target] >= scores[source])
    source, target = source[upward], target[upward]
    basins = landscape.basins()[optima]
    return LocalOptimaNetwork(
        optima=optima,
        scores=scores,
        basins=basins / basins.sum(),
        source=source,
        target=target,
        weight=count[upward] / surroundings[source],
    )


def funnels(network: LocalOptimaNetwork) -> Funnels:
    """Return the funnels of a network, after merging equal optima that are connected."""
    from scipy.sparse import csr_array

    node = _compressed(network)
    nodes = int(node.max()) + 1
    scores = np.empty(nodes)
    scores[node] = network.scores
    between = node[network.source] != node[network.target]
    ends = node[network.source[between]], node[network.target[between]]
    upward = csr_array((network.weight[between], ends), shape=(nodes, nodes))
    leaving = upward.sum(axis=1)
    sinks = np.flatnonzero(leaving == 0)

    chances = upward.data / np.repeat(leaving, np.diff(upward.indptr))
    step = csr_array((chances, upward.indices, upward.indptr), shape=(nodes, nodes))
    mass: Any = np.bincount(node, network.basins, nodes)
    size = np.zeros(nodes)
    while mass.any():
        size[sinks] += mass[sinks]
        mass = mass @ step

    reaches = np.zeros((nodes, len(sinks)), dtype=np.bool_)
    reaches[sinks, np.arange(len(sinks))] = True
    linked = csr_array((np.ones(upward.nnz, dtype=np.int64), upward.indices, upward.indptr), shape=(nodes, nodes))
    while (grown := reaches | (linked @ reaches.astype(np.int64) > 0)).sum() > reaches.sum():
        reaches = grown
    of_optima = reaches[node]
    best = scores[sinks] == network.scores[0]
    return Funnels(
        node=node,
        sinks=sinks,
        sink_scores=scores[sinks],
        size=size[sinks],
        reach=of_optima.mean(axis=0),
        global_size=float(size[sinks][best].sum()),
        global_reach=float(of_optima[:, best].any(axis=1).mean()),
    )


def _compressed(network: LocalOptimaNetwork) -> Indices:
    """Return the node of each optimum, numbered in the order of the optima."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    count = len(network.optima)
    level = network.scores[network.source] == network.scores[network.target]
    ends = network.source[level], network.target[level]
    joined = coo_array((np.ones(np.count_nonzero(level), dtype=np.bool_), ends), shape=(count, count))
    label = connected_components(joined, directed=False)[1]
    _, first, node = np.unique(label, return_index=True, return_inverse=True)
    rank: Indices = np.argsort(np.argsort(first))
    return rank[node]
