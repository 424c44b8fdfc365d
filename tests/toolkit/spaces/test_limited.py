"""Limited spaces: the networks that meet a limit, as a space that every method respects."""

from typing import Any

import numpy as np
import pytest
from lissnas.errors import ArchitectureError, SettingError
from lissnas.locality.exact_locality import pair_locality
from lissnas.predictors.expected_recall import ExpectedSubspace
from lissnas.shrinkers.kernel_shrinkage import KernelShrinkage
from lissnas.shrinkers.lissnas import Lissnas
from lissnas.shrinkers.shrink import shrink, shrinker_class, shrinker_names
from lissnas.spaces.categorical import CategoricalSpace
from lissnas.spaces.limited import Limit, LimitedSpace
from lissnas.spaces.published.cell201 import cell201
from lissnas.spaces.published.macro import macro
from lissnas.spaces.published.nasbench101 import NasBench101
from lissnas.spaces.space import Floats, Rows, Space
from lissnas.subspaces.subspace import FullSpace
from scipy.stats import chisquare

SPACE = macro()
HUGE = CategoricalSpace("21 layers", ("abcdefg",) * 21, "{}" * 21)


def _cost(rows: Rows) -> Floats:
    return rows.sum(axis=1).astype(np.float64)


def _score(rows: Rows) -> Floats:
    """Expensive networks score high, with noise."""
    return _cost(rows) + np.sin(rows.astype(np.float64) @ np.arange(1, rows.shape[1] + 1))


def _flops(at_most: float) -> Limit:
    return Limit("flops", _cost, at_most)


LIMITED = LimitedSpace(SPACE, _flops(6))
WITHIN = np.flatnonzero(_cost(SPACE.all_rows()) <= 6)


def test_a_limited_space_has_the_networks_within_the_limit_in_order() -> None:
    assert LIMITED.size == len(WITHIN)
    np.testing.assert_array_equal(LIMITED.all_rows(), SPACE.rows(WITHIN))
    np.testing.assert_array_equal(LIMITED.index(LIMITED.all_rows()), np.arange(len(WITHIN)))
    np.testing.assert_array_equal(LIMITED.full_space_index(np.arange(len(WITHIN))), WITHIN)


def test_a_network_beyond_the_limit_is_refused() -> None:
    with pytest.raises(ArchitectureError, match="'22220000' does not meet flops <= 6"):
        LIMITED.read(["00000000", "22220000"])


def test_neighbors_meet_the_limit_too() -> None:
    neighbors, source = LIMITED.neighbors(LIMITED.read(["22200000", "00000000"]))
    # At the limit a gene can only become cheaper: 3 genes with 2 cheaper choices each.
    assert np.bincount(source).tolist() == [6, 16]
    assert (_cost(neighbors) <= 6).all()


def test_the_networks_within_two_edits_are_those_of_the_full_space_if_costs_add_up() -> None:
    for string in ("22200000", "00000000", "11111100"):
        row = LIMITED.read([string])
        once, _source = LIMITED.neighbors(row)
        twice, _source = LIMITED.neighbors(once)
        result = set(LIMITED.index(np.concatenate([row, once, twice])).tolist())
        assert result == set(np.flatnonzero(LIMITED.distances(row, LIMITED.all_rows())[0] <= 2).tolist())


def test_a_strict_limit_excludes_networks_at_it() -> None:
    below = LimitedSpace(SPACE, Limit("flops", _cost, 6, is_strict=True))
    assert below.size == np.count_nonzero(_cost(SPACE.all_rows()) < 6) < LIMITED.size
    assert below.name == "macro with flops < 6"


def test_all_limits_apply() -> None:
    first = Limit("latency", lambda rows: rows[:, 0].astype(np.float64), 0)
    both = LimitedSpace(SPACE, _flops(6), first)
    assert both.name == "macro with flops <= 6 and latency <= 0"
    assert both.size == np.count_nonzero(SPACE.rows(WITHIN)[:, 0] == 0)


def test_locality_of_a_limited_space_is_that_of_its_pairs() -> None:
    space = LimitedSpace(SPACE, _flops(3))
    scores = _score(space.all_rows())
    result = pair_locality(space, scores, shares=(0.1,))
    distance = space.distances(space.all_rows(), space.all_rows())
    for d in (1, 2, 3):
        a, b = np.nonzero(distance == d)
        assert result.pairs[d - 1] == len(a)
        assert result.difference.value[d - 1] == pytest.approx(np.abs(scores[a] - scores[b]).mean(), rel=1e-5)


def test_a_limited_space_has_the_gene_properties_of_the_full_space() -> None:
    widths = CategoricalSpace("widths", ("abc",) * 3, "{}{}{}", ordinal=(True, False, True))
    assert LimitedSpace(widths, _flops(3)).ordinal == (True, False, True)
    cells = LimitedSpace(cell201(), _flops(12))
    rows = cells.sample(50, np.random.default_rng(0))
    np.testing.assert_array_equal(cells.effective(rows), cell201().effective(rows))
    graphs = LimitedSpace(NasBench101(5), _flops(9))
    rows = graphs.sample(5, np.random.default_rng(0))
    result, expected = graphs.graphs(rows), graphs.full_space.graphs(rows)
    assert result is not None
    np.testing.assert_equal(vars(result), vars(expected))


def test_a_limit_that_no_network_meets_names_the_lowest_cost() -> None:
    with pytest.raises(SettingError, match="no network of macro meets flops <= -1: the lowest is flops 0"):
        LimitedSpace(SPACE, _flops(-1))


def test_limits_that_no_network_meets_together_name_the_lowest_costs() -> None:
    cheapness = Limit("cheapness", lambda rows: -_cost(rows), -7)
    with pytest.raises(SettingError, match="the lowest of each limit alone is flops 0, cheapness -16"):
        LimitedSpace(SPACE, _flops(6), cheapness)


def test_a_network_with_an_unknown_cost_does_not_meet_the_limit() -> None:
    unknown = Limit("latency", lambda rows: np.where(rows[:, 0] == 0, 1.0, np.nan), 2)
    assert LimitedSpace(SPACE, unknown).size == SPACE.size // 3
    with pytest.raises(SettingError, match="latency nan"):
        LimitedSpace(SPACE, Limit("latency", lambda rows: np.full(len(rows), np.nan), 2))


def test_a_limited_space_without_a_limit_is_refused() -> None:
    with pytest.raises(SettingError, match="at least one limit"):
        LimitedSpace(SPACE)


@pytest.mark.parametrize("method", shrinker_names())
def test_every_method_respects_a_limit(method: str) -> None:
    shrinker: Any = shrinker_class(method)
    evaluations = {"evaluations": 100} if hasattr(shrinker, "evaluations") else {}
    size = {"size": 50} if hasattr(shrinker, "size") else {}
    stop: dict[str, Any] = {"stop": "rounds", "confidence": 0.6} if hasattr(shrinker, "stop") else {}
    scored: list[Rows] = []

    def score(rows: Rows) -> Floats:
        scored.append(rows)
        return _score(rows)

    trace = shrink(LIMITED, score, shrinker(**evaluations, **size, **stop), np.random.default_rng(0))
    assert (_cost(np.concatenate([*scored, SPACE.rows(WITHIN[:1])])) <= 6).all()
    assert (_cost(LIMITED.rows(trace.subspace.index)) <= 6).all()
    assert 0 < trace.subspace.size < LIMITED.size


@pytest.mark.parametrize("method", ["lissnas", "local-search", "regularized-evolution"])
def test_methods_that_move_by_edits_work_without_neighbors(method: str) -> None:
    def oddity(rows: Rows) -> Floats:
        return (rows[:, ::2] != rows[:, 1::2]).any(axis=1).astype(np.float64)

    # Genes that are equal pairwise cannot be changed one by one.
    islands = LimitedSpace(SPACE, Limit("oddity", oddity, 0))
    assert len(islands.neighbors(islands.all_rows())[0]) == 0
    small = {"confidence": 0.5, "seeds": 5} if method == "lissnas" else {"evaluations": 60, "size": 5}
    shrinker: Any = shrinker_class(method)
    assert shrink(islands, _score, shrinker(**small), np.random.default_rng(0)).subspace.size == 5


# Spaces that cannot be enumerated


HUGE_LIMITED = LimitedSpace(HUGE, _flops(50))


def test_samples_of_a_huge_limited_space_meet_the_limit_and_are_different() -> None:
    rows = HUGE_LIMITED.sample(2000, np.random.default_rng(0))
    assert (_cost(rows) <= 50).all()
    assert len(np.unique(HUGE.index(rows))) == 2000


def test_samples_within_the_limit_are_uniform(monkeypatch: pytest.MonkeyPatch) -> None:
    small = LimitedSpace(CategoricalSpace("small", ("abc",) * 4, "{}{}{}{}"), _flops(2))
    monkeypatch.setattr(CategoricalSpace, "enumerable", False)
    huge = LimitedSpace(small.full_space, _flops(2))
    assert not huge.enumerable
    rng = np.random.default_rng(0)
    drawn = np.concatenate([small.index(huge.sample(3, rng)) for _ in range(1500)])
    assert chisquare(np.bincount(drawn, minlength=small.size)).pvalue > 0.001


def test_a_limit_that_almost_no_network_meets_names_the_lowest_cost_drawn() -> None:
    with pytest.raises(
        SettingError, match=r"only 0 of .* networks drawn from .* meet flops <= 1; raise the limits: the lowest is"
    ):
        LimitedSpace(HUGE, _flops(1)).sample(3, np.random.default_rng(0))


def test_lissnas_respects_a_limit_in_a_huge_space() -> None:
    trace = shrink(HUGE_LIMITED, _score, Lissnas(radius=2, max_rounds=3, stop="rounds"), np.random.default_rng(0))
    assert len(trace.rounds) == 4
    rows = HUGE_LIMITED.rows(trace.subspace.index)
    assert (_cost(rows) <= 50).all()
    assert _cost(rows).max() == 50
    assert (_cost(trace.evaluations.rows) <= 50).all()


_RETURN_SCORED_NETWORKS = ("best-of-sample", "local-search", "regularized-evolution")


@pytest.mark.parametrize("method", _RETURN_SCORED_NETWORKS)
def test_methods_that_return_scored_networks_respect_a_limit_in_a_huge_space(method: str) -> None:
    trace = shrink(HUGE_LIMITED, _score, shrinker_class(method)(), np.random.default_rng(0))
    rows = HUGE_LIMITED.rows(trace.subspace.index)
    assert len(rows) > 0
    assert (_cost(rows) <= 50).all()
    assert (_cost(trace.evaluations.rows) <= 50).all()


def test_kernel_shrinkage_finds_good_networks_within_a_limit_of_a_huge_space() -> None:
    value = np.random.default_rng(0).normal(size=(21, 7))

    def score(rows: Rows) -> Floats:
        return value[np.arange(21), rows].sum(axis=1)

    shrinker = KernelShrinkage(evaluations=60, size=200, candidates=2_000)
    trace = shrink(HUGE_LIMITED, score, shrinker, np.random.default_rng(0))
    assert isinstance(trace.subspace, ExpectedSubspace)
    rows = HUGE_LIMITED.rows(trace.subspace.index)
    assert len(rows) == 200
    assert (_cost(rows) <= 50).all()
    assert (_cost(trace.evaluations.rows) <= 50).all()
    drawn = score(HUGE_LIMITED.sample(10_000, np.random.default_rng(1)))
    assert np.median(score(rows)) > np.quantile(drawn, 0.999)
    assert np.isnan(trace.subspace.expected_recall)


_NEED_NO_SIZE = {"lissnas", "lissnas-model", "kernel", "random-subset", *_RETURN_SCORED_NETWORKS}


@pytest.mark.parametrize("method", sorted(set(shrinker_names()) - _NEED_NO_SIZE))
def test_methods_that_need_the_size_refuse_a_huge_limited_space(method: str) -> None:
    with pytest.raises(SettingError, match=r"too many to count those with .* use LISSNAS or kernel"):
        shrink(HUGE_LIMITED, _score, shrinker_class(method)(), np.random.default_rng(0))


def test_the_size_of_a_huge_limited_space_is_bounded() -> None:
    space: Space = HUGE_LIMITED
    assert FullSpace(space).size_bounds == (0, 7**21)
