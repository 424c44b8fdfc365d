"""The winner on its own: its network trained from new weights, and judged on the official validation images once."""

import json
from collections.abc import Callable, Iterable
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
from lissnas.supernet.images.image_source import ImageSource
from lissnas.supernet.networks.single_path_supernet import single_path_supernet
from lissnas.supernet.networks.supernet import Supernet
from lissnas.supernet.scoring.batch_norm_recalibration import recalibrate_batch_norms
from lissnas.supernet.scoring.scoring import Scoring
from lissnas.supernet.training.out_of_memory import memory_for
from lissnas.supernet.training.path_samplers import UniformPathSampler
from lissnas.supernet.training.process_group import ProcessGroup, join_process_group
from lissnas.supernet.training.progress import Progress, print_progress
from lissnas.supernet.training.training_loop import train_supernet
from lissnas.supernet.training.training_recipe import ABS, ABS_TRAINING_IMAGES, SPOS, TrainingRecipe

FORMAT = 2
"""The version of what the file of a score holds."""

RETRAINED = "retrained.json"
"""The file that holds the score, in the folder of the retraining."""

SPOS_RETRAINING = replace(SPOS, steps=300_000)
"""Of the networks that SPOS finds. Guo et al., ECCV 2020, and the authors' code."""

ABS_RETRAINING = replace(
    ABS,
    steps=240 * (ABS_TRAINING_IMAGES // 1024),
    batch_size=1024,
    micro_batch_size=128,
    learning_rate=0.5,
    final_learning_rate=0.0,
    schedule_steps=None,
)
"""Of the networks that ABS finds: 240 epochs. Hu et al., ECCV 2020, and the authors' code; the 128 images of a batch
norm, and that label smoothing and the cut of gradients are those of the supernet, are our own reading."""


@dataclass(frozen=True)
class RetrainedScore:
    """What the official validation images say of a network trained on its own.

    Attributes
    ----------
    architecture
        The official string of the network in its space.
    top1, top5
        Of which share of the images the class is the network's first, and among its first five, in per cent.
    images
        How many images it was judged by.
    left_out
        How many more there are, which could not be read.
    """

    architecture: str
    top1: float
    top5: float
    images: int
    left_out: int = 0

    def __str__(self) -> str:
        images = f"{self.images:,} images"
        if self.left_out:
            images += f"; {self.left_out:,} more could not be read"
        return f"{self.architecture}: top-1 {self.top1:.2f} %, top-5 {self.top5:.2f} % of {images}"


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
    """Train one network of a supernet from new weights, and judge it; a run that was killed goes on.

    The network is judged with the statistics that training left in its batch norms (those of the first process); the
    moving average of its weights, where the recipe asks for one, with statistics of its own.

    Parameters
    ----------
    supernet
        Says what the network is made of; its weights are not used.
    row
        The architecture, shape (genes,).
    source
        Its training images train; its official validation images judge when training has ended. They are not looked at
        again: a score that stands in the folder is returned as it is. Before a training begins they are opened, so
        that it is known by then if they cannot be read; no network sees them.
    recipe
        Of this training, as `SPOS_RETRAINING` or `ABS_RETRAINING`.
    scoring
        How many images are judged at once, and by which a moving average gets its statistics.
    rng
        Draws the weights and the seed of the run. On all processes it must be in the same state.
    folder
        Of the checkpoints and the score.
    device, save_every, keep, report
        As in `train_supernet`.

    Raises
    ------
    LissnasError
        If the folder holds the score of another retraining, images to judge by cannot be read, or memory is too small
        to judge; and whatever `train_supernet` raises.
    """
    seed = int(rng.integers(2**63))
    [architecture] = supernet.space.write(row[None])
    run = RunIdentity(
        space=supernet.space.name,
        settings=asdict(recipe),
        seed=seed,
        data={"architecture": architecture, "images": source.train.description},
    )
    known = _read(folder / RETRAINED, run)
    if known is not None:
        return known
    network = single_path_supernet(supernet, row, np.random.default_rng([RunStream.RETRAINED_WEIGHTS, seed]))
    recalibration: Iterable[Tensor] = ()
    if recipe.ema_decay is not None:
        recalibration = source.recalibration(scoring.recalibration_batches, scoring.recalibration_batch_size)
    if not any(folder.glob("step-*.pt")):
        _open(source, scoring.batch_size)
    with join_process_group(device) as group:
        average = train_supernet(
            network,
            source.train,
            UniformPathSampler(network.space),
            recipe,
            np.random.default_rng([RunStream.RETRAINED_TRAINING, seed]),
            folder,
            device=device,
            save_every=save_every,
            keep=keep,
            report=report,
        )
        judged = _ForItself(network)
        with torch.compiler.set_stance("force_eager"):  # what was compiled was for training
            if average is None:
                _share_statistics(network, group)
            else:
                with torch.no_grad():
                    for name, weights in network.named_parameters():
                        weights.copy_(average[name])
                with (
                    torch.no_grad(),
                    memory_for("recalibration", group.device, "lower scoring.recalibration_batch_size"),
                ):
                    network.eval()
                    recalibrate_batch_norms(network, recalibration, lambda images: judged(images.to(group.device)))
            with memory_for("judging", group.device, "lower scoring.batch_size"):
                first, among_five, images = _judge(judged, source, scoring.batch_size, group)
        left_out = source.official_validation_images - images
        score = RetrainedScore(architecture, 100 * first / images, 100 * among_five / images, images, left_out)
        if group.rank == 0:
            _write(score, folder / RETRAINED, run)
    return score


def _open(source: ImageSource, batch: int) -> None:
    """Raise LissnasError if too many images to judge by cannot be read."""
    if not sum(len(labels) for _, labels in source.official_validation(batch)):
        raise LissnasError("none of the official validation images can be read: mend them")


class _ForItself(nn.Module):
    """A supernet of one path that takes images alone."""

    def __init__(self, network: Supernet) -> None:
        super().__init__()
        self.network = network
        self.path = [0] * network.space.genes

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.network(images.float(), self.path)
        return logits


def _share_statistics(network: nn.Module, group: ProcessGroup) -> None:
    """Give all processes the statistics of the first one's batch norms."""
    for values in network.buffers():
        if group.rank > 0:
            values.zero_()
        group.sum(values)


def _judge(network: nn.Module, source: ImageSource, batch: int, group: ProcessGroup) -> tuple[int, int, int]:
    """Return of how many images the class comes first, and among the first five, and how many images there are.

    Raises TrainingError if an output is no number.
    """
    network.eval()
    counts = torch.zeros(4, dtype=torch.int64, device=group.device)
    with torch.no_grad():
        for number, (images, labels) in enumerate(source.official_validation(batch)):
            if number % group.world_size == group.rank:
                logits = network(images.to(group.device, non_blocking=True))
                found = logits.topk(min(5, logits.shape[1])).indices == labels.to(group.device)[:, None]
                finite = torch.isfinite(logits).all()
                counts += torch.stack([found[:, 0].sum(), found.sum(), counts.new_tensor(len(labels)), ~finite])
    first, among_five, images, wrong = group.sum(counts).tolist()
    if wrong:
        raise TrainingError("the retrained network's outputs are no numbers: train with a lower rate")
    return first, among_five, images


def _write(score: RetrainedScore, path: Path, run: RunIdentity) -> None:
    with atomic_write(path) as file:
        file.write(json.dumps({"format": FORMAT, **asdict(score), "run": run.to_json()}, indent=2).encode() + b"\n")


def _read(path: Path, run: RunIdentity) -> RetrainedScore | None:
    """Return the score that a file holds, or None if there is no file."""
    try:
        held = json.loads(path.read_bytes())
        theirs = dict(held["run"])
        numbers = {name: held[name] for name in ("top1", "top5", "images", "left_out")}
        score = RetrainedScore(str(held["architecture"]), **numbers)
        version = int(held["format"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
        raise LissnasError(f"{path}: not the score of a retraining ({error}); remove it to judge anew") from error
    if version != FORMAT:
        raise LissnasError(f"{path}: of format {version}, not {FORMAT}; choose another folder")
    run.check(path, theirs)
    return score
