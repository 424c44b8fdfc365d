"""Workers: this process, the cores of this machine, or a Dask cluster; they do independent jobs.

The result of a job depends on the job alone, so any number of workers, in any order, gives the same bits.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar, cast

import joblib
from lissnas.errors import LissnasError, SettingError
from threadpoolctl import threadpool_limits

_JOBS_AHEAD = 3
"""Number of jobs handed out for each worker: enough that none waits for work, and few are lost at an interrupt."""

_LOCAL = "local:"

Job = TypeVar("Job", bound=tuple[Any, ...])
Result = TypeVar("Result")


@dataclass(frozen=True)
class Workers:
    """What does jobs.

    Attributes
    ----------
    executor
        Where the jobs run; None for this process.
    count
        Number of workers.
    """

    executor: Executor | None
    count: int

    def start(self, function: Callable[..., Result], *job: Any) -> Future[Result]:
        """Start a job, the arguments of a call, and return what has its result later; this process does it at once."""
        if self.executor is not None:
            return self.executor.submit(_on_one_thread, function, job)
        done: Future[Result] = Future()
        done.set_result(_on_one_thread(function, job))
        return done

    def each(self, function: Callable[..., Result], jobs: Iterable[Job]) -> Iterator[tuple[Job, Result]]:
        """Yield each job, the arguments of a call, with what the function returns, as soon as the job is done.

        A job has one thread of linear algebra: more threads change the order of sums, and compete for the cores.
        """
        left = iter(jobs)
        if self.executor is None:
            for job in left:
                yield job, _on_one_thread(function, job)
            return
        waiting: dict[Future[Result], Job] = {}
        while True:
            for job in islice(left, _JOBS_AHEAD * self.count - len(waiting)):
                waiting[self.executor.submit(_on_one_thread, function, job)] = job
            if not waiting:
                return
            for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                yield waiting.pop(future), future.result()


THIS_PROCESS = Workers(None, 1)
"""Does one job after the other in the process that calls."""


@contextmanager
def workers(count: int | None = None, cluster: str | None = None) -> Iterator[Workers]:
    """Start workers for as long as the context lasts.

    Parameters
    ----------
    count
        Number of processes on this machine, by default one for each core; 1 is the process that calls. A cluster has
        its own number.
    cluster
        Address of a Dask scheduler, such as 'tcp://10.0.0.1:8786', or 'local:2' for a cluster of two processes on this
        machine.

    Raises
    ------
    SettingError
        If the count is below 1, or the address of the cluster has another form.
    LissnasError
        If no cluster answers at the address, or Dask is not installed.
    """
    if count is not None and count < 1:
        raise SettingError(f"the number of workers must be at least 1, not {count}")
    if cluster is not None:
        with _dask_workers(cluster) as dask_workers:
            yield dask_workers
        return
    count = count or joblib.cpu_count()
    if count == 1:
        yield THIS_PROCESS
        return
    executor = ProcessPoolExecutor(count, multiprocessing.get_context("spawn"), _end_with_the_parent)
    try:
        yield Workers(executor, count)
    except BaseException:  # Ctrl-C, SIGTERM or an error: the jobs that run are computed again
        executor.shutdown(wait=False, cancel_futures=True)
        for process in multiprocessing.active_children():
            process.terminate()
        raise
    finally:
        executor.shutdown(cancel_futures=True)


@contextmanager
def _dask_workers(address: str) -> Iterator[Workers]:
    try:
        import distributed
    except ImportError as error:
        raise LissnasError("a cluster needs Dask: install it with 'pip install lissnas[cluster]'") from error
    dask, scheduler = cast(Any, distributed), cast(Any, address)  # its functions have no types
    local = address.removeprefix(_LOCAL)
    if address.startswith(_LOCAL) and not (local.isdecimal() and int(local)):
        raise SettingError(
            f"'{address}' is not a cluster: write local:2 for two processes, or the address of a scheduler"
        )
    if address.startswith(_LOCAL):
        with _interrupts_ignored():
            scheduler = dask.LocalCluster(n_workers=int(local), threads_per_worker=1, dashboard_address=None)
    try:
        client = dask.Client(scheduler, timeout="10s")
    except (OSError, ValueError) as error:
        raise LissnasError(
            f"no Dask scheduler answers at {address} ({error}): start one with 'dask scheduler'"
        ) from error
    executor = client.get_executor(pure=False)
    try:
        yield Workers(executor, max(1, sum(client.nthreads().values())))
    finally:
        executor.shutdown(wait=False)  # cancels the jobs that wait
        client.close()
        if scheduler is not address:
            scheduler.close()


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Ignore Ctrl-C, so that processes started in this context ignore it too: this process stops them."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _on_one_thread(function: Callable[..., Result], job: tuple[Any, ...]) -> Result:
    """Do a job on one thread of linear algebra."""
    with threadpool_limits(limits=1):
        return function(*job)


def _end_with_the_parent() -> None:
    """Leave Ctrl-C to the parent process, and end when it ends, even if it is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()

    def follow() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
