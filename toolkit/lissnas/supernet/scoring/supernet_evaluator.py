"""SupernetEvaluator: scores architectures by what their paths of a trained supernet classify correctly."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from lissnas.evaluation.journal import ROWS_PER_LINE
from lissnas.spaces.space import Floats, Rows
from lissnas.supernet.images.image_batches import LabeledBatch
from lissnas.supernet.networks.supernet import Supernet
from lissnas.supernet.networks.weights import weights_digest
from lissnas.supernet.scoring.batch_norm_recalibration import recalibrate_batch_norms
from lissnas.supernet.training.out_of_memory import memory_for
from lissnas.supernet.training.process_group import ProcessGroup


class SupernetEvaluator:
    """Scores a path by its accuracy on held-out images, in per cent, after its batch norms have been recalibrated.

    The statistics that training left in the batch norms are a mixture over all paths. Each path gets its own before it
    is scored: the mean, over some batches of training images, of those of each batch. SPOS, Guo et al., ECCV 2020.

    An evaluator of the form that `shrink` takes. A path is scored once for the same weights. Of the processes that
    torchrun started each scores a share: all must ask for the same rows.

    Parameters
    ----------
    network
        Trained. The statistics of its batch norms are overwritten; nothing else of it is changed.
    recalibration
        Batches of training images, shape (images, channels, height, width), gone through for each path. Without any,
        the statistics are those that training left: for comparison alone.
    held_out
        Batches of images and classes that the training never saw, gone through for each path.
    group
        The processes; None for this one, on the device of the network.
    """

    def __init__(
        self,
        network: Supernet,
        recalibration: Iterable[Tensor],
        held_out: Iterable[LabeledBatch],
        group: ProcessGroup | None = None,
    ) -> None:
        self._process_group = group or ProcessGroup(0, 1, next(network.parameters()).device)
        with memory_for("the weights", self._process_group.device, "score with a smaller network"):
            self._network = network.to(self._process_group.device)
        self._recalibration = recalibration
        self._held_out = held_out
        self._scores: dict[tuple[str, bytes], float] = {}

    def open_images(self) -> None:
        """Begin to go through the images, so that what is wrong with them is told before there is anything to score.

        Raises LissnasError if they cannot be read.
        """
        for pieces in (self._recalibration, self._held_out):
            next(iter(pieces), None)

    @property
    def rows_at_once(self) -> int:
        """How many rows it wants at once where a journal keeps the scores: the same number for each process."""
        return ROWS_PER_LINE * self._process_group.world_size

    def __call__(self, rows: Rows) -> Floats:
        """Return the accuracy of each row in per cent, float64 of shape (n,); NaN where an output is no number.

        Raises LissnasError if memory is too small, or images cannot be read.
        """
        rows = self._network.space.checked(rows)
        weights = weights_digest(self._network.parameters())
        keys = [(weights, row.tobytes()) for row in rows]
        unseen = {key: row for key, row in zip(keys, rows, strict=True) if key not in self._scores}
        scores = torch.zeros(len(unseen), dtype=torch.float64, device=self._process_group.device)
        fewer_at_once = "lower scoring.batch_size or scoring.recalibration_batch_size"
        with (
            memory_for("scoring", self._process_group.device, fewer_at_once),
            _evaluating(self._network),
            torch.no_grad(),
        ):
            for place, row in enumerate(unseen.values()):
                if place % self._process_group.world_size == self._process_group.rank:
                    scores[place] = self._score(row.tolist())
        self._scores |= zip(unseen, self._process_group.sum(scores).tolist(), strict=True)
        return np.array([self._scores[key] for key in keys])

    def _score(self, path: list[int]) -> float:
        recalibrate_batch_norms(
            self._network, self._recalibration, lambda images: self._network(self._here(images).float(), path)
        )
        correct = torch.zeros((), dtype=torch.int64, device=self._process_group.device)
        finite = torch.ones((), dtype=torch.bool, device=self._process_group.device)
        count = 0
        for images, labels in self._held_out:
            logits = self._network(self._here(images).float(), path)
            correct += (logits.argmax(1) == self._here(labels)).sum()
            finite &= torch.isfinite(logits).all()
            count += len(labels)
        return 100 * correct.item() / count if finite else np.nan

    def _here(self, values: Tensor) -> Tensor:
        return values.to(self._process_group.device, non_blocking=True)


@contextmanager
def _evaluating(network: Supernet) -> Iterator[None]:
    """Switch off what a network does in training alone, and on again if it was on; so is what was compiled for it."""
    before = network.training
    network.eval()
    try:
        with torch.compiler.set_stance("force_eager"):
            yield
    finally:
        network.train(before)
