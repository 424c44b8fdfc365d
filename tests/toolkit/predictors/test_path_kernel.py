"""The features of paths, and the choices that isomorphic rows share."""

import lissnas as ln
import numpy as np
from lissnas.predictors.graph_kernel import kernel_components
from lissnas.predictors.path_kernel import path_components
from lissnas.spaces.published.cell201 import OPERATIONS, cell201, distinct_cell201
from lissnas.spaces.published.macro import macro
from lissnas.spaces.space import Floats, Rows

NONE, SKIP, CONV_1, CONV_3, POOL = range(len(OPERATIONS))


def _features(*rows: list[int]) -> Floats:
    space = cell201()
    batch = np.array(rows, dtype=np.uint8)
    return np.concatenate([component.features(batch) for component in kernel_components(space)], axis=1)


def test_a_cell_has_the_operations_of_each_path_that_no_missing_edge_breaks() -> None:
    # Edges 0-1, 0-2, 1-2, 0-3, 1-3, 2-3.
    paths = cell201().paths(np.array([[CONV_3, NONE, SKIP, POOL, CONV_1, CONV_1]], dtype=np.uint8))
    found = {tuple(path[path > 0]) for path in paths.operations[0][paths.present[0]]}
    assert found == {(POOL + 1,), (CONV_3 + 1, CONV_1 + 1)}
    # Through nodes 1 and 2, and through node 1 alone, pass the same operations, because a skip is none.
    assert paths.present.sum() == 3


def test_isomorphic_cells_have_equal_features_and_others_do_not() -> None:
    by_node_1, by_node_2 = [CONV_3, NONE, NONE, POOL, CONV_1, NONE], [NONE, CONV_3, NONE, POOL, NONE, CONV_1]
    a, b, other = _features(by_node_1, by_node_2, [CONV_1, NONE, NONE, POOL, CONV_3, NONE])
    np.testing.assert_allclose(a, b)
    assert np.abs(a - other).max() > 0.1


def test_the_sequence_of_operations_on_a_path_is_a_feature() -> None:
    # Edges 0-1, 0-2, 1-2, 0-3, 1-3, 2-3: one path with the same operations in another order.
    rows = np.array(
        [[CONV_1, NONE, CONV_3, NONE, NONE, POOL], [CONV_3, NONE, CONV_1, NONE, NONE, POOL]], dtype=np.uint8
    )
    (component,) = path_components(cell201())
    a, b = component.features(rows)
    assert np.count_nonzero(a != b) == 2  # one sequence each; all counts are equal
    # 13 counts, and all sequences of at most three of the three operations: 1 + 3 + 9 + 27.
    assert component.features(rows).shape[1] == 13 + 40


def test_mean_choices_tell_nearly_all_functions_apart() -> None:
    space, distinct = cell201(), distinct_cell201()
    rows = space.sample(3000, np.random.default_rng(0))
    shares = space.choice_shares(rows)
    np.testing.assert_allclose(shares, distinct.choice_shares(rows))
    # A few different functions have the same mean choices.
    different = len(np.unique(distinct.index(rows)))
    assert 0.99 * different < len(np.unique(shares.round(9), axis=0)) <= different


def test_a_space_without_paths_has_no_component() -> None:
    assert path_components(macro()) == []


def test_graph_networks_of_one_function_share_features_and_have_the_paths_of_their_links() -> None:
    space = ln.load("nas-bench-graph").space
    rows: Rows = space.read(["0012:gcn,gat,skip,sage"])
    paths = space.paths(rows)
    assert paths is not None
    lengths = sorted((paths.operations[0][paths.present[0]] > 0).sum(axis=1).tolist())
    assert sum(lengths) == 3  # the package moves the skip to the input, so three operations are left
    np.testing.assert_allclose(space.choice_shares(rows).sum(axis=1), space.genes)
