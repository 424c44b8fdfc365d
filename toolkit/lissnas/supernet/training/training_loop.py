"""Training a supernet one path at a time, on one process or as many as torchrun starts; killed, it goes on as it was.

Whatever is drawn for step n, its paths, its images and what dropout drops, comes from generators made of the run's seed
and n. A checkpoint therefore holds the state of every generator by holding the seed and the step.
"""

import hashlib
import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from lissnas.errors import CheckpointError, SettingError, TrainingError
from lissnas.spaces.space import Floats, Rows
from lissnas.storage.random_streams import TrainingStream
from lissnas.storage.run_identity import RunIdentity
from lissnas.supernet.images.image_batches import TrainingImages
from lissnas.supernet.networks.supernet import Supernet
from lissnas.supernet.training.checkpoint import Checkpoints
from lissnas.supernet.training.gradients import add_gradients
from lissnas.supernet.training.out_of_memory import memory_for
from lissnas.supernet.training.path_samplers import PathSampler
from lissnas.supernet.training.processes import Processes, processes
from lissnas.supernet.training.training_recipe import TrainingRecipe

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Progress:
    """How far a training is.

    Attributes
    ----------
    step, steps
        The step just done, from 1, and how many there are.
    loss
        Of its paths, in nats, before they learnt from the images: their mean.
    rows
        Its paths.
    images_a_second
        Over all processes, since this run began or went on; an image counts once, however many paths see it.
    seconds_left
        At that speed.
    """

    step: int
    steps: int
    loss: float
    rows: Rows
    images_a_second: float
    seconds_left: float

    def __str__(self) -> str:
        hours, seconds = divmod(round(self.seconds_left), 3600)
        left = f"{hours // 24} d {hours % 24} h" if hours >= 24 else f"{hours}:{seconds // 60:02}:{seconds % 60:02}"
        return (
            f"step {self.step:,} of {self.steps:,}: loss {self.loss:.3f}, "
            f"{self.images_a_second:,.0f} images/s, {left} left"
        )


def print_progress(progress: Progress) -> None:
    """Print a line every hundredth step."""
    if progress.step % 100 == 0 or progress.step == progress.steps:
        print(progress, flush=True)


def train_paths(
    network: Supernet,
    batches: TrainingImages,
    paths: PathSampler,
    recipe: TrainingRecipe,
    rng: np.random.Generator,
    folder: Path,
    *,
    device: str | None = None,
    save_every: int = 1000,
    kept: int = 3,
    report: Callable[[Progress], None] = print_progress,
) -> dict[str, Tensor] | None:
    """Train a supernet, from its newest checkpoint on if there is one; the weights are left in the network.

    The gradients of a step's paths are added up, as FairNAS does and those who train sandwiches. A weight that no path
    of a step touches has no gradient, and stays exactly as it is; nor is it sent between processes.

    Parameters
    ----------
    network
        Is moved to the device.
    batches
        The images of each step.
    paths
        The networks of each step.
    rng
        Draws the seed of the run. On all processes it must be in the same state.
    folder
        Of the checkpoints: one training, one folder, which all processes can read.
    device
        As in `processes`.
    save_every
        After how many steps a checkpoint is written; one more is written at the end.
    kept
        How many checkpoints are kept.
    report
        Is told of every step, by the first process.

    Returns
    -------
    The moving average of each weight by its name, or None if the recipe asks for none.

    Raises
    ------
    SettingError
        If the pieces of a batch cannot be shared out evenly, there are fewer GPUs than processes, or a sampler or the
        images do not fit the recipe.
    TrainingError
        If the loss is no number; the message names the path. If memory is too small; it says what would fit. If
        another process has ended.
    LissnasError
        If memory is too small for the weights alone.
    CheckpointError
        If the checkpoints are of another training or all damaged, or the last one cannot be written.
    SystemExit
        After SIGTERM or SIGINT, once a checkpoint is written.
    """
    with processes(device) as together, _signals() as signals:
        own = recipe.micro_batches_per_process(together.count)
        mine = range(together.number * own, (together.number + 1) * own)
        with memory_for("the weights, their momenta and their average", together.device, "train a smaller network"):
            network.to(together.device).train()
            if recipe.channels_last:
                network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
            together.share(network.state_dict().values())
            optimizer = _optimizer(network, recipe)
            average = {} if recipe.ema_decay is None else {n: w.detach().clone() for n, w in network.named_parameters()}
        scaler = torch.amp.GradScaler(together.device.type, enabled=recipe.precision == "float16")

        seed = int(rng.integers(2**63))
        checkpoints = Checkpoints(folder, _identity(network, batches, paths, recipe, seed), kept)
        begun = checkpoints.newest()
        first = 0 if begun is None else int(begun["step"])
        _check_agreement(together, seed, first)
        if begun is not None:
            _warn_of_other_versions(begun)
            network.load_state_dict(begun["network"])
            optimizer.load_state_dict(begun["optimizer"])
            scaler.load_state_dict(begun["scaler"])
            for name, weights in average.items():
                weights.copy_(begun["average"][name])
            del begun

        if recipe.compiled:
            _compile(network)

        def state() -> dict[str, Any]:
            return {
                "network": network.state_dict(),
                "optimizer": optimizer.state_dict(),
                "scaler": scaler.state_dict(),
                "average": average,
                "versions": _versions(),
            }

        started = time.monotonic()
        images = batches.steps(recipe.batch_size, recipe.micro_batches, mine, seed, first)
        for step, pieces in zip(range(first, recipe.steps), images, strict=False):
            rows = paths.next(np.random.default_rng([TrainingStream.PATHS, seed, step]))
            losses = add_gradients(network, rows, pieces, recipe, scaler, (seed, step, mine[0]))
            *seen, asked = together.sum(torch.cat([losses, losses.new_tensor([len(signals)])])).tolist()
            _check_finite(network, rows, np.array(seen), step)
            together.mean_gradients(network.parameters())

            for group in optimizer.param_groups:
                group["lr"] = recipe.rate_at(step)
            if recipe.grad_clip_value is not None:
                scaler.unscale_(optimizer)
                nn.utils.clip_grad_value_(network.parameters(), recipe.grad_clip_value)
            scaler.step(optimizer)
            scaler.update()
            optimizer.zero_grad(set_to_none=True)
            if recipe.ema_decay is not None:
                get_ema_multi_avg_fn(recipe.ema_decay)(list(average.values()), list(network.parameters()), step)

            done = step + 1
            if together.number == 0:
                seconds = (time.monotonic() - started) / (done - first)
                loss = float(np.mean(seen)) / together.count
                report(
                    Progress(
                        done, recipe.steps, loss, rows, recipe.batch_size / seconds, seconds * (recipe.steps - done)
                    )
                )
                last = asked > 0 or done == recipe.steps
                if last or done % save_every == 0:
                    _save(checkpoints, done, state(), last)
            if asked > 0:
                # Nobody leaves before the checkpoint is written: torchrun would end the rest. To read a sum is to wait.
                together.sum(losses).tolist()
                raise SystemExit(128 + (signals[0] if signals else signal.SIGTERM))
    return average or None


def _optimizer(network: nn.Module, recipe: TrainingRecipe) -> torch.optim.SGD:
    """Return what updates the weights that have a gradient, and those alone, all in one call.

    That call wants a momentum for each of them, also for those that it meets for the first time: it begins at zero.
    """
    kernels = [weights for weights in network.parameters() if weights.ndim > 1]
    others = [weights for weights in network.parameters() if weights.ndim <= 1]
    decays = (recipe.weight_decay, recipe.weight_decay if recipe.weight_decay_on_norms else 0.0)
    groups = [
        {"params": weights, "weight_decay": decay}
        for weights, decay in zip((kernels, others), decays, strict=True)
        if weights
    ]
    optimizer = torch.optim.SGD(groups, recipe.learning_rate, recipe.momentum, nesterov=recipe.nesterov, fused=True)
    for weights in (*kernels, *others):
        optimizer.state[weights]["momentum_buffer"] = torch.zeros_like(weights)
    return optimizer


def _compile(network: Supernet) -> None:
    """Compile every part for itself; torch's limit is meant for one function, and ours is called by them all."""
    parts = list(network.fixed_parts())
    torch._dynamo.config.recompile_limit = max(torch._dynamo.config.recompile_limit, 8 * len(parts))
    torch._dynamo.config.fail_on_recompile_limit_hit = True
    for part in parts:
        part.compile(dynamic=False)  # a block always sees the same shapes; torch fails on some it takes for changing


def _check_finite(network: Supernet, rows: Rows, losses: Floats, step: int) -> None:
    """Raise TrainingError if a loss is no number; the weights are as they were before the step."""
    wrong = ~np.isfinite(losses)
    if wrong.any():
        [path] = network.space.write(rows[wrong][:1])
        raise TrainingError(
            f"{network.space.name}: the loss of step {step + 1:,} is {losses[wrong][0]} on the path {path}; "
            "begin again with a lower rate, a longer warm-up, or gradients that are cut, which is another training: "
            "where there are checkpoints, in another folder"
        )


def _save(checkpoints: Checkpoints, done: int, state: Mapping[str, Any], last: bool) -> None:
    """Write a checkpoint; where that fails, the training goes on without, unless it was the last chance."""
    try:
        checkpoints.save(done, state)
    except CheckpointError as error:
        if last:
            raise
        _LOG.warning("%s; meanwhile the training goes on", error)


def _identity(
    network: Supernet, batches: TrainingImages, paths: PathSampler, recipe: TrainingRecipe, seed: int
) -> RunIdentity:
    """Return what tells one training from another; a sampler is known by what it draws."""
    drawn = [
        paths.next(np.random.default_rng([TrainingStream.PATHS_FINGERPRINT, number])).tobytes() for number in range(16)
    ]
    shapes = [(name, list(values.shape)) for name, values in network.state_dict().items()]
    return RunIdentity(
        space=network.space.name,
        method=type(paths).__name__,
        settings=asdict(recipe),
        seed=seed,
        data={
            "choices": network.space.choices,
            "images": batches.description,
            "paths": hashlib.sha256(b"".join(drawn)).hexdigest()[:16],
            "weight_shapes": hashlib.sha256(repr(shapes).encode()).hexdigest()[:16],
        },
    )


def _check_agreement(together: Processes, seed: int, first: int) -> None:
    """Raise SettingError if the processes would train differently."""
    mine = [seed % 2**31, first]
    if together.sum(torch.tensor(mine, device=together.device)).tolist() != [together.count * each for each in mine]:
        raise SettingError(
            "the processes begin with different generators or checkpoints: give all the same seed, and a folder of "
            "checkpoints that all can read"
        )


def _versions() -> dict[str, str]:
    return {package: version(package) for package in ("lissnas", "numpy", "torch")}


def _warn_of_other_versions(begun: Mapping[str, Any]) -> None:
    for package, ours in _versions().items():
        if begun["versions"][package] != ours:
            _LOG.warning(
                "the training began with %s %s, and goes on with %s", package, begun["versions"][package], ours
            )


@contextmanager
def _signals() -> Iterator[list[int]]:
    """Yield a list to which SIGTERM and SIGINT are added as they come, in place of what they do otherwise."""
    come: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield come
        return
    watched = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(each, lambda number, _frame: come.append(number)) for each in watched]
    try:
        yield come
    finally:
        for each, handler in zip(watched, before, strict=True):
            signal.signal(each, handler)
