"""A training of a second: digits of 8 x 8 pixels, three layers of three choices. Run on its own, it may be killed.

python tiny_training.py FOLDER RESULTS_FILE [STEP_TO_DIE_AT | STEP_TO_END_TORCHRUN_AT end]
"""

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lissnas.spaces.categorical import CategoricalSpace
from lissnas.spaces.chain import IDENTITY, Block, Chain, Convolution, inverted_bottleneck
from lissnas.supernet.images.image_batches import ImagesInMemory
from lissnas.supernet.networks.chain_network import ChainNetwork
from lissnas.supernet.scoring.supernet_evaluator import SupernetEvaluator
from lissnas.supernet.training.path_samplers import SandwichPathSampler
from lissnas.supernet.training.processes import Processes, processes
from lissnas.supernet.training.training_loop import Progress, train_paths
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

TERMS = RECIPE.batch_size * 4 * 4
"""How many terms the gradient of a weight has: the images of a batch times the pixels of the features."""


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
        "paths": SandwichPathSampler(network.space, network.chain.multiply_accumulates),
        "recipe": RECIPE,
        "rng": np.random.default_rng(1),
    }
    settings |= {"batches": digits(), "folder": folder, "save_every": 4, "report": lambda progress: None}
    train_paths(network, **(settings | changed))
    return network


def evaluate(network: ChainNetwork, together: Processes | None = None) -> list[float]:
    """Score all networks on the last images; two batches of the first ones recalibrate the batch norms."""
    images = digits()
    recalibration = list(images.images[:400].split(200))
    held_out = [(images.images[-300:], images.labels[-300:])]
    return SupernetEvaluator(network, recalibration, held_out, together)(network.space.all_rows()).tolist()


if __name__ == "__main__":
    folder, results_file, *last = sys.argv[1:]
    losses = []

    def report(progress: Progress) -> None:
        losses.append(progress.loss)
        if last and progress.step == int(last[0]):
            if len(last) == 1:
                os.kill(os.getpid(), signal.SIGKILL)
            os.kill(os.getppid(), signal.SIGTERM)
            time.sleep(3)  # By then it has told all processes.

    with processes() as together:
        scores = evaluate(train(Path(folder), report=report), together)
    if together.number == 0:
        threads = [name.read_text().strip() for name in Path("/proc/self").glob("task/*/comm")]
        Path(results_file).write_text(json.dumps({"losses": losses, "scores": scores, "threads": threads}))
