"""Batch-norm recalibration: statistics for the batch norms of one path, from batches of training images.

The statistics that the training of a supernet leaves in its batch norms mix all paths. SPOS (Guo et al., ECCV 2020)
gives each path its own before it is scored: the mean, over the batches, of the mean and variance of each batch.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from lissnas.errors import LissnasError

Batch = TypeVar("Batch")


def recalibrate_batch_norms(network: nn.Module, batches: Iterable[Batch], forward: Callable[[Batch], object]) -> None:
    """Replace the running statistics of all batch norms by their mean over some batches.

    Batch norms end in evaluation mode; all other modules keep their mode. Without batches, the statistics stay as they
    are.

    Parameters
    ----------
    network
        The module whose batch norms are recalibrated. No weight is changed.
    batches
        The batches, each of at least 2 images.
    forward
        Runs the network on a batch.

    Raises
    ------
    LissnasError
        If a batch has one image, and a batch norm sees one pixel of it.
    """
    norms = [module for module in network.modules() if isinstance(module, _BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    try:
        with explain_single_values():
            for number, batch in enumerate(batches):
                for norm in norms:
                    if number == 0:
                        norm.reset_running_stats()
                        norm.training = True
                    norm.momentum = 1 / (number + 1)  # the mean of all batches so far; None would wait for the GPU
                forward(batch)
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
            norm.training = False


@contextmanager
def explain_single_values() -> Iterator[None]:
    """Turn torch's error about a batch norm that sees a single value into a LissnasError that says what to do."""
    try:
        yield
    except ValueError as error:
        if "more than 1 value per channel" not in str(error):
            raise
        raise LissnasError(
            "a batch norm cannot be recalibrated on a single value: use batches of two or more images"
        ) from error
