"""Tables as frames: Polars, pandas and Arrow have the same numbers, and only the requested columns."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from lissnas.errors import UnknownNameError
from lissnas.spaces.published.macro import macro
from lissnas_benchmarks.columns import Column
from lissnas_benchmarks.errors import BenchmarkFileError
from lissnas_benchmarks.table import Table
from lissnas_benchmarks.table_file import Source, write_table

OpenTable = Callable[[str], Table]

ACCURACY = Column("accuracy", "places", "test", "%", seed=3)
COST = Column("parameters", "places", "", "M", quality=False)


@pytest.fixture
def table(tmp_path) -> Table:  # type: ignore[no-untyped-def]
    """A table of 6,561 networks in which some are missing."""
    rng = np.random.default_rng(0)
    values = rng.normal(90, 1, 6561)
    values[::7] = np.nan
    source = Source("made for this test", "", "", {})
    write_table(tmp_path / "table.parquet", macro(), {ACCURACY: values, COST: rng.random(6561)}, source)
    return Table(tmp_path / "table.parquet", macro)


@pytest.fixture
def sampled(tmp_path) -> Table:  # type: ignore[no-untyped-def]
    source = Source("made for this test", "", "", {})
    index = np.array([4, 700, 6560])
    write_table(tmp_path / "sampled.parquet", macro(), {ACCURACY: np.array([1.0, np.nan, 3.0])}, source, index)
    return Table(tmp_path / "sampled.parquet", macro)


def test_a_frame_has_every_column_and_the_indices(table: Table) -> None:
    frame = table.to_frame()
    assert frame.columns == ["lissnas-index", ACCURACY.name, COST.name]
    np.testing.assert_array_equal(frame["lissnas-index"].to_numpy(), np.arange(6561))
    np.testing.assert_array_equal(frame.select(ACCURACY.name, COST.name).to_numpy(), table.read(frame.columns[1:]))


def test_only_the_requested_columns_are_read(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    collect = Table._collect
    monkeypatch.setattr(Table, "_collect", lambda self, names: read.extend(names) or collect(self, names))
    assert table.to_frame([COST.name, COST.name]).columns == ["lissnas-index", COST.name]
    assert read == [COST.name]


def test_strings_and_genes_are_those_of_the_place(table: Table) -> None:
    frame = table.to_frame([], architectures=True, genes=True)
    assert frame.columns == ["lissnas-index", "architecture", *(f"gene{gene}" for gene in range(8))]
    rows = macro().rows(frame["lissnas-index"].to_numpy())
    assert frame["architecture"].to_list() == macro().write(rows)
    np.testing.assert_array_equal(frame.select(pl.col("^gene.$")).to_numpy(), rows)


def test_a_sampled_table_has_only_the_measured_rows(sampled: Table) -> None:
    frame = sampled.to_frame(architectures=True)
    assert frame["lissnas-index"].to_list() == [4, 700, 6560]
    assert frame["architecture"].to_list()[2] == "22222222"
    assert [value if value == value else None for value in frame[ACCURACY.name]] == [1.0, None, 3.0]


def test_pandas_and_arrow_have_the_same_numbers(table: Table) -> None:
    frame = table.to_frame(architectures=True, genes=True)
    pandas, arrow = frame.to_pandas(), frame.to_arrow()
    assert isinstance(pandas, pd.DataFrame)
    assert isinstance(arrow, pa.Table)
    assert list(pandas.columns) == arrow.column_names == frame.columns
    for name in (ACCURACY.name, COST.name, "gene7", "lissnas-index"):
        np.testing.assert_array_equal(pandas[name].to_numpy(), frame[name].to_numpy())
        np.testing.assert_array_equal(arrow[name].to_numpy(), frame[name].to_numpy())
    assert pandas["architecture"].tolist() == arrow["architecture"].to_pylist() == frame["architecture"].to_list()
    assert pandas[ACCURACY.name].isna().sum() == len(range(0, 6561, 7))


def test_a_frame_of_a_real_benchmark_agrees_with_its_table(open_table: OpenTable) -> None:
    table = open_table("analog-nasbench")
    [first, *_] = table.columns
    frame = table.to_frame([first.name], architectures=True)
    np.testing.assert_array_equal(frame[first.name].to_numpy(), table.read([first.name])[:, 0])
    np.testing.assert_array_equal(table.space.index(table.space.read(frame["architecture"].to_list())), table.index)


def test_an_unknown_column_raises_an_error_with_the_nearest_name(table: Table) -> None:
    with pytest.raises(UnknownNameError, match=r"column of table\.parquet 'accuracy/places': did you mean 'accuracy/p"):
        table.to_frame(["accuracy/places"])


def test_an_altered_column_is_refused(table: Table) -> None:
    metadata = pl.read_parquet_metadata(table.path)
    held = {name: metadata[name] for name in ("lissnas", "crc32")}
    pl.read_parquet(table.path).with_columns(pl.col(COST.name) + 1).write_parquet(table.path, metadata=held)
    table.to_frame([ACCURACY.name])
    with pytest.raises(BenchmarkFileError, match="the values of parameters/places were altered"):
        table.to_frame()


def test_a_table_needs_neither_pandas_nor_arrow(table: Table) -> None:
    import subprocess
    import sys

    program = (
        "import sys; sys.modules['pandas'] = sys.modules['pyarrow'] = None\n"
        "from pathlib import Path; from lissnas.spaces.published.macro import macro\n"
        "from lissnas_benchmarks.table import Table\n"
        f"print(Table(Path({str(table.path)!r}), macro).to_frame(genes=True).height)"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ran.stdout == "6561\n", ran.stderr
