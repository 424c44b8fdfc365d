"""The training loop of a supernet: what a step updates, in every precision and memory format."""

import math
from dataclasses import replace
from functools import partialmethod
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_training as tiny
import torch
from lissnas.errors import SettingError, TrainingError
from lissnas.supernet.images.image_batches import ImagesInMemory
from lissnas.supernet.training.learning_rate_schedule import learning_rate_at
from lissnas.supernet.training.logs.progress import Progress, TrainingSummary
from lissnas.supernet.training.optimizer import make_optimizer
from lissnas.supernet.training.path_samplers import FairPathSampler, UniformPathSampler
from rounding import largest_drift
from torch import nn
from torch.nn.functional import cross_entropy


def test_a_weight_that_no_path_uses_keeps_its_bits(tmp_path: Path) -> None:
    """Weight decay, or the momentum of earlier steps, would change it."""
    network = tiny.ChainNetwork(tiny.chain(), np.random.default_rng(0))
    before = {name: weights.clone() for name, weights in network.named_parameters()}
    unused_after_use = 0
    used_before: set[tuple[int, int]] = set()

    def compare(progress: Progress) -> None:
        nonlocal unused_after_use
        path = {(layer, int(gene)) for layer, gene in enumerate(progress.rows[0])}
        for name, weights in network.named_parameters():
            if name.startswith("layers."):
                layer, gene = (int(part) for part in name.split(".")[1:3])
                if (layer, gene) not in path:
                    assert torch.equal(weights, before[name]), name
                    unused_after_use += (layer, gene) in used_before
                elif weights.ndim > 1:
                    assert not torch.equal(weights, before[name]), name
            before[name] = weights.clone()
        used_before.update(path)

    recipe = replace(tiny.RECIPE, steps=10, warmup_steps=0)
    tiny.train_supernet(
        network,
        tiny.digits(),
        UniformPathSampler(network.space),
        recipe,
        np.random.default_rng(1),
        tmp_path,
        report=compare,
    )
    assert unused_after_use > 20


def test_weight_decay_applies_to_norms_only_if_the_recipe_says_so(tmp_path: Path) -> None:
    """The learning rate is tiny, so only weight decay, which is learning rate x decay, changes weights."""
    recipe = replace(
        tiny.RECIPE, steps=1, warmup_steps=0, momentum=0.0, weight_decay=1e3, grad_clip_value=1e-12, learning_rate=1e-4
    )
    for weight_decay_on_norms in (False, True):
        network = tiny.train(
            tmp_path / str(weight_decay_on_norms), recipe=replace(recipe, weight_decay_on_norms=weight_decay_on_norms)
        )
        scales = network.head[1].weight
        torch.testing.assert_close(scales, torch.full_like(scales, 0.9 if weight_decay_on_norms else 1.0))
        first = tiny.ChainNetwork(tiny.chain(), np.random.default_rng(0)).classifier.weight
        torch.testing.assert_close(network.classifier.weight, 0.9 * first)


@pytest.mark.parametrize(
    ("decay", "decaying"), [("weight", (True, False)), ("weight and bias", (True, True)), ("none", (False, False))]
)
def test_weight_decay_applies_to_the_classifier_as_the_recipe_says(decay: Any, decaying: tuple[bool, bool]) -> None:
    network = tiny.smooth_network()
    groups = make_optimizer(network, replace(tiny.RECIPE, classifier_decay=decay)).param_groups
    decayed = {id(weights) for group in groups if group["weight_decay"] for weights in group["params"]}
    assert tuple(id(each) in decayed for each in network.classifier.parameters()) == decaying
    assert sum(len(group["params"]) for group in groups) == len(list(network.parameters()))
    with pytest.raises(SettingError, match="weight_decay_on_norms decays all weights"):
        replace(tiny.RECIPE, classifier_decay="none", weight_decay_on_norms=True)


def test_clipping_by_norm_limits_the_length_of_a_step(tmp_path: Path) -> None:
    recipe = replace(tiny.RECIPE, steps=1, warmup_steps=0, weight_decay=0.0, grad_clip_value=None, grad_clip_norm=1e-3)
    before = tiny.smooth_network()
    after = tiny.train(tmp_path, recipe=recipe)
    moved = [one - other for one, other in zip(before.parameters(), after.parameters(), strict=True)]
    length = float(torch.cat([each.detach().flatten() for each in moved]).norm())
    assert length == pytest.approx(recipe.learning_rate * 1e-3, rel=1e-3)  # the rounding of weights is 1e-7


@pytest.mark.parametrize("channels_last", [False, True])
def test_steps_equal_those_of_plain_stochastic_gradient_descent(tmp_path: Path, channels_last: bool) -> None:
    """The momentum of weights that are used late starts at zero; the memory format does not matter."""
    recipe = replace(tiny.RECIPE, steps=8, warmup_steps=0, nesterov=True, grad_clip_value=None, label_smoothing=0.0)
    smooth_chain, images = replace(tiny.chain(), dropout=0.0), tiny.digits()
    network, plain, untrained = (tiny.smooth_network(smooth_chain) for _ in range(3))
    rows: list[list[int]] = []
    paths, rng = UniformPathSampler(network.space), np.random.default_rng(1)
    ours = replace(recipe, channels_last=channels_last)
    tiny.train_supernet(
        network, images, paths, ours, rng, tmp_path, report=lambda progress: rows.append(progress.rows[0].tolist())
    )
    groups = [
        {"params": [weights for weights in plain.parameters() if (weights.ndim > 1) == kernels], "weight_decay": decay}
        for kernels, decay in ((True, recipe.weight_decay), (False, 0.0))
    ]
    optimizer = torch.optim.SGD(groups, recipe.learning_rate, recipe.momentum, nesterov=True, foreach=False)
    seed = int(np.random.default_rng(1).integers(2**63))
    steps = images.steps(recipe.batch_size, recipe.micro_batches, range(recipe.micro_batches), seed, 0)
    for step, (row, micro_batches) in enumerate(zip(rows, steps, strict=False)):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate_at(recipe, step)
        for pixels, labels in micro_batches:
            (cross_entropy(plain(pixels, row), labels) / len(micro_batches)).backward()
        optimizer.step()
        optimizer.zero_grad()
    assert len({tuple(row) for row in rows}) > 1
    moved = [(untrained.get_parameter(name).detach(), weights.detach()) for name, weights in plain.named_parameters()]
    drift = largest_drift(moved, recipe.steps, tiny.TERMS)
    for name, weights in plain.named_parameters():
        torch.testing.assert_close(network.get_parameter(name), weights, rtol=0, atol=drift, msg=name)


def test_the_moving_average_of_weights_is_exponential(tmp_path: Path) -> None:
    network = tiny.ChainNetwork(tiny.chain(), np.random.default_rng(0))
    expected = {name: weights.detach().clone() for name, weights in network.named_parameters()}

    def follow(progress: Progress) -> None:
        for name, weights in network.named_parameters():
            expected[name] = 0.9 * expected[name] + 0.1 * weights.detach()

    recipe = replace(tiny.RECIPE, steps=5)
    paths, rng = UniformPathSampler(network.space), np.random.default_rng(1)
    average = tiny.train_supernet(network, tiny.digits(), paths, recipe, rng, tmp_path, report=follow)
    assert average is not None
    assert list(average) == list(expected)
    for name, weights in average.items():
        torch.testing.assert_close(weights, expected[name])


def test_the_error_for_a_loss_that_is_not_finite_names_the_path(tmp_path: Path) -> None:
    network = tiny.ChainNetwork(tiny.chain(), np.random.default_rng(0))
    with torch.no_grad():
        network.layers[1][2].main[0].weight.fill_(math.nan)
    reports: list[Progress] = []
    with pytest.raises(TrainingError, match=r"tiny: the loss of step \d+ is nan on the path \w\w-k5-\w\w; train again"):
        tiny.train_supernet(
            network,
            tiny.digits(),
            UniformPathSampler(network.space),
            tiny.RECIPE,
            np.random.default_rng(1),
            tmp_path,
            report=reports.append,
        )
    assert all(progress.rows[0, 1] != 2 for progress in reports)
    assert torch.isfinite(network.classifier.weight).all()


def _losses(folder: Path, **changed: Any) -> list[float]:
    losses: list[float] = []
    tiny.train(folder, report=lambda progress: losses.append(progress.loss), **changed)
    return losses


def test_a_supernet_learns(tmp_path: Path) -> None:
    recipe = replace(tiny.RECIPE, steps=60, weight_decay=1e-4)
    losses = _losses(tmp_path, recipe=recipe, sampler=UniformPathSampler(tiny.chain().space))
    assert np.mean(losses[-10:]) < np.mean(losses[:10]) - 0.2


@pytest.mark.parametrize(
    ("changed", "tolerance"),
    [({"channels_last": True}, 1e-4), ({"precision": "bfloat16"}, 0.05), ({"precision": "float16"}, 0.02)],
    ids=str,
)
def test_other_precisions_and_memory_formats_give_similar_losses(
    tmp_path: Path, changed: dict[str, Any], tolerance: float
) -> None:
    recipe = replace(tiny.RECIPE, steps=6)
    plain = _losses(tmp_path / "plain", recipe=recipe)
    other = _losses(tmp_path / "other", recipe=replace(recipe, **changed))
    np.testing.assert_allclose(other, plain, rtol=0, atol=tolerance)
    assert other != plain


def test_strict_fairness_trains_its_networks_in_one_step(tmp_path: Path) -> None:
    reports: list[Progress] = []
    recipe = replace(tiny.RECIPE, steps=2)
    tiny.train(tmp_path, recipe=recipe, sampler=FairPathSampler(tiny.chain().space), report=reports.append)
    assert [np.sort(progress.rows, axis=0).tolist() for progress in reports] == [[[0] * 3, [1] * 3, [2] * 3]] * 2


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
def test_compiled_parts_have_the_same_losses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The captured graph runs as it is: compiling it to machine code would take a minute."""
    monkeypatch.setattr(nn.Module, "compile", partialmethod(nn.Module.compile, backend="aot_eager"))
    recipe = replace(tiny.RECIPE, steps=3)
    plain = _losses(tmp_path / "plain", recipe=recipe)
    compiled = _losses(tmp_path / "compiled", recipe=replace(recipe, compiled=True))
    np.testing.assert_allclose(compiled, plain, rtol=0, atol=1e-5)


def test_a_batch_larger_than_the_images_is_refused(tmp_path: Path) -> None:
    few = ImagesInMemory(tiny.digits().images[:40], tiny.digits().labels[:40])
    with pytest.raises(
        SettingError, match=r"a batch of 64 images cannot be drawn from 40 images: lower training\.batch_size"
    ):
        tiny.train(tmp_path, images=few)


def test_progress_is_printed_as_one_line() -> None:
    rows = np.zeros((1, 3), dtype=np.uint8)
    assert str(Progress(1_200, 150_000, 3.2109, rows, 1912.4, 187_000.0, 12.5, 60.0)) == (
        "step 1,200 of 150,000: loss 3.211, 1,912 images/s, 2 d 3 h left"
    )
    assert str(Progress(1, 2, 3.0, rows, 10.0, 3_661.2, 12.5, 60.0)).endswith("1:01:01 left")


def test_the_end_of_a_training_is_a_sentence() -> None:
    summary, rows = TrainingSummary(), np.zeros((1, 3), dtype=np.uint8)
    for step in range(1, 201):
        summary.add(Progress(step, 200, float(step > 100), rows, 1912.4, 0.0, 50.0 + step % 2, 3_661.0))
    assert str(summary) == (
        "the last 100 steps: loss 1.000, 50.5 % of the training images correct; 1,912 images/s, 1:01:01"
    )
