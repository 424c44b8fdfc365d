"""Limited spaces: the networks that meet a limit, as a space that every method keeps to."""

from typing import Any

import numpy as np
import pytest
from lissnas.errors import ArchitectureError, SettingError
from lissnas.locality.exact_locality import pair_locality
from lissnas.shrinkers.kernel_shrinkage import ExpectedSubspace, KernelShrinkage
from lissnas.shrinkers.lissnas import Lissnas
from lissnas.shrinkers.shrink import shrink, shrinker_class, shrinker_names
from lissnas.spaces.categorical import CategoricalSpace
from lissnas.spaces.limited import Limit, LimitedSpace
from lissnas.spaces.published.cell201 import cell201
from lissnas.spaces.published.macro import macro
from lissnas.spaces.published.nasbench101 import NasBench101
from lissnas.spaces.space import Floats, Rows, Space
from lissnas.subspaces.subspace import WholeSpace
from scipy.stats import chisquare

SPACE = macro()
HUGE = CategoricalSpace("21 layers", ("abcdefg",) * 21, "{}" * 21)


def _cost(rows: Rows) -> Floats:
    return rows.sum(axis=1).astype(np.float64)


def _score(rows: Rows) -> Floats:
    """Dear networks are good, and there is noise."""
    return _cost(rows) + np.sin(rows.astype(np.float64) @ np.arange(1, rows.shape[1] + 1))


def _flops(at_most: float) -> Limit:
    return Limit("flops", _cost, at_most)


LIMITED = LimitedSpace(SPACE, _flops(6))
INSIDE = np.flatnonzero(_cost(SPACE.all_rows()) <= 6)


def test_a_limited_space_holds_the_networks_that_meet_the_limit_in_their_order() -> None:
    assert LIMITED.size == len(INSIDE)
    np.testing.assert_array_equal(LIMITED.all_rows(), SPACE.rows(INSIDE))
    np.testing.assert_array_equal(LIMITED.index(LIMITED.all_rows()), np.arange(len(INSIDE)))
    np.testing.assert_array_equal(LIMITED.whole_index(np.arange(len(INSIDE))), INSIDE)


def test_a_network_above_the_limit_is_none_of_its() -> None:
    with pytest.raises(ArchitectureError, match="'22220000' does not meet flops <= 6"):
        LIMITED.read(["00000000", "22220000"])


def test_neighbors_are_those_that_meet_the_limit_too() -> None:
    neighbors, source = LIMITED.neighbors(LIMITED.read(["22200000", "00000000"]))
    # At the limit a gene can only become cheaper: 2 genes of 3 choices downwards, two steps each.
    assert np.bincount(source).tolist() == [6, 16]
    assert (_cost(neighbors) <= 6).all()


def test_within_two_edits_lie_the_same_networks_as_in_the_whole_space_as_costs_add_up() -> None:
    for string in ("22200000", "00000000", "11111100"):
        row = LIMITED.read([string])
        once, _source = LIMITED.neighbors(row)
        twice, _source = LIMITED.neighbors(once)
        found = set(LIMITED.index(np.concatenate([row, once, twice])).tolist())
        assert found == set(np.flatnonzero(LIMITED.distances(row, LIMITED.all_rows())[0] <= 2).tolist())


def test_every_limit_is_kept_to() -> None:
    first = Limit("latency", lambda rows: rows[:, 0].astype(np.float64), 0)
    both = LimitedSpace(SPACE, _flops(6), first)
    assert both.name == "macro with flops <= 6 and latency <= 0"
    assert both.size == np.count_nonzero(SPACE.rows(INSIDE)[:, 0] == 0)


def test_locality_of_a_limited_space_is_that_of_its_pairs() -> None:
    space = LimitedSpace(SPACE, _flops(3))
    scores = _score(space.all_rows())
    found = pair_locality(space, scores, shares=(0.1,))
    distance = space.distances(space.all_rows(), space.all_rows())
    for d in (1, 2, 3):
        a, b = np.nonzero(distance == d)
        assert found.pairs[d - 1] == len(a)
        assert found.difference.value[d - 1] == pytest.approx(np.abs(scores[a] - scores[b]).mean(), rel=1e-5)


def test_what_the_whole_space_knows_of_its_genes_the_limited_one_knows_too() -> None:
    scales = CategoricalSpace("widths", ("abc",) * 3, "{}{}{}", ordinal=(True, False, True))
    assert LimitedSpace(scales, _flops(3)).ordinal == (True, False, True)
    cells = LimitedSpace(cell201(), _flops(12))
    rows = cells.sample(50, np.random.default_rng(0))
    np.testing.assert_array_equal(cells.effective(rows), cell201().effective(rows))
    graphs = LimitedSpace(NasBench101(5), _flops(9))
    rows = graphs.sample(5, np.random.default_rng(0))
    found, expected = graphs.graphs(rows), graphs.whole.graphs(rows)
    assert found is not None
    np.testing.assert_equal(vars(found), vars(expected))


def test_a_limit_that_nothing_meets_says_what_the_least_is() -> None:
    with pytest.raises(SettingError, match="no network of macro meets flops <= -1: the lowest is flops 0"):
        LimitedSpace(SPACE, _flops(-1))


def test_limits_that_nothing_meets_together_say_so() -> None:
    dear = Limit("cheapness", lambda rows: -_cost(rows), -7)
    with pytest.raises(SettingError, match="the lowest of each limit alone is flops 0, cheapness -16"):
        LimitedSpace(SPACE, _flops(6), dear)


def test_what_no_one_measured_meets_no_limit() -> None:
    unknown = Limit("latency", lambda rows: np.where(rows[:, 0] == 0, 1.0, np.nan), 2)
    assert LimitedSpace(SPACE, unknown).size == SPACE.size // 3
    with pytest.raises(SettingError, match="latency nan"):
        LimitedSpace(SPACE, Limit("latency", lambda rows: np.full(len(rows), np.nan), 2))


def test_no_limit_is_refused() -> None:
    with pytest.raises(SettingError, match="at least one limit"):
        LimitedSpace(SPACE)


@pytest.mark.parametrize("method", shrinker_names())
def test_every_method_keeps_to_a_limit(method: str) -> None:
    shrinker: Any = shrinker_class(method)
    evaluations = {"evaluations": 100} if hasattr(shrinker, "evaluations") else {}
    size = {"size": 50} if hasattr(shrinker, "size") else {}
    stop = {"stop": "rounds"} if hasattr(shrinker, "stop") else {}
    asked: list[Rows] = []

    def score(rows: Rows) -> Floats:
        asked.append(rows)
        return _score(rows)

    trace = shrink(LIMITED, score, shrinker(**evaluations, **size, **stop), np.random.default_rng(0))
    assert (_cost(np.concatenate([*asked, SPACE.rows(INSIDE[:1])])) <= 6).all()
    assert (_cost(LIMITED.rows(trace.subspace.index)) <= 6).all()
    assert 0 < trace.subspace.size < LIMITED.size


@pytest.mark.parametrize("method", ["lissnas", "local-search", "regularized-evolution"])
def test_methods_that_walk_get_along_with_networks_without_neighbors(method: str) -> None:
    def oddity(rows: Rows) -> Floats:
        return (rows[:, ::2] != rows[:, 1::2]).any(axis=1).astype(np.float64)

    # Genes that are equal pairwise cannot be changed one by one.
    islands = LimitedSpace(SPACE, Limit("oddity", oddity, 0))
    assert len(islands.neighbors(islands.all_rows())[0]) == 0
    small = {"confidence": 0.5, "seeds": 5} if method == "lissnas" else {"evaluations": 60, "size": 5}
    shrinker: Any = shrinker_class(method)
    assert shrink(islands, _score, shrinker(**small), np.random.default_rng(0)).subspace.size == 5


# Spaces that no one can enumerate


HUGE_LIMITED = LimitedSpace(HUGE, _flops(50))


def test_samples_of_a_huge_limited_space_meet_the_limit_and_are_different() -> None:
    rows = HUGE_LIMITED.sample(2000, np.random.default_rng(0))
    assert (_cost(rows) <= 50).all()
    assert len(np.unique(HUGE.index(rows))) == 2000


def test_no_network_that_meets_the_limit_is_favored(monkeypatch: pytest.MonkeyPatch) -> None:
    small = LimitedSpace(CategoricalSpace("small", ("abc",) * 4, "{}{}{}{}"), _flops(2))
    monkeypatch.setattr(CategoricalSpace, "enumerable", False)
    huge = LimitedSpace(small.whole, _flops(2))
    assert not huge.enumerable
    rng = np.random.default_rng(0)
    drawn = np.concatenate([small.index(huge.sample(3, rng)) for _ in range(1500)])
    assert chisquare(np.bincount(drawn, minlength=small.size)).pvalue > 0.001


def test_a_limit_that_hardly_anything_meets_says_what_was_seen() -> None:
    with pytest.raises(
        SettingError, match=r"only 0 of .* networks drawn from .* meet flops <= 1; raise the limits: the lowest is"
    ):
        LimitedSpace(HUGE, _flops(1)).sample(3, np.random.default_rng(0))


def test_lissnas_keeps_to_a_limit_in_a_huge_space() -> None:
    trace = shrink(HUGE_LIMITED, _score, Lissnas(radius=2, max_rounds=3, stop="rounds"), np.random.default_rng(0))
    assert len(trace.rounds) == 4
    kept = HUGE_LIMITED.rows(trace.subspace.index)
    assert (_cost(kept) <= 50).all()
    assert _cost(kept).max() == 50
    assert (_cost(trace.evaluations.rows) <= 50).all()


_KEEP_WHAT_THEY_SCORED = ("best-of-sample", "local-search", "regularized-evolution")


@pytest.mark.parametrize("method", _KEEP_WHAT_THEY_SCORED)
def test_methods_that_keep_what_they_scored_keep_to_a_limit_in_a_huge_space(method: str) -> None:
    trace = shrink(HUGE_LIMITED, _score, shrinker_class(method)(), np.random.default_rng(0))
    kept = HUGE_LIMITED.rows(trace.subspace.index)
    assert len(kept) > 0
    assert (_cost(kept) <= 50).all()
    assert (_cost(trace.evaluations.rows) <= 50).all()


def test_kernel_shrinkage_keeps_to_a_limit_in_a_huge_space_and_finds_what_is_good_there() -> None:
    worth = np.random.default_rng(0).normal(size=(21, 7))

    def score(rows: Rows) -> Floats:
        return worth[np.arange(21), rows].sum(axis=1)

    shrinker = KernelShrinkage(evaluations=60, size=200, candidates=2_000)
    trace = shrink(HUGE_LIMITED, score, shrinker, np.random.default_rng(0))
    assert isinstance(trace.subspace, ExpectedSubspace)
    kept = HUGE_LIMITED.rows(trace.subspace.index)
    assert len(kept) == 200
    assert (_cost(kept) <= 50).all()
    assert (_cost(trace.evaluations.rows) <= 50).all()
    drawn = score(HUGE_LIMITED.sample(10_000, np.random.default_rng(1)))
    assert np.median(score(kept)) > np.quantile(drawn, 0.999)
    assert np.isnan(trace.subspace.expected_recall)


_COUNT_NOTHING = {"lissnas", "kernel", "random-subset", *_KEEP_WHAT_THEY_SCORED}


@pytest.mark.parametrize("method", sorted(set(shrinker_names()) - _COUNT_NOTHING))
def test_methods_that_must_know_the_size_refuse_a_huge_limited_space(method: str) -> None:
    with pytest.raises(SettingError, match=r"too many to count those with .* use LISSNAS or kernel"):
        shrink(HUGE_LIMITED, _score, shrinker_class(method)(), np.random.default_rng(0))


def test_the_size_of_a_huge_limited_space_is_bounded() -> None:
    space: Space = HUGE_LIMITED
    assert WholeSpace(space).size_bounds == (0, 7**21)
