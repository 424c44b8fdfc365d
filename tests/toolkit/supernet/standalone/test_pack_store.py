"""Training all cells: every cell once, the same bits whether or not a run was killed, on any number of processes."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import polars as pl
import pytest
from lissnas.errors import LissnasError
from lissnas.spaces.published.cell201 import cell201
from lissnas.supernet.images.small_tasks import digits
from lissnas.supernet.networks.cell_network import Skeleton
from lissnas.supernet.standalone.cell_packs import CellTableRecipe, all_packs, repeated_cells, train_pack
from lissnas.supernet.standalone.grouped_training import StandaloneRecipe
from lissnas.supernet.standalone.pack_store import TrainingStore
from lissnas.supernet.standalone.train_cells import train_missing

QUICK = CellTableRecipe("digits", StandaloneRecipe(epochs=1, batch_size=500), Skeleton(channels=2))

PACKS = 3


def _store(folder: Path, table: Path | None = None, study: CellTableRecipe = QUICK) -> TrainingStore:
    return TrainingStore(folder, study, digits(), table)


def _results(folder: Path) -> pl.DataFrame:
    table = folder / "collected.parquet"
    _store(folder).collect(table)
    return pl.read_parquet(table).drop("seconds")


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the first packs, trained in this process."""
    folder = tmp_path_factory.mktemp("straight")
    store = _store(folder)
    for pack in store.missing()[:PACKS]:
        store.add(pack, train_pack(pack, QUICK, digits()))
    return folder


def test_every_cell_is_trained_once_and_500_twice_more() -> None:
    trainings = Counter((pack.seed, place) for pack in all_packs() for place in pack.index.tolist())
    again = [(seed, place) for seed in (1, 2) for place in repeated_cells().tolist()]
    assert trainings == Counter([*((0, place) for place in range(cell201().size)), *again])
    assert len(set(repeated_cells().tolist())) == 500


@contextmanager
def _running(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Run the training in a process group of its own, with its first pack finished."""
    script = folder / "run.py"
    script.write_text(
        "from pathlib import Path; from test_training_store import QUICK, _store\n"
        "from lissnas.supernet.standalone.train_cells import train_missing\n"
        f"if __name__ == '__main__': train_missing(_store(Path({str(folder)!r})), QUICK, 1)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    run = subprocess.Popen(
        [sys.executable, script], env=environment, start_new_session=True, stdout=subprocess.PIPE, text=True
    )
    try:
        deadline = time.monotonic() + 120
        while not list(folder.glob("seed-*.parquet")) and run.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        assert list(folder.glob("seed-*.parquet"))
        yield run
    finally:
        with suppress(ProcessLookupError):
            os.killpg(run.pid, signal.SIGKILL)
        run.communicate()


def _group_is_gone(leader: int) -> bool:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            os.killpg(leader, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


def test_a_killed_run_goes_on_to_the_same_bits_with_other_workers(tmp_path: Path, straight: Path) -> None:
    with _running(tmp_path) as run:
        run.kill()
        run.wait()
        assert _group_is_gone(run.pid)  # its worker ends with it
    found = len(list(tmp_path.glob("seed-*.parquet")))
    train_missing(_store(tmp_path), QUICK, workers=2, limit=max(PACKS - found, 1))
    for name in [pack.file_name for pack in all_packs()[:PACKS]]:
        assert pl.read_parquet(tmp_path / name).drop("seconds").equals(pl.read_parquet(straight / name).drop("seconds"))


def test_an_interrupted_run_stops_with_every_file_whole(tmp_path: Path) -> None:
    with _running(tmp_path) as run:
        os.killpg(run.pid, signal.SIGINT)
        said, _ = run.communicate(timeout=60)
    assert run.returncode == 0
    assert "the same command goes on" in said
    assert len(_store(tmp_path).missing()) == len(all_packs()) - len(list(tmp_path.glob("seed-*.parquet")))
    assert not list(tmp_path.glob(".*.part"))


def test_a_run_goes_on_from_a_collected_table(tmp_path: Path, straight: Path) -> None:
    table = tmp_path / "table.parquet"
    assert _store(straight).collect(table) == PACKS * 25
    store = _store(tmp_path / "another machine", table)
    assert [pack.number for pack in store.missing()] == [pack.number for pack in all_packs()[PACKS:]]
    again = tmp_path / "again.parquet"
    assert store.collect(again) == PACKS * 25
    assert pl.read_parquet(again).equals(pl.read_parquet(table))


def test_a_pack_of_which_the_table_lacks_a_cell_is_trained_again(tmp_path: Path, straight: Path) -> None:
    table = tmp_path / "table.parquet"
    store = _store(straight)
    store.collect(table)
    described = pl.read_parquet_metadata(table)["lissnas"]
    pl.read_parquet(table)[1:].write_parquet(table, metadata={"lissnas": described})
    assert len(_store(tmp_path / "packs", table).missing()) == len(all_packs()) - PACKS + 1


def test_results_of_another_recipe_are_refused(tmp_path: Path, straight: Path) -> None:
    other = CellTableRecipe("digits", StandaloneRecipe(epochs=2, batch_size=500), Skeleton(channels=2))
    with pytest.raises(LissnasError, match=r"seed-0-pack-\d+\.parquet: trained with another recipe"):
        _store(straight, study=other).collect(tmp_path / "table.parquet")


@pytest.mark.parametrize("damage", [lambda data: data[:-9], lambda _: b"", lambda data: data[:99] + b"\0" * 99])
def test_a_damaged_pack_is_refused_by_its_name(tmp_path: Path, straight: Path, damage: object) -> None:
    store = _store(tmp_path)
    good = next(straight.glob("seed-*.parquet"))
    (tmp_path / good.name).write_bytes(damage(good.read_bytes()))  # type: ignore[operator]
    with pytest.raises(LissnasError, match=f"{good.name}: no readable results"):
        store.collect(tmp_path / "table.parquet")


def test_a_table_says_how_much_of_the_study_it_holds(straight: Path) -> None:
    _results(straight)
    described = pl.read_parquet_metadata(straight / "collected.parquet")["lissnas"]
    assert f'"trainings": {PACKS * 25}, "trainings_in_all": 16625' in described
