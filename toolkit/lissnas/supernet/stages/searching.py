"""Searching inside a shrunk space by what a supernet says: any of `lissnas.optimizers`, killed and run again."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import numpy as np
from torch import Tensor

from lissnas.evaluation.evaluations import Evaluations
from lissnas.evaluation.journal import Journal
from lissnas.optimizers.search import Optimizer, SearchTrace, search
from lissnas.storage.run_identity import RunIdentity
from lissnas.subspaces.shrunk_space import ShrunkSpace
from lissnas.subspaces.subspace import Subspace
from lissnas.supernet.images.image_source import ImageSource
from lissnas.supernet.networks.supernet import Supernet
from lissnas.supernet.networks.weights import weights_digest
from lissnas.supernet.scoring.scoring import Scoring, use_ema_weights
from lissnas.supernet.shrinking.shrinking_round import per_rank_journals
from lissnas.supernet.training.process_group import join_process_group

JOURNAL = "search.jsonl"
"""The journal in the folder of a search."""


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
) -> SearchTrace:
    """Search for the network of a subspace that a trained supernet scores highest, from where an earlier run ended.

    Parameters
    ----------
    network
        Trained; is left as it was.
    average
        The moving average of its weights, to score with; None for its weights.
    subspace
        Where: what the loop has returned, or ``LimitedSubspace(limited_space, subspace)`` for what meets limits of it.
    source
        Those of its images that are held out score.
    optimizer
        For example ``EvolutionarySearch()``, as SPOS searches.
    evaluations
        How many distinct networks may be scored in all; more may be asked for later.
    scoring
        How the supernet scores.
    rng
        The source of every random draw. On all processes it must be in the same state.
    folder
        Gets the journal of all scores.
    device
        As in `processes`.

    Raises
    ------
    JournalError
        If the folder holds the journal of another search, or of other weights.
    LissnasError
        Whatever `search` raises.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (
        join_process_group(device) as group,
        use_ema_weights(network, average),
        per_rank_journals(folder, group) as journals,
    ):
        seed = int(rng.integers(2**63))
        run = RunIdentity(
            space=ShrunkSpace(subspace).name,
            method=type(optimizer).__name__,
            settings=asdict(cast(Any, optimizer)),
            seed=seed,
            data={
                "scoring": scoring.identity,
                "images": source.train.description,
                "weights": weights_digest(network.parameters())[:16],
            },
        )
        evaluator = scoring.evaluator(network, source, group)
        memory = Evaluations(subspace.space, evaluator, Journal(journals / JOURNAL, run))
        return search(subspace, memory, optimizer, np.random.default_rng(seed), evaluations)
