"""The shrinking loop: which networks it trains and scores, when it ends, and what it refuses before training."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_loop as tiny
import tiny_training
import torch
from lissnas.errors import LissnasError, SettingError
from lissnas.spaces.limited import Limit, LimitedSpace
from lissnas.spaces.space import Rows
from lissnas.statistics.sampled_subspace import SampledMean
from lissnas.subspaces.subspace import FullSpace
from lissnas.subspaces.subspace_file import load
from lissnas.supernet.networks.cell_network import Skeleton
from lissnas.supernet.networks.cell_supernet import CellSupernet
from lissnas.supernet.scoring.scoring import use_ema_weights
from lissnas.supernet.shrinking.shrinking_loop import ShrinkingRound
from lissnas.supernet.shrinking.shrinking_round import RoundShrinker
from lissnas.supernet.shrinking.weight_angle_shrinkage import WeightAngleShrinkage
from lissnas.supernet.training.logs.progress import Progress
from lissnas.supernet.training.path_samplers import UniformPathSampler

Finished = Callable[[str], tiny.FinishedLoop]

MEANS = "lissnas.supernet.shrinking.shrinking_round.estimate_mean"


def _means(*means: SampledMean) -> Callable[..., SampledMean]:
    """Return these means one after the other, instead of scoring samples."""
    remaining = iter(means)
    return lambda *arguments: next(remaining)


def test_later_trainings_draw_only_networks_of_the_shrunk_space(tmp_path: Path) -> None:
    drawn: list[int] = []

    def collect(progress: Progress) -> None:
        drawn.extend(tiny_training.chain().space.index(progress.rows).tolist())

    schedule = replace(tiny.KERNEL["schedule"], steps_per_round=20)
    _network, trace = tiny.loop(tmp_path, **(tiny.KERNEL | {"schedule": schedule}), report=collect)
    first, later = drawn[: tiny.RECIPE.steps], drawn[tiny.RECIPE.steps :]
    assert len(set(first)) > 12
    assert [finished.subspace.size for finished in trace.rounds] == [12, 5]
    assert set(later[:20]) <= set(trace.rounds[0].subspace.index.tolist())
    assert len(set(later[:20])) > 6
    assert set(later[20:]) == set(trace.subspace.index.tolist())


def test_every_round_shrinks_the_result_of_the_round_before(finished: Finished) -> None:
    trace = finished("kernel").trace
    first, second = (set(each.subspace.index.tolist()) for each in trace.rounds)
    assert second < first
    assert trace.stopped == "stopped after 2 rounds"
    assert set(trace.subspace.index.tolist()) == second


def test_lissnas_shrinks_in_rounds(finished: Finished) -> None:
    trace = finished("lissnas").trace
    assert trace.rounds[0].ended is None
    assert 3 <= trace.rounds[0].subspace.size < 27
    sizes = [each.subspace.size for each in trace.rounds]
    assert sizes == sorted(sizes, reverse=True)


def test_balls_of_lissnas_shrink_from_round_to_round(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With one seed the first ball has 1 + 6 + 12 networks; the second is of radius 1 inside it."""
    monkeypatch.setattr(MEANS, _means(*[SampledMean(50, 1), SampledMean(52, 1)] * 2))
    shrinker = replace(tiny.LISSNAS, seeds=1)
    _network, trace = tiny.loop(tmp_path, shrinker=shrinker, schedule=replace(tiny.SCHEDULE, radii=(2, 1)))
    space = tiny_training.chain().space
    first, second = (space.rows(each.subspace.index) for each in trace.rounds)
    assert len(first) == 19
    is_center = (space.distances(second, second) <= 1).all(axis=1)
    [center] = second[is_center][:1]
    nearest = first[space.distances(center[None], first)[0] <= 1]
    assert sorted(space.index(second)) == sorted(space.index(nearest))


def test_the_loop_returns_the_space_before_the_round_whose_mean_did_not_rise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    means = (SampledMean(50, 1), SampledMean(52, 1), SampledMean(50, 1), SampledMean(51.4, 1))
    monkeypatch.setattr(MEANS, _means(*means))
    reported: list[ShrinkingRound] = []
    _network, trace = tiny.loop(tmp_path, **tiny.KERNEL, report_round=reported.append)
    assert [each.ended is None for each in reported] == [True, False]
    assert trace.stopped == "stopped in round 2: its mean 51.4 ± 1 % is not one standard error above 50 ± 1 %"
    assert trace.subspace.index.tolist() == reported[0].subspace.index.tolist()
    assert sorted(path.name for path in tmp_path.glob("training-*")) == ["training-0", "training-1"]


def test_means_are_scored_by_the_weights_that_shrank_the_space(finished: Finished, tmp_path: Path) -> None:
    """The sample has all 27 networks, so the mean before is that of the space, by the averaged weights."""
    network, trace = tiny.loop(tmp_path, **(tiny.KERNEL | {"schedule": replace(tiny.SCHEDULE, max_rounds=0)}))
    assert not trace.rounds
    assert isinstance(trace.subspace, FullSpace)
    with use_ema_weights(network, trace.average):
        scores = tiny.SCORING.evaluator(network, tiny.source())(network.space.all_rows())
    first = finished("kernel").trace.rounds[0]
    assert first.before == SampledMean(scores.mean(), 0.0)
    assert first.after == SampledMean(scores[first.subspace.index].mean(), 0.0)


def test_limits_hold_in_every_round(tmp_path: Path) -> None:
    space = tiny_training.chain().space
    costs = tiny_training.chain().multiply_accumulates
    limit = float(np.median(costs(space.all_rows())))
    limited = LimitedSpace(space, Limit("FLOPs", lambda rows: costs(rows).astype(float), limit))
    kernel = tiny.KERNEL | {"schedule": replace(tiny.SCHEDULE, sizes=(8, 4))}
    for name, arguments in (("kernel", kernel), ("angles", tiny.ANGLES)):
        trained: list[Rows] = []
        folder = tmp_path / name
        _network, trace = tiny.loop(
            folder, **arguments, space=limited, report=lambda progress, rows=trained: rows.append(progress.rows)
        )
        assert len(trace.rounds) >= 2
        assert all(each.subspace.space is limited for each in trace.rounds)
        later = np.concatenate(trained[tiny.RECIPE.steps :])
        assert (costs(later) <= limit).all()
        saved, provenance = load(folder / "space-1.parquet", space)
        assert saved.size == trace.rounds[0].subspace.size
        assert (costs(saved.sample(saved.size, np.random.default_rng(0))) <= limit).all()
        assert provenance["round"] == 1


def test_weight_angles_drop_the_requested_number_of_operations_and_stop_at_the_size(finished: Finished) -> None:
    trace = finished("angles").trace
    assert [each.subspace.allowed.sum() for each in trace.rounds] == [7, 5, 5]
    assert trace.stopped == "stopped in round 3: at most 4 networks remain"
    assert all(each.before is None for each in trace.rounds)


def test_cells_are_shrunk_by_their_weight_angles(tmp_path: Path) -> None:
    network = CellSupernet(Skeleton(channels=4), np.random.default_rng(0))
    _network, trace = tiny.loop(
        tmp_path,
        network=network,
        paths=UniformPathSampler(network.space),
        shrinker=WeightAngleShrinkage(networks_per_operation=20, drops_per_round=20, stop_size=100),
    )
    assert trace.rounds[0].subspace.allowed.sum() == 10
    assert trace.stopped == "stopped in round 2: at most 100 networks remain"
    saved, _provenance = load(tmp_path / "space-1.parquet", network.space)
    assert saved.index.tolist() == trace.subspace.index.tolist()


@pytest.mark.parametrize(("drops", "resets"), [(3, 1), (1, 1), (100, 0)])
def test_the_initial_weights_are_reset_at_most_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, drops: int, resets: int
) -> None:
    initial: list[dict[str, torch.Tensor]] = []
    by_angles = RoundShrinker.by_angles

    def record(self: Any, number: int, subspace: Any, network: Any, weights: dict[str, torch.Tensor]) -> ShrinkingRound:
        initial.append(weights)
        return by_angles(self, number, subspace, network, weights)

    monkeypatch.setattr(RoundShrinker, "by_angles", record)
    shrinker = replace(tiny.ANGLES["shrinker"], reset_initial_weights_after=drops)
    schedule = replace(tiny.ANGLES["schedule"], steps_per_round=2)
    tiny.loop(tmp_path, shrinker=shrinker, schedule=schedule, recipe=replace(tiny.RECIPE, steps=4))
    assert len(initial) == 3
    classifiers = [weights["classifier.weight"] for weights in initial]
    changes = [not torch.equal(one, other) for one, other in pairwise(classifiers)]
    assert sum(changes) == resets


def test_fine_tuning_keeps_the_weights_and_restarting_does_not(finished: Finished) -> None:
    fine_tuned, restarted = ([step.loss for step in finished(name).steps] for name in ("kernel", "restart"))
    first = tiny.RECIPE.steps
    assert fine_tuned[:first] == restarted[:first]
    assert fine_tuned[first] < restarted[first] - 0.1


def test_each_round_reports_how_many_networks_it_has_scored(finished: Finished) -> None:
    """With all 27 networks in each sample of the first round, the shrinker and the means share their scores."""
    loop = finished("kernel")
    assert loop.scored == sum(each.evaluations for each in loop.trace.rounds)


def test_sizes_need_a_shrinker_with_a_size_and_radii_one_with_a_radius(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="Lissnas has no size: leave sizes empty"):
        tiny.loop(tmp_path, schedule=replace(tiny.SCHEDULE, sizes=(12, 5)))
    with pytest.raises(SettingError, match="KernelShrinkage has no radius: leave radii empty"):
        tiny.loop(tmp_path, shrinker=tiny.KERNEL["shrinker"], schedule=replace(tiny.SCHEDULE, radii=(2, 1)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"shrinker": replace(tiny.KERNEL["shrinker"], size=28)}, "size of 28 is more than the 27 networks of tiny"),
        ({**tiny.KERNEL, "schedule": replace(tiny.SCHEDULE, sizes=(28, 5))}, "size of 28 is more than the 27 networks"),
        ({"schedule": replace(tiny.SCHEDULE, radii=(4, 1))}, "a radius of 4 edits is longer than the 3 genes"),
        ({"scoring": replace(tiny.SCORING, recalibration_batches=11)}, "lower scoring.recalibration_batches"),
        ({"source": tiny.UnreadableImages()}, "5 images cannot be read"),
        (
            {"source": tiny.UnreadableImages(), "schedule": replace(tiny.SCHEDULE, max_rounds=0)},
            "5 images cannot be read",
        ),
    ],
    ids=["size", "sizes", "radius", "recalibration", "images", "images of later rounds"],
)
def test_an_impossible_first_round_or_unreadable_images_are_refused_before_training(
    tmp_path: Path, arguments: dict[str, Any], message: str
) -> None:
    steps: list[Progress] = []
    with pytest.raises(LissnasError, match=message):
        tiny.loop(tmp_path, **arguments, report=steps.append)
    assert not steps


def test_too_few_remaining_networks_for_the_shrinker_end_the_loop(tmp_path: Path) -> None:
    """Kernel shrinkage needs 8 scores, and 7 networks remain after the first round."""
    schedule = replace(tiny.KERNEL["schedule"], sizes=(7, 5))
    _network, trace = tiny.loop(tmp_path, **(tiny.KERNEL | {"schedule": schedule}))
    assert "the space cannot be shrunk further (evaluations of 8 is more than the 7 networks" in trace.stopped
    assert trace.subspace.size == 7
