"""What a run will take, before anything is spent: steps, images, hours, memory and disk.

What follows from the recipe is exact. What is estimated says so: hours, from a throughput that is given or measured;
memory, from what the path of most multiply-accumulates keeps for its backward pass; and for scoring, our own choice,
that a forward pass takes a third of a training step on the same images. Rounds, and what a round scores, are as many as
there are at most.
"""

import time
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from lissnas.shrinkers.lissnas import Lissnas
from lissnas.shrinkers.sampling_baselines import RandomSubset
from lissnas.supernet.images.image_batches import ImagesInMemory
from lissnas.supernet.networks.supernet import Supernet
from lissnas.supernet.recipes.run_recipe import RunRecipe
from lissnas.supernet.shrinking.weight_angle_shrinkage import WeightAngleShrinkage
from lissnas.supernet.training.path_samplers import UniformPathSampler
from lissnas.supernet.training.training_loop import train_supernet

_FORWARD_SHARE = 3
"""How many forward passes a training step takes as long as: one forward and a backward of twice that."""

_MEASURED_STEPS = 5
"""Over how many steps throughput is measured, after as many that are not counted."""


@dataclass(frozen=True)
class PlannedStage:
    """One part of a run.

    Attributes
    ----------
    name
        What it is.
    steps
        Of training; 0 for scoring.
    images
        How many go through a network, counted once for every path that sees them.
    image_passes
        The same in training passes of one image: one that is only scored counts a third.
    """

    name: str
    steps: int
    images: int
    image_passes: float

    def hours(self, images_a_second: float) -> float:
        """Return how long it takes at a throughput of training passes."""
        return self.image_passes / images_a_second / 3600


@dataclass(frozen=True)
class Plan:
    """What a run will take.

    Attributes
    ----------
    stages
        In their order; of the loop as many rounds as there are at most.
    scored_network
        Scoring one network.
    networks_for_means
        How many networks the two means of a round are estimated from. Angles of weights need none.
    networks_for_shrinker
        How many networks the shrinker scores at most in a round; None if its settings do not say, and then no stage
        counts them.
    parameters, flops
        Of the whole supernet; multiply-accumulates of its cheapest and its dearest path.
    state_bytes
        Weights, their gradients at most, momentum, and the moving average if there is one, on each device.
    activation_bytes
        What the dearest path keeps for its backward pass for one piece of a batch, the larger of training and
        retraining, in 32 bits: an estimate.
    checkpoint_bytes
        One checkpoint.
    checkpoints
        How many are kept in all, at most.
    pixel_bytes
        Files with the pixels of the images that networks are scored on; 0 for images that lie in memory.
    """

    stages: tuple[PlannedStage, ...]
    scored_network: PlannedStage
    networks_for_means: int
    networks_for_shrinker: int | None
    parameters: int
    flops: tuple[int, int]
    state_bytes: int
    activation_bytes: int
    checkpoint_bytes: int
    checkpoints: int
    pixel_bytes: int


def plan(recipe: RunRecipe) -> Plan:
    """Return what a run will take; no image is read, and no network trained."""
    paths = recipe.paths.paths(recipe.network)
    with torch.device("meta"):
        network = recipe.network.build(np.random.default_rng(0))
    rounds = recipe.loop.round_limit
    stages = [_training("training", recipe.training.steps, recipe.training.batch_size, paths)]
    if rounds:
        later = _training("", recipe.loop.steps_per_round * rounds, recipe.training.batch_size, 1)
        stages.append(
            PlannedStage(f"training after {_rounds(rounds)} at most", later.steps, later.images, later.image_passes)
        )
    scored = _scored(recipe)
    means = 0 if isinstance(recipe.shrinking.settings, WeightAngleShrinkage) else 2 * recipe.loop.mean_sample_size
    shrinker = _networks_for_shrinker(recipe.shrinking.settings)
    for name, networks in (("shrinking", shrinker), ("means", means)):
        if networks and rounds:
            stages.append(_times(f"{name} of {_rounds(rounds)} at most", scored, networks * rounds))
    stages.append(_times("search", scored, recipe.search.evaluations))
    stages.append(_training("retraining", recipe.retraining.steps, recipe.retraining.batch_size, 1))
    costs = recipe.network.costs().multiply_accumulates
    weights = sum(each.numel() * each.element_size() for each in network.parameters())
    norms = sum(each.numel() * each.element_size() for each in network.buffers())
    copies = 2 + (recipe.training.ema_decay is not None)
    return Plan(
        tuple(stages),
        scored,
        means,
        shrinker,
        sum(each.numel() for each in network.parameters()),
        (costs.minimum, costs.maximum),
        weights * (copies + 1) + norms,
        _activations(recipe, network),
        weights * copies + norms,
        recipe.checkpoints.keep * (rounds + 2),
        0 if recipe.images.files is None else scored.images * 3 * recipe.network.image_size**2,
    )


def measured_throughput(recipe: RunRecipe, device: str) -> float:
    """Return how many images a second one device trains on: some steps of the recipe, each of one random path.

    A step is of `micro_batch_size` random images. Reading and decoding images is not in it; nor is what compiling wins,
    which itself takes longer than the steps.
    """
    network = recipe.network.build(np.random.default_rng(0))
    count = recipe.training.micro_batch_size
    pixels = np.random.default_rng(0).normal(
        size=(count, recipe.network.input_channels, *[recipe.network.image_size] * 2)
    )
    images = ImagesInMemory(torch.from_numpy(pixels.astype(np.float32)), torch.zeros(count, dtype=torch.int64))
    steps = replace(recipe.training, steps=2 * _MEASURED_STEPS, batch_size=count, compiled=False)
    done: list[float] = []
    with TemporaryDirectory() as folder:
        train_supernet(
            network,
            images,
            UniformPathSampler(network.space),
            steps,
            np.random.default_rng(0),
            Path(folder),
            device=device,
            report=lambda _progress: done.append(time.monotonic()),
        )
    return _MEASURED_STEPS * count / (done[-1] - done[-1 - _MEASURED_STEPS])


def _training(name: str, steps: int, batch: int, paths: int) -> PlannedStage:
    return PlannedStage(name, steps, steps * batch * paths, float(steps * batch * paths))


def _networks_for_shrinker(settings: Any) -> int | None:
    """Return how many networks a shrinker scores at most in a round; None if its settings do not say."""
    if isinstance(settings, WeightAngleShrinkage | RandomSubset):
        return 0
    if isinstance(settings, Lissnas):
        return settings.sample_size * (settings.max_rounds + (settings.stop == "plateau"))
    return getattr(settings, "evaluations", None)


def _scored(recipe: RunRecipe) -> PlannedStage:
    """Return what scoring a network takes."""
    recalibrating = recipe.scoring.recalibration_batches * recipe.scoring.recalibration_batch_size
    seen = recalibrating + recipe.images.held_out(recipe.network.classes)
    return PlannedStage("scoring a network", 0, seen, seen / _FORWARD_SHARE)


def _times(name: str, one: PlannedStage, count: int) -> PlannedStage:
    return PlannedStage(name, 0, one.images * count, one.image_passes * count)


def _rounds(count: int) -> str:
    return "1 round" if count == 1 else f"{count} rounds"


def _activations(recipe: RunRecipe, network: Supernet) -> int:
    """Return the bytes that the dearest path of a network on the device "meta" keeps for its backward pass."""
    piece = max(recipe.training.micro_batch_size, recipe.retraining.micro_batch_size)
    dearest = [int(np.argmax(added)) for added in recipe.network.costs().multiply_accumulates.by_choice]
    kept: dict[int, tuple[Tensor, int]] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[cast(int, storage._cdata)] = tensor, storage.nbytes()
        return tensor

    images = torch.zeros(
        piece, recipe.network.input_channels, recipe.network.image_size, recipe.network.image_size, device="meta"
    )
    labels = torch.zeros(piece, dtype=torch.int64, device="meta")
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        cross_entropy(network.train()(images, dearest), labels)
    weights = {cast(int, each.untyped_storage()._cdata) for each in network.parameters()}
    return sum(size for storage, (_, size) in kept.items() if storage not in weights)
