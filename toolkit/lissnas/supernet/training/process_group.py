"""The processes of one training: a single one, or all that torchrun started, each with its own device.

Needs nothing but torch.distributed: NCCL between GPUs, gloo between processors.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module
from time import monotonic, sleep
from uuid import uuid4

import torch
import torch.distributed as dist
from torch.distributed.distributed_c10d import PrefixStore, Store
from torch.distributed.rendezvous import rendezvous

from lissnas.errors import SettingError, TrainingError

_TIMEOUT = timedelta(minutes=30)
"""A process that does not answer for this long counts as lost (our own choice)."""


_SECONDS_BETWEEN_LOOKS = 0.05
"""How often the first process looks whether another one has started."""


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
        gpu = chosen if chosen.type == "cuda" else None
        try:
            store, _, _ = next(rendezvous("env://", rank, world_size, timeout=_TIMEOUT))
            dist.init_process_group(
                "gloo" if gpu is None else "nccl",
                timeout=_TIMEOUT,
                store=_without_earlier_keys(store, rank, world_size),
                rank=rank,
                world_size=world_size,
                device_id=gpu,
            )
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


def _without_earlier_keys(store: Store, rank: int, world_size: int) -> Store:
    """Return a store for the processes of this start alone; raise RuntimeError if they do not meet.

    torchrun keeps one store when it restarts processes. In it they would find the addresses of the processes that it
    has ended, and wait for them (torch 2.13). The number of restarts does not tell the starts apart: it may differ
    between nodes.
    """
    own = uuid4().hex
    if rank > 0:
        store.set(f"lissnas/process/{rank}", own)
        start = store.get(f"lissnas/start of/{own}").decode()
        store.set(f"lissnas/in/{start}/{rank}", "")
        return PrefixStore(start, store)
    deadline = monotonic() + _TIMEOUT.total_seconds()
    for other in range(1, world_size):
        while not store.check([f"lissnas/in/{own}/{other}"]):
            found = store.get(f"lissnas/process/{other}").decode()  # perhaps of a process that has ended
            store.set(f"lissnas/start of/{found}", own)
            sleep(_SECONDS_BETWEEN_LOOKS)
            if monotonic() > deadline:
                raise RuntimeError(f"process {other} does not answer")
    return PrefixStore(own, store)


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
