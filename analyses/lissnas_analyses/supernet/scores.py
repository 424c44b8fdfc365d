"""Supernets of all cells trained on digits, and the scores of their paths: kept in files as soon as they are there.

A run that was killed goes on from the last checkpoint and the last piece of scores. What is trained and scored here
asks nothing of the table of cells trained alone, which is only held against it later.
"""

import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import polars as pl
from lissnas.errors import SettingError
from lissnas.evaluation.evaluator import Evaluator, TableEvaluator
from lissnas.progress import ProgressCallback
from lissnas.shrinkers.lissnas import Lissnas
from lissnas.shrinkers.shrink import shrink
from lissnas.spaces.published.cell201 import cell201
from lissnas.spaces.space import Floats, Indices, Rows
from lissnas.storage.atomic_write import atomic_write
from lissnas.storage.random_streams import CellStream, named_generator
from lissnas.storage.run_identity import RunIdentity
from lissnas.subspaces.subspace import Subspace
from numpy.typing import NDArray

if TYPE_CHECKING:
    from lissnas.supernet.training.training_recipe import TrainingRecipe

_PIECE = 625
"""How many cells are scored between two writings of a file."""

_SCORED_AT_ONCE = 100
"""Images: few enough for the processor's caches."""

_SAVE_EVERY = 500
"""Steps between two checkpoints."""

WHOLE, FINE_TUNED, WENT_ON = "whole space", "fine-tuned", "went on"
"""What a supernet was trained on last: everything; then the shrunk space; or then everything again."""

Kind = Literal["recalibrated", "as trained", "weight angle"]
"""What a cell is scored by: its accuracy with statistics of its own or with those left by training, or its angle."""


@dataclass(frozen=True)
class SupernetStudySettings:
    """How the supernets are trained and scored; the numbers are our own choice, docs/supernet-study.md says how made.

    Attributes
    ----------
    seeds
        Of each supernet: its weights, paths and images.
    steps, rate
        Of the training over the whole space: one path a step, and the learning rate at the first.
    fine_tuning_steps, fine_tuning_rate
        Of the trainings that go on from there, in the shrunk space and in the whole one.
    marks
        After which shares of the steps the sample is scored.
    sample
        How many cells, drawn once for all supernets, stand for the whole space where not all of it is scored.
    recalibration
        From how many training images a path's statistics are taken, as one batch.
    """

    seeds: tuple[int, ...] = (0, 1, 2)
    steps: int = 12_000
    rate: float = 0.1
    fine_tuning_steps: int = 2_000
    fine_tuning_rate: float = 0.02
    marks: tuple[float, ...] = (0.1, 0.3, 0.6)
    sample: int = 1_000
    recalibration: int = 250

    def __post_init__(self) -> None:
        if not self.seeds or self.steps < 1 or self.fine_tuning_steps < 1:
            raise SettingError("a study of supernets needs at least one seed and one step")

    @property
    def sampled(self) -> Indices:
        """The places of the sample in the space, ascending."""
        return np.sort(np.random.default_rng(201).choice(cell201().size, self.sample, replace=False))


DEMO_SETTINGS = SupernetStudySettings(seeds=(0,), steps=3_000, fine_tuning_steps=600, marks=(0.2, 0.5), sample=500)
"""For a first look: one supernet, with a quarter of the training."""


@dataclass(frozen=True)
class SupernetScores:
    """The scores of one supernet's paths, shape (15,625,) each, NaN where a cell was not scored.

    Attributes
    ----------
    recalibrated
        Accuracy on the validation images in %, of all cells.
    as_trained
        Without recalibration; of the sample and the shrunk space.
    fine_tuned
        Recalibrated, after further training in the shrunk space; of all cells.
    went_on
        Recalibrated, after as much further training in the whole space; of the sample and the shrunk space.
    angle
        Between initial and trained weights in radians, of all cells.
    along
        Recalibrated scores of the sample by the step after which they were taken.
    shrunk
        The places of the space to which LISSNAS shrinks by `recalibrated`; the supernet was fine-tuned in it.
    """

    seed: int
    recalibrated: Floats
    as_trained: Floats
    fine_tuned: Floats
    went_on: Floats
    angle: Floats
    along: dict[int, Floats]
    shrunk: Indices


class ScoreStore:
    """A folder of scores, a file for each state of a supernet and kind of score; of these settings alone."""

    def __init__(self, folder: Path, settings: SupernetStudySettings) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        chosen = {name: value for name, value in asdict(settings).items() if name != "seeds"}
        identity = RunIdentity(space=cell201().name, settings=chosen)
        path = folder / "settings.json"
        if path.exists():
            identity.check(path, _read_json(path))
        with atomic_write(path) as file:
            file.write(json.dumps(identity.to_json(), indent=2).encode())

    def kept(self, seed: int, state: str, step: int, kind: Kind) -> tuple[Path, Floats, NDArray[np.bool_]]:
        """Return a file, the scores in it by place in the space, and which cells it holds."""
        path = self.folder / f"seed-{seed}-{state}-step-{step}-{kind}.parquet".replace(" ", "-")
        scores = np.full(cell201().size, np.nan)
        asked = np.zeros(cell201().size, dtype=np.bool_)
        if path.exists():
            frame = pl.read_parquet(path)
            scores[frame["index"].to_numpy()] = frame["score"].to_numpy()
            asked[frame["index"].to_numpy()] = True
        return path, scores, asked

    def scores(
        self,
        seed: int,
        state: str,
        step: int,
        kind: Kind,
        index: Indices,
        make: Callable[[], Evaluator],
        told: Callable[[float], None] = lambda done: None,
    ) -> Floats:
        """Return scores by place in the space, from the file as far as it goes; the evaluator is made if need be."""
        space = cell201()
        path, scores, asked = self.kept(seed, state, step, kind)
        missing = index[~asked[index]]
        evaluator = make() if len(missing) else _nothing
        for first in range(0, len(missing), _PIECE):
            told(first / len(missing))
            piece = missing[first : first + _PIECE]
            scores[piece] = evaluator(space.rows(piece))
            asked[piece] = True
            done = np.flatnonzero(asked)
            frame = pl.DataFrame({"index": done.astype(np.uint16), "score": scores[done]}).select(
                pl.lit(seed, pl.UInt8).alias("seed"),
                pl.lit(state).alias("state"),
                pl.lit(step, pl.UInt32).alias("step"),
                pl.lit(kind).alias("kind"),
                "index",
                "score",
            )
            with atomic_write(path) as file:
                frame.write_parquet(file)
        return scores


def _read_json(path: Path) -> object:
    """Return what a file holds, or None if it is damaged."""
    try:
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return None


def _only(scores: Floats, index: Indices) -> Floats:
    left = np.full_like(scores, np.nan)
    left[index] = scores[index]
    return left


def _nothing(rows: Rows) -> Floats:
    return np.full(len(rows), np.nan)


def train_and_score(
    folder: Path, seed: int, settings: SupernetStudySettings, report: ProgressCallback
) -> SupernetScores:
    """Train a supernet, shrink by it, train it on in the shrunk space and in the whole one, and score all of these.

    Parameters
    ----------
    folder
        Of the checkpoints and scores of all seeds. What is there already is not computed again.
    """
    from lissnas.supernet.images.image_source import small_source
    from lissnas.supernet.images.small_tasks import digits
    from lissnas.supernet.networks.cell_network import Skeleton
    from lissnas.supernet.networks.cell_supernet import CellSupernet
    from lissnas.supernet.scoring.grouped_cell_evaluator import GroupedCellEvaluator
    from lissnas.supernet.scoring.weight_angle import WeightAngleEvaluator
    from lissnas.supernet.training.path_samplers import PathSampler, SubspacePathSampler, UniformPathSampler
    from lissnas.supernet.training.progress import Progress
    from lissnas.supernet.training.training_loop import train_supernet

    space, source = cell201(), small_source(digits())
    everything = np.arange(space.size)
    files = ScoreStore(folder / "scores", settings)
    network = CellSupernet(Skeleton(), np.random.default_rng([seed, CellStream.WEIGHTS]))
    initial = {name: weights.detach().clone() for name, weights in network.named_parameters()}

    def scores(of: CellSupernet, state: str, step: int, kind: Kind, index: Indices) -> Floats:
        def evaluator() -> Evaluator:
            if kind == "weight angle":
                return WeightAngleEvaluator(of, initial)
            batches = source.recalibration(1, settings.recalibration) if kind == "recalibrated" else ()
            return GroupedCellEvaluator(of, batches, source.held_out(_SCORED_AT_ONCE))

        def told(done: float) -> None:
            report(f"supernet {seed}, {state}, {kind}: scoring", done)

        return files.scores(seed, state, step, kind, index, evaluator, told)

    def train(
        of: CellSupernet,
        state: str,
        paths: PathSampler,
        recipe: "TrainingRecipe",
        at: Callable[[int], None] = lambda step: None,
    ) -> None:
        def told(progress: Progress) -> None:
            at(progress.step)
            report(f"supernet {seed}, {state}: training", progress.step / progress.steps)

        rng = named_generator(state, seed)
        checkpoints = folder / f"seed-{seed}-{state}".replace(" ", "-")
        train_supernet(
            of, source.train, paths, recipe, rng, checkpoints, device="cpu", save_every=_SAVE_EVERY, report=told
        )

    marks = {round(mark * settings.steps) for mark in settings.marks}

    def score_the_sample(step: int) -> None:
        if step in marks:
            scores(network, WHOLE, step, "recalibrated", settings.sampled)

    train(network, WHOLE, UniformPathSampler(space), _recipe(settings.steps, settings.rate), score_the_sample)
    recalibrated = scores(network, WHOLE, settings.steps, "recalibrated", everything)
    shrunk = shrunk_by_lissnas(recalibrated, seed)
    few = np.union1d(settings.sampled, shrunk.index)
    later = {}
    for state, paths, asked in (
        (FINE_TUNED, SubspacePathSampler(shrunk), everything),
        (WENT_ON, UniformPathSampler(space), few),
    ):
        further = deepcopy(network)
        train(further, state, paths, _recipe(settings.fine_tuning_steps, settings.fine_tuning_rate))
        later[state] = scores(further, state, settings.fine_tuning_steps, "recalibrated", asked)
    return SupernetScores(
        seed=seed,
        recalibrated=recalibrated,
        as_trained=scores(network, WHOLE, settings.steps, "as trained", few),
        fine_tuned=later[FINE_TUNED],
        went_on=later[WENT_ON],
        angle=scores(network, WHOLE, settings.steps, "weight angle", everything),
        along={step: files.kept(seed, WHOLE, step, "recalibrated")[1] for step in sorted(marks)}
        | {settings.steps: _only(recalibrated, settings.sampled)},
        shrunk=shrunk.index,
    )


def shrunk_by_lissnas(scores: Floats, seed: int) -> Subspace:
    """Return the space to which LISSNAS shrinks by a supernet's scores in the first of its runs."""
    space = cell201()
    rng = named_generator("lissnas", seed, 0)
    return shrink(space, TableEvaluator(space, scores), Lissnas(), rng).subspace


def _recipe(steps: int, rate: float) -> "TrainingRecipe":
    """Return the recipe of the cells trained alone, one path a step: only the steps and the rate are the supernet's."""
    from lissnas.supernet.training.training_recipe import TrainingRecipe

    return TrainingRecipe(
        steps=steps,
        batch_size=64,
        micro_batch_size=64,
        learning_rate=rate,
        schedule="cosine",
        momentum=0.9,
        nesterov=True,
        weight_decay=5e-4,
        weight_decay_on_norms=True,
    )
