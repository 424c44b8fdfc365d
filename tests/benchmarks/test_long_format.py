"""Tables in long format: one row for each run or epoch becomes one column for each, and nothing is averaged unsaid."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from lissnas.errors import LissnasError
from lissnas.spaces.categorical import CategoricalSpace
from lissnas_benchmarks.columns import Column, Measure
from lissnas_benchmarks.errors import BenchmarkFileError
from lissnas_benchmarks.obtaining.importing import import_files
from lissnas_benchmarks.own_table import own_table
from lissnas_benchmarks.table import Table

SPACE = CategoricalSpace("two", ("ab", "cd"), "{}{}")


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LISSNAS_CACHE", str(tmp_path / "cache"))


def _frame() -> pl.DataFrame:
    """Two runs of two epochs of each architecture; the second run of bd is missing."""
    rows = [
        {"arch": string, "seed": seed, "epoch": epoch, "err": 10.0 * place + seed + epoch / 10}
        for place, string in enumerate(("ac", "ad", "bc", "bd"))
        for seed in (7, 8)
        for epoch in (1, 2)
        if (string, seed) != ("bd", 8)
    ]
    return pl.DataFrame(rows).sample(fraction=1, shuffle=True, seed=0)


def _table(frame: pl.DataFrame, folder: Path, **changed: Any) -> Table:
    path = folder / "t.csv"
    frame.write_csv(path)
    arguments = {"missing": True, "run_column": "seed", "epoch_column": "epoch", "lower_is_better": ["err"]} | changed
    column = {"err": Column("negative-err", "d", "test", "")}
    adapter = own_table("long", lambda: SPACE, path, string_column="arch", columns=column, **arguments)
    return Table(import_files(adapter, (path,)), lambda: SPACE)


def test_each_run_and_epoch_is_a_column_of_its_own(tmp_path: Path) -> None:
    table = _table(_frame(), tmp_path)
    assert {(column.seed, column.epochs) for column in table.columns} == {(7, 1), (7, 2), (8, 1), (8, 2)}
    np.testing.assert_allclose(
        table.values(Measure("negative-err", "test", (8,), 2), "d"), [-8.2, -18.2, -28.2, np.nan]
    )
    np.testing.assert_allclose(
        table.values(Measure("negative-err", "test", epochs=2), "d"), [-7.7, -17.7, -27.7, -37.2]
    )


def test_runs_without_epochs_are_seeds(tmp_path: Path) -> None:
    table = _table(_frame().filter(epoch=2), tmp_path, epoch_column="")
    assert {(column.seed, column.epochs) for column in table.columns} == {(7, None), (8, None)}


@pytest.mark.parametrize(
    ("frame", "changed", "why"),
    [
        (_frame(), {"missing": False}, "'bd' has no negative-err/d/test/1/8"),
        (
            _frame(),
            {"run_column": ""},
            "are the same architecture of two, but err is .*, or name the column of the run",
        ),
        (_frame(), {"run_column": "sed"}, r"unknown column of t\.csv 'sed': did you mean 'seed'"),
        (_frame().with_columns(seed=pl.lit("x")), {}, "seed is 'x'"),
    ],
)
def test_what_is_ambiguous_is_refused(frame: pl.DataFrame, changed: dict[str, Any], why: str, tmp_path: Path) -> None:
    with pytest.raises(LissnasError, match=why):
        _table(frame, tmp_path, **changed)


def test_a_contradictory_row_of_one_run_names_both_lines(tmp_path: Path) -> None:
    frame = pl.concat([_frame(), _frame()[:1].with_columns(err=99.0)])
    with pytest.raises(BenchmarkFileError, match="line 2 and line 16 are the same architecture of two, but err is"):
        _table(frame, tmp_path)
