"""Colors and histograms of graphs, against plain refinement and renumbered vertices."""

import numpy as np
import pytest
from lissnas.predictors.choice_kernel import choice_components
from lissnas.predictors.distance_kernel import DistanceKernel
from lissnas.predictors.graph_kernel import kernel_components
from lissnas.predictors.weisfeiler_lehman import colors, histograms
from lissnas.spaces.categorical import CategoricalSpace
from lissnas.spaces.published.darts import DartsSpace, darts
from lissnas.spaces.published.nasbench101 import NasBench101
from lissnas.spaces.space import Graphs, Space


def _random_graphs(count: int, seed: int) -> Graphs:
    rng = np.random.default_rng(seed)
    sources, targets = (np.tile(ends, (count, 1)) for ends in np.triu_indices(6, 1))
    labels = rng.integers(0, 4, (count, 6))
    ends = np.take_along_axis(labels, sources, 1) * np.take_along_axis(labels, targets, 1)
    return Graphs(labels, sources, targets, (rng.random(sources.shape) < 0.4) & (ends > 0), 3)


def _renumbered(graphs: Graphs, seed: int) -> Graphs:
    order = np.random.default_rng(seed).permutation(graphs.labels.shape[1])
    return Graphs(
        graphs.labels[:, np.argsort(order)],
        order[graphs.sources],
        order[graphs.targets],
        graphs.present,
        graphs.label_count,
    )


def _plain_colors(graphs: Graphs, steps: int) -> list[list[list[object]]]:
    """Refine with nested tuples: the color, the sorted colors of predecessors, and those of successors."""
    rounds: list[list[list[object]]] = [[list(row) for row in graphs.labels.tolist()]]
    for _ in range(steps):
        refined: list[list[object]] = []
        for row, before in enumerate(rounds[-1]):
            ends = [
                (source, target)
                for source, target, present in zip(
                    graphs.sources[row].tolist(), graphs.targets[row].tolist(), graphs.present[row], strict=True
                )
                if present
            ]
            refined.append(
                [
                    (
                        before[vertex],
                        tuple(sorted(repr(before[source]) for source, target in ends if target == vertex)),
                        tuple(sorted(repr(before[target]) for source, target in ends if source == vertex)),
                    )
                    if graphs.labels[row, vertex]
                    else 0
                    for vertex in range(graphs.labels.shape[1])
                ]
            )
        rounds.append(refined)
    return rounds


def test_vertices_share_a_color_where_plain_refinement_gives_the_same() -> None:
    graphs = _random_graphs(80, 1)
    for ours, plain in zip(colors(graphs, 3), _plain_colors(graphs, 3), strict=True):
        names: dict[str, int] = {}
        expected = [names.setdefault(repr(color), len(names)) for row in plain for color in row]
        _values, first, found = np.unique(ours.ravel(), return_index=True, return_inverse=True)
        np.testing.assert_array_equal(np.argsort(np.argsort(first))[found], expected)
        assert not ours[graphs.labels == 0].any()


def test_histograms_do_not_depend_on_the_numbering_of_vertices() -> None:
    graphs = _random_graphs(50, 2)
    for before, after in zip(histograms(graphs, 2, 16), histograms(_renumbered(graphs, 3), 2, 16), strict=True):
        np.testing.assert_array_equal(before, after)


def test_histograms_count_each_vertex_once_per_refinement() -> None:
    graphs = _random_graphs(50, 4)
    for counted in histograms(graphs, 2, 16):
        np.testing.assert_array_equal(counted.sum(axis=1), (graphs.labels > 0).sum(axis=1))


def test_features_of_nas_bench_101_ignore_vertex_numbers_and_dead_vertices() -> None:
    # The input leads to two operations, and both to the output. The second row swaps the operations; the third adds a
    # dead vertex.
    kernel = DistanceKernel(kernel_components(NasBench101()))
    edges = {(0, 1): 5, (0, 2): 6, (1, 6): 15, (2, 6): 19}
    rows = np.zeros((3, 26), dtype=np.uint8)
    rows[:, list(edges.values())] = 1
    rows[:, :2] = [[1, 3], [3, 1], [1, 3]]
    rows[2, 2] = 2
    rows[2, 7] = 1
    a, b, dead = kernel.features(rows)
    np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(a, dead)


def test_different_cells_of_nas_bench_101_mostly_have_different_features() -> None:
    space = NasBench101()
    features = DistanceKernel(kernel_components(space)).features(space.rows(np.arange(0, space.size, 997)))
    assert len(np.unique(features, axis=0)) > 0.95 * len(features)


def test_swapped_nodes_of_darts_have_equal_histograms() -> None:
    space = DartsSpace("two nodes", cells=("normal",), nodes=2, operations=("skip", "conv"))
    first = "Genotype(normal=[('skip', 0), ('conv', 1), ('conv', 0), ('conv', 1)], normal_concat=range(2, 4))"
    second = "Genotype(normal=[('conv', 0), ('conv', 1), ('skip', 0), ('conv', 1)], normal_concat=range(2, 4))"
    other = "Genotype(normal=[('conv', 0), ('conv', 1), ('skip', 0), ('conv', 2)], normal_concat=range(2, 4))"
    a, b, c = kernel_components(space)[-1].features(space.read([first, second, other]))
    np.testing.assert_array_equal(a, b)
    assert (a != c).any()


@pytest.mark.parametrize("space", [darts(), NasBench101(5)])
def test_spaces_with_graphs_have_a_graph_component(space: Space) -> None:
    assert len(kernel_components(space)) == len(choice_components(space)) + 1


def test_a_space_without_graphs_has_components_of_genes_only() -> None:
    space = CategoricalSpace("chain", ["abc"] * 4, "{}{}{}{}")
    assert space.graphs(space.all_rows()) is None
    assert len(kernel_components(space)) == 2
