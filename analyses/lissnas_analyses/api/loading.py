"""`ln.load` and `ln.load_file`: open a published benchmark, or a table of your own."""

import hashlib
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from lissnas.spaces.space import Space
from lissnas_benchmarks.adapter import Import
from lissnas_benchmarks.benchmark import Benchmark, benchmark_of, open_benchmark
from lissnas_benchmarks.columns import Column, Measure
from lissnas_benchmarks.own_table import own_table
from lissnas_benchmarks.table import Table
from lissnas_benchmarks.table_file import Source, write_table


def load(name: str, dataset: str | None = None, metric: str | None = None) -> Benchmark:
    """Open a benchmark.

    Parameters
    ----------
    name
        A name that `ln.benchmark_names()` lists.
    dataset
        One of its data sets; the first one by default.
    metric
        The metric to select and report by; the benchmark's own measure of quality by default.

    Returns
    -------
    Benchmark
        The space, the scores that a method may see (`selection`), the scores that judge its result (`report`), and
        where they came from.

    Raises
    ------
    UnknownNameError
        If there is no such benchmark, data set or metric; the error suggests the nearest name.
    MissingFileError
        If its files are not on this computer; the error says how to get them.
    SettingError
        If the metric does not rank networks.

    Examples
    --------
    >>> import lissnas as ln
    >>> bench = ln.load("nas-bench-graph", dataset="cora")
    >>> bench.space.size
    26206
    """
    return open_benchmark(name, dataset, metric)


def load_file(
    path: str | Path,
    space: Space,
    *,
    columns: Mapping[str, Column] | Sequence[str],
    string_column: str = "",
    gene_columns: Sequence[str] = (),
    missing: bool = False,
    sampled: bool = False,
    selects: Measure | None = None,
    reports: Measure | None = None,
) -> Benchmark:
    """Open a Parquet or CSV file with a row for each architecture of a space.

    Parameters
    ----------
    path
        The file. It is read once, and left as it is.
    space
        The space of its architectures.
    columns
        The columns of measurements; more must be better in the one that selects. A `Column` says what one measures.
    string_column
        The column with the architectures as official strings.
    gene_columns
        Instead of strings, the columns of the genes, in the order of the space's rows.
    missing
        Whether architectures and measurements may be missing; they are NaN then.
    sampled
        Whether the file's architectures are a sample, which becomes the space: necessary if the space is too large to
        list.
    selects, reports
        What a method may see, and what its result is judged by. By default the first column, and the column of the same
        metric whose split is "test".

    Raises
    ------
    BenchmarkFileError
        If the file cannot be read, or a row is wrong; the error names the row.
    SettingError
        If `columns` contradicts itself.

    Examples
    --------
    >>> import lissnas as ln
    >>> import polars as pl
    >>> space = ln.CategoricalSpace("mine", ("ab", "cd"), "{}-{}")
    >>> scores = pl.DataFrame({"arch": ["a-c", "a-d", "b-c", "b-d"], "accuracy": [90.1, 91.3, 89.9, 92.0]})
    >>> scores.write_csv("mine.csv")
    >>> ln.load_file("mine.csv", space, columns=["accuracy"], string_column="arch").report.tolist()
    [90.1, 91.3, 89.9, 92.0]
    """
    path = Path(path).resolve()
    arguments: dict[str, Any] = {
        "columns": columns,
        "string_column": string_column,
        "gene_columns": gene_columns,
        "missing": missing,
        "sampled": sampled,
        "selects": selects,
        "reports": reports,
    }
    adapter = own_table(path.stem, lambda: space, path, **arguments)
    folder = tempfile.TemporaryDirectory(prefix="lissnas-")
    source = Import((path,), Path(folder.name))
    values = adapter.read(source)
    index = adapter.index(source) if adapter.index and space.has_index else None
    rows = adapter.rows(source) if adapter.rows and not space.has_index else None
    table_path = Path(folder.name) / "table.parquet"
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    write_table(
        table_path, space, values, Source(path.stem, "", "none stated", {path.name: sha256}), index, listed=rows
    )
    table = Table(table_path, lambda: space)
    weakref.finalize(table, folder.cleanup)
    return replace(benchmark_of(adapter, table), reopen=partial(load_file, path, space, **arguments))


def as_benchmark(benchmark: Benchmark | str) -> Benchmark:
    """Return a benchmark, opened if it was given by its name."""
    return load(benchmark) if isinstance(benchmark, str) else benchmark
