"""The contract of every optimizer, in a full space, a box, and scattered pockets."""

from collections.abc import Callable

import numpy as np
import pytest
from lissnas.errors import SettingError, UnknownNameError
from lissnas.evaluation.evaluations import Evaluations
from lissnas.evaluation.evaluator import TableEvaluator
from lissnas.optimizers.moves import neighbors_inside
from lissnas.optimizers.optuna_samplers import Genetic, Tpe
from lissnas.optimizers.random_search import RandomSearch
from lissnas.optimizers.regularized_evolution import RegularizedEvolution
from lissnas.optimizers.search import optimizer_class, optimizer_names, search
from lissnas.shrinkers.lissnas import Lissnas
from lissnas.shrinkers.shrink import shrink
from lissnas.spaces.categorical import CategoricalSpace
from lissnas.spaces.distinct import DistinctSpace
from lissnas.spaces.published.cell201 import cell201
from lissnas.spaces.published.macro import macro
from lissnas.spaces.space import Floats, Rows
from lissnas.subspaces.box import Box
from lissnas.subspaces.subspace import ExplicitSubspace, FullSpace, Subspace

BUDGET = 80


def _pockets() -> Subspace:
    """Return 200 scattered chains, most of which have no neighbor in the subspace."""
    return ExplicitSubspace(macro(), np.random.default_rng(5).choice(6561, 200, replace=False))


def _box() -> Subspace:
    return Box.full(macro()).without(0, 1).without(3, 2)


@pytest.fixture(scope="module", params=["full space", "box", "pockets", "distinct"])
def subspace(request: pytest.FixtureRequest, anagrams_of_five: DistinctSpace) -> Subspace:
    subspaces: dict[str, Callable[[], Subspace]] = {
        "full space": lambda: FullSpace(macro()),
        "box": _box,
        "pockets": _pockets,
        "distinct": lambda: FullSpace(anagrams_of_five),
    }
    return subspaces[request.param]()


@pytest.fixture(scope="module", params=optimizer_names())
def name(request: pytest.FixtureRequest) -> str:
    return request.param


def _scores(subspace: Subspace, missing: float = 0.0) -> Floats:
    rng = np.random.default_rng(0)
    rows = subspace.space.all_rows()
    scores = rng.normal(size=8)[rows].sum(axis=1) + rng.normal(size=len(rows))
    scores[rng.random(len(scores)) < missing] = np.nan
    return scores


def _visited(subspace: Subspace, name: str, seed: int = 0, total: int = BUDGET, missing: float = 0.0) -> Evaluations:
    evaluator = TableEvaluator(subspace.space, _scores(subspace, missing))
    return search(subspace, evaluator, optimizer_class(name)(), np.random.default_rng(seed), total).evaluations


@pytest.mark.slow
@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_the_budget_is_spent_inside_the_subspace(subspace: Subspace, name: str, missing: float) -> None:
    visited = _visited(subspace, name, missing=missing)
    index, _scores = visited.history
    assert visited.count == BUDGET
    assert np.isin(index, subspace.index).all()


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bits(subspace: Subspace, name: str) -> None:
    first, second, other = (_visited(subspace, name, seed).index for seed in (4, 4, 5))
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, other)


def test_a_subspace_smaller_than_the_budget_is_scored_completely(name: str) -> None:
    pockets = ExplicitSubspace(macro(), _pockets().index[:60])
    np.testing.assert_array_equal(np.sort(_visited(pockets, name, total=1000).index), pockets.index)


def test_scores_of_the_shrinker_are_known_and_count(name: str) -> None:
    space = macro()
    evaluated: list[int] = []
    scores = _scores(FullSpace(space))

    def score(rows: Rows) -> Floats:
        evaluated.extend(space.index(rows).tolist())
        return scores[space.index(rows)]

    shrunk = shrink(space, score, Lissnas(seeds=20, radius=2), np.random.default_rng(0))
    before = shrunk.evaluations.count
    trace = search(shrunk.subspace, shrunk.evaluations, optimizer_class(name)(), np.random.default_rng(1), before + 40)
    assert trace.evaluations.count == len(evaluated) == len(set(evaluated)) == before + 40


def test_a_budget_already_spent_scores_nothing(name: str) -> None:
    known = _visited(_box(), "random")
    trace = search(_box(), known, optimizer_class(name)(), np.random.default_rng(0), BUDGET - 20)
    assert trace.evaluations.count == BUDGET


@pytest.mark.parametrize("name", sorted(set(optimizer_names()) - {"random"}))
def test_it_finds_more_than_random_search_on_a_real_table(name: str, nasbench201: Callable[[str], Floats]) -> None:
    space, scores = cell201(), nasbench201("c100_val200")
    evaluator = TableEvaluator(space, scores)

    def mean_best(name: str) -> float:
        runs = [
            search(FullSpace(space), evaluator, optimizer_class(name)(), np.random.default_rng(seed), 200)
            for seed in range(6)
        ]
        return float(np.mean([run.evaluations.scores.max() for run in runs]))

    assert mean_best(name) > mean_best("random")


def test_incumbents_are_the_best_so_far() -> None:
    subspace = FullSpace(macro())
    scores = _scores(subspace, missing=0.3)
    evaluator = TableEvaluator(subspace.space, scores)
    trace = search(subspace, evaluator, RandomSearch(), np.random.default_rng(0), 50)
    index, scores = trace.evaluations.history
    for count, incumbent in enumerate(trace.incumbents, start=1):
        known = scores[:count]
        expected = -1 if np.isnan(known).all() else index[np.nanargmax(known)]
        assert incumbent == expected


def test_neighbors_inside_are_the_neighbors_in_the_subspace() -> None:
    pockets = _pockets()
    members = pockets.space.rows(pockets.index)
    for row in members[:50]:
        expected = pockets.index[pockets.space.distances(row[None], members)[0] == 1]
        found = pockets.space.index(neighbors_inside(pockets, row)) if len(expected) else []
        np.testing.assert_array_equal(np.sort(found), expected)


def test_optuna_prints_nothing_and_its_verbosity_is_restored(capfd: pytest.CaptureFixture[str]) -> None:
    import optuna

    before = optuna.logging.get_verbosity()
    _visited(_box(), "tpe", total=15)
    assert capfd.readouterr() == ("", "")
    assert optuna.logging.get_verbosity() == before


def test_a_space_that_cannot_be_enumerated_is_searched(name: str) -> None:
    space = CategoricalSpace("huge", ("abcd",) * 20, "{}" * 20)
    trace = search(
        FullSpace(space), lambda rows: rows.sum(axis=1) * 1.0, optimizer_class(name)(), np.random.default_rng(0), 60
    )
    assert trace.evaluations.count == 60


def test_a_generation_of_children_is_scored_together() -> None:
    """So each of eight processes has a path to score."""
    batches: list[int] = []

    def evaluator(rows: Rows) -> Floats:
        batches.append(len(rows))
        return rows.sum(axis=1) * 1.0

    evolution = RegularizedEvolution(population=20, tournament=5, children=8)
    trace = search(FullSpace(macro()), evaluator, evolution, np.random.default_rng(0), 100)
    assert trace.evaluations.count == sum(batches) == 100
    assert batches[0] == 20
    assert np.mean(batches[1:]) > 4  # children that are known already are not scored again
    assert max(batches[1:]) == 8


@pytest.mark.parametrize("name", ["regularized-evolution", "local-search"])
def test_the_shrinker_scores_what_the_optimizer_scores(name: str) -> None:
    from lissnas.shrinkers.shrink import shrinker_class

    space = macro()
    evaluator = TableEvaluator(space, _scores(FullSpace(space)))
    shrinker = shrinker_class(name)(evaluations=200, size=50)  # type: ignore[call-arg]
    kept = shrink(space, evaluator, shrinker, np.random.default_rng(2))
    visited = search(FullSpace(space), evaluator, optimizer_class(name)(), np.random.default_rng(2), 200).evaluations
    np.testing.assert_array_equal(kept.evaluations.index, visited.index)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: RegularizedEvolution(population=5), "a tournament of 10 cannot be drawn from a population of 5"),
        (lambda: Genetic(population=0), "population must be at least 1, not 0"),
        (lambda: search(_box(), lambda rows: rows[:, 0] * 1.0, Tpe(), np.random.default_rng(0), 0), "not 0"),
    ],
)
def test_impossible_settings_are_refused(wrong: Callable[[], object], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        wrong()


def test_the_error_for_an_unknown_optimizer_suggests_the_nearest_name() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'local-search'"):
        optimizer_class("localsearch")
