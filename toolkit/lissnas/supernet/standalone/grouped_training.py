"""Training many stand-alone networks at once, and their scores after each epoch."""

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

_EVALUATED_AT_ONCE = 100
"""Images per batch of an evaluation: few enough for the processor's caches."""


@dataclass(frozen=True)
class StandaloneRecipe:
    """How a stand-alone network is trained: NAS-Bench-201's optimizer, with fewer and smaller steps.

    Attributes
    ----------
    epochs
        Number of epochs. Each leaves out other images: those that do not fill a batch.
    batch_size
        Images per step.
    learning_rate
        Learning rate of the first step. Half a cosine takes it to zero.
    momentum, weight_decay
        Nesterov's momentum, and the weight decay of all weights.
    max_shift
        Maximum random shift of an image in each direction, in pixels. Background fills the gap.
    """

    epochs: int = 20
    batch_size: int = 64
    learning_rate: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 5e-4
    max_shift: int = 1


@dataclass(frozen=True)
class Score:
    """Number of correctly classified images, and mean cross-entropy in nats; each has shape (networks,)."""

    correct: NDArray[np.int64]
    loss: NDArray[np.float64]


@dataclass(frozen=True)
class Training:
    """The scores of a training.

    Attributes
    ----------
    train
        Scores on the shifted training images of each epoch, taken in the steps, before the weights are updated.
    validation
        Scores on the validation images after each epoch.
    test
        Score on the test images at the end.
    seconds
        Processor time for all networks.
    """

    train: list[Score]
    validation: list[Score]
    test: Score
    seconds: float


def train_grouped(
    networks: Sequence[CellNetwork], task: ImageTask, recipe: StandaloneRecipe, rng: np.random.Generator
) -> Training:
    """Train networks at once, each independently of the others, on the same batches.

    Parameters
    ----------
    networks
        The networks. Their weights are copied, and do not change.
    task
        The images.
    recipe
        How each network is trained.
    rng
        Draws the order of the images and their shifts.
    """
    return train(GroupedNetworks(networks), task, recipe, rng)


def train(model: torch.nn.Module, task: ImageTask, recipe: StandaloneRecipe, rng: np.random.Generator) -> Training:
    """Train a model whose logits have shape (networks, images, classes), as `train_grouped` does."""
    started = time.process_time()
    standardize = _standardizer(task.train)
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
        step_scores = []
        for images, labels in _batches(task.train, recipe, rng, standardize):
            losses, correct = _losses_and_hits(model, images, labels)
            optimizer.zero_grad()
            torch.autograd.backward(losses.mean(1).sum())
            optimizer.step()
            cosine.step()
            step_scores.append((losses.detach(), correct))
        train_scores.append(_score(step_scores))
        validation_scores.append(evaluate(model, task.validation, standardize))
    test = evaluate(model, task.test, standardize)
    return Training(train_scores, validation_scores, test, time.process_time() - started)


def evaluate(model: torch.nn.Module, images: Images, standardize: Callable[[NDArray[np.float32]], Tensor]) -> Score:
    """Return the scores of a model, with the running statistics of its batch norms."""
    model.eval()
    pixels, labels = standardize(images.pixels), torch.from_numpy(images.labels)
    with torch.no_grad():
        batches = zip(torch.split(pixels, _EVALUATED_AT_ONCE), torch.split(labels, _EVALUATED_AT_ONCE), strict=True)
        return _score([_losses_and_hits(model, *batch) for batch in batches])


def _standardizer(images: Images) -> Callable[[NDArray[np.float32]], Tensor]:
    """Return the function that standardizes images by the training pixels, and adds the axis of channels."""
    mean, deviation = images.pixels.mean(dtype=np.float64), images.pixels.std(dtype=np.float64)
    return lambda pixels: torch.from_numpy(((pixels - mean) / deviation).astype(np.float32))[:, None]


def _batches(
    images: Images,
    recipe: StandaloneRecipe,
    rng: np.random.Generator,
    standardize: Callable[[NDArray[np.float32]], Tensor],
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the batches of one epoch."""
    count, height, width = images.pixels.shape
    places = rng.permutation(count)[: count // recipe.batch_size * recipe.batch_size]
    down, right = rng.integers(0, 2 * recipe.max_shift + 1, (2, len(places), 1, 1))
    bordered = np.pad(images.pixels, ((0, 0), (recipe.max_shift,) * 2, (recipe.max_shift,) * 2))
    shifted = bordered[places[:, None, None], down + np.arange(height)[:, None], right + np.arange(width)]
    labels = torch.from_numpy(images.labels[places])
    yield from zip(
        torch.split(standardize(shifted), recipe.batch_size), torch.split(labels, recipe.batch_size), strict=True
    )


def _losses_and_hits(model: torch.nn.Module, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Return the loss of each network on each image, and whether it is correct; shapes (networks, images)."""
    logits: Tensor = model(images)
    expanded = labels.expand(len(logits), -1)
    losses = functional.cross_entropy(logits.flatten(0, 1), expanded.flatten(), reduction="none")
    return losses.view_as(expanded), logits.detach().argmax(2) == expanded


def _score(batches: Sequence[tuple[Tensor, Tensor]]) -> Score:
    losses = torch.cat([losses for losses, _ in batches], dim=1).double().mean(1)
    correct = torch.cat([correct for _, correct in batches], dim=1).sum(1)
    return Score(correct.numpy(), losses.numpy())
