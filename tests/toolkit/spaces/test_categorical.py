"""CategoricalSpace: what a product of choices guarantees beyond the contract of every space."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lissnas.errors import SettingError
from lissnas.spaces.categorical import CategoricalSpace
from lissnas.spaces.published.cell201 import cell201


def _space(*choices: int) -> CategoricalSpace:
    return CategoricalSpace(
        "drawn", [[f"op{choice}" for choice in range(count)] for count in choices], "{}" * len(choices)
    )


any_space = st.lists(st.integers(1, 20), min_size=1, max_size=14).map(lambda choices: _space(*choices))


@st.composite
def space_with_rows(draw: st.DrawFn) -> tuple[CategoricalSpace, np.ndarray]:
    space = draw(any_space)
    row = st.tuples(*(st.integers(0, count - 1) for count in space.choices))
    return space, np.array(draw(st.lists(row, min_size=1, max_size=8)), dtype=np.uint8)


@given(space_with_rows())
def test_index_and_rows_are_inverse(drawn: tuple[CategoricalSpace, np.ndarray]) -> None:
    space, rows = drawn
    np.testing.assert_array_equal(space.rows(space.index(rows)), rows)


@given(space_with_rows())
def test_strings_of_names_with_equal_prefixes_read_back(drawn: tuple[CategoricalSpace, np.ndarray]) -> None:
    space, rows = drawn
    np.testing.assert_array_equal(space.read(space.write(rows)), rows)


@given(space_with_rows())
def test_a_row_has_a_neighbor_for_every_other_choice_of_every_gene(drawn: tuple[CategoricalSpace, np.ndarray]) -> None:
    space, rows = drawn
    neighbors, source = space.neighbors(rows)
    changed = neighbors != rows[source]
    edits = {(at, gene, neighbors[n, gene]) for n, (at, gene) in enumerate(zip(source, changed.argmax(1), strict=True))}
    expected = {
        (at, gene, choice)
        for at, row in enumerate(rows)
        for gene, count in enumerate(space.choices)
        for choice in range(count)
        if choice != row[gene]
    }
    assert (changed.sum(axis=1) == 1).all()
    assert edits == expected
    assert len(neighbors) == len(expected)


@given(space_with_rows())
def test_distances_are_hamming_distances(drawn: tuple[CategoricalSpace, np.ndarray]) -> None:
    space, rows = drawn
    expected = [[sum(x != y for x, y in zip(a, b, strict=True)) for b in rows.tolist()] for a in rows.tolist()]
    np.testing.assert_array_equal(space.distances(rows, rows), expected)


def test_the_index_counts_with_the_first_gene_as_the_highest_digit() -> None:
    rows = list(itertools.product(range(2), range(3), range(4)))
    np.testing.assert_array_equal(_space(2, 3, 4).all_rows(), rows)


def test_shells_of_a_large_space_have_the_sizes_of_the_binomial_formula() -> None:
    space = cell201()
    sums = space.shell_sums(np.ones((space.size, 1)), np.zeros(space.size)).sums
    # d of the 6 edges get one of the 4 other operations.
    np.testing.assert_array_equal(sums[:, 4711, 0], [1, 24, 240, 1280, 3840, 6144, 4096])


def test_a_space_of_10_to_the_12_is_sampled_without_being_listed() -> None:
    space = _space(*[4] * 20)
    rows = space.sample(1000, np.random.default_rng(0))
    # Each choice of each gene is expected 250 times, with a standard deviation of 13.7; 80 tests, 5 deviations.
    counts = np.array([np.bincount(gene, minlength=4) for gene in rows.T])
    assert len(np.unique(space.index(rows))) == 1000
    assert np.abs(counts - 250).max() < 70


def test_listing_a_space_of_10_to_the_12_is_refused() -> None:
    with pytest.raises(SettingError, match="more than the 1,000,000 that can be enumerated: draw a sample"):
        _space(*[4] * 20).all_rows()


def test_the_largest_index_of_an_int64_is_an_architecture() -> None:
    space = CategoricalSpace("bits", ("01",) * 62, "{}" * 62)
    assert space.write(space.rows(np.array([2**62 - 1]))) == ["1" * 62]


@pytest.mark.parametrize("choices", [0, 257])
def test_a_gene_with_no_choice_or_more_than_256_is_refused(choices: int) -> None:
    with pytest.raises(SettingError, match="1 to 256"):
        _space(2, choices)


def test_a_gene_may_have_256_choices() -> None:
    rows = _space(256, 2).all_rows()
    assert rows[-1].tolist() == [255, 1]
