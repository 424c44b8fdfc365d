"""The loop of training and shrinking: what it trains, when it ends, and that a run which dies goes on to the same."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_loop as tiny
import tiny_training
import torch
from lissnas.errors import CheckpointError, JournalError, LissnasError, SettingError
from lissnas.shrinkers.kernel_shrinkage import KernelShrinkage
from lissnas.spaces.limited import Limit, LimitedSpace
from lissnas.spaces.space import Rows
from lissnas.statistics.sampled_subspace import SampledMean
from lissnas.subspaces.subspace import WholeSpace
from lissnas.subspaces.subspace_file import load
from lissnas.supernet.networks.cell_network import Skeleton
from lissnas.supernet.networks.cell_supernet import CellSupernet
from lissnas.supernet.scoring.scoring import use_ema_weights
from lissnas.supernet.scoring.supernet_evaluator import SupernetEvaluator
from lissnas.supernet.shrinking import shrinking_loop
from lissnas.supernet.shrinking.shrinking_loop import (
    ShrinkingRound,
    ShrinkingSchedule,
    ShrinkingTrace,
    training_recipe_after,
)
from lissnas.supernet.shrinking.weight_angle_shrinkage import WeightAngleShrinkage
from lissnas.supernet.training.learning_rate_schedule import learning_rate_at
from lissnas.supernet.training.path_samplers import UniformPathSampler
from lissnas.supernet.training.progress import Progress
from lissnas.supernet.training.training_recipe import ABS, abs_round

PROGRAM = Path(__file__).parents[1] / "tiny_loop.py"

ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}

KERNEL = {
    "shrinker": KernelShrinkage(evaluations=8, first=6, batch=2, size=6),
    "settings": replace(tiny.SETTINGS, sizes=(12, 5)),
}
ANGLES = {
    "shrinker": WeightAngleShrinkage(
        networks_per_operation=5, drops_per_round=2, stop_size=4, reset_initial_weights_after=3
    ),
    "settings": replace(tiny.SETTINGS, max_rounds=5),
}
RESTART = {**KERNEL, "settings": replace(tiny.SETTINGS, sizes=(12, 5), between_rounds="restart")}


class Killed(BaseException):
    """Nothing in the loop catches it, as nothing catches a kill."""


def _told(trace: ShrinkingTrace) -> list[Any]:
    return [
        *map(str, trace.rounds),
        [made.notes for made in trace.rounds],
        trace.subspace.index.tolist(),
        trace.stopped,
    ]


def _assert_same_bits(one: Path, other: Path) -> None:
    """Compare the last checkpoint of each training, and everything else byte by byte."""
    names = sorted(path.name for path in one.iterdir())
    assert names == sorted(path.name for path in other.iterdir())
    for name in names:
        if (one / name).is_file():
            assert (one / name).read_bytes() == (other / name).read_bytes(), name
            continue
        mine, theirs = (torch.load(max((place / name).glob("*.pt")), weights_only=True) for place in (one, other))
        for part in ("network", "average"):
            assert all(torch.equal(values, theirs[part][key]) for key, values in mine[part].items()), (name, part)
        assert mine["step"] == theirs["step"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ShrinkingTrace]:
    folder = tmp_path_factory.mktemp("finished")
    return folder, tiny.loop(folder, **KERNEL)[1]


@pytest.fixture(scope="module")
def finished_by_lissnas(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ShrinkingTrace]:
    folder = tmp_path_factory.mktemp("lissnas")
    return folder, tiny.loop(folder)[1]


def test_later_trainings_draw_networks_of_the_shrunk_space_and_no_other(tmp_path: Path) -> None:
    seen: list[int] = []

    def see(progress: Progress) -> None:
        seen.extend(tiny_training.chain().space.index(progress.rows).tolist())

    settings = replace(KERNEL["settings"], steps_per_round=20)
    _network, trace = tiny.loop(tmp_path, **(KERNEL | {"settings": settings}), report=see)
    first, second = seen[: tiny.RECIPE.steps], seen[tiny.RECIPE.steps :]
    assert len(set(first)) > 12
    assert [made.subspace.size for made in trace.rounds] == [12, 5]
    assert set(second[:20]) <= set(trace.rounds[0].subspace.index.tolist())
    assert len(set(second[:20])) > 6
    assert set(second[20:]) == set(trace.subspace.index.tolist())


def test_every_round_shrinks_what_the_round_before_left(finished: tuple[Path, ShrinkingTrace]) -> None:
    folder, trace = finished
    first, second = (set(made.subspace.index.tolist()) for made in trace.rounds)
    assert second < first
    assert trace.stopped == "stopped after 2 rounds"
    assert set(trace.subspace.index.tolist()) == second
    run, *scored = map(json.loads, (folder / "shrinking-2.jsonl").read_text().splitlines())
    assert run["space"].startswith("12 networks (")
    assert all(place < 12 for line in scored for place in line["scored"]["index"])


def test_lissnas_shrinks_in_rounds(finished_by_lissnas: tuple[Path, ShrinkingTrace]) -> None:
    trace = finished_by_lissnas[1]
    assert trace.rounds[0].ended is None
    assert 3 <= trace.rounds[0].subspace.size < 27
    sizes = [made.subspace.size for made in trace.rounds]
    assert sizes == sorted(sizes, reverse=True)


def test_balls_of_lissnas_become_smaller_from_round_to_round(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One seed: 1 + 6 + 12 networks within two edits of it, then those of its own within one edit of another."""
    means = iter([SampledMean(50, 1), SampledMean(52, 1)] * 2)
    monkeypatch.setattr("lissnas.supernet.shrinking.shrinking_round.estimate_mean", lambda *asked: next(means))
    shrinker = replace(tiny.LISSNAS, seeds=1)
    _network, trace = tiny.loop(tmp_path, shrinker=shrinker, settings=replace(tiny.SETTINGS, radii=(2, 1)))
    space = tiny_training.chain().space
    first, second = (space.rows(made.subspace.index) for made in trace.rounds)
    assert len(first) == 19
    inside = (space.distances(second, second) <= 1).all(axis=1)
    [seed] = second[inside][:1]
    nearest = first[space.distances(seed[None], first)[0] <= 1]
    assert sorted(space.index(second)) == sorted(space.index(nearest))


def test_the_loop_returns_the_space_before_the_one_whose_mean_did_not_rise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    means = iter([SampledMean(50, 1), SampledMean(52, 1), SampledMean(50, 1), SampledMean(51.4, 1)])
    monkeypatch.setattr("lissnas.supernet.shrinking.shrinking_round.estimate_mean", lambda *asked: next(means))
    told: list[ShrinkingRound] = []
    _network, trace = tiny.loop(tmp_path, **KERNEL, report_round=told.append)
    assert [made.ended is None for made in told] == [True, False]
    assert trace.stopped == "stopped in round 2: its mean 51.4 ± 1 % is not one standard error above 50 ± 1 %"
    assert trace.subspace.index.tolist() == told[0].subspace.index.tolist()
    assert sorted(path.name for path in tmp_path.glob("training-*")) == ["training-0", "training-1"]


def test_means_are_those_of_the_weights_that_shrank(finished: tuple[Path, ShrinkingTrace], tmp_path: Path) -> None:
    """All 27 networks are asked for, so the mean before is that of the space, by the averaged weights."""
    network, trace = tiny.loop(tmp_path, **(KERNEL | {"settings": replace(tiny.SETTINGS, max_rounds=0)}))
    assert not trace.rounds
    assert isinstance(trace.subspace, WholeSpace)
    with use_ema_weights(network, trace.average):
        scores = tiny.SCORING.evaluator(network, tiny.source())(network.space.all_rows())
    made = finished[1].rounds[0]
    assert made.before == SampledMean(scores.mean(), 0.0)
    assert made.after == SampledMean(scores[made.subspace.index].mean(), 0.0)


@pytest.mark.parametrize("changed", [KERNEL, RESTART, ANGLES], ids=["kernel", "restart", "angles"])
def test_a_run_that_dies_anywhere_goes_on_to_the_same_bits(
    tmp_path: Path, changed: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """At some step, at some score, and after a round: three deaths on the way to one result."""
    steps = scores = 0
    dies_at_step = dies_at_score = -1
    score = SupernetEvaluator._score

    def step(progress: Progress) -> None:
        nonlocal steps
        steps += 1
        if steps == dies_at_step:
            raise Killed

    def dying_score(self: SupernetEvaluator, path: list[int]) -> float:
        nonlocal scores
        scores += 1
        if scores == dies_at_score:
            raise Killed
        return score(self, path)

    monkeypatch.setattr(SupernetEvaluator, "_score", dying_score)
    _network, trace = tiny.loop(tmp_path / "at once", **changed, report=step)
    rng = np.random.default_rng()
    dies_at_step, dies_at_score = int(rng.integers(1, steps + 1)), int(rng.integers(1, scores + 1)) if scores else 0
    dies = f"dies at step {dies_at_step} and score {dies_at_score}"

    def die_after_round(made: ShrinkingRound) -> None:
        if made.number == 1:
            raise Killed

    scores_wanted, dies_at_score, steps, scores = dies_at_score, -1, 0, 0
    with pytest.raises(Killed):
        tiny.loop(tmp_path / "again", **changed, report=step)
    dies_at_score, done = scores_wanted, scores
    if done < scores_wanted:
        with pytest.raises(Killed):
            tiny.loop(tmp_path / "again", **changed)
    with pytest.raises(Killed):
        tiny.loop(tmp_path / "again", **changed, report_round=die_after_round)
    _network, resumed = tiny.loop(tmp_path / "again", **changed)
    assert _told(resumed) == _told(trace), dies
    _assert_same_bits(tmp_path / "again", tmp_path / "at once")


def test_a_killed_process_goes_on_to_the_same_bits(
    tmp_path: Path, finished_by_lissnas: tuple[Path, ShrinkingTrace]
) -> None:
    run = [sys.executable, PROGRAM, tmp_path / "killed", tmp_path / "results"]
    assert subprocess.run([*run, "11"], env=ENVIRONMENT, check=False).returncode == -signal.SIGKILL
    tiny.loop(tmp_path / "killed")
    _assert_same_bits(tmp_path / "killed", finished_by_lissnas[0])


def test_two_processes_shrink_as_one_does_also_when_they_go_on(
    tmp_path: Path, finished_by_lissnas: tuple[Path, ShrinkingTrace]
) -> None:
    """Which networks are kept could differ from one process by a score's last digit; that both agree is checked."""
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    runs = []
    for _ in range(2):
        run = [*torchrun, PROGRAM, tmp_path / "two", tmp_path / "results"]
        done = subprocess.run(run, env=ENVIRONMENT, check=False, capture_output=True)
        assert done.returncode == 0, done.stderr.decode()
        runs.append(json.loads((tmp_path / "results").read_text()))
        (tmp_path / "two" / "training-1" / "step-0000000008.pt").unlink(missing_ok=True)
    first, second = runs
    assert first["scored"] > 0
    assert second["scored"] < first["scored"]
    assert second["index"] == first["index"]
    assert second["rounds"] == first["rounds"]
    assert first["index"] == finished_by_lissnas[1].subspace.index.tolist()


def test_limits_hold_in_every_round(tmp_path: Path) -> None:
    space = tiny_training.chain().space
    costs = tiny_training.chain().multiply_accumulates
    limit = float(np.median(costs(space.all_rows())))
    limited = LimitedSpace(space, Limit("FLOPs", lambda rows: costs(rows).astype(float), limit))
    trained: list[Rows] = []
    for name, changed in (("kernel", KERNEL), ("angles", ANGLES)):
        settings = replace(changed["settings"], sizes=(8, 4)) if name == "kernel" else changed["settings"]
        place = tmp_path / name
        _network, trace = tiny.loop(
            place, **(changed | {"settings": settings}), space=limited, report=lambda told: trained.append(told.rows)
        )
        assert len(trace.rounds) >= 2
        assert all(made.subspace.space is limited for made in trace.rounds)
        later = np.concatenate(trained[tiny.RECIPE.steps :])
        assert (costs(later) <= limit).all()
        saved, provenance = load(place / "space-1.parquet", space)
        assert saved.size == trace.rounds[0].subspace.size
        assert (costs(saved.sample(saved.size, np.random.default_rng(0))) <= limit).all()
        assert provenance["round"] == 1
        trained.clear()


def test_angles_drop_as_many_operations_as_asked_and_end_in_time(tmp_path: Path) -> None:
    _network, trace = tiny.loop(tmp_path, **ANGLES)
    assert [made.subspace.allowed.sum() for made in trace.rounds] == [7, 5, 5]
    assert trace.stopped == "stopped in round 3: at most 4 networks are left"
    assert all(made.before is None for made in trace.rounds)


def test_cells_are_shrunk_by_their_angles(tmp_path: Path) -> None:
    network = CellSupernet(Skeleton(channels=4), np.random.default_rng(0))
    _network, trace = tiny.loop(
        tmp_path,
        network=network,
        paths=UniformPathSampler(network.space),
        shrinker=WeightAngleShrinkage(networks_per_operation=20, drops_per_round=20, stop_size=100),
    )
    assert trace.rounds[0].subspace.allowed.sum() == 10
    assert trace.stopped == "stopped in round 2: at most 100 networks are left"
    saved, _provenance = load(tmp_path / "space-1.parquet", network.space)
    assert saved.index.tolist() == trace.subspace.index.tolist()


@pytest.mark.parametrize(("reset_initial_weights_after", "renewals"), [(3, 1), (1, 1), (100, 0)])
def test_initial_weights_are_replaced_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reset_initial_weights_after: int, renewals: int
) -> None:
    initial: list[dict[str, torch.Tensor]] = []
    angles = shrinking_loop.RoundShrinker.by_angles

    def watched(self: Any, number: int, subspace: Any, network: Any, first: dict[str, torch.Tensor]) -> ShrinkingRound:
        initial.append(first)
        return angles(self, number, subspace, network, first)

    monkeypatch.setattr(shrinking_loop.RoundShrinker, "by_angles", watched)
    shrinker = replace(ANGLES["shrinker"], reset_initial_weights_after=reset_initial_weights_after)
    tiny.loop(tmp_path, **(ANGLES | {"shrinker": shrinker}))
    assert len(initial) == 3
    classifiers = [weights["classifier.weight"] for weights in initial]
    changes = [not torch.equal(one, other) for one, other in pairwise(classifiers)]
    assert sum(changes) == renewals


def test_fine_tuning_keeps_the_weights_and_restarting_does_not(tmp_path: Path) -> None:
    losses: dict[str, list[float]] = {"fine-tune": [], "restart": []}
    for between, own in losses.items():
        settings = replace(KERNEL["settings"], between_rounds=between)
        told = partial(_keep_loss, own)
        tiny.loop(tmp_path / between, **(KERNEL | {"settings": settings}), report=told)
    first = tiny.RECIPE.steps
    assert losses["fine-tune"][:first] == losses["restart"][:first]
    assert losses["fine-tune"][first] < losses["restart"][first] - 0.1


def _keep_loss(losses: list[float], told: Progress) -> None:
    losses.append(told.loss)


def test_later_recipes_of_abs_are_those_of_its_authors() -> None:
    settings = ShrinkingSchedule(steps_per_round=abs_round(1).steps)
    for number in range(5):
        assert training_recipe_after(ABS, settings, number) == abs_round(number)


def test_fine_tuning_goes_on_where_the_schedule_was() -> None:
    settings = ShrinkingSchedule(steps_per_round=10)
    recipe = replace(
        tiny.RECIPE, steps=40, schedule="linear", schedule_steps=100, warmup_steps=0, final_learning_rate=0.0
    )
    assert learning_rate_at(training_recipe_after(recipe, settings, 2), 0) == pytest.approx(0.3 * (1 - 50 / 100))
    ends = training_recipe_after(replace(recipe, schedule_steps=None), settings, 1)
    assert learning_rate_at(ends, 0) == pytest.approx(0.3 * (1 - 40 / 50))
    assert learning_rate_at(ends, 9) < 0.3 * 0.03


OTHERS: list[tuple[dict[str, Any], type[Exception], str]] = [
    (
        {"scoring": replace(tiny.SCORING, recalibration_batches=3)},
        JournalError,
        "recalibration_batches is 2; in this run it is 3",
    ),
    ({"shrinker": replace(KERNEL["shrinker"], batch=1)}, JournalError, "batch is .*; in this run it is 1"),
    ({"recipe": replace(tiny.RECIPE, steps=25)}, CheckpointError, "steps is 24; in this run it is 25"),
    (
        {"settings": replace(KERNEL["settings"], steps_per_round=9)},
        JournalError,
        "steps_per_round is 8; in this run it is 9",
    ),
    ({"rng": np.random.default_rng(2)}, CheckpointError, "seed is .*; in this run it is"),
]


@pytest.mark.parametrize(("other", "error", "named"), OTHERS, ids=lambda value: str(value)[:20])
def test_the_folder_of_another_loop_is_refused(
    finished: tuple[Path, ShrinkingTrace], other: dict[str, Any], error: type[Exception], named: str
) -> None:
    with pytest.raises(error, match=named):
        tiny.loop(finished[0], **(KERNEL | other))


def test_more_rounds_may_be_asked_for_later(tmp_path: Path, finished: tuple[Path, ShrinkingTrace]) -> None:
    for rounds in (0, 1, 2):
        _network, trace = tiny.loop(tmp_path, **(KERNEL | {"settings": replace(KERNEL["settings"], max_rounds=rounds)}))
        assert len(trace.rounds) == rounds
    assert _told(trace) == _told(finished[1])
    _assert_same_bits(tmp_path, finished[0])


BAD: list[tuple[Callable[[], object], str]] = [
    (lambda: ShrinkingSchedule(steps_per_round=0), "steps_per_round must be at least 1, not 0"),
    (lambda: ShrinkingSchedule(steps_per_round=1, max_rounds=-1), "max_rounds must be at least 0, not -1"),
    (lambda: ShrinkingSchedule(steps_per_round=1, mean_sample_size=1), "mean_sample_size must be at least 2, not 1"),
    (
        lambda: ShrinkingSchedule(steps_per_round=1, sizes=(10, 10)),
        r"sizes must fall from round to round, unlike \[10, 10\]",
    ),
    (lambda: ShrinkingSchedule(steps_per_round=1, radii=(1, 2)), r"radii must not rise .* unlike \[1, 2\]"),
    (lambda: ShrinkingSchedule(steps_per_round=1, radii=(1, 0)), r"down to 1 at least, unlike \[1, 0\]"),
    (
        lambda: ShrinkingSchedule(steps_per_round=1, between_rounds="anew"),
        "between_rounds must be 'fine-tune' or 'restart', not 'anew'",
    ),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("made", "named"), BAD, ids=[named for _made, named in BAD])
def test_settings_that_cannot_be_met_are_refused(made: Callable[[], object], named: str) -> None:
    with pytest.raises(SettingError, match=named):
        made()


def test_a_shrinker_without_a_size_takes_no_sizes_and_one_without_a_radius_no_radii(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="Lissnas has no size"):
        tiny.loop(tmp_path, settings=replace(tiny.SETTINGS, sizes=(12, 5)))
    with pytest.raises(SettingError, match="KernelShrinkage has no radius"):
        tiny.loop(tmp_path, shrinker=KERNEL["shrinker"], settings=replace(tiny.SETTINGS, radii=(2, 1)))


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ({"shrinker": replace(KERNEL["shrinker"], size=28)}, "size of 28 is more than the 27 networks of tiny"),
        ({**KERNEL, "settings": replace(tiny.SETTINGS, sizes=(28, 5))}, "size of 28 is more than the 27 networks"),
        ({"settings": replace(tiny.SETTINGS, radii=(4, 1))}, "a radius of 4 edits is longer than the 3 genes"),
        ({"scoring": replace(tiny.SCORING, recalibration_batches=11)}, "lower scoring.recalibration_batches"),
        ({"source": tiny.UnreadableImages()}, "5 images cannot be read"),
    ],
    ids=["size", "sizes", "radius", "recalibration", "images"],
)
def test_what_cannot_be_shrunk_or_scored_is_refused_before_anything_is_trained(
    tmp_path: Path, asked: dict[str, Any], named: str
) -> None:
    steps: list[Progress] = []
    with pytest.raises(LissnasError, match=named):
        tiny.loop(tmp_path, **asked, report=steps.append)
    assert not steps


def test_images_to_score_with_are_opened_though_nothing_is_shrunk(tmp_path: Path) -> None:
    """What trains first, and is shrunk by a later call, is told of them as early."""
    with pytest.raises(LissnasError, match="5 images cannot be read"):
        tiny.loop(tmp_path, source=tiny.UnreadableImages(), settings=replace(tiny.SETTINGS, max_rounds=0))


def test_how_many_images_are_scored_at_once_may_change(finished: tuple[Path, ShrinkingTrace]) -> None:
    assert _told(tiny.loop(finished[0], **KERNEL, scoring=replace(tiny.SCORING, batch_size=50))[1]) == _told(
        finished[1]
    )


def test_a_shrinker_with_too_few_networks_left_ends_the_loop(tmp_path: Path) -> None:
    """Kernel shrinkage asks for 8 scores, and the first round left 7 networks."""
    settings = replace(KERNEL["settings"], sizes=(7, 5))
    _network, trace = tiny.loop(tmp_path, **(KERNEL | {"settings": settings}))
    assert "what is left cannot be shrunk (evaluations of 8 is more than the 7 networks" in trace.stopped
    assert trace.subspace.size == 7
