"""Every benchmark by its name, third parties' too, and `load`, which opens one as a Table."""

import errno
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lissnas.errors import LissnasError, PluginError, SettingError
from lissnas.spaces.space import Floats
from lissnas.storage.register import Register

from lissnas_benchmarks.adapter import Adapter, Import, TableAdapter
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


def _fault(name: str, found: Any) -> str:
    """Say why a third party's object cannot be used as an adapter; "" if it can."""
    if not isinstance(found, TableAdapter | SurrogateAdapter):
        return f"it is a {type(found).__name__}, not a TableAdapter or a SurrogateAdapter"
    return "" if found.name == name else f"it calls itself '{found.name}'"


ADAPTERS = Register(
    "benchmark",
    "lissnas.benchmarks",
    {
        "accel-nasbench": "lissnas_benchmarks.adapters.accel_nasbench:ADAPTER",
        "analog-nasbench": "lissnas_benchmarks.adapters.analog_nasbench:ADAPTER",
        "channel-bench-macro": "lissnas_benchmarks.adapters.channel_bench_macro:ADAPTER",
        "channel-bench-macro-mobilenet": "lissnas_benchmarks.adapters.channel_bench_macro:MOBILENET",
        "digits-cells": "lissnas_benchmarks.adapters.trained_cells:DIGITS",
        "fashion-cells": "lissnas_benchmarks.adapters.trained_cells:FASHION",
        "hw-nas-bench": "lissnas_benchmarks.adapters.hw_nas_bench:ADAPTER",
        "nas-bench-101": "lissnas_benchmarks.adapters.nas_bench_101:ADAPTER",
        "nas-bench-101-full": "lissnas_benchmarks.adapters.nas_bench_101:FULL",
        "nas-bench-201": "lissnas_benchmarks.adapters.nas_bench_201:ADAPTER",
        "nas-bench-301": "lissnas_benchmarks.adapters.nas_bench_301:ADAPTER",
        "nas-bench-301-v0.9": "lissnas_benchmarks.adapters.nas_bench_301:V09",
        "nas-bench-graph": "lissnas_benchmarks.adapters.nas_bench_graph:ADAPTER",
        "nas-bench-graph-proteins": "lissnas_benchmarks.adapters.nas_bench_graph:PROTEINS",
        "nas-bench-macro": "lissnas_benchmarks.adapters.nas_bench_macro:ADAPTER",
        "nats-bench-size": "lissnas_benchmarks.adapters.nats_bench:SIZE",
        "nats-bench-topology": "lissnas_benchmarks.adapters.nats_bench:TOPOLOGY",
        "transnas-bench-101-macro": "lissnas_benchmarks.adapters.transnas_bench_101:MACRO",
        "transnas-bench-101-micro": "lissnas_benchmarks.adapters.transnas_bench_101:MICRO",
    },
    _fault,
)
"""The adapter of each benchmark, including those of third parties."""


def benchmark_names() -> tuple[str, ...]:
    """Return the names of all benchmarks, the project's own first."""
    return ADAPTERS.names()


def valid_benchmark_names() -> tuple[str, ...]:
    """Return the names of all benchmarks that can be used; imports the packages of third parties to find out."""
    return ADAPTERS.valid_names()


def faults() -> tuple[str, ...]:
    """Return one sentence for each fault of a benchmark that a third party registered."""
    return ADAPTERS.faults()


def find_adapter(name: str) -> Adapter:
    """Return what a benchmark declares: a `TableAdapter` or a `SurrogateAdapter`.

    Raises UnknownNameError with the nearest name, or PluginError for a third party's benchmark that cannot be used.
    """
    adapter: Adapter = ADAPTERS.find(name)
    return adapter


def find_table_adapter(name: str) -> TableAdapter:
    """Return what a tabular benchmark declares; raises as `find_adapter`, and SettingError for a surrogate."""
    adapter = find_adapter(name)
    if not isinstance(adapter, TableAdapter):
        raise SettingError(
            f"{name} predicts its scores and lists no architectures, but this needs a table of measured "
            f"architectures: choose a tabular benchmark, or open it with load_surrogate('{name}')"
        )
    return adapter


def load_table(name: str) -> Table:
    """Open a tabular benchmark.

    The first call reads and checks the official files and writes them to the cache as one Parquet file. Later calls
    open that file and read only the requested columns.

    Raises
    ------
    UnknownNameError
        If no benchmark has this name.
    SettingError
        If the benchmark is a surrogate.
    MissingFileError
        If the official files are missing; the message says how to get them.
    BenchmarkFileError
        If a file is damaged.
    PluginError
        If a third party's benchmark cannot be used.
    """
    adapter = find_table_adapter(name)
    path = table_path(name)
    if not _is_current(path, adapter):
        import_files(adapter, adapter.installed_files())
    return Table(path, adapter.space)


def load_surrogate(name: str) -> SurrogateEvaluator:
    """Open a surrogate; raises the errors of `load_table`, with SettingError for a tabular benchmark."""
    adapter = find_adapter(name)
    if not isinstance(adapter, SurrogateAdapter):
        raise SettingError(f"{name} is a table and predicts nothing: open it with load_table('{name}')")
    return open_folder(adapter, surrogate_folder(name))


def is_ready(name: str) -> bool:
    """Tell whether `load_table` or `load_surrogate` would find the files that they need."""
    adapter = find_adapter(name)
    if not isinstance(adapter, TableAdapter):
        return surrogate_folder(name).exists()
    if _is_current(table_path(name), adapter):
        return True
    try:
        return all(path.is_file() for path in adapter.installed_files())
    except MissingFileError:
        return False


def import_files(
    adapter: Adapter,
    files: tuple[Path, ...],
    progress: Callable[[float], None] = lambda share: None,
    on_wait: Callable[[], None] = lambda: None,
) -> Path:
    """Convert a benchmark's official files into the cache, and return the path of the table or the surrogate's folder.

    A table or surrogate that was imported before stays usable until the new one is complete, and after a failure.

    Parameters
    ----------
    adapter
        The benchmark.
    files
        Its official files or folders, in the order of `adapter.files`.
    progress
        Called now and then with the share that is done, 0 to 1.
    on_wait
        Called once before waiting for another process that imports the same benchmark.

    Raises
    ------
    MissingFileError
        If a file does not exist, or `files` does not name each file once.
    BenchmarkFileError
        If a file is not the one that its authors published.
    """
    if len(files) != len(adapter.files):
        expected = ", ".join(file.name for file in adapter.files)
        raise MissingFileError(f"{adapter.name} is read from {expected}: name each once, not {len(files)} files")
    path = cached_path(adapter)
    with _writing_errors(path.parent), _only_importer(path, on_wait), _staging(path) as staged:
        if isinstance(adapter, SurrogateAdapter):
            _import_surrogate(adapter, files[0], path, staged, progress)
        elif isinstance(adapter, TableAdapter):
            _import_table(adapter, files, path, staged, progress)
    return path


def _import_table(
    adapter: TableAdapter, files: tuple[Path, ...], path: Path, staged: Path, progress: Callable[[float], None]
) -> None:
    checksums = {
        file.name: file.checked(place, adapter.remedy) for file, place in zip(adapter.files, files, strict=True)
    }
    source = Import(files, staged.with_suffix(""), progress)
    source.folder.mkdir()
    columns = _read(adapter, source)
    index = adapter.index(source) if adapter.index else None
    curves = {file.name: file_checksum(file) for file in sorted(source.folder.iterdir())}
    described = Source(adapter.name, adapter.page, adapter.license, checksums)
    write_table(staged, adapter.space(), columns, described, index, curves)
    path.unlink(missing_ok=True)
    shutil.rmtree(path.with_suffix(""), ignore_errors=True)
    if curves:
        source.folder.replace(path.with_suffix(""))
    staged.replace(path)


def _import_surrogate(
    adapter: SurrogateAdapter, official: Path, path: Path, staged: Path, progress: Callable[[float], None]
) -> None:
    """Convert a surrogate's official folder, or its archive."""
    staged.mkdir()
    if official.is_file():
        adapter.files[0].checked(official, adapter.remedy)
        with unpacked(official, adapter.needed, staged.parent) as folder:
            convert_folder(adapter, folder, staged, progress)
    else:
        convert_folder(adapter, official, staged, progress)
    if path.exists():
        path.replace(staged.with_name("before"))
    staged.replace(path)


def _read(benchmark: TableAdapter, source: Import) -> Mapping[Column, Floats]:
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


def cached_path(adapter: Adapter) -> Path:
    """Return where a benchmark is kept in the cache: the file of its table, or the folder of its models."""
    return surrogate_folder(adapter.name) if isinstance(adapter, SurrogateAdapter) else table_path(adapter.name)


def surrogate_folder(name: str) -> Path:
    """Return where a surrogate's models are kept."""
    return cache_folder() / "surrogates" / name


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


def _is_current(path: Path, benchmark: TableAdapter) -> bool:
    """Tell whether a table is there, in today's layout and from the files that the adapter names."""
    if not path.exists() or read_format(path) != FORMAT:
        return False
    found = read_provenance(path).source.files
    return all(found.get(file.name) == file.sha256 for file in benchmark.files if file.sha256)
