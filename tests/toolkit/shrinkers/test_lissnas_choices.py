"""The options of LISSNAS: choice of seeds, radius, and stopping rule; and spaces of 10^17 architectures."""

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lissnas.errors import EvaluatorError, SettingError
from lissnas.evaluation.evaluations import Evaluations
from lissnas.locality.measured_radius import MeasuredRadius, measured_radius
from lissnas.shrinkers.lissnas import Lissnas
from lissnas.shrinkers.shrink import Trace, shrink
from lissnas.spaces.categorical import CategoricalSpace
from lissnas.spaces.published.darts import darts
from lissnas.spaces.published.macro import macro
from lissnas.spaces.space import Floats, Rows, Space
from lissnas.subspaces import union_of_balls
from lissnas.subspaces.subspace import ExplicitSubspace
from lissnas.subspaces.union_of_balls import UnionOfBalls, balls

SPACE = macro()
HUGE = CategoricalSpace("21 layers", ("abcdefg",) * 21, "{}" * 21)


def _smooth(rows: Rows) -> Floats:
    """Return a sum of one term per choice: neighbors of good architectures are good."""
    weights = np.random.default_rng(3).normal(size=(rows.shape[1], 8))
    return weights[np.arange(rows.shape[1]), rows].sum(axis=1)


def _rugged(rows: Rows) -> Floats:
    """Return scores without locality."""
    return np.sin(rows.astype(np.float64) @ np.arange(1.0, rows.shape[1] + 1) ** 2 * 1234.5)


def _run(space: Space = SPACE, score: Any = _smooth, seed: int = 0, **settings: Any) -> Trace:
    return shrink(space, score, Lissnas(**settings), np.random.default_rng(seed))


# Choice of seeds


def _farthest(rows: list[tuple[int, ...]], count: int) -> set[tuple[int, ...]]:
    """Choose greedily: the best row, then the farthest from all chosen; of equally far ones the better."""
    chosen = [rows[0]]
    while len(chosen) < count:
        distance = [min(sum(x != y for x, y in zip(row, other, strict=True)) for other in chosen) for row in rows]
        chosen.append(rows[distance.index(max(distance))])
    return set(chosen)


@given(st.integers(0, 1000), st.integers(1, 8))
def test_seeds_by_distance_are_the_greedy_choice_from_a_pool_of_four_times_as_many(seed: int, count: int) -> None:
    trace = _run(seed=seed, spread="distance", seeds=count, stop="rounds", max_rounds=1)
    pool = trace.evaluations.best(4 * count)
    chosen = _farthest(list(map(tuple, pool.tolist())), count)
    expected = balls(SPACE, np.array(sorted(chosen), dtype=np.uint8), 1)
    np.testing.assert_array_equal(trace.subspace.index, expected.index)


def test_seeds_by_distance_lie_further_apart_than_by_rank() -> None:
    sizes = {spread: _run(spread=spread, stop="rounds", max_rounds=1).subspace.size for spread in ("rank", "distance")}
    assert sizes["distance"] > sizes["rank"]


# Radius


def _brute_rate(space: Space, evaluations: Evaluations, best: int, distance: int) -> tuple[int, float]:
    rows = evaluations.rows
    order = np.argsort(-evaluations.scores, kind="stable")[:best].tolist()
    near = space.distances(rows, rows)
    pairs = [(a, b) for a, b in itertools.product(order, range(len(rows))) if near[a, b] == distance]
    return len(pairs), sum(b in order for _a, b in pairs) / len(pairs)


def _scored(space: Space, score: Any, count: int) -> Evaluations:
    evaluations = Evaluations(space, score)
    evaluations(space.sample(count, np.random.default_rng(0)))
    return evaluations


def test_the_measured_rate_is_that_of_all_scored_pairs() -> None:
    evaluations = _scored(SPACE, _smooth, 600)
    found = measured_radius(SPACE, evaluations, 60)
    for distance in (1, 2):
        pairs, rate = _brute_rate(SPACE, evaluations, 60, distance)
        assert (found.pairs[distance - 1], found.rate[distance - 1]) == (pairs, pytest.approx(rate))
    assert found.base_rate == 59 / 599


def test_locality_widens_the_radius() -> None:
    found = measured_radius(SPACE, _scored(SPACE, _smooth, 2000), 200)
    assert found.radius == 2
    assert min(found.at_least) > 2 * found.base_rate


def test_without_locality_the_radius_stays_1() -> None:
    assert measured_radius(SPACE, _scored(SPACE, _rugged, 2000), 200).radius == 1


def test_the_lower_bound_approaches_the_rate_with_more_pairs() -> None:
    gaps = []
    for count in (300, 3000):
        found = measured_radius(SPACE, _scored(SPACE, _smooth, count), count // 10)
        gaps.append(found.rate[1] - found.at_least[1])
    assert gaps[0] > gaps[1] > 0


def test_the_lower_bound_has_its_nominal_coverage() -> None:
    complete = Evaluations(SPACE, _smooth)
    complete(SPACE.all_rows())
    truth = measured_radius(SPACE, complete, 656).rate[1]
    below = 0
    for seed in range(200):
        evaluations = Evaluations(SPACE, _smooth)
        evaluations(SPACE.sample(600, np.random.default_rng(seed)))
        below += measured_radius(SPACE, evaluations, 60).at_least[1] <= truth
    assert below / 200 > 0.94  # 97.5 % of the lower bounds, minus three standard errors


def test_a_sample_without_near_pairs_gives_radius_1_and_says_why() -> None:
    trace = _run(HUGE, radius="measured", stop="rounds", max_rounds=1)
    [measured, _stopped] = trace.notes
    assert isinstance(measured, MeasuredRadius)
    assert (measured.radius, measured.pairs) == (1, (0, 0))
    assert "no pair at distance 1; no pair at distance 2; against 9.7%" in str(measured)
    assert trace.subspace.radius == 1


def test_each_round_measures_the_radius_until_it_is_1_and_it_never_grows() -> None:
    narrowed = 0
    for seed in range(20):
        trace = _run(score=lambda rows: _smooth(rows) + 2 * _rugged(rows), seed=seed, radius="measured", stop="rounds")
        measured = [note.radius for note in trace.notes if isinstance(note, MeasuredRadius)]
        used = measured + [1] * (10 - len(measured))
        assert used == sorted(used, reverse=True)
        narrowed += used[0] == 2 and used[-1] == 1
        known = 299
        for step, radius in zip(trace.rounds[1:], used, strict=True):
            order = np.argsort(-trace.evaluations.scores[:known], kind="stable")[:30]
            expected = balls(SPACE, trace.evaluations.rows[order], radius)
            np.testing.assert_array_equal(step.subspace.index, expected.index)
            known = step.evaluations
    assert narrowed


def test_the_notes_report_the_pairs_behind_the_radius() -> None:
    trace = _run(radius="measured")
    note = str(trace.notes[0])
    pairs, rate = _brute_rate(SPACE, _scored(SPACE, _smooth, 299), 30, 1)
    assert f"{rate:.1%}, at least " in note
    assert f"of {pairs:,} pairs at distance 1" in note


# Stopping rule


def test_by_rounds_all_rounds_run_even_if_the_mean_falls() -> None:
    assert len(_run(score=_rugged).rounds) < 4
    trace = _run(score=_rugged, stop="rounds", max_rounds=6)
    assert len(trace.rounds) == 7
    assert trace.notes == ("stopped after all 6 rounds",)


def test_by_rounds_no_evaluation_is_spent_after_the_last_round() -> None:
    trace = _run(stop="rounds", max_rounds=3)
    assert trace.evaluations.count == trace.rounds[-1].evaluations


def test_both_rules_give_the_same_rounds_until_the_plateau() -> None:
    plateau, rounds = _run(), _run(stop="rounds")
    for one, other in zip(plateau.rounds, rounds.rounds, strict=False):
        np.testing.assert_array_equal(one.subspace.index, other.subspace.index)
    assert len(plateau.rounds) < len(rounds.rounds)
    assert "is not one standard error above" in str(plateau.notes[-1])


def _unlucky_second_sample(rows: Rows, batches: list[int]) -> Floats:
    """Return smooth scores, lowered in the second batch so that its mean is about that of the space."""
    batches.append(len(rows))
    return _smooth(rows) - (3.5 if len(batches) == 2 else 0)


@pytest.mark.parametrize("settings", [{}, {"patience": 2}, {"patience": 3}])
def test_one_unlucky_sample_does_not_end_the_run(settings: dict[str, int]) -> None:
    batches: list[int] = []
    trace = _run(score=lambda rows: _unlucky_second_sample(rows, batches), radius=2, **settings)
    assert trace.subspace.size < SPACE.size


def test_without_patience_one_unlucky_sample_ends_the_run() -> None:
    batches: list[int] = []
    trace = _run(score=lambda rows: _unlucky_second_sample(rows, batches), radius=2, patience=1)
    assert trace.subspace.size == SPACE.size


def test_with_patience_a_run_repeats_the_run_without_and_goes_further() -> None:
    longer = 0
    for seed in range(20):
        short, long = (
            _run(score=lambda rows: _smooth(rows) + 2 * _rugged(rows), seed=seed, patience=p) for p in (1, 3)
        )
        for one, other in zip(short.rounds, long.rounds, strict=False):
            np.testing.assert_array_equal(one.subspace.index, other.subspace.index)
        assert len(short.rounds) <= len(long.rounds)
        assert short.evaluations.count <= long.evaluations.count
        longer += len(short.rounds) < len(long.rounds)
    assert longer


def test_if_no_round_raises_the_mean_the_full_space_is_kept_and_a_note_says_so() -> None:
    trace = _run(score=_rugged, seed=2, patience=2)
    assert trace.subspace.size == SPACE.size
    assert str(trace.notes[-2]).startswith("stopped in round 2: the mean of each of the last 2 rounds is not one ")
    assert "no round raised the mean of macro, so all of it is kept" in str(trace.notes[-1])


def test_the_run_ends_when_the_target_size_is_reached() -> None:
    trace = _run(stop="rounds", target_size=320)
    sizes = [step.subspace.size for step in trace.rounds]
    assert sizes[-1] <= 320 < min(sizes[:-1])
    assert trace.notes[-1] == f"stopped after round {len(sizes) - 1}: at most 320 networks are left"


@pytest.mark.parametrize("stop", ["plateau", "rounds"])
@pytest.mark.parametrize("score", [_smooth, _rugged])
def test_the_lowest_seeds_are_dropped_if_no_round_reaches_the_target_size(stop: str, score: Any) -> None:
    trace = _run(score=score, stop=stop, patience=1, target_size=100, max_rounds=4)
    assert "best of 30 seeds, so that at most 100 networks are left" in str(trace.notes[-1])
    seeds_left = int(str(trace.notes[-1]).split()[2])
    assert trace.subspace.size <= 100
    # The seeds of the round before, best first: one more would be too many.
    if len(trace.rounds) > 2:
        known = trace.rounds[-3].evaluations or 299
        order = np.argsort(-trace.evaluations.scores[:known], kind="stable")
        seeds = trace.evaluations.rows[:known][order]
        np.testing.assert_array_equal(trace.subspace.index, balls(SPACE, seeds[:seeds_left], 1).index)
        assert balls(SPACE, seeds[: seeds_left + 1], 1).size > 100


def test_equal_scores_are_refused_after_the_first_sample() -> None:
    batches = []

    def score(rows: Rows) -> Floats:
        batches.append(len(rows))
        return np.zeros(len(rows))

    with pytest.raises(EvaluatorError, match="all 299 networks have the score 0"):
        _run(score=score, stop="rounds")
    assert batches == [299]


# Spaces of 10^17


@pytest.mark.parametrize("radius", [1, 2])
def test_a_huge_space_is_shrunk_to_a_union_of_balls(radius: int) -> None:
    trace = _run(HUGE, radius=radius)
    assert len(trace.rounds) > 3
    for step in trace.rounds[1:]:
        assert isinstance(step.subspace, UnionOfBalls)
        assert step.subspace.radius == radius
        assert len(step.subspace.seeds) == 30
        assert 30 * step.subspace.ball_size >= step.subspace.size
    means = [_smooth(step.subspace.sample(1000, np.random.default_rng(0))).mean() for step in trace.rounds]
    assert means == sorted(means)


def test_each_round_in_a_huge_space_samples_the_union_that_it_judges() -> None:
    trace = _run(HUGE, radius=2, stop="rounds", max_rounds=4)
    spent = 299
    for step in trace.rounds[1:-1]:
        assert step.subspace.contains(trace.evaluations.rows[spent : step.evaluations]).all()
        spent = step.evaluations


def test_a_huge_space_can_be_shrunk_to_a_target_size() -> None:
    trace = _run(HUGE, radius=1, target_size=1000)
    assert trace.subspace.size <= 1000
    assert len(trace.subspace.seeds) >= 1000 // 127


def test_a_huge_graph_space_is_shrunk_to_a_list() -> None:
    trace = _run(darts(), radius=1, stop="rounds", max_rounds=2, score=lambda rows: rows.sum(axis=1) + _rugged(rows))
    assert isinstance(trace.subspace, ExplicitSubspace)
    assert 1000 < trace.subspace.size <= 30 * 121


def test_balls_too_large_to_list_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(union_of_balls, "MAX_LISTED", 10_000)
    with pytest.raises(
        SettingError, match=r"more than 10,000 networks are within .* too many to list: use fewer seeds"
    ):
        _run(darts(), radius=2, score=lambda rows: rows.sum(axis=1) + _rugged(rows))
