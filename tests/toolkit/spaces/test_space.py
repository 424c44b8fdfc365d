"""The contract of every space, checked on small spaces against distances from plain loops."""

import itertools
from typing import Any

import numpy as np
import pytest
from lissnas.errors import ArchitectureError, SettingError
from lissnas.spaces.published.cell201 import cell201
from lissnas.spaces.published.darts import darts
from lissnas.spaces.published.nasbench101 import nasbench101


def test_indices_count_the_architectures_in_order(small: Any) -> None:
    space = small.space
    np.testing.assert_array_equal(space.index(space.all_rows()), np.arange(len(small.distance)))


def test_neighbors_are_all_architectures_at_distance_one(small: Any) -> None:
    space = small.space
    # Shuffled and with a repeated row, since a batch may have any order.
    batch = np.append(np.random.default_rng(0).permutation(space.size), 0)
    neighbors, source = space.neighbors(space.rows(batch))
    result = [sorted(space.index(neighbors[source == place]).tolist()) for place in range(len(batch))]
    assert result == [np.flatnonzero(small.distance[architecture] == 1).tolist() for architecture in batch]


def test_sources_of_neighbors_ascend(small: Any) -> None:
    _neighbors, source = small.space.neighbors(small.space.all_rows()[::-1])
    assert (np.diff(source) >= 0).all()


def test_distance_matches_brute_force(small: Any) -> None:
    rows = small.space.all_rows()
    a, b = (grid.ravel() for grid in np.indices(small.distance.shape))
    np.testing.assert_array_equal(small.space.distance(rows[a], rows[b]), small.distance[a, b])


def test_distances_of_two_batches_match_brute_force(small: Any) -> None:
    space = small.space
    a, b = np.arange(space.size)[::2], np.arange(space.size)[::-1]
    result = space.distances(space.rows(a), space.rows(b))
    np.testing.assert_array_equal(result, small.distance[np.ix_(a, b)])


def test_shell_sums_match_a_double_loop(small: Any, scores_of: Any) -> None:
    size = small.space.size
    scores, columns = scores_of(size), np.random.default_rng(1).normal(size=(size, 2))
    sums = np.zeros((small.distance.max() + 1, size, 2))
    differences = np.zeros(sums.shape[:2])
    for a, b in itertools.product(range(size), repeat=2):
        sums[small.distance[a, b], a] += columns[b]
        if not np.isnan(scores[[a, b]]).any():
            differences[small.distance[a, b], a] += abs(scores[a] - scores[b])
    result = small.space.shell_sums(columns, scores)
    # Genes with one choice add empty shells.
    beyond = len(result.sums) - len(sums)
    # Scores of about 90 are float32: each difference is off by up to 8e-6, and at most 24 are summed.
    np.testing.assert_allclose(result.differences, np.pad(differences, ((0, beyond), (0, 0))), atol=2e-4)
    np.testing.assert_allclose(result.sums, np.pad(sums, ((0, beyond), (0, 0), (0, 0))), atol=1e-5)


def test_mean_distance_is_the_mean_over_all_pairs(small: Any) -> None:
    chosen = np.random.default_rng(2).permutation(small.space.size)[:5]
    pairs = [small.distance[a, b] for a, b in itertools.combinations(chosen, 2)]
    assert small.space.mean_distance(small.space.rows(chosen)) == pytest.approx(np.mean(pairs))


@pytest.mark.parametrize("count", [0, 1])
def test_fewer_than_two_architectures_have_no_mean_distance(small: Any, count: int) -> None:
    assert np.isnan(small.space.mean_distance(small.space.all_rows()[:count]))


def test_official_strings_read_back_as_the_same_rows(small: Any) -> None:
    rows = small.space.all_rows()
    np.testing.assert_array_equal(small.space.read(small.space.write(rows)), rows)


def test_different_architectures_have_different_strings(small: Any) -> None:
    assert len(set(small.space.write(small.space.all_rows()))) == small.space.size


@pytest.mark.parametrize("damage", [str.upper, lambda string: string[:-1], lambda string: string + " ", lambda _: ""])
def test_a_string_of_another_form_is_refused(small: Any, damage: Any) -> None:
    [string] = small.space.write(small.space.all_rows()[:1])
    with pytest.raises(ArchitectureError, match="is not written as"):
        small.space.read([damage(string)])


@pytest.mark.parametrize(
    ("string", "why"),
    [
        ("|none~0|+|nor_conv_5x5~0|none~1|+|none~0|none~1|none~2|", "unknown choice 'nor_conv_5x5' of gene 1"),
        (" |none~0|", "it has blanks around it"),
        ("none~0|", r"it needs '\|' where it has 'none~0\|'"),
        ("|none~0|+|none~0|", "it lacks the choice of gene 2"),
        ("|none~0|+|none~0|none~1|+|none~0|none~1|none~2|x", r"it has '~2\|x' where it must end with '~2\|'"),
    ],
)
def test_the_error_names_the_first_difference_from_the_official_form(string: str, why: str) -> None:
    with pytest.raises(ArchitectureError, match=f"is not written as cell201 writes it: {why}.*; for example"):
        cell201().read([string])


@pytest.mark.parametrize(
    ("string", "why"),
    [
        ("0010 input,output", "its matrix is not upper triangular"),
        ("010001000 input,none,output", "unknown operation 'none', which is one of conv3x3"),
        ("010001000 input,output", "its sizes differ: a matrix of 3 vertices and 2 operations"),
        ("0100input,output", "it is not a matrix and operations with one blank between them"),
        ("01 input,output", "its matrix is not a square of 0 and 1 row by row, but '01'"),
        ("0100 output,input", "its operations do not begin with input and end with output"),
    ],
)
def test_the_error_names_what_is_wrong_with_a_graph(string: str, why: str) -> None:
    with pytest.raises(ArchitectureError, match=why):
        nasbench101(3).read([string])


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("sep_conv_3x3", "none", "unknown operation 'none', which is one of max_pool"),
        ("('sep_conv_3x3', 0), ", "", "it has 15 edges instead of 16"),
        ("Genotype", " Genotype", "it has blanks around it"),
    ],
)
def test_the_error_names_what_is_wrong_with_a_genotype(old: str, new: str, why: str) -> None:
    space = darts()
    rows = np.full((1, space.genes), 0, dtype=np.uint8)
    rows[0, 1] = space.operations.index("sep_conv_3x3")
    [string] = space.write(rows)
    with pytest.raises(ArchitectureError, match=why):
        space.read([string.replace(old, new, 1)])


def test_a_sample_has_no_architecture_twice(small: Any) -> None:
    sample = small.space.sample(small.space.size, np.random.default_rng(3))
    assert sorted(small.space.index(sample)) == list(range(small.space.size))


def test_the_same_seed_draws_the_same_sample(small: Any) -> None:
    first, second = (small.space.sample(4, np.random.default_rng(4)) for _ in range(2))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("excess", [1, -1000])
def test_a_sample_larger_than_the_space_is_refused(small: Any, excess: int) -> None:
    with pytest.raises(SettingError, match="cannot draw"):
        small.space.sample(small.space.size + excess, np.random.default_rng(5))


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda rows: rows[:, :-1], id="too short"),
        pytest.param(lambda rows: np.hstack([rows, rows]), id="too long"),
        pytest.param(lambda rows: rows[0], id="one row without a batch"),
        pytest.param(lambda rows: rows.astype(np.int64), id="wide integers"),
        pytest.param(lambda rows: rows.astype(np.float64), id="floats"),
        pytest.param(lambda rows: rows + np.uint8(100), id="choices out of range"),
        pytest.param(lambda rows: rows + np.uint8(255), id="choice -1"),
    ],
)
@pytest.mark.parametrize("use", ["index", "neighbors", "write", "mean_distance"])
def test_rows_that_break_the_contract_are_refused(small: Any, use: str, damage: Any) -> None:
    rows = small.space.all_rows()[:2]
    with pytest.raises(ArchitectureError, match=small.space.name):
        getattr(small.space, use)(damage(rows))


def test_the_number_of_choices_of_a_gene_is_no_choice(small: Any) -> None:
    for gene, count in enumerate(small.space.choices):
        rows = small.space.all_rows()[:2]
        rows[1, gene] = count
        with pytest.raises(ArchitectureError, match=f"row 1 .* is not in {small.space.name}: its genes have"):
            small.space.checked(rows)


@pytest.mark.parametrize("beyond", [-1, 0, 1000])
def test_an_index_outside_the_space_is_refused(small: Any, beyond: int) -> None:
    index = beyond if beyond < 0 else small.space.size + beyond
    with pytest.raises(ArchitectureError, match=f"{small.space.name} has the indices 0 to .*, not {index}"):
        small.space.rows(np.array([0, index]))


def test_an_empty_batch_is_allowed(small: Any) -> None:
    space = small.space
    empty = space.rows(np.empty(0, dtype=np.int64))
    shapes = (
        space.index(empty).shape,
        space.neighbors(empty)[0].shape,
        space.distance(empty, empty).shape,
        space.distances(empty, space.all_rows()).shape,
        space.write(empty),
    )
    assert shapes == ((0,), (0, space.genes), (0,), (0, space.size), [])
