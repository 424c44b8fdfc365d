"""Resuming a training: what identifies it, and what must be equal before it continues from a checkpoint."""

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version

import numpy as np
import torch

from lissnas.errors import SettingError
from lissnas.storage.random_streams import TrainingStream
from lissnas.storage.run_identity import RunIdentity
from lissnas.supernet.images.image_batches import TrainingImages
from lissnas.supernet.networks.supernet import Supernet
from lissnas.supernet.networks.weights import weights_digest
from lissnas.supernet.training.path_samplers import PathSampler
from lissnas.supernet.training.process_group import ProcessGroup
from lissnas.supernet.training.training_recipe import TrainingRecipe

_LOG = logging.getLogger(__name__)

_SAMPLED_STEPS = 16
"""Number of steps whose paths identify a sampler."""


def training_identity(
    network: Supernet, images: TrainingImages, sampler: PathSampler, recipe: TrainingRecipe, seed: int
) -> RunIdentity:
    """Return the identity of a training: a checkpoint of any other training is refused.

    A digest of the paths that it draws identifies the sampler. The network has its initial weights.
    """
    drawn = [
        sampler.next(np.random.default_rng([TrainingStream.PATHS_FINGERPRINT, number])).tobytes()
        for number in range(_SAMPLED_STEPS)
    ]
    shapes = [(name, list(values.shape)) for name, values in network.state_dict().items()]
    return RunIdentity(
        space=network.space.name,
        method=type(sampler).__name__,
        settings=asdict(recipe),
        seed=seed,
        data={
            "choices": network.space.choices,
            "images": images.description,
            "paths": hashlib.sha256(b"".join(drawn)).hexdigest()[:16],
            "weight_shapes": hashlib.sha256(repr(shapes).encode()).hexdigest()[:16],
            "initial_weights": weights_digest(network.state_dict().values())[:16],
        },
    )


def check_same_start(group: ProcessGroup, seed: int, first_step: int) -> None:
    """Raise SettingError if the processes have different software or seeds, or would resume from different steps."""
    digest = hashlib.sha256(repr(package_versions()).encode()).digest()
    own = [seed % 2**31, first_step, int.from_bytes(digest[:3])]
    *same_start, same_software = (
        total == group.world_size * each
        for total, each in zip(group.sum(torch.tensor(own, device=group.device)).tolist(), own, strict=True)
    )
    if not same_software:
        versions = ", ".join(f"{package} {number}" for package, number in package_versions().items())
        raise SettingError(
            f"the processes have different software; process {group.rank} has {versions}: install the same versions "
            "on all nodes"
        )
    if not all(same_start):
        raise SettingError(
            "the processes have different seeds, or resume from different checkpoints: give all processes the same "
            "seed, and a folder of checkpoints that all of them can read"
        )


def package_versions() -> dict[str, str]:
    """Return the versions of the packages that a training's bits depend on."""
    return {package: version(package) for package in ("lissnas", "numpy", "torch")}


def warn_of_other_versions(saved: Mapping[str, str]) -> None:
    """Log a warning for each package that had another version when the checkpoint was written."""
    for package, installed in package_versions().items():
        if saved[package] != installed:
            _LOG.warning("the training started with %s %s, and resumes with %s", package, saved[package], installed)
