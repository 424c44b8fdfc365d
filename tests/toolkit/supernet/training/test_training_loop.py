"""Training a supernet: what a step updates, and that an interrupted run resumes to the same bits."""

import math
import os
import re
import resource
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partialmethod
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_training as tiny
import torch
from lissnas.errors import CheckpointError, SettingError, TrainingError
from lissnas.spaces.chain import Convolution
from lissnas.supernet.images.image_batches import ImagesInMemory
from lissnas.supernet.training.learning_rate_schedule import learning_rate_at
from lissnas.supernet.training.path_samplers import FairPathSampler, SandwichPathSampler, UniformPathSampler
from lissnas.supernet.training.progress import Progress
from rounding import largest_drift
from torch import nn
from torch.nn.functional import cross_entropy

PROGRAM = Path(__file__).parents[1] / "tiny_training.py"

ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The last checkpoint of an uninterrupted training."""
    folder = tmp_path_factory.mktemp("finished")
    tiny.train(folder)
    return _newest(folder)


def _newest(folder: Path) -> dict[str, Any]:
    return torch.load(max(folder.glob("step-*.pt")), weights_only=True)


def _assert_same_bits(one: Any, other: Any) -> None:
    """Compare checkpoints recursively."""
    assert type(one) is type(other)
    if isinstance(one, torch.Tensor):
        assert torch.equal(one, other)
    elif isinstance(one, dict):
        assert list(one) == list(other)
        for name in one:
            _assert_same_bits(one[name], other[name])
    elif isinstance(one, list | tuple):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            _assert_same_bits(a, b)
    else:
        assert one == other


def test_a_weight_that_no_path_uses_keeps_its_bits(tmp_path: Path) -> None:
    """Weight decay, or the momentum of earlier steps, would change it."""
    network = tiny.ChainNetwork(tiny.chain(), np.random.default_rng(0))
    before = {name: weights.clone() for name, weights in network.named_parameters()}
    untouched_after_touched = 0
    touched_ever: set[tuple[int, int]] = set()

    def compare(progress: Progress) -> None:
        nonlocal untouched_after_touched
        path = {(layer, int(gene)) for layer, gene in enumerate(progress.rows[0])}
        for name, weights in network.named_parameters():
            if name.startswith("layers."):
                layer, gene = (int(part) for part in name.split(".")[1:3])
                if (layer, gene) not in path:
                    assert torch.equal(weights, before[name]), name
                    untouched_after_touched += (layer, gene) in touched_ever
                elif weights.ndim > 1:
                    assert not torch.equal(weights, before[name]), name
            before[name] = weights.clone()
        touched_ever.update(path)

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
    assert untouched_after_touched > 20


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


@pytest.mark.parametrize("channels_last", [False, True])
def test_steps_equal_those_of_plain_stochastic_gradient_descent(tmp_path: Path, channels_last: bool) -> None:
    """The momentum of weights that are used late starts at zero; the memory format does not matter."""
    recipe = replace(tiny.RECIPE, steps=8, warmup_steps=0, nesterov=True, grad_clip_value=None, label_smoothing=0.0)
    described, images = replace(tiny.chain(), dropout=0.0), tiny.digits()
    network, plain, untrained = (tiny.smooth_network(described) for _ in range(3))
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
    for step, (row, pieces) in enumerate(zip(rows, steps, strict=False)):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate_at(recipe, step)
        for pixels, labels in pieces:
            (cross_entropy(plain(pixels, row), labels) / len(pieces)).backward()
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


def test_a_run_killed_at_any_step_resumes_to_the_same_bits(tmp_path: Path, finished: dict[str, Any]) -> None:
    step = int(np.random.default_rng().integers(1, tiny.RECIPE.steps))
    killed = subprocess.run(
        [sys.executable, PROGRAM, tmp_path, tmp_path / "results", str(step)], env=ENVIRONMENT, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    seen: list[int] = []
    tiny.train(tmp_path, report=lambda progress: seen.append(progress.step))
    assert seen[0] == (step - 1) // 4 * 4 + 1, f"killed at step {step}"
    _assert_same_bits(_newest(tmp_path), finished)


def test_a_float16_run_resumes_to_the_same_bits(tmp_path: Path) -> None:
    """The scale of losses is part of a checkpoint."""
    recipe = replace(tiny.RECIPE, precision="float16")
    tiny.train(tmp_path / "at once", recipe=recipe)

    def interrupt(progress: Progress) -> None:
        if progress.step == 6:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(SystemExit):
        tiny.train(tmp_path / "twice", recipe=recipe, report=interrupt)
    tiny.train(tmp_path / "twice", recipe=recipe)
    _assert_same_bits(_newest(tmp_path / "twice"), _newest(tmp_path / "at once"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_run_after_a_checkpoint(
    tmp_path: Path, finished: dict[str, Any], number: signal.Signals
) -> None:
    def interrupt(progress: Progress) -> None:
        if progress.step == 6:
            os.kill(os.getpid(), number)

    with pytest.raises(SystemExit) as left:
        tiny.train(tmp_path, report=interrupt)
    assert left.value.code == 128 + number
    assert _newest(tmp_path)["step"] == 7
    assert signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler)
    tiny.train(tmp_path)
    _assert_same_bits(_newest(tmp_path), finished)


def test_the_error_for_a_loss_that_is_not_finite_names_the_path(tmp_path: Path) -> None:
    network = tiny.ChainNetwork(tiny.chain(), np.random.default_rng(0))
    with torch.no_grad():
        network.layers[1][2].main[0].weight.fill_(math.nan)
    seen: list[Progress] = []
    with pytest.raises(TrainingError, match=r"tiny: the loss of step \d+ is nan on the path \w\w-k5-\w\w; train again"):
        tiny.train_supernet(
            network,
            tiny.digits(),
            UniformPathSampler(network.space),
            tiny.RECIPE,
            np.random.default_rng(1),
            tmp_path,
            report=seen.append,
        )
    assert all(progress.rows[0, 1] != 2 for progress in seen)
    assert torch.isfinite(network.classifier.weight).all()


@contextmanager
def _files_no_larger_than(size: int) -> Iterator[None]:
    """Make writing larger files fail, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_loses_nothing(tmp_path: Path, finished: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    full = _files_no_larger_than(10_000)

    def fill(progress: Progress) -> None:
        if progress.step == 6:
            full.__enter__()

    try:
        with pytest.raises(CheckpointError, match=r"step-0000000012\.pt: .*free disk space and run again"):
            tiny.train(tmp_path, report=fill)
    finally:
        full.__exit__(None, None, None)
    assert "step-0000000008.pt" in caplog.text
    assert "the training continues" in caplog.text
    assert [path.name for path in tmp_path.iterdir()] == ["step-0000000004.pt"]
    tiny.train(tmp_path)
    _assert_same_bits(_newest(tmp_path), finished)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1000])


def _flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _flip(path: Path, place: int, bit: int) -> None:
    """Flip a bit in the entry of the first file in the archive's directory."""
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        content[archive.start_dir + place] ^= bit
    path.write_bytes(content)


def _compress(path: Path) -> None:
    _flip(path, 10, 8)


def _make_a_folder(path: Path) -> None:
    """Torch reads an entry marked as a folder as empty, and would leave the weights uninitialized."""
    _flip(path, 38, 0x10)


def _hold(content: object) -> Callable[[Path], None]:
    return lambda path: torch.save(content, path)


@pytest.mark.parametrize(
    "damage",
    [
        _cut,
        _flip_a_bit,
        _compress,
        _make_a_folder,
        lambda path: path.write_bytes(b""),
        _hold([1, 2]),
        _hold({"format": 1}),
        _hold(torch.zeros(3)),
    ],
)
def test_a_damaged_checkpoint_is_skipped_with_a_warning(
    tmp_path: Path, finished: dict[str, Any], caplog: pytest.LogCaptureFixture, damage: Any
) -> None:
    tiny.train(tmp_path)
    damage(tmp_path / "step-0000000012.pt")
    (tmp_path / ".step-0000000016.pt.abc.part").write_bytes(b"half")
    tiny.train(tmp_path)
    assert re.search(r"step-0000000012\.pt: damaged \(.+\); trying the checkpoint before it", caplog.text)
    assert len(list(tmp_path.iterdir())) == 3
    _assert_same_bits(_newest(tmp_path), finished)


def test_a_run_does_not_restart_if_all_checkpoints_are_damaged(tmp_path: Path) -> None:
    tiny.train(tmp_path, recipe=replace(tiny.RECIPE, steps=1))
    _cut(tmp_path / "step-0000000001.pt")
    with pytest.raises(CheckpointError, match="all 1 checkpoints are damaged"):
        tiny.train(tmp_path, recipe=replace(tiny.RECIPE, steps=1))


def test_only_the_newest_checkpoints_are_kept(tmp_path: Path) -> None:
    tiny.train(tmp_path, save_every=2, keep=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-0000000010.pt", "step-0000000012.pt"]


@pytest.mark.parametrize(
    ("other", "named"),
    [
        (
            {"recipe": replace(tiny.RECIPE, steps=1, learning_rate=0.2)},
            "settings.learning_rate is 0.3; in this run it is 0.2",
        ),
        (
            {"sampler": UniformPathSampler(tiny.chain().space)},
            "method is SandwichPathSampler; in this run it is UniformPathSampler",
        ),
        ({"rng": np.random.default_rng(2)}, "seed is .*; in this run it is"),
        ({"images": ImagesInMemory(tiny.digits().images + 1, tiny.digits().labels)}, "images is 1797 images"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_the_checkpoint_of_another_training_is_refused(tmp_path: Path, other: dict[str, Any], named: str) -> None:
    recipe = replace(tiny.RECIPE, steps=1)
    tiny.train(tmp_path, recipe=recipe)
    with pytest.raises(CheckpointError, match=named):
        tiny.train(tmp_path, **({"recipe": recipe} | other))


def test_the_checkpoint_of_another_space_is_refused(tmp_path: Path) -> None:
    recipe = replace(tiny.RECIPE, steps=1)
    tiny.train(tmp_path, recipe=recipe)
    space = tiny.CategoricalSpace("huge", (("id", "k3", "k5"),) * 3, "{}-{}-{}")
    network = tiny.ChainNetwork(replace(tiny.chain(), space=space), np.random.default_rng(0))
    with pytest.raises(CheckpointError, match="space is tiny; in this run it is huge"):
        tiny.train_supernet(network, tiny.digits(), FairPathSampler(space), recipe, np.random.default_rng(1), tmp_path)


def test_the_checkpoint_of_another_network_of_the_space_is_refused(tmp_path: Path) -> None:
    recipe = replace(tiny.RECIPE, steps=1)
    tiny.train(tmp_path, recipe=recipe)
    wider = replace(tiny.chain(), head=(Convolution(8, 24),))
    network = tiny.ChainNetwork(wider, np.random.default_rng(0))
    paths = SandwichPathSampler(network.space, tiny.chain().multiply_accumulates)
    with pytest.raises(CheckpointError, match=r"another run, in which data\.weight_shapes is .*; give each run"):
        tiny.train_supernet(network, tiny.digits(), paths, recipe, np.random.default_rng(1), tmp_path)


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
    seen: list[Progress] = []
    recipe = replace(tiny.RECIPE, steps=2)
    tiny.train(tmp_path, recipe=recipe, sampler=FairPathSampler(tiny.chain().space), report=seen.append)
    assert [np.sort(progress.rows, axis=0).tolist() for progress in seen] == [[[0] * 3, [1] * 3, [2] * 3]] * 2


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
    with pytest.raises(SettingError, match=r"a batch of 64 images cannot be drawn from 40: lower training\.batch_size"):
        tiny.train(tmp_path, images=few)


def test_progress_is_printed_as_one_line() -> None:
    rows = np.zeros((1, 3), dtype=np.uint8)
    assert str(Progress(1_200, 150_000, 3.2109, rows, 1912.4, 187_000.0)) == (
        "step 1,200 of 150,000: loss 3.211, 1,912 images/s, 2 d 3 h left"
    )
    assert str(Progress(1, 2, 3.0, rows, 10.0, 3_661.2)).endswith("1:01:01 left")
