"""The training loop of a supernet, in one process or in all that torchrun started.

A killed run continues from its newest checkpoint to the same bits. All random draws of step n (paths, images, dropout)
come from generators seeded with the seed of the run and n, so a checkpoint needs only the seed and the step.
"""

import logging
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from lissnas.errors import CheckpointError, TrainingError
from lissnas.spaces.space import Floats, Rows
from lissnas.storage.random_streams import TrainingStream
from lissnas.supernet.images.image_batches import TrainingImages
from lissnas.supernet.networks.supernet import Supernet, compile_fixed_parts
from lissnas.supernet.networks.weights import set_dropout
from lissnas.supernet.training.checkpoint import Checkpoints
from lissnas.supernet.training.gradient_buckets import GradientBuckets
from lissnas.supernet.training.gradients import accumulate_gradients
from lissnas.supernet.training.learning_rate_schedule import learning_rate_at
from lissnas.supernet.training.logs.progress import Progress, print_progress
from lissnas.supernet.training.optimizer import make_optimizer
from lissnas.supernet.training.out_of_memory import memory_for
from lissnas.supernet.training.path_samplers import PathSampler
from lissnas.supernet.training.process_group import join_process_group
from lissnas.supernet.training.resume import (
    check_same_start,
    package_versions,
    training_identity,
    warn_of_other_versions,
)
from lissnas.supernet.training.stop_signals import stop_signals
from lissnas.supernet.training.training_recipe import TrainingRecipe

_LOG = logging.getLogger(__name__)


def train_supernet(
    network: Supernet,
    images: TrainingImages,
    sampler: PathSampler,
    recipe: TrainingRecipe,
    rng: np.random.Generator,
    folder: Path,
    *,
    device: str | None = None,
    save_every: int = 1000,
    keep: int = 3,
    report: Callable[[Progress], None] = print_progress,
) -> dict[str, Tensor] | None:
    """Train a supernet in place, from its newest checkpoint if there is one; return the moving average of its weights.

    The gradients of all paths of a step are added, as in FairNAS and sandwich training. A weight that no path of the
    step uses has no gradient: the optimizer does not change it, and processes do not send it.

    Parameters
    ----------
    network
        The supernet with its initial weights, those of the first process. It is moved to the device. To resume, pass
        the same initial weights again, not those of an interrupted call.
    images
        The images of each step.
    sampler
        Chooses the paths of each step.
    recipe
        All settings of the training.
    rng
        Draws the seed of the run. All processes must pass a generator in the same state.
    folder
        Folder of the checkpoints. Each training needs its own, which all processes can read.
    device
        Device to compute on, as in `join_process_group`.
    save_every
        Number of steps between two checkpoints. One more is written at the end.
    keep
        Number of checkpoints that are kept.
    report
        Called by process 0 after every step.

    Returns
    -------
    The moving average of each weight by its name, or None if ``recipe.ema_decay`` is None.

    Raises
    ------
    SettingError
        If there are fewer micro-batches or GPUs than processes, or the sampler or the images do not fit the recipe.
    TrainingError
        If a loss is not finite (the message names the path), memory is too small (it says what would fit), or another
        process has ended.
    LissnasError
        If memory is too small for the weights alone.
    CheckpointError
        If the checkpoints belong to another training or are all damaged, or the last one cannot be written.
    SystemExit
        After SIGTERM or SIGINT, when a checkpoint has been written.
    """
    with join_process_group(device) as group, stop_signals() as signals:
        recipe = recipe.on(group.device)
        own = recipe.micro_batches_of(group.rank, group.world_size)
        share = recipe.micro_batches / group.world_size
        with memory_for("the weights, their momenta and their average", group.device, "train a smaller network"):
            network.to(group.device).train()
            if recipe.channels_last:
                network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
            if recipe.dropout is not None:
                set_dropout(network, recipe.dropout)
            group.broadcast(network.state_dict().values())
            optimizer = make_optimizer(network, recipe)
            average = {} if recipe.ema_decay is None else {n: w.detach().clone() for n, w in network.named_parameters()}
        scaler = torch.amp.GradScaler(group.device.type, enabled=recipe.precision == "float16")
        buckets = GradientBuckets(group, network.parameters())

        # resume from the newest checkpoint
        seed = int(rng.integers(2**63))
        checkpoints = Checkpoints(folder, training_identity(network, images, sampler, recipe, seed), keep)
        saved = checkpoints.newest()
        first = 0 if saved is None else int(saved["step"])
        check_same_start(group, seed, first)
        if saved is not None:
            warn_of_other_versions(saved["versions"])
            network.load_state_dict(saved["network"])
            optimizer.load_state_dict(saved["optimizer"])
            scaler.load_state_dict(saved["scaler"])
            for name, weights in average.items():
                weights.copy_(saved["average"][name])
            del saved

        if recipe.compiled:
            compile_fixed_parts(network)

        def state() -> dict[str, Any]:
            return {
                "network": network.state_dict(),
                "optimizer": optimizer.state_dict(),
                "scaler": scaler.state_dict(),
                "average": average,
                "versions": package_versions(),
            }

        started = time.monotonic()
        batches = images.steps(recipe.batch_size, recipe.micro_batches, own, seed, first)
        for step, micro_batches in zip(range(first, recipe.steps), batches, strict=False):
            # forward and backward passes of all paths; to read the losses is all that the processor waits for
            paths = sampler.next(np.random.default_rng([TrainingStream.PATHS, seed, step]))
            measured = accumulate_gradients(
                network, paths, micro_batches, share, recipe, scaler, (seed, step, own[0]), buckets.last_backward
            )
            signaled = measured.new_full((1,), len(signals))
            *sums, stops = group.sum(torch.cat([measured.flatten(), signaled])).tolist()
            loss_sums, correct_sums = np.array(sums).reshape(2, -1)
            _check_finite(network, paths, loss_sums, step)
            buckets.finish()

            # update the weights, with gradient clipping
            for parameters in optimizer.param_groups:
                parameters["lr"] = learning_rate_at(recipe, step)
            if recipe.grad_clip_value is not None or recipe.grad_clip_norm is not None:
                scaler.unscale_(optimizer)
            if recipe.grad_clip_value is not None:
                nn.utils.clip_grad_value_(network.parameters(), recipe.grad_clip_value)
            if recipe.grad_clip_norm is not None:
                nn.utils.clip_grad_norm_(network.parameters(), recipe.grad_clip_norm)
            scaler.step(optimizer)
            scaler.update()
            optimizer.zero_grad(set_to_none=True)
            if recipe.ema_decay is not None:
                get_ema_multi_avg_fn(recipe.ema_decay)(list(average.values()), list(network.parameters()), step)

            # report, and write a checkpoint
            done = step + 1
            if group.rank == 0:
                elapsed = time.monotonic() - started
                seconds = elapsed / (done - first)
                loss, correct = (float(np.mean(each)) / group.world_size for each in (loss_sums, correct_sums))
                speed, left = recipe.batch_size / seconds, seconds * (recipe.steps - done)
                report(Progress(done, recipe.steps, loss, paths, speed, left, 100 * correct, elapsed))
                last = stops > 0 or done == recipe.steps
                if last or done % save_every == 0:
                    _save(checkpoints, done, state(), last)
            if stops > 0:
                # Wait until process 0 has written the checkpoint: torchrun ends all processes when one leaves.
                group.sum(measured).tolist()
                raise SystemExit(128 + (signals[0] if signals else signal.SIGTERM))
    return average or None


def _check_finite(network: Supernet, paths: Rows, losses: Floats, step: int) -> None:
    """Raise TrainingError if the loss of a path is not finite. The step has not changed the weights yet."""
    wrong = ~np.isfinite(losses)
    if wrong.any():
        [path] = network.space.write(paths[wrong][:1])
        raise TrainingError(
            f"{network.space.name}: the loss of step {step + 1:,} is {losses[wrong][0]} on the path {path}; train "
            "again with a lower learning_rate, more warmup_steps or a grad_clip_value. That is another training: if "
            "there are checkpoints, choose another folder"
        )


def _save(checkpoints: Checkpoints, step: int, state: Mapping[str, Any], last: bool) -> None:
    """Write a checkpoint. If that fails, log a warning and continue; raise the error only for the last one."""
    try:
        checkpoints.save(step, state)
    except CheckpointError as error:
        if last:
            raise
        _LOG.warning("%s; the training continues meanwhile", error)
