"""ListedSpace: a sample of any space is a space of its own, whose neighbors and sums match brute force."""

import numpy as np
import pytest
from lissnas.errors import ArchitectureError, SettingError
from lissnas.locality.exact_locality import pair_locality
from lissnas.locality.sampled_locality import sample_locality
from lissnas.shrinkers.lissnas import Lissnas
from lissnas.shrinkers.shrink import shrink
from lissnas.spaces import listed
from lissnas.spaces.categorical import CategoricalSpace
from lissnas.spaces.listed import ListedSpace
from lissnas.spaces.published.nasbench101 import nasbench101

HUGE = CategoricalSpace("huge", (tuple("abcd"),) * 60, "{}" * 60)


def _sample(count: int = 80) -> ListedSpace:
    """Return networks around a few, because random ones of 10^36 are no neighbors."""
    rng = np.random.default_rng(0)
    rows = np.repeat(rng.integers(0, 4, (4, 60), dtype=np.uint8), count // 4, axis=0)
    rows[np.arange(len(rows)), rng.integers(0, 6, len(rows))] = rng.integers(0, 4, len(rows))
    rows = np.unique(rows, axis=0)
    return ListedSpace(HUGE, rows[rng.permutation(len(rows))])


def test_index_and_rows_are_inverse_and_keep_the_order_of_the_list() -> None:
    space = _sample()
    every = np.arange(space.size)
    np.testing.assert_array_equal(space.index(space.rows(every)), every)
    np.testing.assert_array_equal(space.index(space.all_rows()[::-1]), every[::-1])
    np.testing.assert_array_equal(space.read(space.write(space.all_rows())), space.all_rows())


def test_neighbors_are_the_listed_rows_that_differ_in_one_gene() -> None:
    space = _sample()
    rows = space.all_rows()
    distances = (rows[:, None] != rows).sum(axis=2)
    neighbors, source = space.neighbors(rows)
    found = set(zip(source.tolist(), space.index(neighbors).tolist(), strict=True))
    assert found == set(map(tuple, np.argwhere(distances == 1).tolist()))
    assert found


def test_sums_over_shells_are_those_of_all_pairs() -> None:
    space, rng = _sample(), np.random.default_rng(1)
    scores, columns = rng.random(space.size), rng.random((space.size, 2))
    shells = space.shell_sums(columns, scores)
    distances = space.distances(space.all_rows(), space.all_rows())
    for distance in (0, 1, 2, 40):
        at = distances == distance
        np.testing.assert_allclose(shells.sums[distance], at @ columns)
        np.testing.assert_allclose(shells.differences[distance], (at * np.abs(scores[:, None] - scores)).sum(axis=1))


def test_locality_of_a_sample_is_that_over_all_of_its_pairs() -> None:
    space = _sample()
    scores = np.random.default_rng(1).random(space.size)
    shares = (0.1,)
    exact = pair_locality(space, scores, shares)
    sampled = sample_locality(HUGE, space.all_rows(), scores, shares)
    np.testing.assert_allclose(exact.correlation.value[:3], sampled.correlation.value[:3])


def test_a_sample_is_shrunk_within_itself() -> None:
    space = _sample()
    scores = space.all_rows().sum(axis=1).astype(np.float64)
    trace = shrink(
        space,
        lambda rows: rows.sum(axis=1).astype(np.float64),
        Lissnas(seeds=5, quantile=0.2),
        np.random.default_rng(0),
    )
    assert 0 < trace.subspace.size < space.size
    assert scores[trace.subspace.index].mean() > scores.mean()


def test_isomorphic_rows_are_one_listed_architecture() -> None:
    whole = nasbench101(4)
    space = ListedSpace(whole, whole.rows(np.array([5, 3])))
    assert space.index(whole.rows(np.array([3, 5]))).tolist() == [1, 0]
    assert space.places(whole.rows(np.array([4]))).tolist() == [-1]


def test_what_is_not_listed_or_listed_twice_is_refused() -> None:
    space = _sample()
    with pytest.raises(ArchitectureError, match=r"'d{60}' is not among the \d+ listed architectures of huge"):
        space.read(["d" * 60])
    with pytest.raises(ArchitectureError, match="is listed twice"):
        ListedSpace(HUGE, np.zeros((2, 60), dtype=np.uint8))


def test_what_needs_an_index_of_a_huge_space_is_refused_with_what_to_do() -> None:
    for use in (lambda: HUGE.rows(np.array([0])), lambda: HUGE.index(HUGE.read(["a" * 60]))):
        with pytest.raises(SettingError, match=r"huge has 1\.33e\+36 architectures, too many for an int64 index: list"):
            use()


def test_too_many_pairs_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listed, "_MAX_PAIRS", 100)
    with pytest.raises(SettingError, match=r"listed architectures have .* pairs, more than the 1e"):
        _sample().shell_sums(np.zeros((_sample().size, 1)), np.zeros(_sample().size))
