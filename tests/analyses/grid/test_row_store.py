"""RowStore: one writer at a time, and no rows of other data."""

import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from lissnas.errors import LissnasError
from lissnas.storage.run_identity import RunIdentity
from lissnas_analyses.grid.row_store import RowStore

COLUMNS = {"method": pl.String(), "epochs": pl.Int64()}
HERE = RunIdentity(data={"benchmark": "here"})
ROW = {"method": "lissnas", "epochs": None, "settings.seeds": 5, "seed": 0, "run": 0, "recall_1": 0.5}


def _store(folder: Path, identity: RunIdentity = HERE, **options: Any) -> RowStore:
    return RowStore(folder / "rows.parquet", identity, COLUMNS, **options)


def _write(folder: Path, *rows: dict[str, Any], **options: Any) -> pl.DataFrame:
    with _store(folder, **options) as store:
        store.append(rows)
        return store.merge()


def test_only_one_process_writes(tmp_path: Path) -> None:
    with (
        _store(tmp_path),
        pytest.raises(LissnasError, match="another process is writing there"),
        _store(tmp_path),
    ):
        pass


def test_rows_of_other_data_are_refused(tmp_path: Path) -> None:
    _write(tmp_path, ROW, identity=RunIdentity(data={"benchmark": "another"}))
    with pytest.raises(LissnasError, match=r"data\.benchmark is another; in this run it is here"), _store(tmp_path):
        pass


def test_the_error_about_other_data_says_which_file_to_delete(tmp_path: Path) -> None:
    _write(tmp_path, ROW, identity=RunIdentity(data={"benchmark": "another"}))
    remedy = f"choose another folder with --out, or delete {tmp_path / 'rows.parquet'} to compute"
    with pytest.raises(LissnasError, match=re.escape(remedy)), _store(tmp_path):
        pass


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rows.parquet").write_bytes(b"PAR1 cut short")
    with pytest.raises(LissnasError, match="delete it, and its rows are computed again"), _store(tmp_path):
        pass


def test_a_file_of_another_format_is_refused(tmp_path: Path) -> None:
    pl.DataFrame([ROW]).write_parquet(tmp_path / "rows.parquet", metadata={"lissnas": '{"format": 1}'})
    with pytest.raises(LissnasError, match="of format 1, not 2"), _store(tmp_path):
        pass


def test_a_row_is_stored_once_and_in_the_order_of_its_key(tmp_path: Path) -> None:
    rows = _write(tmp_path, ROW | {"run": 2}, ROW, ROW | {"run": 1}, ROW)
    assert rows["run"].to_list() == [0, 1, 2]
    assert rows.columns == ["method", "epochs", "settings.seeds", "seed", "run", "recall_1"]


def test_a_run_may_have_several_rows(tmp_path: Path) -> None:
    rows = [ROW | {"round": number} for number in (1, 0)]
    assert _write(tmp_path, *rows, row_columns=("round",))["round"].to_list() == [0, 1]
    with _store(tmp_path, row_columns=("round",)) as store:
        point = frozenset({"method": "lissnas", "settings.seeds": 5, "seed": 0}.items())
        assert store.runs_by_point() == {point: {0}}


def test_nothing_but_the_rows_remains(tmp_path: Path) -> None:
    _write(tmp_path, ROW)
    assert {path.name for path in tmp_path.iterdir()} == {"rows.parquet"}
