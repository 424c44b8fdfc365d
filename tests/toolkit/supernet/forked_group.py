"""Processes forked from one server that has imported torch and other libraries once: much faster than new ones."""

import os
import socket
from collections.abc import Callable
from multiprocessing import get_context, set_start_method
from multiprocessing.process import BaseProcess
from typing import Any

_CONTEXT = get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    [
        "torch",
        "torch._dynamo",
        "sklearn.datasets",
        "lissnas.supernet.training.training_loop",
        "sklearn.manifold",
        "lissnas_analyses.comparison.figures",
        "lissnas_analyses.locality.describe",
        "lissnas_benchmarks.loading",
    ]
)


def start_process(program: Callable[..., None], *arguments: Any) -> BaseProcess:
    """Start a function in a process that has imported these libraries already."""
    worker = _CONTEXT.Process(target=_run, args=({}, program, arguments))
    worker.start()
    return worker


def start_group(
    program: Callable[..., None], *arguments: Any, world_size: int = 2, store_port: int | None = None
) -> list[BaseProcess]:
    """Start a function in each process of a group, with the environment that torchrun would give it.

    The processes meet in a store of their own, or in one that is there, as after a restart by torchrun.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(store_port or free.getsockname()[1])
    shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": str(world_size)}
    if store_port is not None:
        shared["TORCHELASTIC_USE_AGENT_STORE"] = "True"
    places = [shared | {"RANK": str(rank)} for rank in range(world_size)]
    workers = [_CONTEXT.Process(target=_run, args=(place, program, arguments)) for place in places]
    for worker in workers:
        worker.start()
    return list(workers)


def run_group(
    program: Callable[..., None], *arguments: Any, world_size: int = 2, store_port: int | None = None
) -> None:
    """Run a function in each process of a group, and check that all of them end well."""
    workers = start_group(program, *arguments, world_size=world_size, store_port=store_port)
    for worker in workers:
        worker.join(120)
    codes = [worker.exitcode for worker in workers]
    for worker in workers:
        worker.kill()
    assert codes == [0] * world_size


def _run(place: dict[str, str], program: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    os.environ.update(place, OMP_NUM_THREADS="1")
    set_start_method("fork", force=True)  # as in a program that a user starts: workers that decode images are forked
    program(*arguments)
