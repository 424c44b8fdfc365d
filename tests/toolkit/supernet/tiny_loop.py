"""A shrinking loop of seconds, with the chain and the images of tiny_training.py; `main` can be killed."""

import json
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import tiny_training as tiny
import torch
from lissnas.errors import LissnasError
from lissnas.shrinkers.kernel_shrinkage import KernelShrinkage
from lissnas.shrinkers.lissnas import Lissnas
from lissnas.supernet.images.image_batches import LabeledBatch
from lissnas.supernet.images.image_source import ImageSource, small_source
from lissnas.supernet.images.small_tasks import digits
from lissnas.supernet.networks.chain_network import ChainNetwork
from lissnas.supernet.scoring.scoring import Scoring
from lissnas.supernet.scoring.supernet_evaluator import SupernetEvaluator
from lissnas.supernet.shrinking.shrinking_loop import ShrinkingTrace, shrink_in_rounds
from lissnas.supernet.shrinking.shrinking_schedule import ShrinkingSchedule
from lissnas.supernet.shrinking.weight_angle_shrinkage import WeightAngleShrinkage
from lissnas.supernet.training.logs.progress import Progress
from lissnas.supernet.training.path_samplers import UniformPathSampler
from lissnas.supernet.training.process_group import join_process_group

RECIPE = replace(tiny.RECIPE, steps=24, weight_decay=1e-4)
LISSNAS = Lissnas(confidence=0.9, quantile=0.3, seeds=3, max_rounds=1, stop="rounds")
SCORING = Scoring(recalibration_batches=2, recalibration_batch_size=100, batch_size=200)
SCHEDULE = ShrinkingSchedule(steps_per_round=8, max_rounds=2, mean_sample_size=27)

KERNEL: dict[str, Any] = {
    "shrinker": KernelShrinkage(evaluations=8, first=6, batch=2, size=6),
    "schedule": replace(SCHEDULE, sizes=(12, 5)),
}
RESTART = {**KERNEL, "schedule": replace(SCHEDULE, sizes=(12, 5), between_rounds="restart")}
ANGLES: dict[str, Any] = {
    "shrinker": WeightAngleShrinkage(
        networks_per_operation=5, drops_per_round=2, stop_size=4, reset_initial_weights_after=3
    ),
    "schedule": replace(SCHEDULE, max_rounds=5),
}
LOOPS: dict[str, dict[str, Any]] = {"lissnas": {}, "kernel": KERNEL, "restart": RESTART, "angles": ANGLES}


@dataclass(frozen=True)
class FinishedLoop:
    """A finished loop, its folder, what it reported of each training step, and how many networks it scored."""

    folder: Path
    trace: ShrinkingTrace
    steps: list[Progress] = field(default_factory=list)
    scored: int = 0


def source() -> ImageSource:
    return small_source(digits())


class UnreadableImages:
    """A source whose held-out images cannot be read."""

    def __getattr__(self, name: str) -> Any:
        return getattr(source(), name)

    def held_out(self, batch: int) -> Iterator[LabeledBatch]:
        raise LissnasError("5 images cannot be read")
        yield


def loop(folder: Path, **changed: Any) -> tuple[ChainNetwork, ShrinkingTrace]:
    torch.set_num_threads(1)
    network = ChainNetwork(tiny.chain(), np.random.default_rng(0))
    arguments: dict[str, Any] = {
        "network": network,
        "source": source(),
        "paths": UniformPathSampler(network.space),
        "recipe": RECIPE,
        "schedule": SCHEDULE,
        "shrinker": LISSNAS,
        "scoring": SCORING,
        "rng": np.random.default_rng(1),
        "save_every": 5,
        "report": lambda progress: None,
        "report_round": lambda finished: None,
    }
    return network, shrink_in_rounds(folder=folder, **(arguments | changed))


def finished_loop(folder: Path, **changed: Any) -> FinishedLoop:
    steps: list[Progress] = []
    scored_in_rounds: dict[int, int] = {}
    _network, trace = loop(folder, **changed, report=steps.append, report_scores=scored_in_rounds.__setitem__)
    return FinishedLoop(folder, trace, steps, sum(scored_in_rounds.values()))


def facts(trace: ShrinkingTrace) -> list[Any]:
    """Return everything that a resumed loop must reproduce."""
    notes = [finished.notes for finished in trace.rounds]
    return [*map(str, trace.rounds), notes, trace.subspace.index.tolist(), trace.stopped]


def assert_same_bits(one: Path, other: Path) -> None:
    """Compare the last checkpoint of each training, and all other files byte by byte."""
    names = sorted(path.name for path in one.iterdir())
    assert names == sorted(path.name for path in other.iterdir())
    for name in names:
        if (one / name).is_file():
            assert (one / name).read_bytes() == (other / name).read_bytes(), name
            continue
        first, second = (torch.load(max((place / name).glob("*.pt")), weights_only=True) for place in (one, other))
        for part in ("network", "average"):
            assert all(torch.equal(values, second[part][key]) for key, values in first[part].items()), (name, part)
        assert first["step"] == second["step"]


def main(folder: Path, results_file: Path, kill_after: int | None = None) -> None:
    """Run the loop in a process of its own, which may kill itself after a number of scored networks."""
    scored = 0
    score = SupernetEvaluator._score

    def counted_score(self: SupernetEvaluator, paths: list[list[int]], *images: Any) -> torch.Tensor:
        nonlocal scored
        scored += len(paths)
        if kill_after is not None and scored > kill_after:
            os.kill(os.getpid(), signal.SIGKILL)
        return score(self, paths, *images)

    SupernetEvaluator._score = counted_score  # type: ignore[method-assign]
    with join_process_group() as group:
        _network, trace = loop(folder)
        if group.rank == 0:
            results = {"rounds": list(map(str, trace.rounds)), "index": trace.subspace.index.tolist(), "scored": scored}
            results_file.write_text(json.dumps(results))
