"""Checkpoints: an interrupted run resumes to the same bits, and damaged or foreign checkpoints are not used."""

import os
import re
import resource
import signal
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from shutil import copytree
from typing import Any

import numpy as np
import pytest
import tiny_training as tiny
import torch
from forked_group import start_process
from lissnas.errors import CheckpointError
from lissnas.spaces.chain import Convolution
from lissnas.supernet.images.image_batches import ImagesInMemory
from lissnas.supernet.training.logs.progress import Progress
from lissnas.supernet.training.path_samplers import FairPathSampler, SandwichPathSampler, UniformPathSampler

ONE_STEP = replace(tiny.RECIPE, steps=1)


@pytest.fixture(scope="module")
def finished_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoints of an uninterrupted training."""
    folder = tmp_path_factory.mktemp("finished")
    tiny.train(folder)
    return folder


@pytest.fixture(scope="module")
def finished(finished_folder: Path) -> dict[str, Any]:
    """The last checkpoint of an uninterrupted training."""
    return _newest(finished_folder)


@pytest.fixture(scope="module")
def first_step(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoints of a training of one step."""
    folder = tmp_path_factory.mktemp("first step")
    tiny.train(folder, recipe=ONE_STEP)
    return folder


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


def test_a_run_killed_at_any_step_resumes_to_the_same_bits(tmp_path: Path, finished: dict[str, Any]) -> None:
    step = int(np.random.default_rng().integers(1, tiny.RECIPE.steps))
    killed = start_process(tiny.main, tmp_path, tmp_path / "results", step)
    killed.join()
    assert killed.exitcode == -signal.SIGKILL
    steps: list[int] = []
    tiny.train(tmp_path, report=lambda progress: steps.append(progress.step))
    assert steps[0] == (step - 1) // 4 * 4 + 1, f"killed at step {step}"
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


@pytest.fixture
def hang_up_ends_a_process() -> Iterator[None]:
    """Let SIGHUP end this process also where nohup started the tests, whose processes ignore it."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("hang_up_ends_a_process")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_the_run_after_a_checkpoint(
    tmp_path: Path, finished: dict[str, Any], number: signal.Signals
) -> None:
    def interrupt(progress: Progress) -> None:
        if progress.step == 6:
            os.kill(os.getpid(), number)

    with pytest.raises(SystemExit) as ended:
        tiny.train(tmp_path, report=interrupt)
    assert ended.value.code == 128 + number
    assert _newest(tmp_path)["step"] == 7
    assert signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler)
    tiny.train(tmp_path)
    _assert_same_bits(_newest(tmp_path), finished)


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
    tmp_path: Path, finished_folder: Path, finished: dict[str, Any], caplog: pytest.LogCaptureFixture, damage: Any
) -> None:
    copytree(finished_folder, tmp_path, dirs_exist_ok=True)
    damage(tmp_path / "step-0000000012.pt")
    (tmp_path / ".step-0000000016.pt.abc.part").write_bytes(b"half")
    tiny.train(tmp_path)
    assert re.search(r"step-0000000012\.pt: damaged \(.+\); trying the checkpoint before it", caplog.text)
    assert len(list(tmp_path.iterdir())) == 3
    _assert_same_bits(_newest(tmp_path), finished)


def test_a_run_does_not_restart_if_all_checkpoints_are_damaged(tmp_path: Path, first_step: Path) -> None:
    copytree(first_step, tmp_path, dirs_exist_ok=True)
    _cut(tmp_path / "step-0000000001.pt")
    with pytest.raises(CheckpointError, match="all 1 checkpoints are damaged"):
        tiny.train(tmp_path, recipe=ONE_STEP)


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
def test_the_checkpoint_of_another_training_is_refused(first_step: Path, other: dict[str, Any], named: str) -> None:
    with pytest.raises(CheckpointError, match=named):
        tiny.train(first_step, **({"recipe": ONE_STEP} | other))


def test_the_checkpoint_of_other_initial_weights_is_refused(first_step: Path) -> None:
    network = tiny.smooth_network()
    with torch.no_grad():
        network.classifier.weight[0, 0] += 1
    sampler = SandwichPathSampler(network.space, tiny.chain().multiply_accumulates)
    with pytest.raises(CheckpointError, match=r"another run, in which data\.initial_weights is .*; give each run"):
        tiny.train_supernet(network, tiny.digits(), sampler, ONE_STEP, np.random.default_rng(1), first_step)


def test_the_checkpoint_of_another_space_is_refused(first_step: Path) -> None:
    space = tiny.CategoricalSpace("huge", (("id", "k3", "k5"),) * 3, "{}-{}-{}")
    network = tiny.ChainNetwork(replace(tiny.chain(), space=space), np.random.default_rng(0))
    with pytest.raises(CheckpointError, match="space is tiny; in this run it is huge"):
        tiny.train_supernet(
            network, tiny.digits(), FairPathSampler(space), ONE_STEP, np.random.default_rng(1), first_step
        )


def test_the_checkpoint_of_another_network_of_the_space_is_refused(first_step: Path) -> None:
    wider = replace(tiny.chain(), head=(Convolution(8, 24),))
    network = tiny.ChainNetwork(wider, np.random.default_rng(0))
    sampler = SandwichPathSampler(network.space, tiny.chain().multiply_accumulates)
    with pytest.raises(CheckpointError, match=r"another run, in which data\.weight_shapes is .*; give each run"):
        tiny.train_supernet(network, tiny.digits(), sampler, ONE_STEP, np.random.default_rng(1), first_step)
