"""A shrinking loop of seconds: the chain and the images of tiny_training.py. Run on its own, it may be killed.

python tiny_loop.py FOLDER RESULTS_FILE [NETWORKS_SCORED_UNTIL_IT_DIES]
"""

import json
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import tiny_training as tiny
import torch
from lissnas.errors import LissnasError
from lissnas.shrinkers.lissnas import Lissnas
from lissnas.supernet.images.image_batches import LabeledBatch
from lissnas.supernet.images.image_source import ImageSource, small_source
from lissnas.supernet.images.small_tasks import digits
from lissnas.supernet.networks.chain_network import ChainNetwork
from lissnas.supernet.scoring.scoring import Scoring
from lissnas.supernet.scoring.supernet_evaluator import SupernetEvaluator
from lissnas.supernet.shrinking.shrinking_loop import ShrinkingSchedule, ShrinkingTrace, shrink_in_rounds
from lissnas.supernet.training.path_samplers import UniformPathSampler
from lissnas.supernet.training.process_group import join_process_group

RECIPE = replace(tiny.RECIPE, steps=24, weight_decay=1e-4)
LISSNAS = Lissnas(confidence=0.9, quantile=0.3, seeds=3, max_rounds=1, stop="rounds")
SCORING = Scoring(recalibration_batches=2, recalibration_batch_size=100, batch_size=200)
SETTINGS = ShrinkingSchedule(steps_per_round=8, max_rounds=2, mean_sample_size=27)


def source() -> ImageSource:
    return small_source(digits())


class UnreadableImages:
    """A source whose images that are held out cannot be read."""

    def __getattr__(self, name: str) -> Any:
        return getattr(source(), name)

    def held_out(self, batch: int) -> Iterator[LabeledBatch]:
        raise LissnasError("5 images cannot be read")
        yield


def loop(folder: Path, **changed: Any) -> tuple[ChainNetwork, ShrinkingTrace]:
    torch.set_num_threads(1)
    network = ChainNetwork(tiny.chain(), np.random.default_rng(0))
    settings: dict[str, Any] = {
        "network": network,
        "source": source(),
        "paths": UniformPathSampler(network.space),
        "recipe": RECIPE,
        "settings": SETTINGS,
        "shrinker": LISSNAS,
        "scoring": SCORING,
        "rng": np.random.default_rng(1),
        "save_every": 5,
        "report": lambda progress: None,
        "report_round": lambda made: None,
    }
    return network, shrink_in_rounds(folder=folder, **(settings | changed))


if __name__ == "__main__":
    folder, results_file, *scored_until_it_dies = sys.argv[1:]
    scored = 0
    score = SupernetEvaluator._score

    def dying_score(self: SupernetEvaluator, path: list[int]) -> float:
        global scored
        scored += 1
        if scored_until_it_dies and scored > int(scored_until_it_dies[0]):
            os.kill(os.getpid(), signal.SIGKILL)
        return score(self, path)

    SupernetEvaluator._score = dying_score  # type: ignore[method-assign]
    with join_process_group() as group:
        network, trace = loop(Path(folder))
        if group.rank == 0:
            results = {"rounds": list(map(str, trace.rounds)), "index": trace.subspace.index.tolist(), "scored": scored}
            Path(results_file).write_text(json.dumps(results))
