"""Zero-cost scores of many architectures, on any number of workers; what a file already has is not computed again."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from lissnas.errors import SettingError
from lissnas.spaces.space import Floats, Indices
from lissnas.storage.random_streams import named_generator
from lissnas.storage.run_identity import RunIdentity

from lissnas_analyses.grid.workers import THIS_PROCESS, Workers
from lissnas_analyses.zero_cost.score_file import ScoreFile

if TYPE_CHECKING:
    from lissnas.supernet.zero_cost.score_architectures import ZeroCostTask

_SECONDS_BETWEEN_WRITES = 3.0
"""Time between two writes of finished scores to disk: short, so that a killed process loses little."""

_FIXED_SECONDS, _SECONDS_PER_FLOP = 0.15, 1.2e-7
"""Rough time of all scores of a network on one core, without and with its multiply-accumulates per image."""

_SECONDS_PER_JOB = 3.0
"""Rough time of a job: networks are grouped until they take that long. An expensive network is a job of its own."""


@dataclass(frozen=True)
class ZeroCostScores:
    """The scores in a file after a call.

    Attributes
    ----------
    scores
        One row per architecture: its index, and every score in the file; null if not computed, NaN if undefined.
    computed
        Number of scores that this call computed.
    seconds
        Wall time of this call.
    """

    scores: pl.DataFrame
    computed: int
    seconds: float


def measure(
    task: "ZeroCostTask",
    names: Sequence[str],
    path: Path,
    sample: int | None = None,
    workers: Workers = THIS_PROCESS,
    report: Callable[[float], None] = lambda share: None,
) -> ZeroCostScores:
    """Compute the zero-cost scores that a file lacks, and write them to it.

    The file is a predictor file: `lissnas tau --cheap FILE` reads it. The scores are the same bits for any number of
    workers, and in whatever order they are computed.

    Parameters
    ----------
    task
        The networks and their images.
    names
        Scores to compute.
    path
        The file, in Parquet. Scores of another task are refused.
    sample
        Number of random architectures; None for the full space. The same seed draws the same architectures.
    workers
        What computes.
    report
        Progress callback: it gets the share of the missing work that is done.

    Raises
    ------
    SettingError
        If the space is too large for all architectures, or has fewer than `sample`.
    LissnasError
        If the file has scores of another task, or cannot be read.
    """
    space, started = task.network.search_space(), time.monotonic()
    index = _drawn(task, sample)
    with ScoreFile(path, _identity(task), space) as file:
        groups = file.missing(index, names)
        jobs = [job for lacking, members in groups for job in _jobs(task, lacking, members)]
        total = sum(seconds for _, _, _, seconds in jobs)
        done, unwritten, written_at = 0.0, list[tuple[Indices, dict[str, Floats]]](), time.monotonic()
        try:
            for (_, _, members, seconds), scores in workers.each(_score, jobs):
                unwritten.append((members, scores))
                done += seconds
                report(done / total)
                if time.monotonic() - written_at > _SECONDS_BETWEEN_WRITES:
                    file.append(unwritten)
                    unwritten, written_at = [], time.monotonic()
        finally:
            if unwritten:
                file.append(unwritten)
            scores_in_file = file.merge()
    computed = sum(len(lacking) * len(members) for lacking, members in groups)
    return ZeroCostScores(scores_in_file, computed, time.monotonic() - started)


def _drawn(task: "ZeroCostTask", sample: int | None) -> Indices:
    space = task.network.search_space()
    if sample is None:
        if not space.enumerable:
            raise SettingError(
                f"{space.name} has {space.size:.3g} architectures: choose how many to score with --sample"
            )
        return np.arange(space.size, dtype=np.int64)
    if not 1 <= sample <= space.size:
        raise SettingError(f"--sample must be between 1 and the {space.size:,} of {space.name}, not {sample}")
    return np.sort(space.index(space.sample(sample, named_generator("zero-cost sample", task.seed))))


def _identity(task: "ZeroCostTask") -> RunIdentity:
    from lissnas.supernet.networks.weights import weights_digest

    settings = {"images": task.images, "network": asdict(task.network)}
    data = {"images": weights_digest(task.batch())}
    return RunIdentity(
        space=task.space,
        method="zero-cost scores",
        settings=settings,
        seed=task.seed,
        data=data,
        version=version("lissnas"),
    )


def _jobs(
    task: "ZeroCostTask", names: tuple[str, ...], index: Indices
) -> Iterator[tuple["ZeroCostTask", tuple[str, ...], Indices, float]]:
    """Yield jobs of about equal time, each with its time in seconds. Isomorphic architectures are in one job."""
    from lissnas.supernet.zero_cost.score_architectures import representatives

    space = task.network.search_space()
    scored = space.index(representatives(task, space.rows(index)))
    order = np.argsort(scored, kind="stable")
    index, scored = index[order], scored[order]
    flops = task.network.costs().multiply_accumulates(space.rows(scored))
    is_first = np.diff(scored, prepend=-1) != 0
    seconds = np.where(is_first, _FIXED_SECONDS + _SECONDS_PER_FLOP * flops, 0.0)
    number = (np.cumsum(seconds) // _SECONDS_PER_JOB).astype(np.int64)
    for members in np.split(np.arange(len(index)), np.flatnonzero(np.diff(number)) + 1):
        yield task, names, index[members], float(seconds[members].sum())


def _score(task: "ZeroCostTask", names: tuple[str, ...], index: Indices, _seconds: float) -> dict[str, Floats]:
    """Return the scores of some architectures: the task of a worker, on one thread so that all sums have one order."""
    import torch
    from lissnas.supernet.zero_cost.score_architectures import score_architectures

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return score_architectures(task, task.network.search_space().rows(index), names)
    finally:
        torch.set_num_threads(threads)
