"""DistinctSpace: one architecture for all rows of the same network."""

import itertools
import pickle
from typing import Any

import numpy as np
import pytest
from lissnas.errors import ArchitectureError
from lissnas.spaces.categorical import CategoricalSpace
from lissnas.spaces.distinct import DistinctSpace

_WORDS = CategoricalSpace("words", ("abcdefg",) * 4, "{}{}{}{}")


@pytest.fixture(scope="module")
def anagrams() -> DistinctSpace:
    """The 210 multisets of four letters out of seven: too many for an exact mean distance."""
    return DistinctSpace("anagrams", _WORDS, lambda rows: np.sort(rows, axis=1), lambda rows: rows[:, 0] < 99)


def test_the_size_is_the_number_of_different_networks(anagrams: DistinctSpace) -> None:
    assert anagrams.size == 210


def test_rows_of_the_same_network_share_a_place(multisets: Any) -> None:
    orders = np.array(list(itertools.permutations((0, 1, 2, 2))), dtype=np.uint8)
    assert len(set(multisets.space.index(orders).tolist())) == 1


def test_the_canonical_row_is_the_representative(anagrams: DistinctSpace) -> None:
    rows = _WORDS.all_rows()
    np.testing.assert_array_equal(anagrams.canonical(rows), np.sort(rows, axis=1))


def test_a_string_of_any_row_is_read_as_the_representative(multisets: Any) -> None:
    assert multisets.space.write(multisets.space.read(["cbad"])) == ["abcd"]


@pytest.mark.parametrize("use", ["index", "neighbors", "write", "canonical"])
def test_a_row_without_a_network_is_refused(multisets: Any, use: str) -> None:
    rows = np.array([[0, 1, 2, 3], [3, 3, 3, 3]], dtype=np.uint8)
    with pytest.raises(ArchitectureError, match=r"row 1 \[3, 3, 3, 3\] is not a network of multisets"):
        getattr(multisets.space, use)(rows)


def test_a_string_without_a_network_is_refused(multisets: Any) -> None:
    with pytest.raises(ArchitectureError, match="not a network of multisets"):
        multisets.space.read(["dddd"])


def test_no_distance_exceeds_the_hamming_distance_of_the_nearest_rows(anagrams: DistinctSpace) -> None:
    rng = np.random.default_rng(0)
    rows, others = anagrams.sample(50, rng), anagrams.sample(50, rng)
    orders = [others[:, order] for order in itertools.permutations(range(4))]
    nearest = np.min([(rows != other).sum(axis=1) for other in orders], axis=0)
    assert (anagrams.distance(rows, others) <= nearest).all()


def test_the_mean_distance_of_many_networks_is_estimated_from_128_of_them(anagrams: DistinctSpace) -> None:
    rows = anagrams.all_rows()
    distances = anagrams.distances(rows, rows)
    exact = distances.sum() / (210 * 209)
    # The mean distance from one network varies by this much; 128 of 210 without replacement, five standard errors.
    error = distances.mean(axis=1).std() / np.sqrt(128) * np.sqrt(1 - 128 / 210)
    assert anagrams.mean_distance(rows) == pytest.approx(exact, abs=5 * error)


def test_a_network_without_neighbors_has_distance_255_from_all_others() -> None:
    bits = CategoricalSpace("bits", ("01",) * 3, "{}{}{}")
    space = DistinctSpace(
        "bits", bits, lambda rows: rows, lambda rows: np.isin(bits.index(rows), [0b000, 0b011, 0b111])
    )
    rows = space.all_rows()
    np.testing.assert_array_equal(space.distances(rows, rows), [[0, 255, 255], [255, 0, 1], [255, 1, 0]])


def test_a_copy_for_another_process_leaves_the_graph_out_and_has_the_same_neighbors(anagrams: DistinctSpace) -> None:
    rows = anagrams.rows([0, 7, 100])
    expected = anagrams.neighbors(rows)
    sent = pickle.dumps(anagrams)
    assert b"EditGraph" not in sent
    for found, wanted in zip(pickle.loads(sent).neighbors(rows), expected, strict=True):
        assert found.tolist() == wanted.tolist()
