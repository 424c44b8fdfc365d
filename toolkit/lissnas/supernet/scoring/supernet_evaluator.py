"""SupernetEvaluator: scores an architecture by the accuracy of its path in a trained supernet."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import islice

import numpy as np
import torch
from torch import Tensor, nn

from lissnas.spaces.space import Floats, Rows
from lissnas.supernet.images.image_batches import LabeledBatch
from lissnas.supernet.networks.supernet import Supernet
from lissnas.supernet.networks.weights import weights_digest
from lissnas.supernet.scoring.batch_norm_recalibration import recalibrate_batch_norms
from lissnas.supernet.training.forward_pass import forward_pass
from lissnas.supernet.training.out_of_memory import memory_for
from lissnas.supernet.training.process_group import ProcessGroup
from lissnas.supernet.training.training_recipe import Precision

_REMEDY = "lower scoring.batch_size or scoring.recalibration_batch_size"


class SupernetEvaluator:
    """Scores a path by its accuracy on held-out images in percent, after recalibrating its batch norms.

    After training, the statistics in the batch norms are a mixture over all paths. The evaluator gives each path its
    own before scoring it: the mean of the statistics of several batches of training images, as in SPOS (Guo et al.,
    ECCV 2020).

    Pass it to `shrink` or `search` like any other evaluator. It scores a path once for the same weights. Under
    torchrun each process scores a share of the paths, so all processes must request the same rows. The last paths, if
    they are fewer than the processes, are scored by several processes each, which share the held-out images.

    Parameters
    ----------
    network
        The trained supernet. Scoring overwrites the statistics of its batch norms and nothing else.
    recalibration
        Batches of training images, float of shape (images, channels, height, width), read once for each path. If there
        are none, a path is scored with the statistics that training left; use this only for comparison.
    held_out
        Batches of images and labels that training never saw, read once for each path.
    group
        The processes; None for this process alone, on the device of the network.
    report
        Called after each path that this process scores, with the number of paths that all processes have scored.
    precision, channels_last
        Precision of convolutions, and memory format, as in a recipe; None for float32.
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
    ) -> None:
        self._process_group = group or ProcessGroup(0, 1, next(network.parameters()).device)
        with memory_for("the weights", self._process_group.device, "score with a smaller network"):
            self._network = network.to(self._process_group.device)
            if channels_last:
                network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._recalibration = recalibration
        self._held_out = held_out
        self._report = report
        self._precision = precision
        self._channels_last = channels_last
        self._scores: dict[tuple[str, bytes], float] = {}

    def try_one_path(self) -> None:
        """Score one path on the first batches only, so that what would fail later fails before the training.

        The statistics of the batch norms are restored. Raises LissnasError if the images cannot be read or memory does
        not suffice.
        """
        path = self._network.space.sample(1, np.random.default_rng(0))[0].tolist()
        before = {name: values.clone() for name, values in self._network.named_buffers()}
        weights_digest(self._network.parameters())
        with memory_for("scoring", self._process_group.device, _REMEDY), _evaluating(self._network), torch.no_grad():
            recalibrate_batch_norms(self._network, islice(self._recalibration, 1), partial(self._classify, path=path))
            for images, _labels in islice(self._held_out, 1):
                self._classify(images, path)
            for name, values in self._network.named_buffers():
                values.copy_(before[name])

    @property
    def scored(self) -> int:
        """Number of paths scored so far, by all processes."""
        return len(self._scores)

    @property
    def rows_at_once(self) -> int:
        """Number of rows in a line of a journal: one for each process, because a path takes seconds to minutes."""
        return self._process_group.world_size

    def __call__(self, rows: Rows) -> Floats:
        """Return the accuracy of each row in percent, float64 of shape (n,); NaN if an output is not finite.

        Raises LissnasError if memory does not suffice or the images cannot be read.
        """
        rows = self._network.space.checked(rows)
        weights = weights_digest(self._network.parameters())
        keys = [(weights, row.tobytes()) for row in rows]
        unscored = {key: row for key, row in zip(keys, rows, strict=True) if key not in self._scores}
        processes, device = self._process_group.world_size, self._process_group.device
        counts = torch.zeros(len(unscored), 3, dtype=torch.int64, device=device)
        paths = [row.tolist() for row in unscored.values()]
        with memory_for("scoring", device, _REMEDY), _evaluating(self._network), torch.no_grad():
            for place, part, parts in shares_of(self._process_group.rank, processes, len(unscored)):
                counts[place] = self._score(paths[place], part, parts)
                self._report(self.scored + min(place + processes, len(unscored)))
        counted = self._process_group.sum(counts).tolist()
        scores = [100 * correct / count if not wrong else np.nan for correct, count, wrong in counted]
        self._scores |= zip(unscored, scores, strict=True)
        return np.array([self._scores[key] for key in keys])

    def stand_alone(self, row: Rows) -> nn.Module:
        """Return the network of a path, shape (genes,), with its weights and its recalibrated batch norms."""
        with memory_for("recalibration", self._process_group.device, _REMEDY), _evaluating(self._network):
            with torch.no_grad():
                recalibrate_batch_norms(self._network, self._recalibration, partial(self._classify, path=row.tolist()))
            return self._network.stand_alone(row)

    def _score(self, path: list[int], part: int, parts: int) -> Tensor:
        """Return how many images of a part are classified correctly, of how many, and if an output is not finite.

        The first part has every `parts`-th batch from the first one, the second from the second one, and so on.
        """
        recalibrate_batch_norms(self._network, self._recalibration, partial(self._classify, path=path))
        correct = torch.zeros((), dtype=torch.int64, device=self._process_group.device)
        wrong = torch.zeros((), dtype=torch.bool, device=self._process_group.device)
        count = 0
        for images, labels in islice(self._held_out, part, None, parts):
            logits = self._classify(images, path)
            correct += (logits.argmax(1) == self._to_device(labels)).sum()
            wrong |= ~torch.isfinite(logits).all()
            count += len(labels)
        return torch.stack([correct, torch.full_like(correct, count), wrong.long()])

    def _classify(self, images: Tensor, path: list[int]) -> Tensor:
        return forward_pass(self._network, self._to_device(images), path, self._precision, self._channels_last)

    def _to_device(self, values: Tensor) -> Tensor:
        return values.to(self._process_group.device, non_blocking=True)


def shares_of(rank: int, processes: int, paths: int) -> Iterator[tuple[int, int, int]]:
    """Yield what one of several processes scores: the number of a path, and which part of how many of its images.

    Each process scores every `processes`-th path on all images, as long as there are as many paths as processes. The
    remaining paths share the processes.

    Examples
    --------
    >>> [list(shares_of(rank, 4, 5)) for rank in range(4)]
    [[(0, 0, 1), (4, 0, 4)], [(1, 0, 1), (4, 1, 4)], [(2, 0, 1), (4, 2, 4)], [(3, 0, 1), (4, 3, 4)]]
    """
    left = paths % processes
    for place in range(rank, paths - left, processes):
        yield place, 0, 1
    if left:
        parts = processes // left
        if rank < left * parts:
            yield paths - left + rank % left, rank // left, parts


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
