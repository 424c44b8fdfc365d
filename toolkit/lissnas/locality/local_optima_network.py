"""Local optima networks: where ascent ends after a few edits away from each local optimum, and the funnels this makes.

Nodes are local optima; an edge leads from one to another if ascent from some architecture within a few edits of the
first ends at the second (escape edges: Verel, Daolio, Ochoa and Tomassini, Artificial Evolution 2011). In a monotonic
network no edge leads down; in a compressed one, equal optima that are joined are one node, and what no edge leaves is
the bottom of a funnel, a sink (Ochoa, Veerapen, Daolio and Tomassini, EvoCOP 2017).

Every optimum and every edge of an enumerated space is found. The library lonkit builds such networks from the traces of
a search, edge by edge, and counts the same funnels in them: a test compares the two.
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
        The places of the local optima, the best first, shape (n,).
    scores
        Of the optima, shape (n,).
    basins
        The share of all starts from which ascent ends at each, shape (n,).
    source, target
        The edges, as numbers of optima, shape (m,); the target is never worse than the source.
    weight
        The share of the measured architectures around the source, itself not counted, from which ascent ends at the
        target, shape (m,).
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
        Which node of the compressed network each optimum belongs to, the best first, shape (n,).
    sinks
        The nodes that no edge leaves, the best first, shape (s,).
    sink_scores
        Their scores, shape (s,).
    size
        The share of all starts that end in each: by ascent, and then by one edge after the other, each chosen by its
        weight, shape (s,). The sum is 1.
    reach
        The share of optima from which each can be reached, shape (s,).
    global_size, global_reach
        The same for all sinks of the best score together.
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

    Two edits are the fewest that can lead out of a basin around an optimum whose neighbors all lead back to it. Raises
    SettingError for fewer edits than 1. Verel, Daolio, Ochoa and Tomassini, EA 2011.
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
    elsewhere = landscape.measured[around] & (around != optima[source])
    source, around = source[elsewhere], around[elsewhere]
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
    """Compress a network, and find its funnels."""
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
    here: Any = np.bincount(node, network.basins, nodes)
    size = np.zeros(nodes)
    while here.any():
        size[sinks] += here[sinks]
        here = here @ step

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
    """Return which node each optimum belongs to, numbered in the order of the optima."""
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
