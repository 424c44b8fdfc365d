"""A supernet's training step beside the passes of its network, and paths that are scored together beside each alone.

.venv/bin/python tests/speed/supernet.py [--threads N] [training|cells|random|around] ...

In processor time, by default of one thread. The images are noise: what they show takes no time. Prints

1. what a training step of ShuffleNetV2 at 64 pixels takes beside its bare forward and backward passes;
2. what a path takes if 1,000 are scored at once, beside a plain loop that recalibrates and classifies every tenth of
   them alone: random cells, random networks of ShuffleNetV2, and neighbors of a few, as LISSNAS scores them; that the
   scores are equal; and what one path takes that is scored alone by the evaluator;
3. what it takes to notice that weights have changed, which is done once a call.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from lissnas.spaces.published.shufflenetv2 import shufflenetv2_chain
from lissnas.spaces.space import Rows, Space
from lissnas.supernet.images.image_batches import ImagesInMemory
from lissnas.supernet.networks.cell_network import Skeleton
from lissnas.supernet.networks.cell_supernet import CellSupernet
from lissnas.supernet.networks.chain_network import ChainNetwork
from lissnas.supernet.networks.supernet import Supernet
from lissnas.supernet.scoring.batch_norm_recalibration import recalibrate_batch_norms
from lissnas.supernet.scoring.shared_operations import SharedOperations
from lissnas.supernet.scoring.supernet_evaluator import SupernetEvaluator
from lissnas.supernet.training.logs.progress import Progress
from lissnas.supernet.training.path_samplers import UniformPathSampler
from lissnas.supernet.training.training_loop import train_supernet
from lissnas.supernet.training.training_recipe import TrainingRecipe
from torch.nn.functional import cross_entropy

STEPS = 12
PATHS = 1000


def training() -> None:
    network = ChainNetwork(shufflenetv2_chain(size=64), np.random.default_rng(0), affine=False)
    images = ImagesInMemory(torch.randn(256, 3, 64, 64), torch.randint(1000, (256,)))
    recipe = TrainingRecipe(
        steps=STEPS, batch_size=64, micro_batch_size=64, learning_rate=0.1, ema_decay=0.999, grad_clip_value=5.0
    )
    rows: list[list[int]] = []
    ends: list[float] = []

    def trained(progress: Progress) -> None:
        rows.append(progress.rows[0].tolist())
        ends.append(time.process_time())

    with tempfile.TemporaryDirectory() as folder:
        train_supernet(
            network,
            images,
            UniformPathSampler(network.space),
            recipe,
            np.random.default_rng(1),
            Path(folder),
            report=trained,
        )
    steps = ends[-1] - ends[0]
    batches = images.split(64)
    began = time.process_time()
    for step, row in enumerate(rows[1:]):
        pixels, labels = batches[step % len(batches)]
        cross_entropy(network(pixels, row), labels).backward()
        network.zero_grad()
    passes = time.process_time() - began
    print(f"training: {STEPS - 1} steps {steps:.2f} s, their bare passes {passes:.2f} s, ratio {steps / passes:.2f}")


def scoring(network: Supernet, size: int, channels: int, batch: int, rows: Rows, kind: str) -> None:
    images = ImagesInMemory(torch.randn(4 * batch, channels, size, size), torch.randint(10, (4 * batch,))).split(batch)
    recalibration, held_out = [pixels for pixels, _ in images[:1]], images[1:3]

    def alone(rows: Rows) -> tuple[float, list[float]]:
        """Return the seconds of some paths, and their scores."""
        began = time.process_time()
        scores = []
        with torch.no_grad():
            for path in rows.tolist():
                recalibrate_batch_norms(network, recalibration, lambda pixels, path=path: network(pixels, path))
                correct = sum(int((network(pixels, path).argmax(1) == labels).sum()) for pixels, labels in held_out)
                scores.append(100 * correct / (2 * batch))
        return time.process_time() - began, scores

    network.eval()
    tenth = rows[::10]
    alone(rows[:1])
    before, first = alone(tenth[::2])
    evaluator = SupernetEvaluator(network, recalibration, held_out, paths_at_once=len(rows))
    began = time.process_time()
    scores = evaluator(rows)[::10].tolist()
    together = (time.process_time() - began) / len(rows)
    after, second = alone(tenth[1::2])
    assert scores[::2] == first
    assert scores[1::2] == second
    each = (before + after) / len(tenth)
    began = time.process_time()
    for row in tenth:
        SupernetEvaluator(network, recalibration, held_out)(row[None])
    singly = (time.process_time() - began) / len(tenth)
    began = time.process_time()
    evaluator(rows[:1])
    noticing = time.process_time() - began
    paths = sorted(rows.tolist())
    shared = len(SharedOperations(network, paths)) / sum(len(SharedOperations(network, [path])) for path in paths)
    print(
        f"scoring: {len(rows):,} {kind} of {network.space.name}: {1000 * together:.2f} ms a path together, "
        f"{1000 * each:.2f} ms alone, {each / together:.2f} times as fast; {100 * shared:.0f} % of the operations; the "
        f"scores are equal. Alone by the evaluator: {(singly - noticing) / each:.2f} times the time of the plain loop, "
        f"and {1000 * noticing:.1f} ms a call to notice changed weights",
        flush=True,
    )


def neighbors_of_some(space: Space, rng: np.random.Generator) -> Rows:
    """Return 1,000 of the networks that are some random ones or their neighbors."""
    seeds = space.sample(20, rng)
    around = np.unique(np.concatenate([seeds, space.neighbors(seeds)[0]]), axis=0)
    return rng.permutation(around)[:PATHS]


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("parts", nargs="*", help="training, cells, random, around; by default all")
parser.add_argument("--threads", type=int, default=1)
options = parser.parse_args()
torch.set_num_threads(options.threads)
rng = np.random.default_rng(0)
cells = CellSupernet(Skeleton(channels=8), np.random.default_rng(0))
shuffle = ChainNetwork(shufflenetv2_chain(10, 64), np.random.default_rng(0), affine=False)
parts = {
    "training": training,
    "cells": lambda: scoring(cells, 8, 1, 64, cells.space.sample(PATHS, rng), "random cells"),
    "random": lambda: scoring(shuffle, 64, 3, 8, shuffle.space.sample(PATHS, rng), "random networks"),
    "around": lambda: scoring(shuffle, 64, 3, 8, neighbors_of_some(shuffle.space, rng), "networks around 20"),
}
for part in options.parts or parts:
    parts[part]()
