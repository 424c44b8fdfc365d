"""Scores of supernets of all cells on digits: trained, scored, and saved in files as soon as they are computed.

A killed run resumes from the last checkpoint and the last saved scores. Nothing here reads the table of cells trained
alone; the study compares the scores with it later.
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
from lissnas.spaces.space import Floats, Indices
from lissnas.storage.atomic_write import atomic_write
from lissnas.storage.random_streams import CellStream, named_generator
from lissnas.storage.run_identity import RunIdentity
from lissnas.storage.sealed_parquet import encode_parquet, read_parquet
from lissnas.subspaces.subspace import Subspace
from numpy.typing import NDArray

if TYPE_CHECKING:
    from lissnas.supernet.training.training_recipe import TrainingRecipe

_ROWS_PER_WRITE = 625
"""Number of cells scored between two writes of a score file."""

_IMAGES_PER_BATCH = 100
"""Number of held-out images classified at once: few enough for the caches of a processor."""

_SAVE_EVERY = 500
"""Number of steps between two checkpoints."""

FULL_SPACE, FINE_TUNED, CONTINUED = "full space", "fine-tuned", "continued"
"""States of a supernet: trained in the full space; then in the shrunk space; or longer in the full space."""

_STREAM_NAMES = {FULL_SPACE: "whole space", FINE_TUNED: "fine-tuned", CONTINUED: "went on"}
"""Names of the states in random streams. The published study depends on them: never change a value."""

Kind = Literal["recalibrated", "without recalibration", "weight angle"]
"""Kinds of scores: accuracy with recalibrated batch norms, accuracy with those that training left, or weight angle."""


@dataclass(frozen=True)
class SupernetStudySettings:
    """How the supernets are trained and scored. The numbers are our own choice; docs/supernet-study.md explains them.

    Attributes
    ----------
    seeds
        One seed for each supernet: of its weights, paths and images.
    steps, rate
        Number of training steps in the full space, one path per step, and the initial learning rate.
    fine_tuning_steps, fine_tuning_rate
        The same of the two later trainings, in the shrunk space and in the full one.
    marks
        Shares of the steps after which the sample is scored.
    sample
        Number of cells, drawn once for all supernets, that represent the full space where scoring all takes too long.
    recalibration
        Number of training images, in one batch, that recalibrate the batch norms of a path.
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
            raise SettingError(
                f"a study of supernets needs at least one seed and one step, not seeds={list(self.seeds)}, "
                f"steps={self.steps} and fine_tuning_steps={self.fine_tuning_steps}"
            )

    @property
    def sample_index(self) -> Indices:
        """Indices of the sampled cells, ascending."""
        return np.sort(np.random.default_rng(201).choice(cell201().size, self.sample, replace=False))


DEMO_SETTINGS = SupernetStudySettings(seeds=(0,), steps=3_000, fine_tuning_steps=600, marks=(0.2, 0.5), sample=500)
"""Settings for a first look: one supernet, with a quarter of the training."""


@dataclass(frozen=True)
class SupernetScores:
    """The scores of the paths of one supernet, float64 of shape (15,625,) each; NaN where a cell was not scored.

    Attributes
    ----------
    seed
        The seed of the supernet.
    recalibrated
        Accuracy on the validation images in percent, of all cells.
    without_recalibration
        The same without recalibration, of the sample and the shrunk space.
    fine_tuned
        Recalibrated accuracy of all cells after fine-tuning in the shrunk space.
    continued
        Recalibrated accuracy of the sample and the shrunk space after as many more steps in the full space.
    weight_angle
        Angle between initial and trained weights in radians, of all cells.
    sample_by_step
        Recalibrated accuracy of the sample, by the training step after which it was scored.
    shrunk_index
        Indices of the cells that LISSNAS keeps by `recalibrated`; the supernet was fine-tuned in this space.
    """

    seed: int
    recalibrated: Floats
    without_recalibration: Floats
    fine_tuned: Floats
    continued: Floats
    weight_angle: Floats
    sample_by_step: dict[int, Floats]
    shrunk_index: Indices


class ScoreStore:
    """A folder with a file for each state of a supernet and kind of score, all with the same settings.

    Raises LissnasError if the folder has the scores of other settings; the seeds may differ.
    """

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

    def read(self, seed: int, state: str, step: int, kind: Kind) -> tuple[Path, Floats, NDArray[np.bool_]]:
        """Return the path of a file, its scores by index with NaN elsewhere, and which cells it has."""
        path = self.folder / f"seed-{seed}-{state}-step-{step}-{kind}.parquet".replace(" ", "-")
        scores = np.full(cell201().size, np.nan)
        is_scored = np.zeros(cell201().size, dtype=np.bool_)
        if path.exists():
            frame = read_parquet(path)
            scores[frame["index"].to_numpy()] = frame["score"].to_numpy()
            is_scored[frame["index"].to_numpy()] = True
        return path, scores, is_scored

    def scores(
        self,
        seed: int,
        state: str,
        step: int,
        kind: Kind,
        index: Indices,
        make_evaluator: Callable[[], Evaluator],
        report: Callable[[float], None] = lambda share: None,
        after_write: Callable[[], None] = lambda: None,
    ) -> Floats:
        """Return the scores of some cells by index, shape (15,625,); cells that the file lacks are scored and saved.

        `make_evaluator` is called only if a cell is missing; `report` gets the share of the missing cells that is done.
        `after_write` is called when some of them are saved.
        """
        space = cell201()
        path, scores, is_scored = self.read(seed, state, step, kind)
        missing = index[~is_scored[index]]
        if not len(missing):
            return scores
        evaluator = make_evaluator()
        for first in range(0, len(missing), _ROWS_PER_WRITE):
            report(first / len(missing))
            part = missing[first : first + _ROWS_PER_WRITE]
            scores[part] = evaluator(space.rows(part))
            is_scored[part] = True
            done = np.flatnonzero(is_scored)
            frame = pl.DataFrame({"index": done.astype(np.uint16), "score": scores[done]}).select(
                pl.lit(seed, pl.UInt8).alias("seed"),
                pl.lit(state).alias("state"),
                pl.lit(step, pl.UInt32).alias("step"),
                pl.lit(kind).alias("kind"),
                "index",
                "score",
            )
            with atomic_write(path) as file:
                file.write(encode_parquet(frame))
            after_write()
        return scores


def train_and_score(
    folder: Path, seed: int, settings: SupernetStudySettings, report: ProgressCallback
) -> SupernetScores:
    """Train a supernet, shrink by its scores, train it further in the shrunk and the full space, and score all three.

    Parameters
    ----------
    folder
        Folder of the checkpoints and scores of all seeds. Those that it already has are not computed again.
    seed
        The seed of the supernet.
    settings
        How it is trained and scored.
    report
        Called with the name of a step and the share that is done.
    """
    from lissnas.supernet.images.image_source import small_source
    from lissnas.supernet.images.small_tasks import digits
    from lissnas.supernet.networks.cell_network import Skeleton
    from lissnas.supernet.networks.cell_supernet import CellSupernet
    from lissnas.supernet.scoring.grouped_cell_evaluator import GroupedCellEvaluator
    from lissnas.supernet.scoring.weight_angle import WeightAngleEvaluator
    from lissnas.supernet.training.logs.progress import Progress
    from lissnas.supernet.training.path_samplers import PathSampler, SubspacePathSampler, UniformPathSampler
    from lissnas.supernet.training.stop_signals import stop_if_asked
    from lissnas.supernet.training.training_loop import train_supernet

    space, source = cell201(), small_source(digits())
    all_cells = np.arange(space.size)
    store = ScoreStore(folder / "scores", settings)
    network = CellSupernet(Skeleton(), np.random.default_rng([seed, CellStream.WEIGHTS]))
    initial = {name: weights.detach().clone() for name, weights in network.named_parameters()}

    def scores(scored: CellSupernet, state: str, step: int, kind: Kind, index: Indices) -> Floats:
        def make_evaluator() -> Evaluator:
            if kind == "weight angle":
                return WeightAngleEvaluator(scored, initial)
            batches = source.recalibration(1, settings.recalibration) if kind == "recalibrated" else ()
            return GroupedCellEvaluator(scored, batches, source.held_out(_IMAGES_PER_BATCH))

        def report_share(share: float) -> None:
            report(f"supernet {seed}, {state}, {kind}: scoring", share)

        return store.scores(seed, state, step, kind, index, make_evaluator, report_share, stop_if_asked)

    def train(
        trained: CellSupernet,
        state: str,
        sampler: PathSampler,
        recipe: "TrainingRecipe",
        after_step: Callable[[int], None] = lambda step: None,
    ) -> None:
        def report_step(progress: Progress) -> None:
            after_step(progress.step)
            report(f"supernet {seed}, {state}: training", progress.step / progress.steps)

        rng = named_generator(_STREAM_NAMES[state], seed)
        checkpoints = folder / f"seed-{seed}-{state}".replace(" ", "-")
        train_supernet(
            trained,
            source.train,
            sampler,
            recipe,
            rng,
            checkpoints,
            device="cpu",
            save_every=_SAVE_EVERY,
            report=report_step,
        )

    marked_steps = {round(mark * settings.steps) for mark in settings.marks}

    def score_sample(step: int) -> None:
        if step in marked_steps:
            scores(network, FULL_SPACE, step, "recalibrated", settings.sample_index)

    train(network, FULL_SPACE, UniformPathSampler(space), _recipe(settings.steps, settings.rate), score_sample)
    recalibrated = scores(network, FULL_SPACE, settings.steps, "recalibrated", all_cells)
    shrunk = shrunk_by_lissnas(recalibrated, seed)
    sample_and_shrunk = np.union1d(settings.sample_index, shrunk.index)
    later = {}
    for state, sampler, index in (
        (FINE_TUNED, SubspacePathSampler(shrunk), all_cells),
        (CONTINUED, UniformPathSampler(space), sample_and_shrunk),
    ):
        copy = deepcopy(network)
        train(copy, state, sampler, _recipe(settings.fine_tuning_steps, settings.fine_tuning_rate))
        later[state] = scores(copy, state, settings.fine_tuning_steps, "recalibrated", index)
    return SupernetScores(
        seed=seed,
        recalibrated=recalibrated,
        without_recalibration=scores(network, FULL_SPACE, settings.steps, "without recalibration", sample_and_shrunk),
        fine_tuned=later[FINE_TUNED],
        continued=later[CONTINUED],
        weight_angle=scores(network, FULL_SPACE, settings.steps, "weight angle", all_cells),
        sample_by_step={step: store.read(seed, FULL_SPACE, step, "recalibrated")[1] for step in sorted(marked_steps)}
        | {settings.steps: _only(recalibrated, settings.sample_index)},
        shrunk_index=shrunk.index,
    )


def shrunk_by_lissnas(scores: Floats, seed: int) -> Subspace:
    """Return the subspace that LISSNAS keeps by some scores of all cells, in its first run with a seed."""
    space = cell201()
    rng = named_generator("lissnas", seed, 0)
    return shrink(space, TableEvaluator(space, scores), Lissnas(), rng).subspace


def _read_json(path: Path) -> object:
    """Return the content of a JSON file, or None if it is damaged."""
    try:
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return None


def _only(scores: Floats, index: Indices) -> Floats:
    """Return the scores at some indices, with NaN elsewhere."""
    selected = np.full_like(scores, np.nan)
    selected[index] = scores[index]
    return selected


def _recipe(steps: int, rate: float) -> "TrainingRecipe":
    """Return the recipe of the cells trained alone, with other steps and another learning rate; one path per step."""
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
