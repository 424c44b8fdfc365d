"""A training that takes a second: digits of 8 x 8 pixels, three layers of three choices."""

import json
import os
import resource
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lissnas.spaces.categorical import CategoricalSpace
from lissnas.spaces.chain import IDENTITY, Block, Chain, Convolution, inverted_bottleneck
from lissnas.supernet.images.image_batches import ImagesInMemory
from lissnas.supernet.networks.chain_network import ChainNetwork
from lissnas.supernet.scoring.supernet_evaluator import SupernetEvaluator
from lissnas.supernet.training.logs.progress import Progress
from lissnas.supernet.training.path_samplers import SandwichPathSampler
from lissnas.supernet.training.process_group import ProcessGroup, join_process_group
from lissnas.supernet.training.training_loop import train_supernet
from lissnas.supernet.training.training_recipe import TrainingRecipe
from torch import nn

RECIPE = TrainingRecipe(
    steps=12,
    batch_size=64,
    micro_batch_size=32,
    learning_rate=0.3,
    schedule="cosine",
    warmup_steps=3,
    weight_decay=1e-2,
    label_smoothing=0.1,
    grad_clip_value=1.0,
    ema_decay=0.9,
)

THREE_MICRO_BATCHES = replace(RECIPE, steps=4, batch_size=48, micro_batch_size=16)
"""A recipe that two processes cannot share evenly."""

TERMS = RECIPE.batch_size * 4 * 4
"""Number of terms in the gradient of a weight: images of a batch times pixels of the features."""


def chain() -> Chain:
    space = CategoricalSpace("tiny", (("id", "k3", "k5"),) * 3, "{}-{}-{}")
    layer = (IDENTITY, inverted_bottleneck(8, 8, 3, 1, 2), inverted_bottleneck(8, 8, 5, 1, 2))
    stem = Block((Convolution(1, 8, 3, stride=2),))
    return Chain(space, 8, (stem,), (layer,) * 3, (Convolution(8, 16),), 10, dropout=0.1, activation_limit=6)


def digits() -> ImagesInMemory:
    from sklearn.datasets import load_digits

    found = load_digits()
    images = torch.from_numpy((found.images / 8 - 1).astype(np.float32))[:, None]
    return ImagesInMemory(images, torch.from_numpy(found.target.astype(np.int64)))


def smooth_network(described: Chain | None = None) -> ChainNetwork:
    """Return an untrained network whose activations have no kinks.

    At a kink the last digit of a number decides whether a pixel has a share in a gradient.
    So trainings that compute the same sums in another order would differ by far more than rounding.
    """
    network = ChainNetwork(described or chain(), np.random.default_rng(0))
    for parent in list(network.modules()):
        for name, child in parent.named_children():
            if isinstance(child, nn.Hardtanh):
                setattr(parent, name, nn.SiLU())
    return network


def train(folder: Path, **changed: Any) -> ChainNetwork:
    torch.set_num_threads(1)
    network = smooth_network()
    settings = {
        "sampler": SandwichPathSampler(network.space, network.chain.multiply_accumulates),
        "recipe": RECIPE,
        "rng": np.random.default_rng(1),
    }
    settings |= {"images": digits(), "folder": folder, "save_every": 4, "report": lambda progress: None}
    train_supernet(network, **(settings | changed))
    return network


def evaluate(network: ChainNetwork, group: ProcessGroup | None = None) -> list[float]:
    """Score all 27 networks on the last images; two batches of the first ones recalibrate the batch norms.

    Two processes share the images of the last network.
    """
    images = digits()
    recalibration = list(images.images[:400].split(200))
    held_out = ImagesInMemory(images.images[-300:], images.labels[-300:]).split(100)
    return SupernetEvaluator(network, recalibration, held_out, group)(network.space.all_rows()).tolist()


def main(folder: Path, results_file: Path, stop_after: int | None = None, marker: Path | None = None) -> None:
    """Train and score in every process of a group; process 0 writes losses, scores and the names of its threads.

    After a step, process 0 kills itself, or creates a file and waits until it is deleted.
    """
    losses = []

    def report(progress: Progress) -> None:
        losses.append(progress.loss)
        if progress.step == stop_after:
            if marker is None:
                os.kill(os.getpid(), signal.SIGKILL)
            marker.touch()
            while marker.exists():
                time.sleep(0.01)

    with join_process_group() as group:
        scores = evaluate(train(folder, report=report), group)
    if group.rank == 0:
        threads = [name.read_text().strip() for name in Path("/proc/self").glob("task/*/comm")]
        results_file.write_text(json.dumps({"losses": losses, "scores": scores, "threads": threads}))


def train_three_micro_batches(folder: Path, scores_file: Path) -> None:
    """Train with three micro-batches in every process of a group, and score; process 0 writes the scores."""
    with join_process_group() as group:
        scores = evaluate(train(folder, recipe=THREE_MICRO_BATCHES), group)
    if group.rank == 0:
        scores_file.write_text(json.dumps(scores))


def train_with_little_memory(folder: Path) -> None:
    """Train with large batches, which need more memory than there is; the error goes to a file."""
    os.dup2(os.open(folder / "stderr", os.O_WRONLY | os.O_CREAT), 2)
    images = ImagesInMemory(torch.zeros(1024, 1, 32, 32), torch.zeros(1024, dtype=torch.int64))
    recipe = replace(RECIPE, steps=2, batch_size=64, micro_batch_size=64)
    train(folder / "small", images=images, recipe=recipe)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + 60_000_000,) * 2)
    train(folder / "large", images=images, recipe=replace(recipe, batch_size=1024, micro_batch_size=1024))


def main_with_stderr_file(folder: Path, stop_after: int) -> None:
    """Do the same; the errors of each process go to a file of its own."""
    stderr = (folder / f"stderr-{os.environ['RANK']}").open("w")
    os.dup2(stderr.fileno(), 2)
    main(folder / "run", folder / "results", stop_after)


def meet_and_end(first_waits: bool) -> None:
    """Join a group and end without leaving it, as a killed process does; one of the two starts later."""
    if (os.environ["RANK"] == "0") == first_waits:
        time.sleep(0.3)
    with join_process_group("cpu") as group:
        assert group.sum(torch.ones(1)).item() == group.world_size
        os._exit(0)
