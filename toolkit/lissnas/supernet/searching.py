"""Searching inside a shrunk space by what a supernet says: any optimiser of `lissnas.search`, killed and run again."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import numpy as np
from torch import Tensor

from lissnas.evaluate import Evaluations
from lissnas.journal import Journal
from lissnas.search import SearchTrace, Settings, search
from lissnas.shrunk_space import ShrunkSpace
from lissnas.subspace import Subspace
from lissnas.supernet.image_source import ImageSource
from lissnas.supernet.processes import processes
from lissnas.supernet.scoring import Scoring, weights_to_score
from lissnas.supernet.shrinking_round import own_journals
from lissnas.supernet.supernet import Supernet

JOURNAL = "search.jsonl"
"""The journal in the folder of a search."""


def search_by_supernet(
    network: Supernet,
    average: Mapping[str, Tensor] | None,
    subspace: Subspace,
    source: ImageSource,
    optimiser: Settings,
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
    optimiser
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
    with processes(device) as together, weights_to_score(network, average), own_journals(folder, together) as journals:
        seed = int(rng.integers(2**63))
        run = {
            "search": ShrunkSpace(subspace).name,
            "optimiser": {"method": type(optimiser).__name__, **asdict(cast(Any, optimiser))},
            "scoring": scoring.identity,
            "images": source.train.description,
            "weights": _digest(network),
            "seed": seed,
        }
        evaluator = scoring.evaluator(network, source, together)
        memory = Evaluations(subspace.space, evaluator, Journal(journals / JOURNAL, run))
        return search(subspace, memory, optimiser, np.random.default_rng(seed), evaluations)


def _digest(network: Supernet) -> str:
    """Return sixteen digits that other weights hardly share."""
    digest = hashlib.sha256()
    for weights in network.parameters():
        digest.update(weights.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]
