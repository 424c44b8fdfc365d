"""The retraining of one network of the chain of tiny_training.py, which takes a second."""

import json
import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import tiny_training as tiny
import torch
from lissnas.supernet.images.image_batches import LabeledBatch
from lissnas.supernet.images.image_source import ImageSource, small_source
from lissnas.supernet.images.small_tasks import digits
from lissnas.supernet.networks.chain_network import ChainNetwork
from lissnas.supernet.scoring.scoring import Scoring
from lissnas.supernet.stages.retrain import RetrainedScore, retrain

RECIPE = replace(tiny.RECIPE, steps=60, weight_decay=1e-4, ema_decay=None)
ROW = np.array([1, 2, 0], dtype=np.uint8)


class CountedReads:
    """A source that counts how often its official validation images are read, and may lack some of them."""

    def __init__(self, unreadable: int = 0) -> None:
        self._source = small_source(digits())
        self._unreadable = unreadable
        self.reads = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    def official_validation(self, batch: int) -> Iterable[LabeledBatch]:
        self.reads += 1
        readable = self.official_validation_images - self._unreadable
        return [
            (images[: readable - begin * batch], labels[: readable - begin * batch])
            for begin, (images, labels) in enumerate(self._source.official_validation(batch))
            if begin * batch < readable
        ]

    def held_out(self, batch: int) -> Iterable[LabeledBatch]:
        raise AssertionError("retraining must not read the held-out images")


def retrain_tiny(folder: Path, source: ImageSource, **changed: Any) -> RetrainedScore:
    torch.set_num_threads(1)
    settings: dict[str, Any] = {
        "supernet": ChainNetwork(tiny.chain(), np.random.default_rng(0)),
        "row": ROW,
        "recipe": RECIPE,
        "scoring": Scoring(closing_batches=5, recalibration_batch_size=100, batch_size=150),
        "rng": np.random.default_rng(3),
        "save_every": 20,
        "report": lambda progress: None,
    }
    return retrain(source=source, folder=folder, **(settings | changed))


def main(folder: Path) -> None:
    """Retrain in every process of a group; each writes the accuracy that it measured."""
    score = retrain_tiny(folder, CountedReads())
    folder.with_suffix("." + os.environ["RANK"]).write_text(json.dumps(score.top1))
