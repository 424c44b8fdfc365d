"""The stage `search`: searches a shrunk space by the scores of a supernet, with any of `lissnas.optimizers`."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import numpy as np
from torch import Tensor

from lissnas.evaluation.evaluations import Evaluations
from lissnas.evaluation.journal import Journal
from lissnas.optimizers.search import Optimizer, SearchTrace, search
from lissnas.storage.random_streams import RunStream
from lissnas.storage.run_identity import RunIdentity
from lissnas.subspaces.shrunk_space import ShrunkSpace
from lissnas.subspaces.subspace import Subspace
from lissnas.supernet.images.image_source import ImageSource
from lissnas.supernet.networks.supernet import Supernet
from lissnas.supernet.networks.weights import weights_digest
from lissnas.supernet.scoring.scoring import Scoring, per_rank_journals, use_ema_weights
from lissnas.supernet.shrinking.shrinking_loop import reinitialize
from lissnas.supernet.stages.initial_weights import initial_weights
from lissnas.supernet.stages.supernet_run import SupernetRun, TrainedSupernet, scores_reporter
from lissnas.supernet.training.path_samplers import SubspacePathSampler
from lissnas.supernet.training.process_group import join_process_group
from lissnas.supernet.training.training_loop import train_supernet
from lissnas.supernet.training.training_recipe import TrainingRecipe

JOURNAL = "search.jsonl"
"""Name of the journal in the folder of a search."""


def run_search(run: SupernetRun, supernet: TrainedSupernet, images: ImageSource, subspace: Subspace) -> SearchTrace:
    """Search a subspace with the optimizer of the recipe for the network that the supernet scores highest.

    If the recipe has a `search_training`, a new supernet is trained in the shrunk space first, and scores.
    """
    recipe = run.recipe
    if recipe.search_training is not None:
        supernet = _newly_trained(run, supernet, images, recipe.search_training)
    trace = search_by_supernet(
        supernet.network,
        supernet.average,
        subspace,
        images,
        recipe.search.settings,
        recipe.search.evaluations,
        recipe.scoring,
        np.random.default_rng([RunStream.SEARCH, recipe.seed]),
        run.folder.stage_folder("search") / f"training-{supernet.training}",
        device=str(run.process_group.device),
        report=scores_reporter(run.report_work, "searching", recipe.search.evaluations),
        training=recipe.search_training or recipe.training,
    )
    run.write_recipe()
    return trace


def _newly_trained(
    run: SupernetRun, supernet: TrainedSupernet, images: ImageSource, training: TrainingRecipe
) -> TrainedSupernet:
    """Return a supernet with new weights, trained in the shrunk space."""
    recipe, seed = run.recipe, run.recipe.seed
    network, number = supernet.network, supernet.training
    rng = np.random.default_rng([RunStream.SEARCH_WEIGHTS, seed])
    reinitialize(network, rng, training.initialization, initial_weights(run, network))
    on_device = training.on(run.process_group.device)
    recipe.scoring.evaluator(network, images, run.process_group, training=on_device).try_one_path()
    with ExitStack() as until:
        average = train_supernet(
            network,
            images.train,
            SubspacePathSampler(run.folder.shrunk_space(recipe)),
            training,
            np.random.default_rng([RunStream.SEARCH_TRAINING, seed]),
            run.folder.stage_folder("search") / f"training-{number}" / "supernet",
            device=str(run.process_group.device),
            save_every=recipe.checkpoints.save_every,
            keep=recipe.checkpoints.keep,
            report=run.logged(
                "search-training",
                training,
                lambda progress: run.report_training("training for the search", progress),
                until,
            ),
        )
    return TrainedSupernet(network, number, average)


def search_by_supernet(
    network: Supernet,
    average: Mapping[str, Tensor] | None,
    subspace: Subspace,
    source: ImageSource,
    optimizer: Optimizer,
    evaluations: int,
    scoring: Scoring,
    rng: np.random.Generator,
    folder: Path,
    *,
    device: str | None = None,
    report: Callable[[int], None] = lambda scored: None,
    training: TrainingRecipe | None = None,
) -> SearchTrace:
    """Search a subspace for the network that a trained supernet scores highest; resume if the folder has a journal.

    Parameters
    ----------
    network
        The trained supernet. It is unchanged afterwards.
    average
        The moving average of its weights, to score with; None scores with its weights.
    subspace
        Where to search: the result of the shrinking loop, or ``LimitedSubspace(limited_space, subspace)`` for the part
        of it that meets limits.
    source
        Its held-out images score the networks.
    optimizer
        For example ``EvolutionarySearch()``, the search of SPOS.
    evaluations
        Maximum number of distinct networks to score, including those of earlier calls; a later call may raise it.
    scoring
        How the supernet scores networks.
    rng
        The source of every random draw. It must be in the same state on all processes.
    folder
        Folder for the journal of all scores.
    device
        As in `join_process_group`.
    report
        As in `SupernetEvaluator`.
    training
        Gives precision and memory format, as in `Scoring.evaluator`.

    Raises
    ------
    JournalError
        If the folder has the journal of another search, or of other weights.
    LissnasError
        All errors of `search`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (
        join_process_group(device) as group,
        use_ema_weights(network, average),
        per_rank_journals(folder, group) as journals,
    ):
        seed = int(rng.integers(2**63))
        training = training.on(group.device) if training else None
        run = RunIdentity(
            space=ShrunkSpace(subspace).name,
            method=type(optimizer).__name__,
            settings=asdict(cast(Any, optimizer)),
            seed=seed,
            data={
                "scoring": scoring.identity,
                "images": source.train.description,
                "weights": weights_digest(network.parameters())[:16],
                "precision": training.precision if training else "float32",
            },
        )
        evaluator = scoring.evaluator(network, source, group, report, training)
        memory = Evaluations(subspace.space, evaluator, Journal(journals / JOURNAL, run))
        return search(subspace, memory, optimizer, np.random.default_rng(seed), evaluations)
