"""The stage `retrain`: trains one network alone, and measures it once on the official validation images.

The hold-out set that selected the network takes no part.
"""

import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from lissnas.errors import LissnasError, TrainingError
from lissnas.spaces.space import Rows
from lissnas.storage.atomic_write import atomic_write
from lissnas.storage.random_streams import RunStream
from lissnas.storage.run_identity import RunIdentity
from lissnas.supernet.export.module_source import plain_weights
from lissnas.supernet.images.image_source import ImageSource
from lissnas.supernet.networks.single_path_supernet import single_path_supernet
from lissnas.supernet.networks.supernet import Supernet
from lissnas.supernet.networks.weights import draw_weights
from lissnas.supernet.scoring.batch_norm_recalibration import recalibrate_batch_norms
from lissnas.supernet.scoring.scoring import Scoring
from lissnas.supernet.stages.supernet_run import SupernetRun
from lissnas.supernet.training.logs.progress import Progress, print_progress
from lissnas.supernet.training.out_of_memory import memory_for
from lissnas.supernet.training.path_samplers import UniformPathSampler
from lissnas.supernet.training.process_group import ProcessGroup, join_process_group
from lissnas.supernet.training.training_loop import train_supernet
from lissnas.supernet.training.training_recipe import ABS, SPOS, TrainingRecipe

FORMAT = 2
"""The version of the score file."""

RETRAINED = "retrained.json"
"""Name of the score file in the folder of a retraining."""

WEIGHTS = "retrained.pt"
"""Name of the file with the weights that were measured, a PyTorch state dict as `plain_weights` returns it."""

SPOS_RETRAINING = replace(SPOS, steps=300_000)
"""The recipe for networks found by SPOS: Guo et al., ECCV 2020, and the authors' code."""

ABS_RETRAINING = replace(
    ABS,
    steps=300_000,
    batch_size=1024,
    micro_batch_size=128,
    learning_rate=0.5,
    final_learning_rate=0.0,
    schedule_steps=None,
    grad_clip_value=None,
    grad_clip_norm=5.0,
    initialization="torch",
    dropout=0.2,
    classifier_decay="none",
    include_held_out=True,
)
"""The recipe for networks found by ABS, 240 epochs of all training images: Hu et al., ECCV 2020, and the authors' code.
Our own reading: 128 images in a micro-batch, and the label smoothing of the supernet."""


@dataclass(frozen=True)
class RetrainedScore:
    """The accuracy of a network trained alone, on the official validation images.

    Attributes
    ----------
    architecture
        Official string of the network.
    top1, top5
        Percentage of images whose class is the network's first choice, and among its first five.
    images
        Number of images that were classified.
    unreadable
        Number of images that could not be read.
    """

    architecture: str
    top1: float
    top5: float
    images: int
    unreadable: int = 0

    def __str__(self) -> str:
        images = f"{self.images:,} images"
        if self.unreadable:
            images += f"; {self.unreadable:,} more could not be read"
        return f"{self.architecture}: top-1 {self.top1:.2f} %, top-5 {self.top5:.2f} % of {images}"


def run_retraining(run: SupernetRun, images: ImageSource, architecture: Rows, folder: Path) -> RetrainedScore:
    """Train one architecture, a row of shape (genes,), by the recipe of a run, and measure it."""
    recipe = run.recipe
    with ExitStack() as until:
        score = retrain(
            recipe.network.build(np.random.default_rng(0)),
            architecture,
            images,
            recipe.retraining,
            recipe.scoring,
            np.random.default_rng([RunStream.RETRAINING, recipe.seed]),
            folder,
            device=str(run.process_group.device),
            save_every=recipe.checkpoints.save_every,
            keep=recipe.checkpoints.keep,
            report=run.logged(
                f"retraining-{folder.name}",
                recipe.retraining,
                lambda progress: run.report_training("retraining", progress),
                until,
            ),
        )
    run.write_recipe()
    return score


def retrain(
    supernet: Supernet,
    row: Rows,
    source: ImageSource,
    recipe: TrainingRecipe,
    scoring: Scoring,
    rng: np.random.Generator,
    folder: Path,
    *,
    device: str | None = None,
    save_every: int = 1000,
    keep: int = 3,
    report: Callable[[Progress], None] = print_progress,
) -> RetrainedScore:
    """Train one network of a supernet from new weights, and measure its accuracy; resume if the folder has checkpoints.

    Before it is measured, its batch norms are recalibrated on training images, as `Scoring.closing` says. So the
    accuracy does not depend on the number of processes. If the recipe has a moving average of the weights, the average
    is measured.

    Parameters
    ----------
    supernet
        Defines the network. Its weights are not used.
    row
        The architecture, shape (genes,).
    source
        Its training images train the network; its official validation images measure it once. If the folder already
        has a score, that score is returned. A new training first reads the validation images without classifying them,
        so that unreadable ones are reported before it.
    recipe
        The recipe of this training, such as `SPOS_RETRAINING` or `ABS_RETRAINING`.
    scoring
        How many images are classified at once, and how many recalibrate the network: its `closing_batches`.
    rng
        Draws the weights and the seed of the training. It must be in the same state on all processes.
    folder
        Folder for the checkpoints and the score.
    device, save_every, keep, report
        As in `train_supernet`.

    Raises
    ------
    LissnasError
        If the folder has the score of another retraining, the validation images cannot be read, or memory does not
        suffice to classify them; and all errors of `train_supernet`.
    """
    seed = int(rng.integers(2**63))
    images = source.all_training if recipe.include_held_out else source.train
    [architecture] = supernet.space.write(row[None])
    run = RunIdentity(
        space=supernet.space.name,
        settings=asdict(recipe) | scoring.closing_identity,
        seed=seed,
        data={"architecture": architecture, "images": images.description},
    )
    earlier_score = _read(folder / RETRAINED, run)
    if earlier_score is not None:
        return earlier_score
    weights_seed = [RunStream.RETRAINED_WEIGHTS, seed]
    network = single_path_supernet(supernet, row, np.random.default_rng(weights_seed))
    draw_weights(network, np.random.default_rng(weights_seed), recipe.initialization)
    closing = scoring.closing(source, images, seed)
    if not any(folder.glob("step-*.pt")):
        _check_readable(source, scoring.batch_size)
    with join_process_group(device) as group:
        average = train_supernet(
            network,
            images,
            UniformPathSampler(network.space),
            recipe,
            np.random.default_rng([RunStream.RETRAINED_TRAINING, seed]),
            folder,
            device=device,
            save_every=save_every,
            keep=keep,
            report=report,
        )
        single_path = _SinglePath(network)
        with torch.compiler.set_stance("force_eager"):  # the compiled blocks are for training
            if average is not None:
                with torch.no_grad():
                    for name, weights in network.named_parameters():
                        weights.copy_(average[name])
            _share_statistics(network, group)
            with torch.no_grad(), memory_for("recalibration", group.device, "lower scoring.recalibration_batch_size"):
                network.eval()
                recalibrate_batch_norms(network, closing, lambda images: single_path(images.to(group.device)))
            with memory_for("measuring the accuracy", group.device, "lower scoring.batch_size"):
                top1, top5, count = _count_correct(single_path, source, scoring.batch_size, group)
        unreadable = source.official_validation_images - count
        score = RetrainedScore(architecture, 100 * top1 / count, 100 * top5 / count, count, unreadable)
        if group.rank == 0:
            with atomic_write(folder / WEIGHTS) as file:
                torch.save(plain_weights(network), file)
            _write(score, folder / RETRAINED, run)
    return score


def _check_readable(source: ImageSource, batch_size: int) -> None:
    """Raise LissnasError if too many official validation images cannot be read."""
    if not sum(len(labels) for _, labels in source.official_validation(batch_size)):
        raise LissnasError("none of the official validation images can be read: restore the files")


class _SinglePath(nn.Module):
    """A single-path supernet that is called with images alone."""

    def __init__(self, network: Supernet) -> None:
        super().__init__()
        self.network = network
        self.path = [0] * network.space.genes

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.network(images.float(), self.path)
        return logits


def _share_statistics(network: nn.Module, group: ProcessGroup) -> None:
    """Give all processes the batch-norm statistics of the first one."""
    for values in network.buffers():
        if group.rank > 0:
            values.zero_()
        group.sum(values)


def _count_correct(
    network: nn.Module, source: ImageSource, batch_size: int, group: ProcessGroup
) -> tuple[int, int, int]:
    """Return for how many images the class is the first choice, for how many among the first five, and of how many.

    Raises TrainingError if an output is not finite.
    """
    network.eval()
    counts = torch.zeros(4, dtype=torch.int64, device=group.device)
    with torch.no_grad():
        for number, (images, labels) in enumerate(source.official_validation(batch_size)):
            if number % group.world_size == group.rank:
                logits = network(images.to(group.device, non_blocking=True))
                choices = logits.topk(min(5, logits.shape[1])).indices
                correct = choices == labels.to(group.device)[:, None]
                finite = torch.isfinite(logits).all()
                counts += torch.stack([correct[:, 0].sum(), correct.sum(), counts.new_tensor(len(labels)), ~finite])
    top1, top5, images, not_finite = group.sum(counts).tolist()
    if not_finite:
        raise TrainingError("the retrained network has outputs that are not finite: use a lower learning rate")
    return top1, top5, images


def _write(score: RetrainedScore, path: Path, run: RunIdentity) -> None:
    with atomic_write(path) as file:
        file.write(json.dumps({"format": FORMAT, **asdict(score), "run": run.to_json()}, indent=2).encode() + b"\n")


def read_score(path: Path) -> RetrainedScore:
    """Return the score in a file, of any retraining; raise LissnasError if there is none."""
    found = _read(path, None)
    if found is None:
        raise LissnasError(f"{path}: there is no such file; retrain the network first")
    return found


def _read(path: Path, run: RunIdentity | None) -> RetrainedScore | None:
    """Return the score in a file, or None if there is no file; raise an error if it is that of another run."""
    try:
        content = json.loads(path.read_bytes())
        version = int(content["format"])
        if version == FORMAT:
            identity = dict(content["run"])
            score = RetrainedScore(
                str(content["architecture"]),
                **{name: content[name] for name in ("top1", "top5", "images", "unreadable")},
            )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
        raise LissnasError(
            f"{path}: not the score of a retraining ({type(error).__name__}: {error}); delete it to measure again"
        ) from error
    if version != FORMAT:
        raise LissnasError(f"{path}: has format {version}, not {FORMAT}; choose another folder")
    if run is not None:
        run.check(path, identity)
    return score
