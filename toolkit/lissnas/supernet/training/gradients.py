"""The gradients of a step: those of all its paths on all images of this process, added up.

Where memory is too small for them, smaller pieces of the batch are tried, and the error says what fits.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from lissnas.errors import TrainingError
from lissnas.spaces.space import Rows
from lissnas.storage.random_streams import TrainingStream
from lissnas.supernet.images.image_batches import LabeledBatch
from lissnas.supernet.networks.supernet import Supernet
from lissnas.supernet.training.out_of_memory import is_out_of_memory
from lissnas.supernet.training.training_recipe import TrainingRecipe


def add_gradients(
    network: Supernet,
    rows: Rows,
    pieces: Sequence[LabeledBatch],
    recipe: TrainingRecipe,
    scaler: torch.amp.GradScaler,
    draw: tuple[int, int, int],
) -> Tensor:
    """Leave the gradients of a step in the network, and return what each path has lost.

    Parameters
    ----------
    network
        In training; the weights that no path touches get no gradient.
    rows
        The paths, shape (paths, genes).
    pieces
        The images of this process, on the processor or already where the network is.
    scaler
        Scales the losses of float16.
    draw
        The seed of the run, the step, and the number of the first piece: what dropout drops depends on them.

    Returns
    -------
    The mean loss of each path in nats, float64 of shape (paths,).

    Raises
    ------
    TrainingError
        If memory is too small; the message says what would fit.
    """
    try:
        return _added(network, rows, pieces, recipe, scaler, draw)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        reason = str(error).partition("\n")[0]
    # Only here, where the error is gone, is everything free that its frames held.
    fits = _largest_that_fits(network, rows, pieces[0], recipe)
    paths = ", ".join(network.space.write(rows))
    advice = (
        f"micro_batch_size = {fits} fits. Batch norms then see fewer images at once, which is another training: where "
        "there are checkpoints, begin again in another folder"
        if fits
        else "no smaller micro_batch_size fits either: choose smaller images, or a device with more memory"
    )
    raise TrainingError(
        f"{network.space.name}: not enough memory on {_device(network)} for pieces of {len(pieces[0][1])} images on "
        f"{paths} ({reason}): {advice}"
    )


def _added(
    network: Supernet,
    rows: Rows,
    pieces: Sequence[LabeledBatch],
    recipe: TrainingRecipe,
    scaler: torch.amp.GradScaler,
    draw: tuple[int, int, int],
) -> Tensor:
    seed, step, first_piece = draw
    device = _device(network)
    losses = torch.zeros(len(rows), dtype=torch.float64, device=device)
    here = [_moved(piece, device) for piece in pieces]
    for number, path in enumerate(rows.tolist()):
        for piece, (images, labels) in enumerate(here):
            dropout = np.random.SeedSequence([TrainingStream.DROPOUT, seed, step, number, first_piece + piece])
            torch.manual_seed(int(dropout.generate_state(1, np.uint64)[0]))
            loss = _loss(network, images, labels, path, recipe) / len(here)
            scaler.scale(loss).backward()
            losses[number] += loss.detach()
    return losses


def _moved(piece: LabeledBatch, device: torch.device) -> LabeledBatch:
    images, labels = (values.to(device, non_blocking=True) for values in piece)
    return images, labels


def _loss(network: Supernet, images: Tensor, labels: Tensor, path: Sequence[int], recipe: TrainingRecipe) -> Tensor:
    images = images.float()
    if recipe.channels_last:
        images = images.contiguous(memory_format=torch.channels_last)
    precision = torch.float16 if recipe.precision == "float16" else torch.bfloat16
    with torch.autocast(images.device.type, precision, enabled=recipe.precision != "float32"):
        logits = network(images, path)
    return cross_entropy(logits.float(), labels, label_smoothing=recipe.label_smoothing)


def _largest_that_fits(network: Supernet, rows: Rows, piece: LabeledBatch, recipe: TrainingRecipe) -> int | None:
    """Return the largest part of a piece, of two images or more, into equal ones of which it falls; None for none."""
    size = len(piece[1])
    parts = (part for part in range(size // 2, 1, -1) if size % part == 0)
    with torch.compiler.set_stance("force_eager"):
        return next((part for part in parts if _fits(network, rows, piece, part, recipe)), None)


def _fits(network: Supernet, rows: Rows, piece: LabeledBatch, part: int, recipe: TrainingRecipe) -> bool:
    """Tell whether there is memory for the first images of a piece."""
    network.zero_grad(set_to_none=True)
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    try:
        images, labels = _moved((piece[0][:part], piece[1][:part]), _device(network))
        for path in rows.tolist():
            _loss(network, images, labels, path, recipe).backward()
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        return False
    return True


def _device(network: Supernet) -> torch.device:
    return next(network.parameters()).device
