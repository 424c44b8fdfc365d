"""The stage `evaluate`: scores given and random architectures with the last trained weights."""

import hashlib

import numpy as np

from lissnas.errors import SettingError
from lissnas.evaluation.evaluations import Evaluations
from lissnas.evaluation.journal import Journal
from lissnas.spaces.space import Floats, Rows, Space
from lissnas.storage.random_streams import RunStream
from lissnas.storage.run_identity import RunIdentity
from lissnas.supernet.images.image_source import ImageSource
from lissnas.supernet.networks.weights import weights_digest
from lissnas.supernet.scoring.scoring import per_rank_journals, use_ema_weights
from lissnas.supernet.stages.supernet_run import SupernetRun, TrainedSupernet, scores_reporter


def given_and_random(space: Space, architectures: tuple[str, ...], random: int, seed: int) -> Rows:
    """Return the rows of given architectures, followed by those of architectures drawn uniformly from the space.

    Raises ArchitectureError if a string is not an architecture of the space, and SettingError if `random` is larger
    than the space.
    """
    rows = space.read(list(architectures)) if architectures else np.empty((0, space.genes), dtype=np.uint8)
    if random > space.size:
        raise SettingError(f"cannot draw {random:,} different networks: {space.name} has {space.size:,}")
    if random:
        drawn = space.sample(random, np.random.default_rng([RunStream.EVALUATED_NETWORKS, seed]))
        rows = np.concatenate([rows, drawn])
    return rows


def run_evaluation(run: SupernetRun, supernet: TrainedSupernet, images: ImageSource, rows: Rows) -> Floats:
    """Return the accuracy of each row in percent, float64 of shape (n,).

    No later stage depends on these scores, so the recipe in the folder stays as it is, and the settings of scoring may
    differ from those of the folder. A journal in the folder keeps the scores.
    """
    scoring, network = run.recipe.scoring, supernet.network
    training = run.recipe.training.on(run.process_group.device)
    folder = run.folder.stage_folder("evaluate")
    folder.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256(rows.tobytes() + repr(scoring).encode()).hexdigest()[:8]
    report = scores_reporter(run.report, "scoring", len(np.unique(network.space.index(rows))))
    with use_ema_weights(network, supernet.average), per_rank_journals(folder, run.process_group) as journals:
        identity = RunIdentity(
            space=network.space.name,
            settings=scoring.identity,
            data={
                "training": supernet.training,
                "weights": weights_digest(network.parameters())[:16],
                "images": images.train.description,
                "precision": training.precision,
            },
        )
        evaluator = scoring.evaluator(network, images, run.process_group, report, training)
        journal = Journal(journals / f"scores-{digest}-{supernet.training}.jsonl", identity)
        return Evaluations(network.space, evaluator, journal)(rows)
