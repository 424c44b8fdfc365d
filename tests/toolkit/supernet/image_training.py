"""A supernet trained on a tree of image files. Run as a program, it can be stopped by a signal.

python image_training.py TREE FOLDER RESULTS_FILE
"""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import image_tree as made
import numpy as np
import torch
from lissnas.spaces.categorical import CategoricalSpace
from lissnas.spaces.chain import IDENTITY, Block, Chain, Convolution, inverted_bottleneck
from lissnas.supernet.images.image_folder import folder_source
from lissnas.supernet.images.image_source import ImageSource
from lissnas.supernet.networks.chain_network import ChainNetwork
from lissnas.supernet.scoring.supernet_evaluator import SupernetEvaluator
from lissnas.supernet.training.logs.progress import Progress
from lissnas.supernet.training.path_samplers import UniformPathSampler
from lissnas.supernet.training.process_group import join_process_group
from lissnas.supernet.training.training_loop import train_supernet
from lissnas.supernet.training.training_recipe import TrainingRecipe

RECIPE = TrainingRecipe(
    steps=24, batch_size=16, micro_batch_size=8, learning_rate=0.1, warmup_steps=3, weight_decay=1e-4
)


def chain() -> Chain:
    space = CategoricalSpace("pictures", (("id", "k3", "k5"),) * 2, "{}-{}")
    layer = (IDENTITY, inverted_bottleneck(8, 8, 3, 1, 2), inverted_bottleneck(8, 8, 5, 1, 2))
    stem = Block((Convolution(3, 8, 3, stride=4),))
    return Chain(
        space, 32, (stem,), (layer,) * 2, (Convolution(8, 16),), len(made.CLASSES), dropout=0.1, activation_limit=6
    )


def train(source: ImageSource, folder: Path, **changed: Any) -> ChainNetwork:
    torch.set_num_threads(1)
    network = ChainNetwork(chain(), np.random.default_rng(0))
    settings = {"recipe": RECIPE, "rng": np.random.default_rng(1), "save_every": 100, "report": lambda progress: None}
    train_supernet(network, source.train, UniformPathSampler(network.space), folder=folder, **(settings | changed))
    return network


def evaluate(network: ChainNetwork, source: ImageSource) -> list[float]:
    """Score all networks on the held-out images."""
    evaluator = SupernetEvaluator(network, source.recalibration(3, 20), source.held_out(10))
    return evaluator(network.space.all_rows()).tolist()


def top_1(network: ChainNetwork, source: ImageSource, row: np.ndarray) -> float:
    """Score one network on the official validation images."""
    return float(SupernetEvaluator(network, source.recalibration(3, 20), source.official_validation(10))(row[None])[0])


def main(tree: Path, folder: Path, results_file: Path) -> None:
    """Train in every process of a group and print each step; process 0 writes the losses."""
    source = folder_source(tree / "train", tree / "val", folder, replace(made.SETTINGS, workers=1))
    losses: list[float] = []

    def report(progress: Progress) -> None:
        losses.append(progress.loss)
        print(progress.step, flush=True)

    with join_process_group("cpu") as group:
        train(source, folder / "checkpoints", report=report)
    if group.rank == 0:
        results_file.write_text(json.dumps(losses))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
