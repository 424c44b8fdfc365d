"""The plan of a run: its steps, images, hours, memory and disk space, before any computation.

Numbers that follow from the recipe are exact. Estimates are: hours, from a given or measured throughput; memory, from
what the most expensive path stores for its backward pass; and scoring, for which we assume (our own choice) that a
forward pass takes a third of a training step on the same images. Rounds and networks per round are upper bounds. The
official validation images, which a retrained network classifies once, are not counted: only their files say how many
there are.
"""

import time
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, cast

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
"""Duration of a training step in forward passes: one forward pass, and a backward pass of twice that."""

_MEASURED_STEPS = 5
"""Number of steps over which throughput is measured, after as many warm-up steps."""


@dataclass(frozen=True)
class PlannedStage:
    """One part of a run.

    Attributes
    ----------
    name
        Name of the part.
    steps
        Number of training steps; 0 for scoring.
    images
        Number of images, counted once for every path that sees them.
    image_passes
        Number of training passes of an image; an image that is not trained on counts a third.
    work
        What the part does: "training"; "scoring", on images that were decoded before; or "closing", the recalibration
        of a retrained network on images that are read, which every device does alone.
    """

    name: str
    steps: int
    images: int
    image_passes: float
    work: Literal["training", "scoring", "closing"] = "training"

    def hours(self, images_per_second: float) -> float:
        """Return the duration in hours at a throughput of training passes per second."""
        return self.image_passes / images_per_second / 3600


@dataclass(frozen=True)
class Plan:
    """The plan of a run.

    Attributes
    ----------
    stages
        The parts in order, with the maximum number of rounds.
    scored_network
        The scoring of one network.
    networks_for_means
        Number of networks from which the two means of a round are estimated; 0 for weight angles.
    networks_for_shrinker
        Maximum number of networks that the shrinker scores in a round; None if its settings do not determine it, and
        then no stage counts them.
    parameters, flops
        Parameters of the supernet; multiply-accumulates of its cheapest and its most expensive path.
    state_bytes
        Weights, gradients (at most), momentum, and the moving average if the recipe has one, on each device.
    activation_bytes
        What the most expensive path stores for its backward pass, in 32 bits, for one micro-batch: the larger one of
        training and retraining. An estimate.
    checkpoint_bytes
        Size of a checkpoint.
    checkpoints
        Maximum number of checkpoints kept in total.
    pixel_bytes
        Files of the decoded images for scoring; 0 if images are in memory.
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
    """Return the plan of a run, without reading an image or training a network."""
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
    if recipe.search_training is not None:
        steps, batch = recipe.search_training.steps, recipe.search_training.batch_size
        stages.append(_training("training for the search", steps, batch, 1))
    stages.append(_times("search", scored, recipe.search.evaluations))
    stages.append(_training("retraining", recipe.retraining.steps, recipe.retraining.batch_size, 1))
    closing = recipe.scoring.closing_batches * recipe.scoring.recalibration_batch_size
    if closing:
        stages.append(PlannedStage("closing recalibration", 0, closing, closing / _FORWARD_SHARE, "closing"))
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
        recipe.checkpoints.keep * (rounds + 2 + (recipe.search_training is not None)),
        0 if recipe.images.files is None else scored.images * 3 * recipe.network.image_size**2,
    )


def measured_throughput(recipe: RunRecipe, device: str) -> float:
    """Return the training throughput of one device in images per second, over some steps of one random path each.

    A step trains on `micro_batch_size` random images. It includes neither reading and decoding images, nor the gain
    from compiling, which itself takes longer than the steps.
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
    """Return the maximum number of networks a shrinker scores in a round; None if its settings do not determine it."""
    if isinstance(settings, WeightAngleShrinkage | RandomSubset):
        return 0
    if isinstance(settings, Lissnas):
        return settings.sample_size * (settings.max_rounds + (settings.stop == "plateau"))
    return getattr(settings, "evaluations", None)


def _scored(recipe: RunRecipe) -> PlannedStage:
    """Return the scoring of one network as a planned stage."""
    recalibrating = recipe.scoring.recalibration_batches * recipe.scoring.recalibration_batch_size
    images = recalibrating + recipe.images.held_out(recipe.network.classes)
    return PlannedStage("scoring a network", 0, images, images / _FORWARD_SHARE, "scoring")


def _times(name: str, one: PlannedStage, count: int) -> PlannedStage:
    return replace(one, name=name, images=one.images * count, image_passes=one.image_passes * count)


def _rounds(count: int) -> str:
    return "1 round" if count == 1 else f"{count} rounds"


def _activations(recipe: RunRecipe, network: Supernet) -> int:
    """Return the bytes that the most expensive path of a network on the device "meta" stores for its backward pass."""
    trainings = (recipe.training, recipe.retraining, recipe.search_training or recipe.training)
    micro_batch = max(training.micro_batch_size for training in trainings)
    most_expensive = [int(np.argmax(added)) for added in recipe.network.costs().multiply_accumulates.by_choice]
    stored: dict[int, tuple[Tensor, int]] = {}

    def store(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        stored[cast(int, storage._cdata)] = tensor, storage.nbytes()
        return tensor

    images = torch.zeros(
        micro_batch, recipe.network.input_channels, recipe.network.image_size, recipe.network.image_size, device="meta"
    )
    labels = torch.zeros(micro_batch, dtype=torch.int64, device="meta")
    with torch.autograd.graph.saved_tensors_hooks(store, lambda tensor: tensor):
        cross_entropy(network.train()(images, most_expensive), labels)
    weights = {cast(int, each.untyped_storage()._cdata) for each in network.parameters()}
    return sum(size for storage, (_, size) in stored.items() if storage not in weights)
