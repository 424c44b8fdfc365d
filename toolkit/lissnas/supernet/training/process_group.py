"""The processes of one training: a single one, or all that torchrun started, each with its own device.

Needs nothing but torch.distributed: NCCL between GPUs, gloo between processors.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module

import torch
import torch.distributed as dist

from lissnas.errors import SettingError, TrainingError

_TIMEOUT = timedelta(minutes=30)
"""A process that does not answer for this long counts as lost (our own choice)."""


@dataclass(frozen=True)
class PendingSum:
    """A sum over processes that is being computed.

    Attributes
    ----------
    group
        The process that waits.
    work
        torch's handle of the communication; None if there is only one process.
    """

    group: "ProcessGroup"
    work: "dist.Work | None"

    def wait(self) -> None:
        """Wait until the tensor holds the sum; on GPUs only the device waits. Raises as `ProcessGroup.sum` does."""
        if self.work is not None:
            with self.group._losing_another_process():
                self.work.wait()


@dataclass(frozen=True)
class ProcessGroup:
    """A process among all processes of a training.

    Attributes
    ----------
    rank
        Number of this process, from 0. Process 0 writes the files.
    world_size
        Number of processes.
    device
        Device on which this process computes.
    """

    rank: int
    world_size: int
    device: torch.device

    def sum(self, values: torch.Tensor) -> torch.Tensor:
        """Return the sum of a tensor over all processes; every process gets it, in the tensor that it passed.

        Raises
        ------
        TrainingError
            If another process has ended, or does not answer for half an hour.
        """
        self.start_sum(values).wait()
        return values

    def start_sum(self, values: torch.Tensor) -> PendingSum:
        """Start to sum a tensor over all processes, in place; all processes must start their sums in the same order.

        Raises TrainingError if another process has ended.
        """
        if self.world_size == 1:
            return PendingSum(self, None)
        with self._losing_another_process():
            return PendingSum(self, dist.all_reduce(values, async_op=True))

    @contextmanager
    def _losing_another_process(self) -> Iterator[None]:
        try:
            yield
        except RuntimeError as error:
            reason = str(error).splitlines()[0]
            raise TrainingError(
                f"process {self.rank} of {self.world_size} has lost another one ({reason}): look above for what "
                "ended it first; the same command continues from the newest checkpoint"
            ) from error

    def broadcast(self, tensors: Iterable[torch.Tensor]) -> None:
        """Copy the tensors of process 0 into those of all other processes."""
        if self.world_size > 1:
            for each in tensors:
                dist.broadcast(each, 0)


@contextmanager
def join_process_group(device: str | None = None) -> Iterator[ProcessGroup]:
    """Join the processes that torchrun started, as its environment variables say; without torchrun there is only one.

    Parameters
    ----------
    device
        Where to compute. By default each process of a node takes its own GPU, or the processor if there is no GPU.

    Raises
    ------
    SettingError
        If a node has fewer GPUs than processes, if all processes would compute on the same GPU, or if the processes
        cannot meet, for example because another program has their port.
    """
    rank, world_size = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    chosen = _device(device, int(os.environ.get("LOCAL_RANK", 0)))
    if chosen.type == "cuda":
        torch.cuda.set_device(chosen)
        torch.backends.cudnn.benchmark = True  # images always have the same size
    joins = world_size > 1 and not dist.is_initialized()
    if joins:
        on_this_node = int(os.environ.get("LOCAL_WORLD_SIZE", 1))
        if chosen.type == "cuda" and device not in (None, "cuda") and on_this_node > 1:
            raise SettingError(
                f"all {on_this_node} processes of this node would compute on {device}: leave the device out, and each "
                "process takes its own GPU"
            )
        # Imported after a group exists, as the first optimizer would do, torch._dynamo keeps that group and its threads
        # until the interpreter ends. That is the likely reason why the interpreter rarely aborted there (torch 2.13,
        # gloo).
        import_module("torch._dynamo")
        try:
            if chosen.type == "cuda":
                dist.init_process_group("nccl", timeout=_TIMEOUT, device_id=chosen)
            else:
                dist.init_process_group("gloo", timeout=_TIMEOUT)
        except (RuntimeError, ValueError) as error:
            place = ":".join(os.environ.get(name, f"(no {name})") for name in ("MASTER_ADDR", "MASTER_PORT"))
            raise SettingError(
                f"process {rank} of {world_size} cannot meet the others at {place} ({str(error).splitlines()[0]}): "
                "start the processes with torchrun, and give it another --master-port if this one is in use"
            ) from error
    try:
        yield ProcessGroup(rank, world_size, chosen)
        if joins:
            dist.barrier()  # torchrun ends all processes when one leaves, so all leave together
    finally:
        if joins:
            dist.destroy_process_group()


def _device(requested: str | None, local_rank: int) -> torch.device:
    """Return the device of a process by its number on its node."""
    chosen = torch.device(requested or ("cuda" if torch.cuda.is_available() else "cpu"))
    if chosen.type != "cuda":
        return chosen
    if chosen.index is None:
        chosen = torch.device("cuda", local_rank)
    gpus = torch.cuda.device_count()
    if chosen.index >= gpus:
        advice = f"start torchrun with at most --nproc-per-node={gpus}" if gpus else "compute on the device cpu"
        raise SettingError(
            f"process {local_rank} of this node needs GPU {chosen.index} (counted from 0), but torch finds "
            f"{gpus} GPUs: {advice}"
        )
    return chosen
