"""Every benchmark by its name, third parties' too, and `load`, which opens one as a Table."""

import errno
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lissnas.errors import LissnasError, PluginError
from lissnas.spaces.space import Floats
from lissnas.storage.register import Register

from lissnas_benchmarks.adapter import Adapter, Import
from lissnas_benchmarks.errors import MissingFileError
from lissnas_benchmarks.surrogates.model_archive import unpacked
from lissnas_benchmarks.surrogates.surrogate import SurrogateAdapter, SurrogateEvaluator, convert_folder, open_folder
from lissnas_benchmarks.table import (
    FORMAT,
    Column,
    Source,
    Table,
    file_checksum,
    read_format,
    read_provenance,
    write_table,
)


def _fault(name: str, found: Any, kind: type[Adapter | SurrogateAdapter], others: tuple[str, ...]) -> str:
    if not isinstance(found, kind):
        return f"it is a {type(found).__name__}, not a {kind.__name__}"
    if name in others:
        return "there is a surrogate and a benchmark of this name"
    return "" if found.name == name else f"it calls itself '{found.name}'"


ADAPTERS = Register(
    "benchmark",
    "lissnas.benchmarks",
    {
        "accel-nasbench": "lissnas_benchmarks.adapters.accel_nasbench:BENCHMARK",
        "analog-nasbench": "lissnas_benchmarks.adapters.analog_nasbench:BENCHMARK",
        "channel-bench-macro": "lissnas_benchmarks.adapters.channel_bench_macro:BENCHMARK",
        "channel-bench-macro-mobilenet": "lissnas_benchmarks.adapters.channel_bench_macro:MOBILENET",
        "digits-cells": "lissnas_benchmarks.adapters.trained_cells:DIGITS",
        "fashion-cells": "lissnas_benchmarks.adapters.trained_cells:FASHION",
        "hw-nas-bench": "lissnas_benchmarks.adapters.hw_nas_bench:BENCHMARK",
        "nas-bench-101": "lissnas_benchmarks.adapters.nas_bench_101:BENCHMARK",
        "nas-bench-101-full": "lissnas_benchmarks.adapters.nas_bench_101:FULL",
        "nas-bench-201": "lissnas_benchmarks.adapters.nas_bench_201:BENCHMARK",
        "nas-bench-graph": "lissnas_benchmarks.adapters.nas_bench_graph:BENCHMARK",
        "nas-bench-graph-proteins": "lissnas_benchmarks.adapters.nas_bench_graph:PROTEINS",
        "nas-bench-macro": "lissnas_benchmarks.adapters.nas_bench_macro:BENCHMARK",
        "nats-bench-size": "lissnas_benchmarks.adapters.nats_bench:SIZE_BENCHMARK",
        "nats-bench-topology": "lissnas_benchmarks.adapters.nats_bench:BENCHMARK",
        "transnas-bench-101-macro": "lissnas_benchmarks.adapters.transnas_bench_101:MACRO",
        "transnas-bench-101-micro": "lissnas_benchmarks.adapters.transnas_bench_101:MICRO",
    },
    lambda name, found: _fault(name, found, Adapter, surrogate_names()),
)
"""The adapter of each benchmark, third parties' too."""

SURROGATES = Register(
    "surrogate",
    "lissnas.surrogates",
    {
        "nas-bench-301": "lissnas_benchmarks.adapters.nas_bench_301:SURROGATE",
        "nas-bench-301-v0.9": "lissnas_benchmarks.adapters.nas_bench_301:SURROGATE_V09",
    },
    lambda name, found: _fault(name, found, SurrogateAdapter, names()),
)
"""The adapter of each benchmark that predicts instead of listing."""


def names() -> tuple[str, ...]:
    """Return the names of all benchmarks, the project's own first."""
    return ADAPTERS.names()


def find(name: str) -> Adapter:
    """Return what is known of a benchmark.

    Raises UnknownNameError with the nearest name, PluginError for a third party's that cannot be used.
    """
    benchmark: Adapter = ADAPTERS.find(name)
    return benchmark


def valid_names() -> tuple[str, ...]:
    """Return the names of all benchmarks that can be used; third parties' packages are imported to find out."""
    return ADAPTERS.valid_names()


def faults() -> tuple[str, ...]:
    """Return what is wrong with the benchmarks and surrogates that third parties registered, a sentence each."""
    return (*ADAPTERS.faults(), *SURROGATES.faults())


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
    PluginError
        If it is a third party's, and cannot be used.
    """
    benchmark = find(name)
    path = table_path(name)
    if not _is_current(path, benchmark):
        import_files(benchmark, benchmark.installed_files())
    return Table(path, benchmark.space)


def import_files(
    benchmark: Adapter,
    files: tuple[Path, ...],
    progress: Callable[[float], None] = lambda share: None,
    on_wait: Callable[[], None] = lambda: None,
) -> Path:
    """Turn a benchmark's official files into its table in the cache, and return where that is.

    What was there before stays usable until the new table is whole, and after a failure.

    Parameters
    ----------
    benchmark
        Which one.
    files
        Its official files or folders, in the order of `benchmark.files`.
    progress
        Told now and then which share is done.
    on_wait
        Told if another process is importing the same benchmark, before waiting for it.

    Raises
    ------
    MissingFileError
        If a file is not there, or not all are named.
    BenchmarkFileError
        If a file is not what its authors published.
    """
    if len(files) != len(benchmark.files):
        expected = ", ".join(file.name for file in benchmark.files)
        raise MissingFileError(f"{benchmark.name} is read from {expected}: name each once, not {len(files)} files")
    checksums = {
        file.name: file.checked(path, benchmark.remedy) for file, path in zip(benchmark.files, files, strict=True)
    }
    path = table_path(benchmark.name)
    with _writing_errors(path.parent), _only_importer(path, on_wait), _staging(path) as staged:
        source = Import(files, staged.with_suffix(""), progress)
        source.folder.mkdir()
        columns = _read(benchmark, source)
        described = Source(benchmark.name, benchmark.page, benchmark.license, checksums)
        index = benchmark.index(source) if benchmark.index else None
        curves = {file.name: file_checksum(file) for file in sorted(source.folder.iterdir())}
        write_table(staged, benchmark.space(), columns, described, index, curves)
        path.unlink(missing_ok=True)
        shutil.rmtree(path.with_suffix(""), ignore_errors=True)
        if curves:
            source.folder.replace(path.with_suffix(""))
        staged.replace(path)
    return path


def _read(benchmark: Adapter, source: Import) -> Mapping[Column, Floats]:
    """Read a benchmark; whatever goes wrong in a third party's adapter is laid to that adapter."""
    try:
        return benchmark.read(source)
    except Exception as error:
        if benchmark.name in ADAPTERS.own or isinstance(error, LissnasError | OSError):
            raise
        raise PluginError(
            f"the benchmark '{benchmark.name}' cannot be read by its own adapter, which is no part of lissnas: "
            f"{type(error).__name__}: {error}"
        ) from error


@contextmanager
def _staging(path: Path) -> Iterator[Path]:
    """Yield a place of the same name in a folder beside, which is gone in the end."""
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.stem}.") as folder:
        yield Path(folder) / path.name


@contextmanager
def _only_importer(path: Path, on_wait: Callable[[], None]) -> Iterator[None]:
    """Hold the lock of a table's import, waiting for another process that holds it."""
    from filelock import FileLock, Timeout

    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path.with_name(f".{path.stem}.lock"))
    try:
        lock.acquire(timeout=0.1)
    except Timeout:
        on_wait()
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _writing_errors(folder: Path) -> Iterator[None]:
    """Say what to do about a cache that cannot be written."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise LissnasError(f"{folder}: no space left: free some, or set LISSNAS_CACHE to another folder") from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR):
            raise LissnasError(
                f"{folder}: cannot be written ({error.strerror}): set LISSNAS_CACHE to another folder"
            ) from error
        raise


def surrogate_names() -> tuple[str, ...]:
    """Return the names of all surrogates, the project's own first."""
    return SURROGATES.names()


def valid_surrogate_names() -> tuple[str, ...]:
    """Return the names of all surrogates that can be used; see `valid_names`."""
    return SURROGATES.valid_names()


def find_surrogate(name: str) -> SurrogateAdapter:
    """Return what is known of a surrogate; raises the same errors as `find`."""
    surrogate: SurrogateAdapter = SURROGATES.find(name)
    return surrogate


def load_surrogate(name: str) -> SurrogateEvaluator:
    """Open a surrogate; raises the same errors as `load`."""
    return open_folder(find_surrogate(name), surrogate_folder(name))


def import_surrogate(
    surrogate: SurrogateAdapter,
    official: Path,
    progress: Callable[[float], None] = lambda share: None,
    on_wait: Callable[[], None] = lambda: None,
) -> Path:
    """Convert a surrogate's official folder, or its archive, into the cache, and return where; see `import_files`."""
    path = surrogate_folder(surrogate.name)
    with _writing_errors(path.parent), _only_importer(path, on_wait), _staging(path) as staged:
        staged.mkdir()
        if official.is_file():
            surrogate.archive.checked(official, surrogate.obtain)
            with unpacked(official, surrogate.needed, staged.parent) as folder:
                convert_folder(surrogate, folder, staged, progress)
        else:
            convert_folder(surrogate, official, staged, progress)
        if path.exists():
            path.replace(staged.with_name("before"))
        staged.replace(path)
    return path


def surrogate_folder(name: str) -> Path:
    """Return where a surrogate's models are kept."""
    return cache_folder() / "surrogates" / name


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


def download_folder(name: str) -> Path:
    """Return where a benchmark's official files are downloaded to."""
    return cache_folder() / "downloads" / name


def table_path(name: str) -> Path:
    """Return where a benchmark's table is kept."""
    return cache_folder() / "tables" / f"{name}.parquet"


def _is_current(path: Path, benchmark: Adapter) -> bool:
    """Tell whether a table is there, in today's layout and from the files that the adapter names."""
    if not path.exists() or read_format(path) != FORMAT:
        return False
    found = read_provenance(path).source.files
    return all(found.get(file.name) == file.sha256 for file in benchmark.files if file.sha256)
