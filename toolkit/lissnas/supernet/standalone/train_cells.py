"""`python -m lissnas.supernet.standalone.train_cells`: train all cells on an image task. Runs can resume."""

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
from lissnas.supernet.standalone.pack_store import PackStore

CELL_TABLE_RECIPES = {
    "digits": CellTableRecipe("digits", StandaloneRecipe(epochs=12)),
    "fashion-mnist": CellTableRecipe("fashion-mnist", StandaloneRecipe(epochs=8)),
}

_GLIBC_SETTINGS = {
    "MALLOC_MMAP_THRESHOLD_": str(1 << 25),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 32),
    "MALLOC_TOP_PAD_": str(1 << 28),
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
}
"""Settings of glibc: keep the memory of a step for the next step, in large pages, instead of returning it."""


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
    """Train every cell that is not finished, 25 at once, and write each finished pack to a file.

    Parameters
    ----------
    task
        Images to train on.
    workers
        Number of processes. Each uses one core; the results do not depend on the number.
    packs
        Folder of the finished packs, which has one folder per task.
    resume_from
        A table of finished trainings to continue from, as `collect` writes it.
    collect
        Train nothing; write a table of the finished trainings to this file.
    limit
        Maximum number of packs to train.
    fashion_mnist_folder
        Folder of the official files of Fashion-MNIST.
    """
    recipe = CELL_TABLE_RECIPES[task]
    store = PackStore(packs / task, recipe, _images(task, fashion_mnist_folder), resume_from)
    if collect:
        print(f"{collect}: {store.collect(collect):,} trainings")
        return
    train_missing(store, recipe, workers, limit, fashion_mnist_folder)


def train_missing(
    store: PackStore, recipe: CellTableRecipe, workers: int, limit: int | None = None, folder: Path = FASHION_MNIST
) -> None:
    """Train the missing packs of a store, and print progress after each. Ctrl-C ends after the running packs."""
    missing = store.missing()[:limit]
    started = time.monotonic()
    with _workers(workers) as pool:
        running = {pool.submit(_train, pack, recipe, folder): pack for pack in missing}
        try:
            for done, future in enumerate(as_completed(running), 1):
                store.add(running[future], future.result())
                seconds_per_pack = (time.monotonic() - started) / done
                speed, left = 3600 / seconds_per_pack * PACK, (len(missing) - done) * seconds_per_pack / 3600
                print(
                    f"{recipe.task}: {done} of {len(missing)} packs, {speed:,.0f} cells per hour, "
                    f"{left:.1f} hours left",
                    flush=True,
                )
        except KeyboardInterrupt:
            print("stopping after the running packs; the same command continues from the finished packs", flush=True)
            pool.shutdown(cancel_futures=True)
            for future in filter(_has_result, running):
                store.add(running[future], future.result())
        except BrokenProcessPool as error:
            raise LissnasError(
                "another program ended a worker; the same command continues from the finished packs"
            ) from error


def _has_result(future: Future[pl.DataFrame]) -> bool:
    return future.done() and not future.cancelled() and future.exception() is None


@contextmanager
def _workers(count: int) -> Iterator[ProcessPoolExecutor]:
    before = dict(os.environ)
    os.environ.update(_GLIBC_SETTINGS, OMP_NUM_THREADS="1")
    try:
        with ProcessPoolExecutor(count, get_context("spawn"), _prepare) as pool:
            yield pool
    finally:
        os.environ.clear()
        os.environ.update(before)


def _prepare() -> None:
    """Set a worker up: it has one thread, ignores Ctrl-C, and ends with the main process."""
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


def _train(pack: Pack, recipe: CellTableRecipe, folder: Path) -> pl.DataFrame:
    return train_pack(pack, recipe, _images(recipe.task, folder))


def main() -> None:
    """Run the command."""
    import cyclopts

    try:
        cyclopts.run(train_cells)
    except LissnasError as error:
        raise SystemExit(f"error: {error}") from None


if __name__ == "__main__":
    main()
