"""The processes that train together: one on its own, or as many as torchrun started, each with its device."""

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist


@dataclass(frozen=True)
class Processes:
    """One process among all of them.

    Attributes
    ----------
    number
        Which it is; 0 speaks and writes files.
    count
        How many there are.
    device
        Where it computes.
    """

    number: int
    count: int
    device: torch.device

    def sum(self, values: torch.Tensor) -> torch.Tensor:
        """Return the sum of a tensor over all processes, on each."""
        if self.count > 1:
            dist.all_reduce(values)
        return values


@contextmanager
def processes(device: str | None = None) -> Iterator[Processes]:
    """Join the processes that torchrun started, which it tells by environment variables; without it there is but one.

    Parameters
    ----------
    device
        Where to compute; None for a GPU where there is one, each process on a node another, else the processor.
    """
    number, count = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    if device is None:
        device = f"cuda:{os.environ.get('LOCAL_RANK', 0)}" if torch.cuda.is_available() else "cpu"
    chosen = torch.device(device)
    if chosen.type == "cuda":
        torch.cuda.set_device(chosen)
    joins = count > 1 and not dist.is_initialized()
    if joins:
        dist.init_process_group("nccl" if chosen.type == "cuda" else "gloo")
    try:
        yield Processes(number, count, chosen)
        if joins:
            dist.barrier()  # Nobody leaves before the rest is done: torchrun would end it.
    finally:
        if joins:
            gc.collect()  # Networks that are no longer in use would hold on to the connections.
            dist.destroy_process_group()
