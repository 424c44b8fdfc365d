"""Training all cells: each is trained once, and killed runs and any number of workers give the same bits."""

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.process import BaseProcess
from pathlib import Path

import polars as pl
import pytest
from forked_group import start_process
from lissnas.errors import LissnasError
from lissnas.spaces.published.cell201 import cell201
from lissnas.supernet.images.small_tasks import digits
from lissnas.supernet.networks.cell_network import Skeleton
from lissnas.supernet.standalone.cell_packs import CellTableRecipe, all_packs, repeated_cells, train_pack
from lissnas.supernet.standalone.grouped_training import StandaloneRecipe
from lissnas.supernet.standalone.train_cells import train_missing
from quick_packs import QUICK, store, train_all

PACKS = 3


def _results(folder: Path) -> pl.DataFrame:
    table = folder / "collected.parquet"
    store(folder).collect(table)
    return pl.read_parquet(table).drop("seconds")


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first packs, trained in this process."""
    folder = tmp_path_factory.mktemp("uninterrupted")
    packs = store(folder)
    for pack in packs.missing()[:PACKS]:
        packs.add(pack, train_pack(pack, QUICK, digits()))
    return folder


def test_every_cell_is_trained_once_and_500_cells_twice_more() -> None:
    trainings = Counter((pack.seed, place) for pack in all_packs() for place in pack.index.tolist())
    repeated = [(seed, place) for seed in (1, 2) for place in repeated_cells().tolist()]
    assert trainings == Counter([*((0, place) for place in range(cell201().size)), *repeated])
    assert len(set(repeated_cells().tolist())) == 500


@contextmanager
def _running(folder: Path) -> Iterator[BaseProcess]:
    """Train until the first pack is finished."""
    run = start_process(train_all, folder)
    assert run.pid is not None
    try:
        deadline = time.monotonic() + 120
        while not list(folder.glob("seed-*.parquet")) and run.is_alive() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert list(folder.glob("seed-*.parquet"))
        yield run
    finally:
        with suppress(ProcessLookupError):
            os.killpg(run.pid, signal.SIGKILL)
        run.join()


def _group_is_gone(leader: int) -> bool:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            os.killpg(leader, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


def test_a_killed_run_resumes_to_the_same_bits_with_more_workers(tmp_path: Path, uninterrupted: Path) -> None:
    with _running(tmp_path) as run:
        run.kill()
        run.join()
        assert _group_is_gone(run.pid)  # the worker ends with the main process
    finished = len(list(tmp_path.glob("seed-*.parquet")))
    train_missing(store(tmp_path), QUICK, workers=2, limit=max(PACKS - finished, 1))
    for name in [pack.file_name for pack in all_packs()[:PACKS]]:
        assert (
            pl.read_parquet(tmp_path / name)
            .drop("seconds")
            .equals(pl.read_parquet(uninterrupted / name).drop("seconds"))
        )


def test_an_interrupted_run_leaves_only_complete_files(tmp_path: Path) -> None:
    with _running(tmp_path) as run:
        os.killpg(run.pid, signal.SIGINT)
        run.join(60)
        assert run.exitcode == 0
    assert "the same command continues" in (tmp_path / "stdout").read_text()
    assert len(store(tmp_path).missing()) == len(all_packs()) - len(list(tmp_path.glob("seed-*.parquet")))
    assert not list(tmp_path.glob(".*.part"))


def test_a_run_continues_from_a_collected_table(tmp_path: Path, uninterrupted: Path) -> None:
    table = tmp_path / "table.parquet"
    assert store(uninterrupted).collect(table) == PACKS * 25
    other = store(tmp_path / "another machine", table)
    assert [pack.number for pack in other.missing()] == [pack.number for pack in all_packs()[PACKS:]]
    again = tmp_path / "again.parquet"
    assert other.collect(again) == PACKS * 25
    assert pl.read_parquet(again).equals(pl.read_parquet(table))


def test_a_pack_with_a_cell_missing_in_the_table_is_trained_again(tmp_path: Path, uninterrupted: Path) -> None:
    table = tmp_path / "table.parquet"
    store(uninterrupted).collect(table)
    described = pl.read_parquet_metadata(table)["lissnas"]
    pl.read_parquet(table)[1:].write_parquet(table, metadata={"lissnas": described})
    assert len(store(tmp_path / "packs", table).missing()) == len(all_packs()) - PACKS + 1


def test_results_of_another_recipe_are_refused(tmp_path: Path, uninterrupted: Path) -> None:
    other = CellTableRecipe("digits", StandaloneRecipe(epochs=2, batch_size=500), Skeleton(channels=2))
    with pytest.raises(LissnasError, match=r"seed-0-pack-\d+\.parquet: trained with another recipe"):
        store(uninterrupted, recipe=other).collect(tmp_path / "table.parquet")


@pytest.mark.parametrize("damage", [lambda data: data[:-9], lambda _: b"", lambda data: data[:99] + b"\0" * 99])
def test_a_damaged_pack_is_an_error_that_names_it(tmp_path: Path, uninterrupted: Path, damage: object) -> None:
    damaged = store(tmp_path)
    good = next(uninterrupted.glob("seed-*.parquet"))
    (tmp_path / good.name).write_bytes(damage(good.read_bytes()))  # type: ignore[operator]
    with pytest.raises(LissnasError, match=f"{good.name}: not a readable table"):
        damaged.collect(tmp_path / "table.parquet")


def test_the_metadata_of_a_table_count_its_trainings(uninterrupted: Path) -> None:
    _results(uninterrupted)
    described = pl.read_parquet_metadata(uninterrupted / "collected.parquet")["lissnas"]
    assert f'"trainings": {PACKS * 25}, "trainings_in_all": 16625' in described
