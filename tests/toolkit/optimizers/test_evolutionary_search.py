"""The evolutionary search of SPOS: its generations, in spaces of the size that SPOS searches."""

import numpy as np
import pytest
from lissnas.errors import SettingError
from lissnas.optimizers.evolutionary_search import EvolutionarySearch
from lissnas.optimizers.search import search
from lissnas.spaces.categorical import CategoricalSpace
from lissnas.spaces.limited import Limit, LimitedSpace
from lissnas.spaces.published.macro import macro
from lissnas.spaces.space import Floats, Rows
from lissnas.subspaces.box import Box
from lissnas.subspaces.enclosing_box import enclosing_choices
from lissnas.subspaces.limited_subspace import LimitedSubspace
from lissnas.subspaces.subspace import ExplicitSubspace, FullSpace
from lissnas.subspaces.union_of_balls import UnionOfBalls

HUGE = CategoricalSpace("huge", ("abcd",) * 20, "{}" * 20)
VALUES = np.random.default_rng(0).normal(size=(20, 4))


def _score(rows: Rows) -> Floats:
    return VALUES[np.arange(20), rows].sum(axis=1)


def _cost(rows: Rows) -> Floats:
    """Return the sum of the genes: 30 of 60 on average."""
    return rows.sum(axis=1).astype(np.float64)


def _generations(space: LimitedSpace, optimizer: EvolutionarySearch, total: int) -> list[Rows]:
    generations: list[Rows] = []

    def score(rows: Rows) -> Floats:
        generations.append(rows)
        return _score(rows)

    search(FullSpace(space), score, optimizer, np.random.default_rng(0), total)
    return generations


LIMITED = LimitedSpace(HUGE, Limit("expensive choices", _cost, 30))


def test_a_thousand_evaluations_are_twenty_generations_of_fifty_within_the_limits() -> None:
    generations = _generations(LIMITED, EvolutionarySearch(), 1_000)
    assert [len(generation) for generation in generations] == [50] * 20
    rows = np.concatenate(generations)
    assert _cost(rows).max() <= 30
    assert len(np.unique(rows, axis=0)) == 1_000


def test_a_generation_has_mutants_and_then_crossovers_of_the_best_so_far() -> None:
    generations = _generations(LIMITED, EvolutionarySearch(), 1_000)
    changed = []
    for number in range(1, 10):
        before = np.concatenate(generations[:number])
        parents = before[np.argsort(-_score(before), kind="stable")[:10]]
        mutants, crossovers = generations[number][:25], generations[number][25:]
        changed.append((mutants[:, None] != parents).sum(axis=2).min(axis=1))
        genes = (crossovers[:, None, None] == parents[:, None]) | (crossovers[:, None, None] == parents)
        assert genes.all(axis=3).any(axis=(1, 2)).all()
    # A mutant redraws 1 in 10 of 20 genes, 3 of 4 times with another choice. Unchanged children, 1 in 5, are rejected.
    assert 1.5 < np.mean(changed) < 2.2


def test_random_draws_fill_a_generation_that_has_too_few_children() -> None:
    optimizer = EvolutionarySearch(population=40, parents=1, mutations=0, crossovers=30)
    generations = _generations(LIMITED, optimizer, 200)
    assert [len(generation) for generation in generations] == [40] * 5
    assert len(np.unique(np.concatenate(generations), axis=0)) == 200


@pytest.mark.parametrize("optimizer", [EvolutionarySearch(), EvolutionarySearch(parents=1, probability=1e-6)])
def test_a_small_subspace_is_scored_completely(optimizer: EvolutionarySearch) -> None:
    few = ExplicitSubspace(macro(), np.random.default_rng(5).choice(6561, 130, replace=False))
    trace = search(few, lambda rows: rows.sum(axis=1) * 1.0, optimizer, np.random.default_rng(0), 500)
    np.testing.assert_array_equal(np.sort(trace.evaluations.index), few.index)


def test_mutants_draw_choices_that_are_left() -> None:
    left = np.zeros((20, 4), dtype=np.bool_)
    left[:, 3], left[:10, 1] = True, True
    subspace = LimitedSubspace(LimitedSpace(HUGE, Limit("expensive choices", _cost, 50)), Box(HUGE, left))
    assert enclosing_choices(subspace) == [[1, 3]] * 10 + [[3]] * 10
    best = search(subspace, _score, EvolutionarySearch(), np.random.default_rng(0), 400).evaluations.scores.max()
    rows = subspace.space.rows(subspace.index)
    assert best == _score(rows).max()


def test_enclosing_choices_are_those_that_members_have() -> None:
    space = macro()
    some = ExplicitSubspace(space, np.array([0, 1, 6560]))
    assert enclosing_choices(some) == [[0, 2]] * 7 + [[0, 1, 2]]
    assert enclosing_choices(Box.full(space).without(3, 1))[3] == [0, 2]
    for whole in (FullSpace(space), UnionOfBalls(space, space.rows(np.array([5])), 1)):
        assert enclosing_choices(whole) == [[0, 1, 2]] * 8
    assert enclosing_choices(FullSpace(LIMITED)) == [[0, 1, 2, 3]] * 20


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"mutations": 26}, "26 mutations and 25 crossovers: .* their sum at most the population of 50"),
        ({"crossovers": -1}, "25 mutations and -1 crossovers"),
        ({"parents": 0}, "parents must be at least 1, not 0"),
        ({"probability": 0.0}, "probability must be above 0 and at most 1, not 0"),
    ],
)
def test_impossible_settings_are_refused(wrong: dict[str, float], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        EvolutionarySearch(**wrong)  # type: ignore[arg-type]
