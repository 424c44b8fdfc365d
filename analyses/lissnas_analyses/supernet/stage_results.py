"""Runs a stage of a supernet run and writes its results: a table, where the stage has one, and the manifest.

The work of each stage is in `lissnas.supernet.stages`. Each function here checks the run, runs one stage, and returns
what it found with the folder of its results; processes other than the main process write nothing and get None for it.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import polars as pl
from lissnas.errors import LissnasError
from lissnas.spaces.space import Floats, Rows
from lissnas.storage.sealed_parquet import read_parquet
from lissnas.supernet.recipes.recipe_images import open_images
from lissnas.supernet.shrinking.shrinking_loop import ShrinkingTrace
from lissnas.supernet.shrinking.shrinking_round import ShrinkingRound
from lissnas.supernet.stages.evaluate import given_and_random, run_evaluation
from lissnas.supernet.stages.export import retraining_folder
from lissnas.supernet.stages.retrain import RETRAINED, RetrainedScore, run_retraining
from lissnas.supernet.stages.run_folder import RunFolder, Stage
from lissnas.supernet.stages.search import run_search
from lissnas.supernet.stages.shrink import run_shrinking
from lissnas.supernet.stages.supernet_run import SupernetRun
from lissnas.supernet.stages.train import run_training

from lissnas_analyses.results.folder import Results, read_manifest


@dataclass(frozen=True)
class ScoredNetwork:
    """A network and its score from a supernet.

    Attributes
    ----------
    architecture
        Official string.
    accuracy
        Accuracy on the held-out images in percent; NaN if the network has no score.
    flops, parameters
        Multiply-accumulates per image and number of parameters of the network trained alone.
    """

    architecture: str
    accuracy: float
    flops: int
    parameters: int


@dataclass(frozen=True)
class RoundSummary:
    """A round of the shrinking loop in numbers, as docs/results-format.md describes it.

    Attributes
    ----------
    round
        Number of the round, starting at 1.
    networks_at_least, networks_at_most
        Bounds on the size of the shrunk space; equal if its networks were counted.
    mean_before, error_before, mean_after, error_after
        Mean accuracies before and after the round and their standard errors, in percent; None if the round computed
        no means.
    evaluations
        Number of distinct networks scored.
    accepted
        Whether the loop adopted the shrunk space.
    ended
        Why the loop ended with this round; None if it continued.
    """

    round: int
    networks_at_least: int
    networks_at_most: int
    mean_before: float | None
    error_before: float | None
    mean_after: float | None
    error_after: float | None
    evaluations: int
    accepted: bool
    ended: str | None


_ROUND_COLUMNS = {
    "round": pl.Int64,
    "networks_at_least": pl.Int64,
    "networks_at_most": pl.Int64,
    "mean_before": pl.Float64,
    "error_before": pl.Float64,
    "mean_after": pl.Float64,
    "error_after": pl.Float64,
    "evaluations": pl.Int64,
    "accepted": pl.Boolean,
    "ended": pl.String,
}

_NETWORK_COLUMNS = {"architecture": pl.String, "accuracy": pl.Float64, "flops": pl.Int64, "parameters": pl.Int64}


def train(run: SupernetRun) -> float | None:
    """Run the stage `train`, which writes no table; return the loss of the last step, None if it was finished."""
    return run_training(run, run.open_images())


def shrink(
    run: SupernetRun, report_round: Callable[[ShrinkingRound], None]
) -> tuple[ShrinkingTrace, tuple[RoundSummary, ...], Results | None]:
    """Run the stage `shrink`; `report_round` is called after each round, in the main process."""
    images, results = run.open_images(), _open_results(run, "shrink")
    trace = run_shrinking(run, images, run.recipe.loop.max_rounds, report_round)
    rounds = tuple(map(_summary, trace.rounds))
    if results is not None:
        results.add_table("rounds", pl.DataFrame([asdict(each) for each in rounds], schema=_ROUND_COLUMNS))
        _save(run, results, "shrink", (*map(str, trace.rounds), trace.stopped))
    return trace, rounds, results


def evaluate(
    run: SupernetRun, architectures: tuple[str, ...], random: int
) -> tuple[tuple[ScoredNetwork, ...], Results | None]:
    """Run the stage `evaluate` for given architectures and a number of random ones; raises as `given_and_random`."""
    supernet = run.trained_supernet(may_differ=("scoring",))
    rows = given_and_random(supernet.network.space, architectures, random, run.recipe.seed)
    images, results = open_images(run.recipe, run.folder.path), _open_results(run, "evaluate")
    networks = _scored_networks(run, rows, run_evaluation(run, supernet, images, rows))
    if results is not None:
        results.add_table("evaluation", _network_table(networks))
        finding = f"{len(networks):,} networks scored with the weights of training {supernet.training}"
        _save(run, results, "evaluate", (finding,))
    return networks, results


def search(run: SupernetRun) -> tuple[tuple[ScoredNetwork, ...], Results | None]:
    """Run the stage `search`, and return all scored networks in the order in which they were scored."""
    supernet = run.trained_supernet()
    subspace = run.folder.search_subspace(run.recipe)
    images, results = run.open_images(), _open_results(run, "search")
    index, scores = run_search(run, supernet, images, subspace).evaluations.history
    networks = _scored_networks(run, subspace.space.rows(index), scores)
    if results is not None:
        results.add_table(
            "search", _network_table(networks).with_row_index("evaluation", 1).cast({"evaluation": pl.Int64})
        )
        finding = f"{len(networks):,} networks scored; the best: {best_network(networks).architecture}"
        _save(run, results, "search", (finding,))
    return networks, results


def retrain(run: SupernetRun, architecture: str | None) -> tuple[RetrainedScore, Results | None]:
    """Run the stage `retrain` for an architecture; for the best one of the search if it is None."""
    space = run.recipe.network.search_space()
    rows = space.read([search_winner(run.folder) if architecture is None else architecture])
    folder = retraining_folder(run.folder, rows[0])
    images, results = run.open_images(), _open_results(run, "retrain", folder)
    score = run_retraining(run, images, rows[0], folder)
    if results is not None:
        results.add_existing_file(RETRAINED)
        _save(run, results, "retrain", (str(score),))
    return score, results


def best_network(networks: tuple[ScoredNetwork, ...]) -> ScoredNetwork:
    """Return the network with the highest accuracy, the first of several; LissnasError if none has a score."""
    scored = [network for network in networks if np.isfinite(network.accuracy)]
    if not scored:
        raise LissnasError("no network of the search has a score; name an architecture")
    return max(scored, key=lambda network: network.accuracy)


def search_winner(folder: RunFolder) -> str:
    """Return the best architecture of the last search in a run folder.

    Raises LissnasError if there was no search since the last training, or no network of it has a score.
    """
    path = folder.stage_folder("search")
    try:
        table = read_parquet(path / "search.parquet", list(_NETWORK_COLUMNS))
    except (OSError, ValueError, pl.exceptions.PolarsError) as error:
        raise LissnasError(
            f"{folder.path}: no winner of a search; run 'lissnas supernet search --out {folder.path}', or name an "
            "architecture"
        ) from error
    training = folder.last_training()
    if read_manifest(path).get("training") != training:
        raise LissnasError(
            f"{folder.path}: the search was done before training {training} of the supernet; run 'lissnas supernet "
            f"search --out {folder.path}' again, or name an architecture"
        )
    return best_network(tuple(ScoredNetwork(**row) for row in table.to_dicts())).architecture


def _open_results(run: SupernetRun, stage: Stage, folder: Path | None = None) -> Results | None:
    """Return the results folder of a stage, opened before the work so that it refuses early."""
    return Results(folder or run.folder.stage_folder(stage), f"supernet {stage}") if run.is_main_process else None


def _save(run: SupernetRun, results: Results, stage: Stage, findings: tuple[str, ...]) -> None:
    """Write the results and their manifest, unless the folder already has the same."""
    recipe, training = run.recipe, run.folder.last_training()
    if results.is_unchanged({"findings": list(findings), "training": training}):
        return
    subject = {
        "stage": stage,
        "training": training,
        "space": recipe.network.space,
        "images": recipe.images.kind,
        "methods": [recipe.shrinking.method] if stage == "shrink" else [],
        "optimizers": [recipe.search.optimizer] if stage == "search" else [],
        "processes": run.process_group.world_size,
        "device": str(run.process_group.device),
    }
    results.save(subject, asdict(cast(Any, recipe)), findings)


def _summary(finished: ShrinkingRound) -> RoundSummary:
    at_least, at_most = finished.subspace.size_bounds
    before, after = finished.before, finished.after
    return RoundSummary(
        finished.number,
        at_least,
        at_most,
        None if before is None else before.mean,
        None if before is None else before.error,
        None if after is None else after.mean,
        None if after is None else after.error,
        finished.evaluations,
        finished.ended is None,
        finished.ended,
    )


def _scored_networks(run: SupernetRun, rows: Rows, scores: Floats) -> tuple[ScoredNetwork, ...]:
    space, costs = run.recipe.network.search_space(), run.recipe.network.costs()
    flops, parameters = costs.multiply_accumulates(rows).tolist(), costs.parameters(rows).tolist()
    return tuple(map(ScoredNetwork, space.write(rows), scores.tolist(), flops, parameters))


def _network_table(networks: tuple[ScoredNetwork, ...]) -> pl.DataFrame:
    return pl.DataFrame([asdict(network) for network in networks], schema=_NETWORK_COLUMNS)
