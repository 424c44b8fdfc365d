"""SupernetEvaluator: scores an architecture by the accuracy of its path in a trained supernet."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice

import numpy as np
import torch
from torch import Tensor, nn

from lissnas.spaces.space import Floats, Rows
from lissnas.supernet.images.image_batches import LabeledBatch
from lissnas.supernet.networks.supernet import Supernet
from lissnas.supernet.networks.weights import weights_digest
from lissnas.supernet.scoring.batch_norm_recalibration import recalibrate_batch_norms
from lissnas.supernet.scoring.resident_batches import ResidentBatches
from lissnas.supernet.scoring.shared_operations import SharedOperations
from lissnas.supernet.training.forward_pass import autocast, forward_pass, network_input
from lissnas.supernet.training.out_of_memory import memory_for
from lissnas.supernet.training.process_group import ProcessGroup
from lissnas.supernet.training.training_recipe import Precision

_REMEDY = "lower scoring.batch_size or scoring.recalibration_batch_size"


class SupernetEvaluator:
    """Scores a path by its accuracy on held-out images in percent, after recalibrating its batch norms.

    After training, the statistics in the batch norms are a mixture over all paths. The evaluator gives each path its
    own before scoring it: the mean of the statistics of several batches of training images, as in SPOS (Guo et al.,
    ECCV 2020).

    Pass it to `shrink` or `search` like any other evaluator. It scores a path once for the same weights. The paths of a
    call share what they have in common, as `SharedOperations` says, so request many at once; their scores have the same
    bits as if each were requested alone. Under torchrun each process scores a share of the paths, so all processes must
    request the same rows. The last paths, if they are fewer than the processes, are scored by several processes each,
    which share the held-out images.

    Parameters
    ----------
    network
        The trained supernet. Scoring does not change it; `stand_alone` overwrites the statistics of its batch norms.
    recalibration
        Batches of training images, of shape (images, channels, height, width). If there are none, a path is scored with
        the statistics that training left; use this only for comparison.
    held_out
        Batches of images and labels that training never saw.
    group
        The processes; None for this process alone, on the device of the network.
    report
        Called when this process has scored some paths, with the number of paths that all processes have scored.
    precision, channels_last
        Precision of convolutions, and memory format, as in a recipe; None for float32.
    paths_at_once
        Maximum number of paths that a process scores at once. More paths share more; a killed run scores them again.
    resident_bytes
        Bytes of images that may stay on the device, as `ResidentBatches` says. Images that do not fit are copied there
        once for all paths that are scored at once.
    """

    def __init__(
        self,
        network: Supernet,
        recalibration: Iterable[Tensor],
        held_out: Iterable[LabeledBatch],
        group: ProcessGroup | None = None,
        report: Callable[[int], None] = lambda scored: None,
        precision: Precision | None = None,
        channels_last: bool = False,
        paths_at_once: int = 32,
        resident_bytes: int | None = None,
    ) -> None:
        self._process_group = group or ProcessGroup(0, 1, next(network.parameters()).device)
        with memory_for("the weights", self._process_group.device, "score with a smaller network"):
            self._network = network.to(self._process_group.device)
            if channels_last:
                network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        device = self._process_group.device
        self._recalibration = ResidentBatches(recalibration, device, resident_bytes)
        self._held_out = ResidentBatches(held_out, device, resident_bytes)
        self._paths_at_once = paths_at_once
        self._report = report
        self._precision = precision
        self._channels_last = channels_last
        self._scores: dict[tuple[str, bytes], float] = {}

    def try_one_path(self) -> None:
        """Score one path on the first batches only, so that what would fail later fails before the training.

        Raises LissnasError if the images cannot be read or memory does not suffice.
        """
        path = self._network.space.sample(1, np.random.default_rng(0)).tolist()
        weights_digest(self._network.parameters())
        with memory_for("scoring", self._process_group.device, _REMEDY), _evaluating(self._network), torch.no_grad():
            self._score(path, islice(self._recalibration, 1), islice(self._held_out, 1))

    @property
    def scored(self) -> int:
        """Number of paths scored so far, by all processes."""
        return len(self._scores)

    @property
    def rows_at_once(self) -> int:
        """Number of rows in a line of a journal, which a killed run scores again."""
        return self._paths_at_once * self._process_group.world_size

    def __call__(self, rows: Rows) -> Floats:
        """Return the accuracy of each row in percent, float64 of shape (n,); NaN if an output is not finite.

        Raises LissnasError if memory does not suffice or the images cannot be read.
        """
        rows = self._network.space.checked(rows)
        weights = weights_digest(self._network.parameters())
        keys = [(weights, row.tobytes()) for row in rows]
        unscored = sorted({key for key in keys if key not in self._scores})  # paths that share most follow each other
        paths = [list(genes) for _weights, genes in unscored]
        processes, device = self._process_group.world_size, self._process_group.device
        counts = torch.zeros(len(paths), 3, dtype=torch.int64, device=device)
        done = self.scored
        with memory_for("scoring", device, _REMEDY), _evaluating(self._network), torch.no_grad():
            for places, part, parts in shares_of(self._process_group.rank, processes, len(paths), self._paths_at_once):
                held_out = islice(self._held_out, part, None, parts)
                counts[places] = self._score(paths[places], self._recalibration, held_out)
                done = min(done + processes * (places.stop - places.start), self.scored + len(paths))
                self._report(done)
        counted = self._process_group.sum(counts).tolist()
        scores = [100 * correct / count if not wrong else np.nan for correct, count, wrong in counted]
        self._scores |= zip(unscored, scores, strict=True)
        return np.array([self._scores[key] for key in keys])

    def stand_alone(self, row: Rows) -> nn.Module:
        """Return the network of a path, shape (genes,), with its weights and its recalibrated batch norms."""
        path = row.tolist()

        def classify(images: Tensor) -> Tensor:
            return forward_pass(self._network, images, path, self._precision, self._channels_last)

        with memory_for("recalibration", self._process_group.device, _REMEDY), _evaluating(self._network):
            with torch.no_grad():
                recalibrate_batch_norms(self._network, self._recalibration, classify)
            return self._network.stand_alone(row)

    def _score(
        self, paths: Sequence[list[int]], recalibration: Iterable[Tensor], held_out: Iterable[LabeledBatch]
    ) -> Tensor:
        """Return for each path the number of images classified correctly, of all images, and of infinite batches."""
        counts = torch.zeros(len(paths), 3, dtype=torch.int64, device=self._process_group.device)
        shared = SharedOperations(self._network, paths)
        with shared.borrowed_norms():
            for number, images in enumerate(recalibration):
                with autocast(images.device, self._precision):
                    shared.recalibrate(number, network_input(images, self._channels_last))
            for images, labels in held_out:
                counts[:, 1] += len(labels)
                with autocast(images.device, self._precision):
                    for same_paths, logits in shared.outputs(network_input(images, self._channels_last)):
                        correct, wrong = (logits.argmax(1) == labels).sum(), ~torch.isfinite(logits).all()
                        for number in same_paths:
                            counts[number, 0] += correct
                            counts[number, 2] += wrong
        return counts


def shares_of(rank: int, processes: int, paths: int, at_once: int) -> Iterator[tuple[slice, int, int]]:
    """Yield what one of several processes scores: some of the paths, and which part of how many of their images.

    Each process scores as many consecutive paths on all images, at most `at_once` at a time. The remaining paths, which
    are fewer than the processes, share them. The first part has every `parts`-th batch from the first one, the second
    part from the second one, and so on.

    Examples
    --------
    >>> list(shares_of(0, 2, 7, 2))
    [(slice(0, 2, None), 0, 1), (slice(2, 3, None), 0, 1), (slice(6, 7, None), 0, 2)]
    >>> list(shares_of(1, 2, 7, 2))
    [(slice(3, 5, None), 0, 1), (slice(5, 6, None), 0, 1), (slice(6, 7, None), 1, 2)]
    """
    full, left = divmod(paths, processes)
    for begin in range(rank * full, (rank + 1) * full, at_once):
        yield slice(begin, min(begin + at_once, (rank + 1) * full)), 0, 1
    if left:
        parts = processes // left
        if rank < left * parts:
            place = paths - left + rank % left
            yield slice(place, place + 1), rank // left, parts


@contextmanager
def _evaluating(network: Supernet) -> Iterator[None]:
    """Put a network in evaluation mode, without its compiled blocks, and restore its mode on exit."""
    before = network.training
    network.eval()
    try:
        with torch.compiler.set_stance("force_eager"):
            yield
    finally:
        network.train(before)
