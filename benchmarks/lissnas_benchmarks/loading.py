"""Open a benchmark by its name: `load_table` for measured architectures, `load_surrogate` for predictions."""

from pathlib import Path

from lissnas.errors import SettingError

from lissnas_benchmarks.adapter import TableAdapter
from lissnas_benchmarks.catalog import find_adapter, find_table_adapter
from lissnas_benchmarks.errors import MissingFileError
from lissnas_benchmarks.obtaining.cache import is_cached, surrogate_folder, table_path
from lissnas_benchmarks.obtaining.importing import import_files
from lissnas_benchmarks.surrogates.surrogate import SurrogateAdapter, SurrogateEvaluator, open_folder
from lissnas_benchmarks.table import Table
from lissnas_benchmarks.table_file import FORMAT, read_format, read_provenance


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
        return is_cached(adapter)
    if _is_current(table_path(name), adapter):
        return True
    try:
        return all(path.is_file() for path in adapter.installed_files())
    except MissingFileError:
        return False


def _is_current(path: Path, adapter: TableAdapter) -> bool:
    """Tell whether a table exists, in today's layout and made from the files that the adapter names."""
    if not path.exists() or read_format(path) != FORMAT:
        return False
    checksums = read_provenance(path).source.files
    if any(form.file.name in checksums for form in adapter.forms):
        return True
    return all(checksums.get(file.name) == file.sha256 for file in adapter.files if file.sha256)
