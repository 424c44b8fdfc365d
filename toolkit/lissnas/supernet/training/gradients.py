"""The gradients of a step: the sum over its paths of the gradients on this process's images, in mixed precision.

If memory is too small, smaller micro-batches are tried, and the error says which size fits.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from lissnas.errors import TrainingError
from lissnas.spaces.space import Rows
from lissnas.storage.random_streams import TrainingStream
from lissnas.supernet.images.image_batches import LabeledBatch, TrainingBatch
from lissnas.supernet.networks.supernet import Supernet
from lissnas.supernet.training.forward_pass import forward_pass
from lissnas.supernet.training.out_of_memory import is_out_of_memory
from lissnas.supernet.training.training_recipe import TrainingRecipe


def accumulate_gradients(
    network: Supernet,
    paths: Rows,
    micro_batches: Sequence[TrainingBatch],
    share: float,
    recipe: TrainingRecipe,
    scaler: torch.amp.GradScaler,
    dropout_seed: tuple[int, int, int],
    last_backward: Callable[[Tensor], None] = Tensor.backward,
) -> Tensor:
    """Add the gradients of a step to those of the network, and return the loss and the accuracy of each path.

    Parameters
    ----------
    network
        The supernet, in training mode. Weights that no path uses get no gradient.
    paths
        The paths of the step, shape (paths, genes).
    micro_batches
        The images of this process, on any device.
    share
        Number of micro-batches of a process, on average. Each loss is divided by it, so that the mean over processes is
        the mean over all micro-batches, also if this process has one more or less.
    recipe
        Gives precision and label smoothing.
    scaler
        Scales the losses if the precision is float16.
    dropout_seed
        The seed of the run, the step, and the number of the first micro-batch: they decide what dropout drops.
    last_backward
        Runs the last backward pass of the step. `GradientBuckets.last_backward` also sends the gradients.

    Returns
    -------
    float64 of shape (2, paths), divided by `share`: the sums over micro-batches of the losses of each path in nats, and
    of the shares of images that it classifies correctly.

    Raises
    ------
    TrainingError
        If memory is too small. The message says which micro-batch fits.
    """
    try:
        return _accumulate(network, paths, micro_batches, share, recipe, scaler, dropout_seed, last_backward)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        reason = str(error).partition("\n")[0]
    # Not inside the handler: the error keeps frames, and with them tensors, alive.
    size = len(micro_batches[0][1])
    fits = _largest_that_fits(network, paths, micro_batches[0], recipe)
    names = ", ".join(network.space.write(paths))
    advice = (
        f"micro_batch_size = {fits} fits. Batch norms then see fewer images at once, which is another training: if "
        "there are checkpoints, choose another folder"
        if fits
        else "no smaller micro_batch_size fits either: choose smaller images, or a device with more memory"
    )
    raise TrainingError(
        f"{network.space.name}: not enough memory on {_device(network)} for micro-batches of {size} images on {names} "
        f"({reason}): {advice}"
    )


def _accumulate(
    network: Supernet,
    paths: Rows,
    micro_batches: Sequence[TrainingBatch],
    share: float,
    recipe: TrainingRecipe,
    scaler: torch.amp.GradScaler,
    dropout_seed: tuple[int, int, int],
    last_backward: Callable[[Tensor], None],
) -> Tensor:
    seed, step, first_micro_batch = dropout_seed
    device = _device(network)
    measured = torch.zeros(2, len(paths), dtype=torch.float64, device=device)
    on_device = [_moved(micro_batch, device) for micro_batch in micro_batches]
    for number, path in enumerate(paths.tolist()):
        for place, (images, labels) in enumerate(on_device):
            key = [TrainingStream.DROPOUT, seed, step, number, first_micro_batch + place]
            torch.manual_seed(int(np.random.SeedSequence(key).generate_state(1, np.uint64)[0]))
            loss, correct = _loss(network, images, labels, path, recipe)
            loss = loss / share
            is_last = number + 1 == len(paths) and place + 1 == len(on_device)
            (last_backward if is_last else Tensor.backward)(scaler.scale(loss))
            measured[0, number] += loss.detach()
            measured[1, number] += correct / share
    return measured


def _moved(batch: TrainingBatch, device: torch.device) -> LabeledBatch:
    images, labels = batch
    return images.to(device, non_blocking=True), labels.to(device, non_blocking=True)


def _loss(
    network: Supernet, images: Tensor, labels: Tensor, path: Sequence[int], recipe: TrainingRecipe
) -> tuple[Tensor, Tensor]:
    """Return the loss of a path in nats, and the share of the images that it classifies correctly.

    Convolutions compute in the precision of the recipe.
    """
    logits = forward_pass(network, images, path, recipe.precision, recipe.channels_last)
    correct = (logits.detach().argmax(1) == labels).double().mean()
    return cross_entropy(logits, labels, label_smoothing=recipe.label_smoothing), correct


def _largest_that_fits(network: Supernet, paths: Rows, batch: TrainingBatch, recipe: TrainingRecipe) -> int | None:
    """Return the largest divisor of the micro-batch size, at least 2, that fits into memory; None if none does."""
    size = len(batch[1])
    smaller = (part for part in range(size // 2, 1, -1) if size % part == 0)
    with torch.compiler.set_stance("force_eager"):
        return next((part for part in smaller if _fits(network, paths, batch, part, recipe)), None)


def _fits(network: Supernet, paths: Rows, batch: TrainingBatch, size: int, recipe: TrainingRecipe) -> bool:
    """Return whether forward and backward passes on the first images of a batch fit into memory."""
    network.zero_grad(set_to_none=True)
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    try:
        images, labels = (values[:size] for values in _moved(batch, _device(network)))
        for path in paths.tolist():
            loss, _correct = _loss(network, images, labels, path, recipe)
            loss.backward()
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        return False
    return True


def _device(network: Supernet) -> torch.device:
    return next(network.parameters()).device
