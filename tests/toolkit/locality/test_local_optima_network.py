"""Local optima networks, against plain loops, and their funnels, against the library lonkit."""

from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
import pytest
from lissnas.errors import SettingError
from lissnas.locality.landscape import Landscape
from lissnas.locality.local_optima_network import LocalOptimaNetwork, funnels, local_optima_network
from lissnas.spaces.space import Floats
from lissnas_benchmarks.catalog import find_adapter
from lissnas_benchmarks.loading import load_table
from lonkit import LON, LONConfig


def _brute_force_edges(small: Any, landscape: Landscape, edits: int) -> dict[tuple[int, int], float]:
    """Return for each edge to an optimum that is not worse the share of the surroundings whose ascent ends there."""
    scores, ends = landscape.scores, landscape.ascend()
    edges = {}
    for optimum in landscape.local_optima():
        around = [
            place
            for place in range(small.space.size)
            if 1 <= small.distance[optimum, place] <= edits and not np.isnan(scores[place])
        ]
        for end, count in Counter(ends[around]).items():
            if end != optimum and scores[end] >= scores[optimum]:
                edges[int(optimum), int(end)] = count / len(around)
    return edges


@pytest.mark.parametrize("edits", [1, 2, 3])
def test_optima_and_edges_match_brute_force(small: Any, scores_of: Any, edits: int) -> None:
    landscape = Landscape(small.space, scores_of(small.space.size))
    found = local_optima_network(landscape, edits)
    assert sorted(found.optima) == landscape.local_optima().tolist()
    assert (np.diff(found.scores) <= 0).all()
    ends = landscape.ascend()[landscape.measured]
    np.testing.assert_allclose(found.basins, [(ends == optimum).mean() for optimum in found.optima])
    edges = zip(found.optima[found.source].tolist(), found.optima[found.target].tolist(), strict=True)
    assert dict(zip(edges, found.weight, strict=True)) == pytest.approx(_brute_force_edges(small, landscape, edits))


def _network(scores: list[float], edges: dict[tuple[int, int], float]) -> LocalOptimaNetwork:
    source, target = np.array(list(edges)).reshape(-1, 2).T.astype(np.int64)
    count = len(scores)
    basins, weight = np.full(count, 1 / count), np.array(list(edges.values()))
    return LocalOptimaNetwork(np.arange(count), np.array(scores), basins, source, target, weight)


def test_funnels_of_a_small_network_match_hand_computation() -> None:
    # 0 and 1 are separate global optima; 2 and 3 are equal and linked; 4 leads to 0 with weight 1 and to 2 with 3.
    network = _network([95, 95, 94, 94, 93], {(2, 3): 0.1, (4, 0): 0.1, (4, 2): 0.3})
    found = funnels(network)
    assert found.node.tolist() == [0, 1, 2, 2, 3]
    assert found.sinks.tolist() == [0, 1, 2]
    assert found.sink_scores.tolist() == [95, 95, 94]
    assert found.size == pytest.approx([0.2 + 0.05, 0.2, 0.4 + 0.15])
    assert found.reach == pytest.approx([2 / 5, 1 / 5, 3 / 5])
    assert found.global_size == pytest.approx(0.45)
    assert found.global_reach == pytest.approx(3 / 5)


def test_a_single_optimum_is_one_funnel() -> None:
    found = funnels(_network([95], {}))
    assert (found.sinks.tolist(), found.size.tolist(), found.global_reach) == ([0], [1], 1)


@pytest.mark.parametrize("seed", range(20))
def test_funnel_sizes_match_simulated_walks(seed: int) -> None:
    network = _random_network(seed)
    found = funnels(network)
    rng = np.random.default_rng(seed)
    walks = 2000
    ended = np.zeros(len(found.sinks))
    ways = {node: ([], []) for node in range(found.node.max() + 1)}
    for source, target, weight in zip(network.source, network.target, network.weight, strict=True):
        if found.node[source] != found.node[target]:
            ways[found.node[source]][0].append(found.node[target])
            ways[found.node[source]][1].append(weight)
    for start in rng.choice(len(network.optima), walks, p=network.basins):
        node = found.node[start]
        while ways[node][0]:
            targets, weights = ways[node]
            node = rng.choice(targets, p=np.array(weights) / sum(weights))
        ended[found.sinks == node] += 1
    # The tolerance is five standard errors of a share of 2,000 walks.
    errors = np.sqrt(found.size * (1 - found.size) / walks)
    assert (np.abs(ended / walks - found.size) <= 5 * errors + 1e-12).all()
    assert found.size.sum() == pytest.approx(1)


def _random_network(seed: int) -> LocalOptimaNetwork:
    rng = np.random.default_rng(seed)
    scores = np.sort(rng.integers(0, 6, 12))[::-1].astype(np.float64)
    pairs = rng.integers(0, 12, (15, 2))
    up = {(int(a), int(b)): float(rng.uniform()) for a, b in pairs if a != b and scores[b] >= scores[a]}
    return _network(scores.tolist(), up)


def _lonkit_metrics(network: LocalOptimaNetwork) -> dict[str, Any]:
    """Return the metrics of lonkit, which gets every edge as a run, and every optimum as a run that does not move."""
    ends = [*zip(network.source, network.target, strict=True), *((i, i) for i in range(len(network.optima)))]
    a, b = np.array(ends).T
    trace = pd.DataFrame(
        {
            "run": np.arange(len(ends)),
            "fit1": network.scores[a],
            "node1": [f"optimum {i}" for i in a],
            "fit2": network.scores[b],
            "node2": [f"optimum {i}" for i in b],
        }
    )
    metrics: dict[str, Any] = LON.from_trace_data(trace, LONConfig(minimize=False)).to_cmlon().compute_metrics()
    return metrics


def _assert_lonkit_agrees(network: LocalOptimaNetwork) -> None:
    found, expected = funnels(network), _lonkit_metrics(network)
    assert found.node.max() + 1 == expected["n_optima"]
    assert len(found.sinks) == expected["n_funnels"]
    best = found.sink_scores == network.scores[0]
    assert np.count_nonzero(best) == expected["n_global_funnels"]
    # lonkit counts nodes of the compressed network; we count optima.
    node_reaches = np.zeros(found.node.max() + 1, dtype=bool)
    node_reaches[found.node] = _reaches_best(network, found.node, found.sinks[best])
    assert node_reaches.mean() == pytest.approx(expected["global_funnel_proportion"])
    assert found.global_reach == pytest.approx(node_reaches[found.node].mean())


def _reaches_best(network: LocalOptimaNetwork, node: np.ndarray, sinks: np.ndarray) -> np.ndarray:
    reached = np.isin(node, sinks)
    for _ in range(len(reached)):
        further = reached.copy()
        further[network.source[reached[network.target]]] = True
        reached = np.isin(node, node[further])
    return reached


@pytest.mark.parametrize("seed", range(20))
def test_random_networks_have_the_funnels_that_lonkit_counts(seed: int) -> None:
    _assert_lonkit_agrees(_random_network(seed))


def _real_scores(name: str) -> tuple[Any, Floats]:
    table = load_table(name)
    return table.space, table.values(find_adapter(name).reports, table.datasets[0])


@pytest.mark.parametrize(("name", "edits"), [("analog-nasbench", 1), ("analog-nasbench", 2), ("nas-bench-graph", 1)])
def test_real_networks_have_the_funnels_that_lonkit_counts(name: str, edits: int) -> None:
    space, scores = _real_scores(name)
    # lonkit treats scores within 1e-12 as equal, such as means over the same trainings summed in another order.
    _assert_lonkit_agrees(local_optima_network(Landscape(space, scores.round(9)), edits))


@pytest.mark.parametrize(("name", "optima", "funnels_at_1"), [("analog-nasbench", 17, 1), ("nas-bench-graph", 184, 6)])
def test_escapes_of_two_edits_leave_a_single_funnel_in_real_spaces(name: str, optima: int, funnels_at_1: int) -> None:
    landscape = Landscape(*_real_scores(name))
    near, far = (local_optima_network(landscape, edits) for edits in (1, 2))
    assert len(near.optima) == len(far.optima) == optima
    assert (len(funnels(near).sinks), len(funnels(far).sinks)) == (funnels_at_1, 1)


def test_an_escape_of_0_edits_is_refused(mixed: Any) -> None:
    with pytest.raises(SettingError, match="at least 1 edit"):
        local_optima_network(Landscape(mixed.space, np.zeros(24)), 0)
