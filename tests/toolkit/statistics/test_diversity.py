"""Diversity, against SciPy and values computed by hand."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lissnas.statistics.diversity import diversity, gene_entropy
from lissnas.subspaces.subspace import ExplicitSubspace, FullSpace
from scipy import stats


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 4)), min_size=1, max_size=30))
def test_entropy_is_that_of_scipy_divided_by_the_log_of_the_choices(rows: list[tuple[int, int]]) -> None:
    batch = np.array(rows, dtype=np.uint8)
    expected = [stats.entropy(np.bincount(batch[:, gene])) / np.log(count) for gene, count in enumerate((2, 5))]
    np.testing.assert_allclose(gene_entropy(batch, (2, 5)), expected, atol=1e-12)


def test_a_gene_without_choice_has_no_entropy() -> None:
    assert gene_entropy(np.zeros((4, 1), dtype=np.uint8), (1,)).tolist() == [0]


def test_the_full_space_has_every_operation_and_one_pocket(small: Any) -> None:
    found = diversity(FullSpace(small.space))
    assert found.operations.tolist() == [1] * small.space.genes
    assert found.pocket_sizes.tolist() == [small.space.size]


def test_the_full_space_of_independent_choices_has_entropy_1(mixed: Any) -> None:
    assert diversity(FullSpace(mixed.space)).entropy == pytest.approx([1, 1, 1])


def test_the_diversity_of_a_subspace_matches_hand_computation(mixed: Any) -> None:
    # a-c|f, a-c|g and, two edits away from both, b-d|f.
    subspace = ExplicitSubspace(mixed.space, mixed.space.index(mixed.space.read(["a-c|f", "a-c|g", "b-d|f"])))
    found = diversity(subspace)
    two_to_one = -(2 / 3 * np.log(2 / 3) + 1 / 3 * np.log(1 / 3))
    assert found.entropy == pytest.approx(two_to_one / np.log([2, 3, 4]))
    assert found.operations == pytest.approx([1, 2 / 3, 2 / 4])
    assert found.pocket_sizes.tolist() == [2, 1]
