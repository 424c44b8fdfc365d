"""The processes that train together: one on its own, or as many as torchrun started, each with its device."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module

import torch
import torch.distributed as dist

from lissnas.errors import SettingError, TrainingError

_PATIENCE = timedelta(minutes=30)
"""After so long a process that is there but does not answer counts as lost (our own choice)."""


@dataclass(frozen=True)
class Processes:
    """One process among all of them.

    Attributes
    ----------
    number
        Rank of this process; rank 0 prints and writes files.
    count
        How many there are.
    device
        Where it computes.
    """

    number: int
    count: int
    device: torch.device

    def sum(self, values: torch.Tensor) -> torch.Tensor:
        """Return the sum of a tensor over all processes, on each.

        Raises TrainingError if another process has ended, or has not answered for half an hour.
        """
        if self.count > 1:
            try:
                dist.all_reduce(values)
            except RuntimeError as error:
                reason = str(error).splitlines()[0]
                raise TrainingError(
                    f"process {self.number} of {self.count} has lost another one ({reason}): look above for what ended "
                    "it first; the same command goes on from the newest checkpoint"
                ) from error
        return values

    def mean_gradients(self, parameters: Iterable[torch.nn.Parameter]) -> None:
        """Replace the gradients that there are, on each process of the same weights, by their mean over all.

        All are sent at once. Nothing is sent for weights without a gradient, as are most of a supernet's in each step.
        """
        if self.count == 1:
            return
        gradients = [weights.grad for weights in parameters if weights.grad is not None]
        if gradients:
            means = self.sum(torch.cat([each.flatten() for each in gradients]) / self.count)
            for each, mean in zip(gradients, means.split([each.numel() for each in gradients]), strict=True):
                each.copy_(mean.view(each.shape))

    def share(self, tensors: Iterable[torch.Tensor]) -> None:
        """Give all processes what the first one's tensors hold."""
        if self.count > 1:
            for each in tensors:
                dist.broadcast(each, 0)


@contextmanager
def processes(device: str | None = None) -> Iterator[Processes]:
    """Join the processes that torchrun started, which it tells by environment variables; without it there is but one.

    Parameters
    ----------
    device
        Where to compute; None for a GPU where there is one, each process on a node another, else the processor.

    Raises
    ------
    SettingError
        If there are fewer GPUs on a node than processes, or all would compute on the same one.
    """
    number, count = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    chosen = _device(device, int(os.environ.get("LOCAL_RANK", 0)))
    if chosen.type == "cuda":
        torch.cuda.set_device(chosen)
    joins = count > 1 and not dist.is_initialized()
    if joins:
        on_this_node = int(os.environ.get("LOCAL_WORLD_SIZE", 1))
        if chosen.type == "cuda" and device not in (None, "cuda") and on_this_node > 1:
            raise SettingError(
                f"all {on_this_node} processes of this node would compute on {device}: name no device, and each takes "
                "a GPU of its own"
            )
        # Whoever imports it once there is a group, as the first optimizer does, keeps that group and its threads to the
        # interpreter's end. They are the likely reason why it was aborted there, rarely (torch 2.13, gloo).
        import_module("torch._dynamo")
        if chosen.type == "cuda":
            dist.init_process_group("nccl", timeout=_PATIENCE, device_id=chosen)
        else:
            dist.init_process_group("gloo", timeout=_PATIENCE)
    try:
        yield Processes(number, count, chosen)
        if joins:
            dist.barrier()  # Nobody leaves before the rest is done: torchrun would end it.
    finally:
        if joins:
            dist.destroy_process_group()


def _device(asked: str | None, place: int) -> torch.device:
    """Return the device of a process by its place among those of its node."""
    chosen = torch.device(asked or ("cuda" if torch.cuda.is_available() else "cpu"))
    if chosen.type != "cuda":
        return chosen
    if chosen.index is None:
        chosen = torch.device("cuda", place)
    there = torch.cuda.device_count()
    if chosen.index >= there:
        most = f"start torchrun with --nproc-per-node={there} at most" if there else "compute on the device cpu"
        raise SettingError(
            f"process {place} of this node needs GPU {chosen.index}, but torch finds {there}, counted from 0: {most}"
        )
    return chosen
