"""The stages of a supernet's run in its folder: train, shrink, evaluate, search, retrain.

Every stage goes on where an earlier call ended. Under torchrun all processes compute, and the first one writes.
"""

import hashlib
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import polars as pl
from lissnas.errors import LissnasError, SettingError
from lissnas.evaluation.evaluations import Evaluations
from lissnas.evaluation.journal import Journal
from lissnas.optimizers.search import SearchTrace
from lissnas.storage.random_streams import RunStream
from lissnas.storage.run_identity import RunIdentity
from lissnas.supernet.networks.supernet import Supernet
from lissnas.supernet.networks.weights import weights_digest
from lissnas.supernet.recipes.recipe_images import first_paths, open_images
from lissnas.supernet.recipes.run_recipe import RunRecipe
from lissnas.supernet.scoring.scoring import use_ema_weights
from lissnas.supernet.shrinking.shrinking_loop import ShrinkingTrace, shrink_in_rounds, training_recipe_after
from lissnas.supernet.shrinking.shrinking_round import ShrinkingRound, per_rank_journals
from lissnas.supernet.stages.retraining import RETRAINED, RetrainedScore
from lissnas.supernet.stages.retraining import retrain as retrain_alone
from lissnas.supernet.stages.run_folder import RunFolder, Stage
from lissnas.supernet.stages.searching import search_by_supernet
from lissnas.supernet.training.process_group import ProcessGroup
from lissnas.supernet.training.progress import Progress
from lissnas.supernet.training.tensorboard_log import TensorBoardLog
from lissnas.supernet.training.training_recipe import TrainingRecipe

from lissnas_analyses.results.folder import Results, read_manifest
from lissnas_analyses.supernet.told_source import ToldSource

Told = Callable[[str, float, str], None]
"""Is told of a step, which share of it is done (0 if nobody knows), and what else there is to say."""

ReportStep = Callable[[Progress], None]
"""Is told of each step of a training."""


@dataclass(frozen=True)
class Run:
    """A run and the process that works on it.

    Attributes
    ----------
    recipe, place
        What it is and where.
    process_group
        The processes.
    tell
        Is told how far the work is, in the first process alone.
    tensorboard
        Whether the course of each training is written for TensorBoard.
    """

    recipe: RunRecipe
    place: RunFolder
    process_group: ProcessGroup
    tell: Told
    tensorboard: bool = False

    @property
    def is_main_process(self) -> bool:
        """Whether this process prints and writes files."""
        return self.process_group.rank == 0

    def begin(self) -> ToldSource:
        """Refuse a folder of another recipe, give one of none this recipe, and return the images."""
        self.place.check(self.recipe)
        images = open_images(self.recipe, self.place.folder)
        if not self.place.begun:
            self.write_recipe()
        return ToldSource(images)

    def write_recipe(self) -> None:
        """Make the recipe the folder's: when something was done with it, so that one that fails leaves no trace."""
        if self.is_main_process:
            self.place.write_recipe(self.recipe)

    def report_progress(self, step: str, share: float, told: str) -> None:
        """Tell of work that is done, of which the folder is now the result."""
        self.write_recipe()
        self.tell(step, share, told)

    def watched(self, training: str, recipe: TrainingRecipe, report: ReportStep, until: ExitStack) -> ReportStep:
        """Return what is to be told of the steps of a training: it writes for TensorBoard, if that is wanted."""
        if not self.tensorboard:
            return report
        return until.enter_context(TensorBoardLog(self.place.folder / "tensorboard" / training, recipe, report))

    def results(self, stage: Stage, folder: Path | None = None) -> Results | None:
        """Return the folder of a stage's tables, from when its work begins; None in a process that does not write."""
        return Results(folder or self.place.results(stage), f"supernet {stage}") if self.is_main_process else None

    def record(self, results: Results, stage: Stage, findings: tuple[str, ...]) -> None:
        """Write the manifest of a stage, unless the one that is there says the same."""
        recipe = self.recipe
        found = {"findings": list(findings), "training": self.place.last_training()}
        if results.is_unchanged(found):
            return
        methods = [recipe.shrinking.method] if stage == "shrink" else []
        subject = {
            "stage": stage,
            "training": found["training"],
            "space": recipe.network.space,
            "images": recipe.images.kind,
            "methods": methods,
            "optimizers": [recipe.search.optimizer] if stage == "search" else [],
            "processes": self.process_group.world_size,
            "device": str(self.process_group.device),
        }
        results.save(subject, asdict(cast(Any, recipe)), findings)


def train(run: Run) -> float | None:
    """Train the supernet over the whole space; return the loss of the last step in nats, None if none was left."""
    losses: list[float] = []
    _loop(run, run.begin(), 0, lambda made: None, losses.append)
    run.write_recipe()
    return losses[-1] if losses else None


def shrink(run: Run, report_round: Callable[[ShrinkingRound], None]) -> tuple[ShrinkingTrace, Results | None]:
    """Train, shrink, train on in what is left, and so on; rounds that an earlier call made are not made again."""
    source, results = run.begin(), run.results("shrink")
    trace = _loop(run, source, run.recipe.loop.max_rounds, report_round, lambda loss: None)
    run.write_recipe()
    if results is None:
        return trace, None
    results.add_table("rounds", rounds_frame(trace))
    run.record(results, "shrink", (*map(str, trace.rounds), trace.stopped))
    return trace, results


def _loop(
    run: Run,
    source: ToldSource,
    rounds: int,
    report_round: Callable[[ShrinkingRound], None],
    report_loss: Callable[[float], None],
) -> ShrinkingTrace:
    recipe = run.recipe
    made = 0
    source.scored = _counted(run, run.report_progress, "shrinking 1")

    def told(progress: Progress) -> None:
        step = f"training {made}" if rounds else "training"
        run.report_progress(step, progress.step / progress.steps, _words(progress))
        report_loss(progress.loss)

    with ExitStack() as until:

        def watched() -> ReportStep:
            return run.watched(
                f"training-{made}", training_recipe_after(recipe.training, recipe.loop, made), told, until
            )

        report = watched()

        def count(one: ShrinkingRound) -> None:
            nonlocal made, report
            made = one.number
            report = watched()
            source.scored = _counted(run, run.report_progress, f"shrinking {made + 1}")
            run.write_recipe()
            report_round(one)

        return shrink_in_rounds(
            recipe.network.build(np.random.default_rng(0)),
            source,
            first_paths(recipe),
            recipe.training,
            replace(recipe.loop, max_rounds=rounds),
            recipe.shrinking.settings,
            recipe.scoring,
            np.random.default_rng(recipe.seed),
            run.place.loop,
            space=recipe.network.within(recipe.limits.shrinking_flops),
            device=str(run.process_group.device),
            save_every=recipe.checkpoints.save_every,
            keep=recipe.checkpoints.keep,
            report=lambda progress: report(progress),
            report_round=count,
        )


def evaluate(run: Run, strings: tuple[str, ...], random: int) -> tuple[pl.DataFrame, Results | None]:
    """Score given architectures, and so many drawn uniformly from the whole space, with the last trained weights.

    The recipe of the folder stays as it is, as nothing that comes later depends on these scores; and they may be asked
    for with other settings of scoring.

    Raises ArchitectureError for a string that is none of the space's, SettingError for more draws than it has networks.
    """
    recipe = run.recipe
    network, number, average = _trained(run, free=("scoring",))
    space, costs = network.space, recipe.network.costs()
    rows = space.read(list(strings)) if strings else np.empty((0, space.genes), dtype=np.uint8)
    if random > space.size:
        raise SettingError(f"{random:,} different networks cannot be drawn from the {space.size:,} of {space.name}")
    if random:
        drawn = space.sample(random, np.random.default_rng([RunStream.EVALUATED_NETWORKS, recipe.seed]))
        rows = np.concatenate([rows, drawn])
    source, results = ToldSource(open_images(recipe, run.place.folder)), run.results("evaluate")
    weights = weights_digest((average or dict(network.named_parameters())).values())[:16]
    asked = RunIdentity(
        space=space.name,
        settings=recipe.scoring.identity,
        data={"training": number, "weights": weights, "images": source.train.description},
    )
    name = f"scores-{_checksum(rows.tobytes() + repr(recipe.scoring).encode())}-{number}.jsonl"
    folder = run.place.results("evaluate")
    with use_ema_weights(network, average), per_rank_journals(folder, run.process_group) as journals:
        source.scored = _counted(run, run.tell, "scoring", len(np.unique(space.index(rows))))
        evaluator = recipe.scoring.evaluator(network, source, run.process_group)
        scores = Evaluations(space, evaluator, Journal(journals / name, asked))(rows)
    frame = pl.DataFrame(
        {
            "architecture": space.write(rows),
            "accuracy": scores,
            "flops": costs.multiply_accumulates(rows),
            "parameters": costs.parameters(rows),
        }
    )
    if results is None:
        return frame, None
    results.add_table("evaluation", frame)
    run.record(results, "evaluate", (f"{frame.height:,} networks scored with the weights of training {number}",))
    return frame, results


def search(run: Run) -> tuple[SearchTrace, pl.DataFrame, Results | None]:
    """Search for the best network of what is left by what the supernet says."""
    recipe = run.recipe
    network, number, average = _trained(run)
    kept = run.place.kept(recipe)
    source, results = run.begin(), run.results("search")
    source.scored = _counted(run, run.report_progress, "searching", recipe.search.evaluations)
    trace = search_by_supernet(
        network,
        average,
        kept,
        source,
        recipe.search.settings,
        recipe.search.evaluations,
        recipe.scoring,
        np.random.default_rng([RunStream.SEARCH, recipe.seed]),
        run.place.results("search") / f"training-{number}",
        device=str(run.process_group.device),
    )
    run.write_recipe()
    index, scores = trace.evaluations.history
    rows, costs = kept.space.rows(index), recipe.network.costs()
    frame = pl.DataFrame(
        {
            "evaluation": np.arange(1, len(index) + 1),
            "architecture": kept.space.write(rows),
            "accuracy": scores,
            "flops": costs.multiply_accumulates(rows),
            "parameters": costs.parameters(rows),
        }
    )
    if results is None:
        return trace, frame, None
    results.add_table("search", frame)
    run.record(results, "search", (f"{frame.height:,} networks scored; the best: {best(frame)}",))
    return trace, frame, results


def best(searched: pl.DataFrame) -> str:
    """Return the official string of the best network of a search; of equal ones the first.

    Raises LissnasError if none of them has a score.
    """
    scored = searched.filter(pl.col("accuracy").is_finite())
    if not scored.height:
        raise LissnasError("no network of the search has a score; name an architecture")
    return str(scored["architecture"][scored["accuracy"].arg_max() or 0])


def winner(place: RunFolder) -> str:
    """Return the best network of the search that a run has done, as `best` does.

    Raises LissnasError if there was none since the supernet was trained last, or no network of it has a score.
    """
    folder = place.results("search")
    try:
        searched = pl.read_parquet(folder / "search.parquet", columns=["architecture", "accuracy"])
    except (OSError, pl.exceptions.PolarsError) as error:
        raise LissnasError(
            f"{place.folder}: no winner of a search; run 'lissnas supernet search --out {place.folder}', or name an "
            "architecture"
        ) from error
    number = place.last_training()
    if read_manifest(folder).get("training") != number:
        raise LissnasError(
            f"{place.folder}: the search was done before training {number} of the supernet; run 'lissnas supernet "
            f"search --out {place.folder}' again, or name an architecture"
        )
    return best(searched)


def retrain(run: Run, architecture: str | None) -> tuple[RetrainedScore, Results | None]:
    """Train one network from new weights, in a folder of its own, and judge it on the official validation images, once.

    It is the best of the search, if no architecture is named.
    """
    recipe = run.recipe
    network = recipe.network.build(np.random.default_rng(0))
    rows = network.space.read([winner(run.place) if architecture is None else architecture])
    folder = run.place.results("retrain") / _checksum(rows.tobytes())
    source, results = run.begin(), run.results("retrain", folder)

    def told(progress: Progress) -> None:
        run.report_progress("retraining", progress.step / progress.steps, _words(progress))

    with ExitStack() as until:
        score = retrain_alone(
            network,
            rows[0],
            source,
            recipe.retraining,
            recipe.scoring,
            np.random.default_rng([RunStream.RETRAINING, recipe.seed]),
            folder,
            device=str(run.process_group.device),
            save_every=recipe.checkpoints.save_every,
            keep=recipe.checkpoints.keep,
            report=run.watched(f"retraining-{folder.name}", recipe.retraining, told, until),
        )
    run.write_recipe()
    if results is None:
        return score, None
    results.add_existing_file(RETRAINED)
    run.record(results, "retrain", (str(score),))
    return score, results


def _trained(run: Run, free: tuple[str, ...] = ()) -> tuple[Supernet, int, Any]:
    """Return the supernet, the number of its last training, and the moving average of its weights."""
    run.place.check(run.recipe, free)
    network = run.recipe.network.build(np.random.default_rng(0))
    number, average = run.place.trained(run.recipe, network)
    return network, number, average


def _checksum(content: bytes) -> str:
    """Return eight digits that tell files apart."""
    return hashlib.sha256(content).hexdigest()[:8]


def _words(progress: Progress) -> str:
    return f"loss {progress.loss:.2f}, {progress.images_a_second:,.0f} images/s"


def _counted(run: Run, tell: Told, step: str, total: int = 0) -> Callable[[], None]:
    """Return what is to be called for each network scored, and tells of it; all processes are as fast as the first."""
    scored = 0

    def count() -> None:
        nonlocal scored
        scored += run.process_group.world_size
        done = min(scored / total, 1) if total else 0
        tell(step, done, f"{scored:,} scored")

    return count


def rounds_frame(trace: ShrinkingTrace) -> pl.DataFrame:
    """Return the rounds, one a row, as docs/results-format.md says."""
    return pl.DataFrame(
        [
            {
                "round": made.number,
                "networks_at_least": made.subspace.size_bounds[0],
                "networks_at_most": made.subspace.size_bounds[1],
                "mean_before": None if made.before is None else made.before.mean,
                "error_before": None if made.before is None else made.before.error,
                "mean_after": None if made.after is None else made.after.mean,
                "error_after": None if made.after is None else made.after.error,
                "evaluations": made.evaluations,
                "kept": made.ended is None,
                "ended": made.ended,
            }
            for made in trace.rounds
        ],
        schema={
            "round": pl.Int64,
            "networks_at_least": pl.Int64,
            "networks_at_most": pl.Int64,
            "mean_before": pl.Float64,
            "error_before": pl.Float64,
            "mean_after": pl.Float64,
            "error_after": pl.Float64,
            "evaluations": pl.Int64,
            "kept": pl.Boolean,
            "ended": pl.String,
        },
    )
