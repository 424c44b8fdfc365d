"""Zero-cost scores of architectures: each gets a network with its own random weights, on the same images."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from lissnas.errors import UnknownNameError
from lissnas.spaces.catalog import isomorphism_classes
from lissnas.spaces.space import Floats, Rows
from lissnas.storage.random_streams import named_generator
from lissnas.supernet.images.image_batches import LabeledBatch
from lissnas.supernet.images.small_tasks import TASKS
from lissnas.supernet.recipes.network_recipe import NetworkRecipe, SkeletonRecipe
from lissnas.supernet.zero_cost.catalog import COSTS, SCORE_NAMES, SCORES
from lissnas.supernet.zero_cost.scored_network import scored_network

NOISE = "noise"
"""The image set of normal noise with random labels, at the size of the published networks."""

IMAGE_SETS = (*TASKS, NOISE)
"""The names of all image sets."""

SPACES = ("cell201", "macro", "shufflenetv2", "mobilenet", "fairnas", "mobilenetv2")
"""The spaces whose networks can be built."""

_BATCH_SIZE = 32
"""Number of images of a batch, as in NASLib. As many images as pixels would make the correlations of `jacob_cov`
singular."""

_IMAGENET_SPACES = ("shufflenetv2", "mobilenet", "fairnas", "mobilenetv2")


@dataclass(frozen=True)
class ZeroCostTask:
    """What zero-cost scores are computed on: the networks of a space, and one batch of images.

    The small image sets have 8 x 8 pixels, and cells get the networks that trained the table "digits-cells". With
    "noise" the networks are the published ones. We know of no agreement on either, so both are our own choice.

    Attributes
    ----------
    space
        The name of a space in `SPACES`.
    images
        The name of an image set in `IMAGE_SETS`.
    seed
        Seed of the weights, of the choice of images, and of all noise.

    Raises
    ------
    UnknownNameError
        If there are no networks of this space, or there is no such image set.
    """

    space: str
    images: str
    seed: int = 0

    def __post_init__(self) -> None:
        for kind, name, names in (("space with networks", self.space, SPACES), ("images", self.images, IMAGE_SETS)):
            if name not in names:
                raise UnknownNameError(kind, name, names)

    @property
    def network(self) -> NetworkRecipe:
        """The networks of the architectures."""
        small = self.images != NOISE
        if self.space == "cell201":
            skeleton = SkeletonRecipe(channels=8, stages=2, cells=1, residual=False) if small else SkeletonRecipe()
            return NetworkRecipe("cell201", 10, *((8, 1) if small else (32, 3)), skeleton=skeleton)
        on_imagenet = not small and self.space in _IMAGENET_SPACES
        size = 8 if small else 224 if on_imagenet else 32
        return NetworkRecipe(self.space, 1000 if on_imagenet else 10, size, 1 if small else 3)  # type: ignore[arg-type]

    def batch(self) -> LabeledBatch:
        """Return the batch: random training images of the set, standardized, with their labels."""
        rng, network = named_generator("zero-cost images", self.seed), self.network
        if self.images == NOISE:
            labels = torch.from_numpy(rng.integers(network.classes, size=_BATCH_SIZE))
            return _noise(network, rng), labels
        train = TASKS[self.images]().train
        drawn = train.take(rng.choice(len(train.labels), _BATCH_SIZE, replace=False))
        pixels = (drawn.pixels - train.pixels.mean()) / train.pixels.std()
        return torch.from_numpy(pixels)[:, None], torch.from_numpy(drawn.labels)


def score_architectures(task: ZeroCostTask, rows: Rows, names: Sequence[str]) -> dict[str, Floats]:
    """Return zero-cost scores of architectures.

    A score depends on the task and the architecture alone, as long as the number of threads is the same. Isomorphic
    cells share the scores of one network; their costs are those that are published, and may differ.

    Parameters
    ----------
    task
        The networks and their images.
    rows
        Architectures, shape (n, genes).
    names
        Scores to compute, names in `SCORE_NAMES`.

    Returns
    -------
    For each name float64 of shape (n,), NaN where a score is undefined.

    Raises
    ------
    UnknownNameError
        If there is no such score.

    Examples
    --------
    >>> task = ZeroCostTask("cell201", "noise")
    >>> score_architectures(task, task.network.search_space().all_rows()[:1], ["parameters"])
    {'parameters': array([73306.])}
    """
    check_score_names(names)
    costs = task.network.costs()
    scores: dict[str, Floats] = {}
    for name in names:
        if name in COSTS:
            cost = costs.parameters if name == "parameters" else costs.multiply_accumulates
            scores[name] = cost(rows).astype(np.float64)
    computed = [name for name in names if name in SCORES]
    if computed:
        space, batch = task.network.search_space(), task.batch()
        places, members = np.unique(space.index(representatives(task, rows)), return_inverse=True)
        values = np.array([_scores_of(task, row, batch, computed) for row in space.rows(places)], dtype=np.float64)
        scores |= dict(zip(computed, values.reshape(-1, len(computed))[members].T, strict=True))
    return {name: scores[name] for name in names}


def representatives(task: ZeroCostTask, rows: Rows) -> Rows:
    """Return for each row the isomorphic row whose network is scored; many rows have the same."""
    classes = isomorphism_classes(task.network.search_space())
    return rows if classes is None else classes.canonical(rows)


def check_score_names(names: Sequence[str]) -> None:
    """Raise UnknownNameError for a name that is not in `SCORE_NAMES`; it suggests the nearest."""
    for name in names:
        if name not in SCORE_NAMES:
            raise UnknownNameError("zero-cost score", name, SCORE_NAMES)


def _scores_of(task: ZeroCostTask, row: Rows, batch: LabeledBatch, names: Sequence[str]) -> list[float]:
    [index] = task.network.search_space().index(row[None])
    network = scored_network(task.network, row, np.random.default_rng(0))
    values = []
    for name in names:
        score = SCORES[name]
        rng = named_generator(f"zero-cost {name}", task.seed, int(index))
        score.draw_weights(network, rng)
        value = score.compute(network, (_noise(task.network, rng), batch[1]) if score.on_noise else batch, rng)
        values.append(value if np.isfinite(value) else np.nan)
    return values


def _noise(network: NetworkRecipe, rng: np.random.Generator) -> torch.Tensor:
    shape = (_BATCH_SIZE, network.input_channels, network.image_size, network.image_size)
    return torch.from_numpy(rng.normal(size=shape).astype(np.float32))
