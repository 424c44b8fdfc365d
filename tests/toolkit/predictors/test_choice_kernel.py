"""The features of genes: changes, ordinal steps and counts."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lissnas.errors import SettingError
from lissnas.predictors.choice_kernel import choice_components
from lissnas.predictors.distance_kernel import DistanceKernel
from lissnas.spaces.categorical import CategoricalSpace
from lissnas.spaces.published.cell201 import cell201
from lissnas.spaces.published.channels import channels
from lissnas.spaces.space import Floats

NOMINAL = CategoricalSpace("chain", ["abc"] * 4, "{}{}{}{}")
ORDINAL = CategoricalSpace("widths", ["12345"] * 4, "{}{}{}{}", (True,) * 4)


def _kernel(space: CategoricalSpace, *rows: list[int]) -> Floats:
    kernel = DistanceKernel(choice_components(space))
    features = kernel.features(np.array(rows, dtype=np.uint8))
    return kernel(np.zeros_like(kernel.prior_mean), features, features)


def test_one_changed_gene_is_one_change_and_one_replaced_count() -> None:
    assert _kernel(NOMINAL, [0, 0, 0, 0], [2, 0, 0, 0])[0, 1] == pytest.approx(math.exp(-0.15 / 4 - 0.01))


def test_swapping_the_choices_of_two_genes_leaves_the_counts_unchanged() -> None:
    assert _kernel(NOMINAL, [0, 1, 2, 0], [1, 0, 2, 0])[0, 1] == pytest.approx(math.exp(-2 * 0.15 / 4))


def test_the_distance_of_an_ordinal_gene_grows_with_the_square_of_the_steps() -> None:
    logs = np.log(_kernel(ORDINAL, [0, 0, 0, 0], [1, 0, 0, 0], [4, 0, 0, 0])[0])
    assert logs[2] == pytest.approx(-0.15 / 4 - 0.01 / 2)
    assert logs[1] == pytest.approx(logs[2] / 16)


def test_a_nominal_gene_has_no_order() -> None:
    near, far = _kernel(NOMINAL, [0, 0, 0, 0], [1, 0, 0, 0], [2, 0, 0, 0])[0, 1:]
    assert near == far


def test_the_widths_of_the_size_space_are_ordinal() -> None:
    assert channels().ordinal == (True,) * 5


def test_cells_that_differ_only_on_dead_edges_have_equal_features() -> None:
    # No edge leads to node 1, so the edges that leave it are dead: genes 2 and 4.
    similarities = _kernel(cell201(), [0, 3, 2, 1, 4, 2], [0, 3, 0, 1, 3, 2], [0, 3, 0, 1, 0, 2])
    np.testing.assert_allclose(similarities, 1)


@given(st.integers(0, 2**32 - 1))
def test_the_kernel_is_positive_semidefinite(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, 3, (12, 4)).tolist()
    assert np.linalg.eigvalsh(_kernel(NOMINAL, *rows)).min() > -1e-9


def test_the_number_of_ordinal_marks_must_be_that_of_the_genes() -> None:
    with pytest.raises(SettingError, match="widths: 3 ordinal marks for 2 genes; give one each"):
        CategoricalSpace("widths", ["12", "12"], "{}{}", (True,) * 3)
