"""Every benchmark by its name, third parties' too, and `load`, which opens one as a Table."""

import hashlib
import importlib
import os
from importlib.metadata import entry_points
from pathlib import Path

from lissnas.errors import UnknownNameError

from lissnas_benchmarks.benchmark import Benchmark
from lissnas_benchmarks.errors import MissingFileError
from lissnas_benchmarks.table import FORMAT, Source, Table, read_format, read_provenance, write_table

_ADAPTERS = {
    "analog-nasbench": "lissnas_benchmarks.analog_nasbench:BENCHMARK",
    "nas-bench-graph": "lissnas_benchmarks.nas_bench_graph:BENCHMARK",
    "nas-bench-graph-proteins": "lissnas_benchmarks.nas_bench_graph:PROTEINS",
    "nas-bench-macro": "lissnas_benchmarks.nas_bench_macro:BENCHMARK",
}
"""Where the adapter of each benchmark stands; packages of third parties add theirs as entry points of the same form."""


def names() -> tuple[str, ...]:
    """Return the names of all benchmarks, the project's own first."""
    return tuple(dict.fromkeys((*_ADAPTERS, *(point.name for point in entry_points(group="lissnas.benchmarks")))))


def find(name: str) -> Benchmark:
    """Return what is known of a benchmark; raises UnknownNameError with the nearest name."""
    others = {point.name: point.value for point in entry_points(group="lissnas.benchmarks")}
    if name not in others | _ADAPTERS:
        raise UnknownNameError("benchmark", name, names())
    module, _, attribute = (others | _ADAPTERS)[name].partition(":")
    benchmark: Benchmark = getattr(importlib.import_module(module), attribute)
    return benchmark


def load(name: str) -> Table:
    """Open a benchmark.

    The first time its files are read, checked and written to the cache as one Parquet file; after that only the columns
    asked for are read.

    Raises
    ------
    UnknownNameError
        If there is no such benchmark.
    MissingFileError
        If its files are not here; the message says how to get them.
    BenchmarkFileError
        If they are damaged.
    """
    benchmark = find(name)
    path = table_path(name)
    if not _is_current(path, benchmark):
        import_files(benchmark, benchmark.installed_files())
    return Table(path, benchmark.space)


def import_files(benchmark: Benchmark, files: tuple[Path, ...]) -> Path:
    """Turn a benchmark's official files into its table in the cache, and return where that is."""
    if len(files) != len(benchmark.files):
        expected = ", ".join(file.name for file in benchmark.files)
        raise MissingFileError(f"{benchmark.name} is read from {expected}: name each once, not {len(files)} files")
    data = tuple(file.read(path, benchmark.remedy) for file, path in zip(benchmark.files, files, strict=True))
    checksums = {file.name: hashlib.sha256(part).hexdigest() for file, part in zip(benchmark.files, data, strict=True)}
    source = Source(benchmark.name, benchmark.page, benchmark.licence, checksums)
    path = table_path(benchmark.name)
    write_table(path, benchmark.space(), benchmark.read(data), source)
    return path


def is_ready(name: str) -> bool:
    """Tell whether `load` would find everything it needs."""
    benchmark = find(name)
    if _is_current(table_path(name), benchmark):
        return True
    try:
        return all(path.is_file() for path in benchmark.installed_files())
    except MissingFileError:
        return False


def cache_folder() -> Path:
    """Return where tables are kept: LISSNAS_CACHE if set, or the user's cache folder."""
    chosen = os.environ.get("LISSNAS_CACHE")
    if chosen:
        return Path(chosen)
    import platformdirs

    return Path(platformdirs.user_cache_dir("lissnas", appauthor=False))


def table_path(name: str) -> Path:
    """Return where a benchmark's table is kept."""
    return cache_folder() / "tables" / f"{name}.parquet"


def _is_current(path: Path, benchmark: Benchmark) -> bool:
    """Tell whether a table is there, in today's layout and from the files that the adapter names."""
    if not path.exists() or read_format(path) != FORMAT:
        return False
    provenance = read_provenance(path)
    expected = {file.name: file.sha256 for file in benchmark.files if file.sha256}
    found = provenance.source.files
    return all(found.get(name) == sha for name, sha in expected.items())
