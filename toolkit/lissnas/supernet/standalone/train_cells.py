"""`python -m lissnas.supernet.standalone.train_cells`: train all cells on an image task, resumable at any time."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import lru_cache
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import Literal

import polars as pl
import torch

from lissnas.errors import LissnasError
from lissnas.supernet.images.small_tasks import FASHION_MNIST, ImageTask, digits, fashion_mnist
from lissnas.supernet.standalone.cell_packs import PACK, CellTableRecipe, Pack, train_pack
from lissnas.supernet.standalone.grouped_training import StandaloneRecipe
from lissnas.supernet.standalone.pack_store import TrainingStore

CELL_TABLE_RECIPES = {
    "digits": CellTableRecipe("digits", StandaloneRecipe(epochs=12)),
    "fashion-mnist": CellTableRecipe("fashion-mnist", StandaloneRecipe(epochs=8)),
}

_MEMORY = {
    "MALLOC_MMAP_THRESHOLD_": str(1 << 25),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 32),
    "MALLOC_TOP_PAD_": str(1 << 28),
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
}
"""glibc keeps the memory of a step for the next, in large pages, instead of giving it back."""


def train_cells(
    task: Literal["digits", "fashion-mnist"],
    *,
    workers: int = 1,
    packs: Path = Path("data/packs"),
    resume_from: Path | None = None,
    collect: Path | None = None,
    limit: int | None = None,
    fashion_mnist_folder: Path = FASHION_MNIST,
) -> None:
    """Train every cell that is not yet trained, 25 at a time, and keep every finished pack.

    Parameters
    ----------
    task
        Which images.
    workers
        How many processes; each uses one core. The results do not depend on it.
    packs
        The folder in which finished packs are kept, in a folder of the task's name.
    resume_from
        A table of finished trainings to go on from, as `collect` writes it.
    collect
        Train nothing; write what is finished to this file.
    limit
        Stop after so many packs.
    fashion_mnist_folder
        Where the official files of Fashion-MNIST are.
    """
    study = CELL_TABLE_RECIPES[task]
    store = TrainingStore(packs / task, study, _images(task, fashion_mnist_folder), resume_from)
    if collect:
        print(f"{collect}: {store.collect(collect):,} trainings")
        return
    train_missing(store, study, workers, limit, fashion_mnist_folder)


def train_missing(
    store: TrainingStore, study: CellTableRecipe, workers: int, limit: int | None = None, folder: Path = FASHION_MNIST
) -> None:
    """Train what a store lacks, telling after each pack how long is left; Ctrl-C stops it, and nothing good is lost."""
    missing = store.missing()[:limit]
    started = time.monotonic()
    with _workers(workers) as pool:
        running = {pool.submit(_train, pack, study, folder): pack for pack in missing}
        try:
            for done, future in enumerate(as_completed(running), 1):
                store.add(running[future], future.result())
                a_pack = (time.monotonic() - started) / done
                left = (len(missing) - done) * a_pack / 3600
                print(
                    f"{study.task}: {done} of {len(missing)} packs, {3600 / a_pack * PACK:,.0f} cells an hour, "
                    f"{left:.1f} hours left",
                    flush=True,
                )
        except KeyboardInterrupt:
            print("stopping after the packs under way; the same command goes on from what is kept", flush=True)
            pool.shutdown(cancel_futures=True)
            for future in filter(_has_result, running):
                store.add(running[future], future.result())
        except BrokenProcessPool as error:
            raise LissnasError("a worker was ended from outside; the same command goes on from what is kept") from error


def _has_result(future: Future[pl.DataFrame]) -> bool:
    return future.done() and not future.cancelled() and future.exception() is None


@contextmanager
def _workers(count: int) -> Iterator[ProcessPoolExecutor]:
    before = dict(os.environ)
    os.environ.update(_MEMORY, OMP_NUM_THREADS="1")
    try:
        with ProcessPoolExecutor(count, get_context("spawn"), _prepare) as pool:
            yield pool
    finally:
        os.environ.clear()
        os.environ.update(before)


def _prepare() -> None:
    """Set a worker up: one thread; Ctrl-C is the main process's to answer, and its end is the worker's."""
    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_main_process, daemon=True).start()


def _end_with_main_process() -> None:
    main_process = parent_process()
    if main_process:
        main_process.join()
    os._exit(1)


@lru_cache
def _images(task: str, folder: Path) -> ImageTask:
    return digits() if task == "digits" else fashion_mnist(folder)


def _train(pack: Pack, study: CellTableRecipe, folder: Path) -> pl.DataFrame:
    return train_pack(pack, study, _images(study.task, folder))


def main() -> None:
    """Run the command."""
    import cyclopts

    try:
        cyclopts.run(train_cells)
    except LissnasError as error:
        raise SystemExit(f"error: {error}") from None


if __name__ == "__main__":
    main()
