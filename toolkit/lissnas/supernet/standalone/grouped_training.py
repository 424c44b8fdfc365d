"""Training networks together, each for itself, and what they got right after each epoch."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from lissnas.supernet.images.small_tasks import Images, ImageTask
from lissnas.supernet.networks.cell_network import CellNetwork
from lissnas.supernet.standalone.grouped_networks import GroupedNetworks

_EVALUATED = 100
"""How many images are evaluated at once: few enough for the processor's caches."""


@dataclass(frozen=True)
class StandaloneRecipe:
    """How a network is trained: NAS-Bench-201's optimizer, in fewer and smaller steps.

    Attributes
    ----------
    epochs
        How many; the rest of an epoch that fills no batch is left out, another rest in each.
    batch_size
        Images a step.
    learning_rate
        The learning rate at the first step; a cosine takes it to zero.
    momentum, weight_decay
        Nesterov's, and the weight decay, which takes in all weights.
    max_shift
        By how many pixels at most an image is moved each way, at random; the rest is background.
    """

    epochs: int = 20
    batch_size: int = 64
    learning_rate: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 5e-4
    max_shift: int = 1


@dataclass(frozen=True)
class Score:
    """How many images were classified correctly, and the mean cross-entropy in nats; each of shape (networks,)."""

    correct: NDArray[np.int64]
    loss: NDArray[np.float64]


@dataclass(frozen=True)
class Training:
    """What a training showed.

    Attributes
    ----------
    train
        After each epoch: the images of its steps, as the network met them (moved, and before it learnt from them).
    validation
        After each epoch.
    test
        At the end.
    seconds
        Of one processor core, for all networks.
    """

    train: list[Score]
    validation: list[Score]
    test: Score
    seconds: float


def train_grouped(
    networks: Sequence[CellNetwork], task: ImageTask, recipe: StandaloneRecipe, rng: np.random.Generator
) -> Training:
    """Train networks side by side: none sees another, all see the same batches.

    Parameters
    ----------
    networks
        Left as they are; their weights are copied.
    rng
        Draws the order of the images, and where they are moved.
    """
    return train(GroupedNetworks(networks), task, recipe, rng)


def train(model: torch.nn.Module, task: ImageTask, recipe: StandaloneRecipe, rng: np.random.Generator) -> Training:
    """Train a model whose logits have the shape (networks, images, classes)."""
    started = time.process_time()
    standard = _standardizer(task.train)
    steps = len(task.train.labels) // recipe.batch_size
    optimizer = torch.optim.SGD(
        model.parameters(),
        recipe.learning_rate,
        recipe.momentum,
        nesterov=True,
        weight_decay=recipe.weight_decay,
        fused=True,
    )
    cosine = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: (1 + math.cos(math.pi * step / (recipe.epochs * steps))) / 2
    )
    train_scores, validation_scores = [], []
    for _ in range(recipe.epochs):
        model.train()
        met = []
        for images, labels in _batches(task.train, recipe, rng, standard):
            losses, correct = _judged(model, images, labels)
            optimizer.zero_grad()
            torch.autograd.backward(losses.mean(1).sum())
            optimizer.step()
            cosine.step()
            met.append((losses.detach(), correct))
        train_scores.append(_score(met))
        validation_scores.append(evaluate(model, task.validation, standard))
    test = evaluate(model, task.test, standard)
    return Training(train_scores, validation_scores, test, time.process_time() - started)


def evaluate(model: torch.nn.Module, images: Images, standard: Callable[[NDArray[np.float32]], Tensor]) -> Score:
    """Score a model with the running statistics of its batch norms."""
    model.eval()
    pixels, labels = standard(images.pixels), torch.from_numpy(images.labels)
    with torch.no_grad():
        pieces = zip(torch.split(pixels, _EVALUATED), torch.split(labels, _EVALUATED), strict=True)
        return _score([_judged(model, *piece) for piece in pieces])


def _standardizer(images: Images) -> Callable[[NDArray[np.float32]], Tensor]:
    """Return what subtracts the mean of all training pixels and divides by their deviation, and adds the axis."""
    mean, deviation = images.pixels.mean(dtype=np.float64), images.pixels.std(dtype=np.float64)
    return lambda pixels: torch.from_numpy(((pixels - mean) / deviation).astype(np.float32))[:, None]


def _batches(
    images: Images,
    recipe: StandaloneRecipe,
    rng: np.random.Generator,
    standard: Callable[[NDArray[np.float32]], Tensor],
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the batches of one epoch."""
    count, height, width = images.pixels.shape
    used = rng.permutation(count)[: count // recipe.batch_size * recipe.batch_size]
    down, right = rng.integers(0, 2 * recipe.max_shift + 1, (2, len(used), 1, 1))
    bordered = np.pad(images.pixels, ((0, 0), (recipe.max_shift,) * 2, (recipe.max_shift,) * 2))
    moved = bordered[used[:, None, None], down + np.arange(height)[:, None], right + np.arange(width)]
    labels = torch.from_numpy(images.labels[used])
    yield from zip(torch.split(standard(moved), recipe.batch_size), torch.split(labels, recipe.batch_size), strict=True)


def _judged(model: torch.nn.Module, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Return each network's loss on each image, and whether it was right; shapes (networks, images)."""
    logits: Tensor = model(images)
    everyones = labels.expand(len(logits), -1)
    losses = functional.cross_entropy(logits.flatten(0, 1), everyones.flatten(), reduction="none")
    return losses.view_as(everyones), logits.detach().argmax(2) == everyones


def _score(pieces: Sequence[tuple[Tensor, Tensor]]) -> Score:
    losses = torch.cat([losses for losses, _ in pieces], dim=1).double().mean(1)
    correct = torch.cat([correct for _, correct in pieces], dim=1).sum(1)
    return Score(correct.numpy(), losses.numpy())
