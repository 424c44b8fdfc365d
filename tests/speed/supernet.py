"""A supernet's time goes into its networks: a scored path and a training step beside the passes of each.

In processor time of one thread. The images are noise: what they show takes no time. Prints

1. what a training step of ShuffleNetV2 at 64 pixels takes beside its bare forward and backward passes;
2. which share of the time of scoring 1,000 cells of a small supernet, with recalibration, is spent outside the network;
3. what it takes to notice that weights have changed, which is done once a call, beside scoring one ShuffleNetV2.
"""

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from lissnas.spaces.published.shufflenetv2 import shufflenetv2_chain
from lissnas.supernet.images.image_batches import ImagesInMemory
from lissnas.supernet.networks.cell_network import Skeleton
from lissnas.supernet.networks.cell_supernet import CellSupernet
from lissnas.supernet.networks.chain_network import ChainNetwork
from lissnas.supernet.networks.supernet import Supernet
from lissnas.supernet.scoring.supernet_evaluator import SupernetEvaluator
from lissnas.supernet.training.path_samplers import UniformPathSampler
from lissnas.supernet.training.progress import Progress
from lissnas.supernet.training.training_loop import train_supernet
from lissnas.supernet.training.training_recipe import TrainingRecipe
from torch import Tensor
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


def scoring(network: Supernet, size: int, channels: int, paths: int) -> None:
    inside = 0.0
    forward = network.forward

    def timed(images: Tensor, path: Sequence[int]) -> Tensor:
        nonlocal inside
        began = time.process_time()
        logits = forward(images, path)
        inside += time.process_time() - began
        return logits

    network.forward = timed  # type: ignore[method-assign]
    images = ImagesInMemory(torch.randn(256, channels, size, size), torch.randint(10, (256,))).split(64)
    evaluator = SupernetEvaluator(network, [pixels for pixels, _ in images[:2]], images[2:])
    rows = network.space.sample(paths, np.random.default_rng(0))
    began = time.process_time()
    evaluator(rows)
    total = time.process_time() - began
    began = time.process_time()
    evaluator(rows[:1])
    noticing = time.process_time() - began
    print(
        f"scoring: {paths:,} networks of {network.space.name} {total:.2f} s, {100 * (1 - inside / total):.1f} % of it "
        f"outside the network; noticing changed weights takes {1000 * noticing:.1f} ms a call, "
        f"{100 * noticing / (total / paths):.1f} % of a network's score"
    )


torch.set_num_threads(1)
training()
scoring(CellSupernet(Skeleton(channels=8), np.random.default_rng(0)), 8, 1, PATHS)
scoring(ChainNetwork(shufflenetv2_chain(10, 64), np.random.default_rng(0), affine=False), 64, 3, STEPS)
