"""Isomorphic cells: two cells are one network if and only if they give equal results for some naming of weights."""

from collections.abc import Callable
from itertools import permutations

import numpy as np
import pytest
from lissnas.errors import SettingError
from lissnas.locality.landscape import Landscape
from lissnas.spaces.categorical import CategoricalSpace
from lissnas.spaces.distinct import DistinctSpace
from lissnas.spaces.published.cell201 import EDGES, cell201, distinct_cell201
from lissnas.spaces.published.isomorphic_cells import distinct_cells
from lissnas.spaces.published.transnas import distinct_transnas_micro, transnas_micro
from lissnas.spaces.space import Floats, Rows
from nats_bench.genotype_utils import topology_str2structure

WEIGHTS = np.random.default_rng(0).uniform(0.5, 1.5, (2, len(EDGES)))
"""One weight for each kind of convolution and each edge."""


def _computed(rows: Rows, weights: tuple[int, ...]) -> Floats:
    """Return the outputs of cells for the input 0.7: a convolution is a sine with a weight, pooling has no weight."""
    values = [np.full(len(rows), 0.7), *(np.zeros(len(rows)) for _ in range(3))]
    for (start, end), weight, operation in zip(EDGES, weights, rows.T, strict=True):
        value = values[start]
        carried = [np.zeros(len(rows)), value]
        carried += [(kind + 1) * np.sin(WEIGHTS[kind, weight] * value) for kind in (0, 1)]
        values[end] = values[end] + np.choose(operation, [*carried, np.tanh(value)])
    return values[3]


def _all_computed(rows: Rows) -> Floats:
    """Return the outputs of each cell for all assignments of weights to edges, ascending, shape (cells, 720)."""
    named = [_computed(rows, weights) for weights in permutations(range(len(EDGES)))]
    return np.sort(np.round(named, 10), axis=0).T


@pytest.mark.slow
@pytest.mark.parametrize(
    ("encoding", "distinct"),
    [(cell201(), distinct_cell201()), (transnas_micro(), distinct_transnas_micro())],
    ids=["cell201", "transnas-micro"],
)
def test_cells_are_one_network_if_and_only_if_they_compute_the_same_up_to_names_of_weights(
    encoding: CategoricalSpace, distinct: DistinctSpace
) -> None:
    rows = encoding.all_rows()
    # Two cells that agree for one naming agree for all, so the extreme outputs suffice to distinguish cells.
    outputs = _all_computed(rows)[:, [0, 1, -2, -1]]
    _, by_outputs = np.unique(outputs, axis=0, return_inverse=True)
    pairs = np.unique(np.stack([by_outputs, distinct.index(rows)]), axis=1)
    assert pairs.shape[1] == distinct.size == by_outputs.max() + 1


def test_the_cells_of_nas_bench_201_compute_5260_different_functions() -> None:
    assert distinct_cell201().size == 5_260


@pytest.mark.parametrize(("consider_zero", "count"), [(True, 6_466), (False, 12_751)])
def test_the_official_strings_distinguish_the_published_number_of_cells(consider_zero: bool, count: int) -> None:
    strings = cell201().write(cell201().all_rows())
    official = {topology_str2structure(string).to_unique_str(consider_zero) for string in strings}
    assert len(official) == count


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        # A convolution of zero is zero.
        (
            "|none~0|+|none~0|nor_conv_3x3~1|+|skip_connect~0|none~1|none~2|",
            "|none~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|",
            True,
        ),
        # c(x) + c(x) is not c(x) + c'(x).
        (
            "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|skip_connect~1|skip_connect~2|",
            "|nor_conv_3x3~0|+|nor_conv_3x3~0|none~1|+|none~0|skip_connect~1|skip_connect~2|",
            False,
        ),
        # p(x) + p(x) does not depend on where the poolings are.
        (
            "|avg_pool_3x3~0|+|none~0|skip_connect~1|+|none~0|skip_connect~1|skip_connect~2|",
            "|avg_pool_3x3~0|+|avg_pool_3x3~0|none~1|+|none~0|skip_connect~1|skip_connect~2|",
            True,
        ),
    ],
)
def test_known_pairs_of_cells_are_isomorphic_or_not(a: str, b: str, same: bool) -> None:
    space = distinct_cell201()
    first, second = space.index(cell201().read([a, b]))
    assert (first == second) is np.bool_(same)


def test_the_first_of_isomorphic_cells_represents_them() -> None:
    space, rows = distinct_cell201(), cell201().all_rows()
    place = space.index(rows)
    first = np.unique(place, return_index=True)[1]
    np.testing.assert_array_equal(cell201().index(space.rows(np.arange(space.size))), first)


def test_a_space_of_other_genes_is_refused() -> None:
    with pytest.raises(SettingError, match="six"):
        distinct_cells("macro", CategoricalSpace("macro", ("01",) * 8, "{}" * 8), "0", "1", ())


@pytest.mark.parametrize(("column", "cells", "functions"), [("c10", 22, 5), ("c100", 29, 5), ("in16", 37, 19)])
def test_most_local_optima_of_cells_are_not_local_optima_of_functions(
    nasbench201: Callable[[str], Floats], column: str, cells: int, functions: int
) -> None:
    space, distinct, scores = cell201(), distinct_cell201(), nasbench201(f"{column}_test200").astype(np.float64)
    function = distinct.index(space.all_rows())
    means = np.bincount(function, scores) / np.bincount(function)
    assert len(Landscape(space, scores).local_optima()) == cells
    assert len(Landscape(distinct, means).local_optima()) == functions
