"""Workers: the cores of this machine, or a Dask cluster, that do independent jobs on one study.

What a job returns depends on nothing but the job, so that any number of workers, in any order, give the same bits.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any, TypeVar, cast

import joblib
from lissnas.errors import LissnasError, SettingError
from lissnas_benchmarks.benchmark import Benchmark, open_benchmark
from threadpoolctl import threadpool_limits

_JOBS_AHEAD = 3
"""How many jobs are handed out for each worker: none waits for work, and few are lost when work is stopped."""

_LOCAL = "local:"

Result = TypeVar("Result")


@dataclass(frozen=True)
class BenchmarkKey:
    """What opens the same study in every process.

    Attributes
    ----------
    benchmark, dataset, metric
        As `open_study` takes them.
    checksums
        Those of the table's columns, so that a machine with other data is found out.
    """

    benchmark: str
    dataset: str | None
    metric: str | None
    checksums: tuple[int, ...]

    @classmethod
    def known_here(cls, benchmark: str, dataset: str | None = None, metric: str | None = None) -> "BenchmarkKey":
        """Name a study with the data that it has on this machine; raises the errors of `open_study`."""
        return cls(benchmark, dataset, metric, _opened(benchmark, dataset, metric).table.provenance.checksums)

    def open(self) -> Benchmark:
        """Return the study, opened once in a process; raises LissnasError if its data are others here."""
        opened = _opened(self.benchmark, self.dataset, self.metric)
        if opened.table.provenance.checksums != self.checksums:
            raise LissnasError(f"{self.benchmark}: the data of a worker differ; import the same files on every machine")
        return opened


@lru_cache(maxsize=1)
def _opened(benchmark: str, dataset: str | None, metric: str | None) -> Benchmark:
    return open_benchmark(benchmark, dataset, metric)


@dataclass(frozen=True)
class Workers:
    """A number of workers."""

    executor: Executor
    count: int

    def each(self, function: Callable[..., Result], jobs: Iterable[tuple[Any, ...]]) -> Iterator[Result]:
        """Yield what the function returns for each job's arguments, as soon as it is there."""
        waiting: set[Future[Result]] = set()
        left = iter(jobs)
        while True:
            for job in islice(left, _JOBS_AHEAD * self.count - len(waiting)):
                waiting.add(self.executor.submit(_on_one_thread, function, job))
            if not waiting:
                return
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()


@contextmanager
def workers(count: int | None = None, cluster: str | None = None) -> Iterator[Workers]:
    """Start workers for as long as the context lasts.

    Parameters
    ----------
    count
        How many processes of this machine; by default one for each core. A cluster has its own number.
    cluster
        The address of a Dask scheduler, as 'tcp://10.0.0.1:8786', or 'local:2' for a cluster of two processes here.

    Raises
    ------
    SettingError
        If the count is below 1, or the cluster is not written as above.
    LissnasError
        If there is no cluster there, or Dask is not installed.
    """
    if count is not None and count < 1:
        raise SettingError(f"the number of workers must be at least 1, not {count}")
    if cluster is not None:
        with _dask_workers(cluster) as found:
            yield found
        return
    count = count or joblib.cpu_count()
    executor = ProcessPoolExecutor(count, multiprocessing.get_context("spawn"), _live_with_the_parent)
    try:
        yield Workers(executor, count)
    finally:
        executor.shutdown(cancel_futures=True)


@contextmanager
def _dask_workers(address: str) -> Iterator[Workers]:
    try:
        import distributed
    except ImportError as error:
        raise LissnasError("a cluster needs Dask: install it with 'pip install lissnas[cluster]'") from error
    dask, place = cast(Any, distributed), cast(Any, address)  # its functions have no types
    local = address.removeprefix(_LOCAL)
    if address.startswith(_LOCAL) and not (local.isdecimal() and int(local)):
        raise SettingError(f"'{address}' is no cluster: write local:2 for two processes, or the address of a scheduler")
    if address.startswith(_LOCAL):
        with _interrupts_ignored():
            place = dask.LocalCluster(n_workers=int(local), threads_per_worker=1, dashboard_address=None)
    try:
        client = dask.Client(place, timeout="10s")
    except (OSError, ValueError) as error:
        raise LissnasError(
            f"no Dask scheduler answers at {address} ({error}): start one with 'dask scheduler'"
        ) from error
    executor = client.get_executor(pure=False)
    try:
        yield Workers(executor, max(1, sum(client.nthreads().values())))
    finally:
        executor.shutdown(wait=False)  # cancels what was not done
        client.close()
        if place is not address:
            place.close()


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Let the processes that are started within this context leave Ctrl-C to this one, from whom they inherit it."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _on_one_thread(function: Callable[..., Result], job: tuple[Any, ...]) -> Result:
    """Do a job on one thread of the linear algebra: more would add up in another order, and share the cores twice."""
    with threadpool_limits(limits=1):
        return function(*job)


def _live_with_the_parent() -> None:
    """Leave Ctrl-C to the parent, and end when it does, even if it was killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()

    def follow() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
