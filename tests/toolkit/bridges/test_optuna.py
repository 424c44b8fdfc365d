"""Optuna in a subspace: every sampler evaluates only members, and all trials are read back."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lissnas.bridges.optuna import SubspaceSampler, trials
from lissnas.errors import ArchitectureError, SettingError
from lissnas.shrinkers.lissnas import Lissnas
from lissnas.shrinkers.shrink import shrink
from lissnas.spaces.categorical import CategoricalSpace
from lissnas.spaces.limited import Limit, LimitedSpace
from lissnas.spaces.published.cell201 import cell201
from lissnas.spaces.published.darts import darts
from lissnas.spaces.published.macro import macro
from lissnas.spaces.published.shufflenetv2 import shufflenetv2
from lissnas.spaces.published.transnas import transnas_macro
from lissnas.spaces.space import Rows
from lissnas.subspaces.box import Box
from lissnas.subspaces.nearest_member import NearestMember
from lissnas.subspaces.subspace import ExplicitSubspace, FullSpace, Subspace
from lissnas.subspaces.union_of_balls import UnionOfBalls

optuna.logging.set_verbosity(optuna.logging.WARNING)

pytestmark = pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")


def _rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def _balls() -> Subspace:
    """Return scattered pockets of a space of 10^12 architectures."""
    space = shufflenetv2()
    return UnionOfBalls(space, space.sample(12, _rng(4)), 2)


def _many_edits() -> Subspace:
    """Return balls of 10^9 architectures, too many to list."""
    space = shufflenetv2()
    return UnionOfBalls(space, space.sample(3, _rng(4)), 11)


def _within_a_limit() -> Subspace:
    """Return a limited space with few blocks of kernel 7: too large to list, and neither a box nor balls."""
    return FullSpace(
        LimitedSpace(shufflenetv2(), Limit("sevens", lambda rows: (rows == 2).sum(axis=1).astype(np.float64), 4))
    )


SUBSPACES: dict[str, Callable[[], Subspace]] = {
    "the full space": lambda: FullSpace(macro()),
    "a box": lambda: Box.full(macro()).without(0, 1).restricted_to(3, 2),
    "scattered networks": lambda: ExplicitSubspace(cell201(), _rng(1).choice(15_625, 90, replace=False)),
    "one network": lambda: ExplicitSubspace(macro(), np.array([77])),
    "distinct networks": lambda: ExplicitSubspace(transnas_macro(), _rng(1).choice(3256, 60, replace=False)),
    "a box of a huge space": lambda: Box.full(shufflenetv2()).without(0, 1).without(7, 2),
    "balls in a huge space": _balls,
    "balls of 10^9": _many_edits,
    "all of DARTS": lambda: FullSpace(darts()),
    "within a limit": _within_a_limit,
}

SAMPLERS: dict[str, Callable[[], optuna.samplers.BaseSampler | None]] = {
    "uniform": lambda: None,
    "random": lambda: optuna.samplers.RandomSampler(seed=1),
    "tpe": lambda: optuna.samplers.TPESampler(seed=1, n_startup_trials=4),
    "joint tpe": lambda: optuna.samplers.TPESampler(seed=1, n_startup_trials=4, multivariate=True),
    "genetic": lambda: optuna.samplers.NSGAIISampler(seed=1, population_size=6),
}


def _study(sampler: SubspaceSampler) -> optuna.Study:
    return optuna.create_study(direction="maximize", sampler=sampler)


@pytest.mark.parametrize("name", SUBSPACES)
@pytest.mark.parametrize("inner", SAMPLERS)
def test_only_members_are_evaluated_and_all_are_read_back(name: str, inner: str) -> None:
    subspace = SUBSPACES[name]()
    sampler = SubspaceSampler(subspace, _rng(), SAMPLERS[inner]())
    evaluated: list[Rows] = []

    def objective(trial: optuna.Trial) -> float:
        evaluated.append(sampler.suggest(trial))
        return float(evaluated[-1].sum())

    study = _study(sampler)
    study.optimize(objective, n_trials=18)
    rows = np.concatenate(evaluated)
    assert subspace.contains(rows).all()
    found, scores = trials(study, subspace.space)
    np.testing.assert_array_equal(found, rows)
    np.testing.assert_array_equal(scores, rows.sum(axis=1))
    strings = [trial.user_attrs["architecture"] for trial in study.trials]
    np.testing.assert_array_equal(subspace.space.read(strings), rows)


@pytest.mark.parametrize("inner", [name for name in SAMPLERS if name != "uniform"])
def test_a_sampler_alone_leaves_the_subspace(inner: str) -> None:
    """Otherwise the test above would prove nothing."""
    balls = _balls()
    sampler = SubspaceSampler(balls, _rng(), None)
    study = optuna.create_study(sampler=SAMPLERS[inner]())
    with pytest.raises(SettingError, match=r"trial 0 is not in the subspace: give the study this sampler"):
        study.optimize(lambda trial: float(sampler.suggest(trial).sum()), n_trials=3)


@pytest.mark.parametrize("inner", SAMPLERS)
def test_the_same_seeds_give_the_same_trials(inner: str) -> None:
    def run(seed: int) -> Rows:
        sampler = SubspaceSampler(_balls(), _rng(seed), SAMPLERS[inner]())
        study = _study(sampler)
        study.optimize(lambda trial: float(sampler.suggest(trial).sum()), n_trials=12)
        return trials(study, shufflenetv2())[0]

    np.testing.assert_array_equal(run(3), run(3))
    assert not np.array_equal(run(3), run(4))


def test_without_a_sampler_all_members_are_equally_likely() -> None:
    kept = ExplicitSubspace(macro(), np.array([5, 900, 901, 6000]))
    sampler = SubspaceSampler(kept, _rng())
    study = _study(sampler)
    study.optimize(lambda trial: float(sampler.suggest(trial).sum()), n_trials=400)
    _place, counts = np.unique(macro().index(trials(study, macro())[0]), return_counts=True)
    # Expected 100 for each of 4 members; five standard deviations are 5 * sqrt(400 * 3 / 16) = 43.
    assert len(counts) == 4
    assert np.abs(counts - 100).max() < 43


def test_tpe_finds_better_members_than_chance() -> None:
    balls = _balls()

    def best(inner: optuna.samplers.BaseSampler | None) -> float:
        sampler = SubspaceSampler(balls, _rng(), inner)
        study = _study(sampler)
        study.optimize(lambda trial: float((sampler.suggest(trial) == 3).sum()), n_trials=60)
        return float(np.mean([trial.value for trial in study.trials[-30:]]))

    assert best(optuna.samplers.TPESampler(seed=0)) > best(None) + 0.5


def test_the_other_sampler_samples_parameters_that_are_not_genes() -> None:
    for inner in SAMPLERS.values():
        sampler = SubspaceSampler(_balls(), _rng(), inner())

        def objective(trial: optuna.Trial, sampler: SubspaceSampler = sampler) -> float:
            rate = trial.suggest_float("learning_rate", 1e-4, 1e-1, log=True)
            return float(sampler.suggest(trial).sum()) + rate

        study = _study(sampler)
        study.optimize(objective, n_trials=12)
        rates = {trial.params["learning_rate"] for trial in study.trials}
        assert len(rates) > 4
        assert _balls().contains(trials(study, shufflenetv2())[0]).all()


def test_trials_in_threads_are_members() -> None:
    balls = _balls()
    sampler = SubspaceSampler(balls, _rng(), optuna.samplers.TPESampler(seed=0, n_startup_trials=4))
    study = _study(sampler)
    study.optimize(lambda trial: float(sampler.suggest(trial).sum()), n_trials=16, n_jobs=4)
    rows, _scores = trials(study, shufflenetv2())
    assert len(rows) == 16
    assert balls.contains(rows).all()


# Trials and genes set by hand


def test_an_enqueued_member_is_evaluated_and_a_non_member_is_refused() -> None:
    kept = ExplicitSubspace(macro(), np.array([5, 900, 901, 6000]))
    sampler = SubspaceSampler(kept, _rng())
    [member] = sampler.trials(macro().rows(np.array([900])), np.array([1.0]))
    study = _study(sampler)
    study.enqueue_trial(member.params)
    study.optimize(lambda trial: float(sampler.suggest(trial).sum()), n_trials=1)
    np.testing.assert_array_equal(macro().index(trials(study, macro())[0]), [900])
    outside = dict(member.params) | {"gene7": "0" if member.params["gene7"] != "0" else "2"}
    study.enqueue_trial(outside)
    with pytest.raises(SettingError, match=r"trial 1 is not in the subspace: .*enqueue networks of the subspace only"):
        study.optimize(lambda trial: float(sampler.suggest(trial).sum()), n_trials=1)


def test_genes_are_named_by_their_operations() -> None:
    sampler = SubspaceSampler(FullSpace(cell201()), _rng())
    study = _study(sampler)
    study.optimize(lambda trial: float(sampler.suggest(trial).sum()), n_trials=1)
    assert {*study.trials[0].params.values()} <= {
        *("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
    }


# Reading a study, and adding known scores to it


def test_a_study_can_start_from_the_scores_of_a_shrinker() -> None:
    space = macro()
    trace = shrink(space, lambda rows: rows.sum(axis=1).astype(float), Lissnas(seeds=10), _rng())
    rows, scores = trace.evaluations.rows, trace.evaluations.scores
    is_member = trace.subspace.contains(rows)
    sampler = SubspaceSampler(trace.subspace, _rng(), optuna.samplers.TPESampler(seed=0))
    study = _study(sampler)
    study.add_trials(sampler.trials(rows[is_member], scores[is_member]))
    study.optimize(lambda trial: float(sampler.suggest(trial).sum()), n_trials=5)
    found, values = trials(study, space)
    np.testing.assert_array_equal(found[:-5], rows[is_member])
    np.testing.assert_array_equal(values[:-5], scores[is_member])
    assert trace.subspace.contains(found).all()


def test_known_scores_of_non_members_are_refused() -> None:
    sampler = SubspaceSampler(ExplicitSubspace(macro(), np.array([5, 900])), _rng())
    with pytest.raises(SettingError, match="'00000000' is not in the subspace"):
        sampler.trials(macro().rows(np.array([5, 0])), np.array([1.0, 2.0]))


def test_failed_and_pruned_trials_have_no_score_and_minimized_values_change_sign() -> None:
    sampler = SubspaceSampler(FullSpace(macro()), _rng())
    study = optuna.create_study(direction="minimize", sampler=sampler)

    def objective(trial: optuna.Trial) -> float:
        if trial.number == 3:
            raise ValueError("before genes are suggested")
        rows = sampler.suggest(trial)
        if trial.number == 1:
            raise ValueError("failed")
        if trial.number == 2:
            trial.report(1.0, 0)
            raise optuna.TrialPruned
        return float(rows.sum())

    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    study.optimize(objective, n_trials=5, catch=(ValueError,))
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    rows, scores = trials(study, macro())
    assert np.isnan(scores).tolist() == [False, True, True, False]
    assert scores[0] == -float(rows[0].sum())
    assert [np.isnan(trial.value or np.nan) for trial in sampler.trials(rows, scores)] == [False, True, True, False]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"gene0": "1"}, "finished trial 0 of 1 has no 'gene1': it is not of macro"),
        ({f"gene{gene}": "7" for gene in range(8)}, "'gene0' is '7', but in macro one of 0, 1, 2"),
    ],
)
def test_a_study_of_other_parameters_is_refused(params: dict[str, str], message: str) -> None:
    study = optuna.create_study()
    choices = optuna.distributions.CategoricalDistribution([*"01234567"])
    study.add_trial(optuna.trial.create_trial(params=params, distributions=dict.fromkeys(params, choices), value=1.0))
    with pytest.raises(ArchitectureError, match=message):
        trials(study, macro())


def test_samplers_that_enumerate_a_box_are_refused() -> None:
    for sampler in (optuna.samplers.BruteForceSampler(), optuna.samplers.GridSampler({"gene0": ["0", "1"]})):
        with pytest.raises(SettingError, match=f"{type(sampler).__name__} enumerates every combination of a box"):
            SubspaceSampler(FullSpace(macro()), _rng(), sampler)


def test_a_study_in_a_file_resumes_after_a_restart(tmp_path: Path) -> None:
    """Only the file is shared between the two parts."""
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    for seed in (0, 1):
        storage = JournalStorage(JournalFileBackend(str(tmp_path / "study.log")))
        sampler = SubspaceSampler(_balls(), _rng(seed), optuna.samplers.TPESampler(seed=seed, n_startup_trials=3))
        study = optuna.create_study(
            storage=storage, study_name="one", load_if_exists=True, direction="maximize", sampler=sampler
        )
        study.optimize(lambda trial, sampler=sampler: float(sampler.suggest(trial).sum()), n_trials=4)
    rows, scores = trials(study, shufflenetv2())
    assert _balls().contains(rows).all()
    np.testing.assert_array_equal(scores, rows.sum(axis=1))
    assert len(rows) == 8


def test_several_objectives_are_refused() -> None:
    study = optuna.create_study(directions=["maximize", "minimize"])
    with pytest.raises(SettingError, match="2 objectives"):
        trials(study, macro())


# The nearest member


@given(st.integers(0, 10**6), st.integers(0, 3), st.integers(1, 4))
def test_the_nearest_member_is_as_near_as_any(seed: int, radius: int, seeds: int) -> None:
    """All members of small balls are listed and compared."""
    space = CategoricalSpace("ten layers", ("abc",) * 10, "{}" * 10)
    rng = _rng(seed)
    balls = UnionOfBalls(space, space.sample(seeds, rng), radius)
    proposed = space.sample(1, rng)[0]
    nearest = NearestMember(balls, rng)(proposed, rng)
    members = space.rows(balls.index)
    assert balls.contains(nearest[None])[0]
    assert (nearest != proposed).sum() == (members != proposed).sum(axis=1).min()


@pytest.mark.parametrize("name", SUBSPACES)
def test_a_member_is_its_own_nearest_member(name: str) -> None:
    subspace = SUBSPACES[name]()
    nearest = NearestMember(subspace, _rng())
    for row in subspace.sample(1 if name == "one network" else 5, _rng(2)):
        np.testing.assert_array_equal(nearest(row, _rng()), row)
        assert all(gene in choices for gene, choices in zip(row.tolist(), nearest.choices, strict=True))
