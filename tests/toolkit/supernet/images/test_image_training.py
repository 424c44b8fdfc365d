"""From image files to top-1 accuracy: a supernet is trained, its paths are compared, and the best is evaluated once."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import image_training as program
import image_tree as made
import numpy as np
import pytest
import torch
from forked_group import run_group
from lissnas.supernet.images.image_files import DeviceWork
from lissnas.supernet.images.image_folder import folder_source
from lissnas.supernet.images.image_shards import shard_source
from lissnas.supernet.images.image_source import ImageSource
from lissnas.supernet.networks.chain_network import ChainNetwork
from lissnas.supernet.training.logs.progress import Progress

PROGRAM = Path(__file__).parents[1] / "image_training.py"

ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made.make_tree(tmp_path_factory.mktemp("imagenet"))


@pytest.fixture(scope="module")
def source(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> ImageSource:
    return folder_source(tree / "train", tree / "val", tmp_path_factory.mktemp("run"), made.SETTINGS)


@pytest.fixture(scope="module")
def losses() -> list[float]:
    """The losses of a training."""
    return []


@pytest.fixture(scope="module")
def trained(source: ImageSource, losses: list[float], tmp_path_factory: pytest.TempPathFactory) -> ChainNetwork:
    folder = tmp_path_factory.mktemp("checkpoints")
    return program.train(source, folder, report=lambda progress: losses.append(progress.loss))


@pytest.fixture(scope="module")
def scores(trained: ChainNetwork, source: ImageSource) -> list[float]:
    return program.evaluate(trained, source)


def _same_weights(one: ChainNetwork, other: ChainNetwork) -> bool:
    theirs = other.state_dict()
    return all(torch.equal(value, theirs[name]) for name, value in one.named_parameters())


def test_the_best_path_on_held_out_images_classifies_the_official_validation_images(
    trained: ChainNetwork, source: ImageSource, scores: list[float]
) -> None:
    """A quarter would be correct by chance."""
    rows = trained.space.all_rows()
    assert max(scores) > 70
    assert program.top_1(trained, source, rows[int(np.argmax(scores))]) > 70


@pytest.mark.parametrize("workers", [0, 2])
def test_shards_of_the_tree_give_the_same_weights_and_accuracies(
    tree: Path, trained: ChainNetwork, scores: list[float], source: ImageSource, tmp_path: Path, workers: int
) -> None:
    train, validation = made.make_shards(tree, tmp_path)
    shards = shard_source(train, validation, tmp_path / "run", replace(made.SETTINGS, workers=workers))
    network = program.train(shards, tmp_path / "checkpoints")
    assert _same_weights(network, trained)
    assert program.evaluate(network, shards) == scores
    best = network.space.all_rows()[int(np.argmax(scores))]
    assert program.top_1(network, shards, best) == program.top_1(trained, source, best)


def test_two_processes_have_the_losses_of_one(
    tree: Path, trained: ChainNetwork, losses: list[float], tmp_path: Path
) -> None:
    run_group(program.main, tree, tmp_path / "run", tmp_path / "losses.json")
    theirs = json.loads((tmp_path / "losses.json").read_text())
    assert len(theirs) == program.RECIPE.steps
    np.testing.assert_allclose(theirs, losses, rtol=2e-4)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_all_processes_saves_a_checkpoint_and_the_run_resumes_to_the_same_weights(
    tree: Path, trained: ChainNetwork, source: ImageSource, tmp_path: Path, number: signal.Signals
) -> None:
    """A scheduler and Ctrl-C signal the workers as well; no process remains."""
    run = [sys.executable, PROGRAM, tree, tmp_path / "run", tmp_path / "losses.json"]
    with subprocess.Popen(run, env=ENVIRONMENT, stdout=subprocess.PIPE, start_new_session=True, text=True) as process:
        assert process.stdout is not None
        while process.stdout.readline().strip() != "5":
            pass
        os.killpg(process.pid, number)
        process.stdout.read()
        assert process.wait(60) == 128 + number
    assert _ends(process.pid)
    [checkpoint] = (tmp_path / "run" / "checkpoints").glob("step-*.pt")
    assert 5 <= int(checkpoint.stem.removeprefix("step-")) < program.RECIPE.steps
    assert _same_weights(program.train(source, checkpoint.parent), trained)


@pytest.mark.parametrize("on_device", ["augmentation", "decoding"])
def test_a_training_whose_device_prepares_images_resumes_to_the_same_weights(
    tree: Path, tmp_path: Path, on_device: DeviceWork
) -> None:
    """It ends between two checkpoints, as when it is killed; then two processes read the images, not this one."""
    recipe = replace(program.RECIPE, steps=6)

    def train(folder: str, workers: int, report: Callable[[Progress], None]) -> ChainNetwork:
        settings = replace(made.SETTINGS, workers=workers, on_device=on_device)
        images = folder_source(tree / "train", tree / "val", tmp_path / folder, settings)
        return program.train(images, tmp_path / folder / "checkpoints", recipe=recipe, save_every=2, report=report)

    def end(progress: Progress) -> None:
        if progress.step == 5:
            raise KeyboardInterrupt

    steps: list[int] = []
    at_once = train("at once", 0, lambda progress: None)
    with pytest.raises(KeyboardInterrupt):
        train("twice", 0, end)
    assert _same_weights(train("twice", 2, lambda progress: steps.append(progress.step)), at_once)
    assert steps == [5, 6]


def _ends(group: int) -> bool:
    """Wait until no process of a group remains."""
    for _ in range(100):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


def test_a_program_ends_while_workers_still_decode(tree: Path, tmp_path: Path) -> None:
    """Workers ignore the signal with which Python ends them, so they are ended before that."""
    script = f"""
import sys
from pathlib import Path
from dataclasses import replace
sys.path.insert(0, {str(PROGRAM.parent)!r})
import image_training as program
settings = replace(program.made.SETTINGS, workers=2)
tree = Path({str(tree)!r})
source = program.folder_source(tree / "train", tree / "val", Path({str(tmp_path)!r}), settings)
steps = source.train.steps(16, 2, [0, 1], 0, 0)
next(steps)
"""
    subprocess.run([sys.executable, "-c", script], env=ENVIRONMENT, check=True, timeout=100)


@pytest.mark.slow
def test_a_small_shared_memory_ends_a_training_in_a_sentence(tree: Path, tmp_path: Path) -> None:
    script = f"""
import sys
from pathlib import Path
from dataclasses import replace
sys.path.insert(0, {str(PROGRAM.parent)!r})
import image_training as program
from lissnas.errors import LissnasError
settings = replace(program.made.SETTINGS, workers=2)
tree = Path({str(tree)!r})
source = program.folder_source(tree / "train", tree / "val", Path({str(tmp_path)!r}), settings)
try:
    list(source.train.steps(16, 2, [0, 1], 0, 0))
except LissnasError as error:
    print(error)
"""
    small = 'mount -t tmpfs -o size=64k tmpfs /dev/shm || exit 77; exec "$@"'
    command = ["unshare", "--mount", "bash", "-c", small, "bash", sys.executable, "-c", script]
    ended = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=60, check=False)
    if ended.returncode in (1, 77) and not ended.stdout:
        pytest.skip("this user may not mount a file system")
    assert ended.stdout.startswith("/dev/shm is too small"), ended.stderr
