"""Scoring paths of a trained supernet: batch norms are recalibrated, and shrinking runs on it as on a table."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_training as tiny
import torch
from lissnas.errors import LissnasError
from lissnas.evaluation.evaluator import TableEvaluator
from lissnas.shrinkers.kernel_shrinkage import KernelShrinkage
from lissnas.shrinkers.lissnas import Lissnas
from lissnas.shrinkers.shrink import Shrinker, shrink
from lissnas.supernet.images.image_batches import ImagesInMemory
from lissnas.supernet.networks.cell_network import Skeleton
from lissnas.supernet.networks.cell_supernet import CellSupernet
from lissnas.supernet.networks.chain_network import ChainNetwork
from lissnas.supernet.scoring.batch_norm_recalibration import recalibrate_batch_norms
from lissnas.supernet.scoring.supernet_evaluator import SupernetEvaluator, shares_of
from lissnas.supernet.training.path_samplers import UniformPathSampler
from torch import nn

Parts = tuple[ImagesInMemory, ImagesInMemory]


@pytest.fixture(scope="module")
def parts() -> Parts:
    """Images to train on, and such that are held out."""
    return tiny.digits().hold_out(600, np.random.default_rng(5))


@pytest.fixture(scope="module")
def trained(parts: Parts, tmp_path_factory: pytest.TempPathFactory) -> ChainNetwork:
    recipe = replace(tiny.RECIPE, steps=80, micro_batch_size=64, weight_decay=1e-4)
    paths = UniformPathSampler(tiny.chain().space)
    return tiny.train(tmp_path_factory.mktemp("trained"), recipe=recipe, sampler=paths, images=parts[0])


@pytest.fixture
def network(trained: ChainNetwork) -> ChainNetwork:
    """A copy that a test may change."""
    copy = ChainNetwork(trained.chain, np.random.default_rng(0))
    copy.load_state_dict(trained.state_dict())
    return copy


def _recalibration(parts: Parts) -> list[torch.Tensor]:
    return [images for images, _ in parts[0].split(200)[:3]]


def _evaluator(network: ChainNetwork, parts: Parts) -> SupernetEvaluator:
    return SupernetEvaluator(network, _recalibration(parts), parts[1].split(250))


def test_a_score_is_the_accuracy_with_the_statistics_of_the_path_alone(network: ChainNetwork, parts: Parts) -> None:
    rows = network.space.sample(4, np.random.default_rng(0))
    for row, score in zip(rows, _evaluator(network, parts)(rows), strict=True):
        alone = network.stand_alone(row).eval()
        for norm in _norms(alone):
            norm.reset_running_stats()
            norm.momentum = None
            norm.train()
        with torch.no_grad():
            for images in _recalibration(parts):
                alone(images, [0] * len(row))
            alone.eval()
            right = alone(parts[1].images, [0] * len(row)).argmax(1) == parts[1].labels
        assert score == 100 * right.sum().item() / len(right)


def test_recalibrated_statistics_are_the_means_of_those_of_each_batch(network: ChainNetwork, parts: Parts) -> None:
    recalibrated = _evaluator(network, parts).stand_alone(network.space.all_rows()[0]).stem[0][1]
    before = network.stem[0][0]
    with torch.no_grad():
        batches = [before(images) for images in _recalibration(parts)]
    means = torch.stack([values.mean((0, 2, 3)) for values in batches]).mean(0)
    variances = torch.stack([values.var((0, 2, 3)) for values in batches]).mean(0)
    torch.testing.assert_close(recalibrated.running_mean, means)
    torch.testing.assert_close(recalibrated.running_var, variances)


def test_paths_classify_better_with_statistics_of_their_own(network: ChainNetwork, parts: Parts) -> None:
    rows = network.space.all_rows()
    mixed = SupernetEvaluator(network, [], parts[1].split(600))(rows)
    assert _evaluator(network, parts)(rows).mean() > mixed.mean() + 2


def test_scores_do_not_depend_on_what_was_scored_before(network: ChainNetwork, parts: Parts) -> None:
    rows = network.space.all_rows()
    group = _evaluator(network, parts)(rows)
    network.stem[0][1].running_mean.fill_(torch.nan)
    assert _evaluator(network, parts)(rows[::-1])[::-1].tolist() == group.tolist()


def test_scoring_leaves_a_network_as_it_was(network: ChainNetwork, parts: Parts) -> None:
    network.train()
    before = {name: values.clone() for name, values in network.state_dict().items()}
    _evaluator(network, parts)(network.space.all_rows()[:2])
    assert all(torch.equal(values, before[name]) for name, values in network.state_dict().items())
    assert all(module.training for module in network.modules())
    assert {norm.momentum for norm in _norms(network)} == {0.1}


def test_a_path_is_scored_once_for_the_same_weights(network: ChainNetwork, parts: Parts) -> None:
    calls: list[Any] = []
    network.stem.register_forward_hook(lambda *call: calls.append(call))
    evaluator = _evaluator(network, parts)
    rows = network.space.all_rows()[[3, 5, 3]]
    first = evaluator(rows)
    made = len(calls)
    assert made == 3 + 3, "the paths share the stem"
    assert evaluator(rows).tolist() == first.tolist()
    assert len(calls) == made
    with torch.no_grad():
        network.classifier.weight += torch.randn_like(network.classifier.weight)
    assert evaluator(rows).tolist() != first.tolist()
    assert len(calls) == 2 * made


def test_a_path_whose_outputs_are_no_numbers_has_no_score(network: ChainNetwork, parts: Parts) -> None:
    with torch.no_grad():
        network.layers[1][2].main[0].weight.fill_(torch.nan)
    rows = network.space.all_rows()
    np.testing.assert_array_equal(np.isnan(_evaluator(network, parts)(rows)), rows[:, 1] == 2)


def test_memory_too_small_to_score_is_told_with_the_way_out(
    network: ChainNetwork, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_convolution: object, _images: torch.Tensor) -> torch.Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nGPU 0 has a total ...")

    monkeypatch.setattr(nn.Conv2d, "forward", full)
    shrinker = KernelShrinkage(evaluations=8, first=6, batch=2, size=6)
    with pytest.raises(LissnasError, match=r"on cpu for scoring .* GiB\.\): lower scoring\.batch_size or scoring\.re"):
        shrink(network.space, _evaluator(network, parts), shrinker, np.random.default_rng(0))


def test_memory_too_small_for_the_weights_is_told(
    network: ChainNetwork, parts: Parts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_asked: object, **_named: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(ChainNetwork, "to", full)
    for use in (lambda: _evaluator(network, parts), lambda: tiny.train(tmp_path)):
        with pytest.raises(LissnasError, match=r"memory on cpu for the weights.* \(CUDA out of memory\.\): "):
            use()


def test_cells_are_trained_and_scored_as_chains_are(parts: Parts, tmp_path: Path) -> None:
    network = CellSupernet(Skeleton(channels=4), np.random.default_rng(0))
    recipe = replace(tiny.RECIPE, steps=3)
    none = np.zeros((1, 6), dtype=np.uint8)
    tiny.train_supernet(
        network, parts[0], UniformPathSampler(network.space), recipe, np.random.default_rng(1), tmp_path
    )
    scores = _evaluator(network, parts)(np.concatenate([network.space.sample(3, np.random.default_rng(0)), none]))
    assert scores.std() > 0
    # A cell that hands nothing on leaves one class to all images.
    share = np.bincount(parts[1].labels.numpy()) / 6
    assert np.isclose(share, scores[-1]).any()


SETTINGS = (
    KernelShrinkage(evaluations=16, size=6, first=8, batch=4),
    Lissnas(confidence=0.9, quantile=0.3, seeds=2, stop="rounds", max_rounds=3),
)


@pytest.mark.parametrize("shrinker", SETTINGS, ids=lambda shrinker: type(shrinker).__name__)
def test_the_call_that_shrinks_on_a_table_shrinks_on_a_supernet(
    network: ChainNetwork, parts: Parts, shrinker: Shrinker
) -> None:
    space = network.space
    scores = _evaluator(network, parts)(space.all_rows())
    on_table, on_supernet = (
        shrink(space, evaluator, shrinker, np.random.default_rng(2))
        for evaluator in (TableEvaluator(space, scores), _evaluator(network, parts))
    )
    assert len(on_table.rounds) > 1
    for one, other in zip(on_table.rounds, on_supernet.rounds, strict=True):
        assert one.evaluations == other.evaluations
        assert one.subspace.index.tolist() == other.subspace.index.tolist()


def _norms(network: nn.Module) -> list[nn.BatchNorm2d]:
    return [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]


def test_one_image_cannot_recalibrate_batch_norms_that_see_one_pixel_of_it() -> None:
    norm = nn.BatchNorm2d(3)
    with pytest.raises(LissnasError, match="use batches of two or more images"):
        recalibrate_batch_norms(norm, [torch.zeros(1, 3, 1, 1)], norm)
    assert norm.momentum == 0.1
    assert not norm.training


@pytest.mark.parametrize("processes", range(1, 9))
def test_processes_share_all_images_of_all_paths(processes: int) -> None:
    """Each image of each path is scored once, and no process has more work than one that scores whole paths."""
    for paths in range(20):
        scored = [
            [(path, part, parts) for places, part, parts in shares for path in range(paths)[places]]
            for shares in (shares_of(rank, processes, paths, 3) for rank in range(processes))
        ]
        parts = [share for shares in scored for share in shares]
        assert len(set(parts)) == len(parts)
        for place in range(paths):
            assert sum(Fraction(1, count) for path, _, count in parts if path == place) == 1
        assert max(map(len, scored)) == -(-paths // processes)


def test_scoring_computes_in_the_precision_of_the_recipe(network: ChainNetwork, parts: Parts) -> None:
    """In 8 bits of mantissa some of 600 images change sides, few of them."""
    rows = network.space.sample(6, np.random.default_rng(0))
    lower = SupernetEvaluator(
        network, _recalibration(parts), parts[1].split(600), precision="bfloat16", channels_last=True
    )(rows)
    exact = _evaluator(network, parts)(rows)
    assert 0 < np.abs(lower - exact).max() < 3
    recipe = replace(tiny.RECIPE, precision=None)
    on_cpu = recipe.on(torch.device("cpu"))
    assert (on_cpu.precision, on_cpu.channels_last, on_cpu.compiled) == ("float32", False, False)


def test_a_gpu_computes_in_bfloat16_with_adjacent_channels_and_compiled_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a recipe sets itself stays."""
    for has_bfloat16, precision in ((True, "bfloat16"), (False, "float16")):
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation, has=has_bfloat16: has)
        on_gpu = tiny.RECIPE.on(torch.device("cuda", 0))
        assert (on_gpu.precision, on_gpu.channels_last, on_gpu.compiled) == (precision, True, True)
        own = replace(tiny.RECIPE, precision="float32", channels_last=False, compiled=False)
        assert own.on(torch.device("cuda", 0)) == own
