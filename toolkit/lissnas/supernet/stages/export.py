"""The weights of a run that can be exported: those of a retrained network, or of a path of the supernet."""

import hashlib
from pathlib import Path

import numpy as np
import torch

from lissnas.errors import LissnasError
from lissnas.spaces.space import Rows
from lissnas.supernet.export.export_network import ExportedNetwork, Measurement
from lissnas.supernet.export.module_source import plain_weights
from lissnas.supernet.images.image_source import ImageSource
from lissnas.supernet.networks.single_path_supernet import single_path_supernet
from lissnas.supernet.networks.weights import draw_weights
from lissnas.supernet.recipes.run_recipe import RunRecipe
from lissnas.supernet.scoring.scoring import use_ema_weights
from lissnas.supernet.stages.retrain import RETRAINED, WEIGHTS, read_score
from lissnas.supernet.stages.run_folder import RunFolder
from lissnas.supernet.stages.supernet_run import SupernetRun, TrainedSupernet


def retraining_folder(folder: RunFolder, row: Rows) -> Path:
    """Return the folder of the retraining of an architecture, a row of shape (genes,)."""
    return folder.stage_folder("retrain") / hashlib.sha256(row.tobytes()).hexdigest()[:8]


def retrained_network(recipe: RunRecipe, folder: RunFolder, row: Rows) -> ExportedNetwork:
    """Return a retrained network as it was measured; LissnasError if the run has not retrained this architecture."""
    place = retraining_folder(folder, row)
    [architecture] = recipe.network.search_space().write(row[None])
    if not (place / RETRAINED).exists():
        raise LissnasError(
            f"{folder.path}: {architecture} is not retrained; run 'lissnas supernet retrain --out {folder.path}', or "
            "export --weights supernet"
        )
    score = read_score(place / RETRAINED)
    try:
        weights = torch.load(place / WEIGHTS, map_location="cpu", weights_only=True)
    except Exception as error:
        raise LissnasError(
            f"{place / WEIGHTS}: cannot be read ({type(error).__name__}); delete {RETRAINED} there, and retrain again "
            "to measure the last checkpoint and write its weights"
        ) from error
    measured = Measurement(score.top1, score.top5, f"{score.images:,} official validation images")
    return ExportedNetwork(recipe, row, weights, "retrained", measured)


def supernet_path(run: SupernetRun, supernet: TrainedSupernet, images: ImageSource, row: Rows) -> ExportedNetwork:
    """Return a path of a trained supernet as a network, with recalibrated batch norms and its score."""
    with use_ema_weights(supernet.network, supernet.average):
        training = run.recipe.training.on(run.process_group.device)
        evaluator = run.recipe.scoring.evaluator(supernet.network, images, run.process_group, training=training)
        [score] = evaluator(row[None]).tolist()
        weights = plain_weights(evaluator.stand_alone(row))
    return ExportedNetwork(run.recipe, row, weights, "supernet", Measurement(score, None, "held-out training images"))


def untrained_network(recipe: RunRecipe, row: Rows) -> ExportedNetwork:
    """Return an architecture with initial weights, drawn as for its retraining."""
    rng = np.random.default_rng(recipe.seed)
    network = single_path_supernet(recipe.network.build(rng), row, rng)
    draw_weights(network, rng, recipe.retraining.initialization)
    return ExportedNetwork(recipe, row, plain_weights(network), "untrained", None)
