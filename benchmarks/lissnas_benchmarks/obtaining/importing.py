"""Convert the official files of a benchmark into the cache."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from lissnas.errors import LissnasError, PluginError
from lissnas.spaces.space import Floats

from lissnas_benchmarks.adapter import Adapter, Import, TableAdapter
from lissnas_benchmarks.catalog import ADAPTERS
from lissnas_benchmarks.columns import Column, percentage_fault
from lissnas_benchmarks.errors import BenchmarkFileError, MissingFileError
from lissnas_benchmarks.obtaining.cache import cached_path, replacing
from lissnas_benchmarks.obtaining.file_start import is_archive
from lissnas_benchmarks.obtaining.recognition import content_of, form_of, other_benchmark
from lissnas_benchmarks.obtaining.unpacked_archive import unpacked_archive
from lissnas_benchmarks.obtaining.versions import replace_version
from lissnas_benchmarks.obtaining.wrong_file import reads_archives, what_it_is
from lissnas_benchmarks.surrogates.model_archive import unpacked
from lissnas_benchmarks.surrogates.surrogate import DESCRIPTION, SurrogateAdapter, convert_folder, read_description
from lissnas_benchmarks.table_file import Source, file_checksum, write_table


def import_files(
    adapter: Adapter,
    files: tuple[Path, ...],
    progress: Callable[[float], None] = lambda share: None,
    on_wait: Callable[[], None] = lambda: None,
    note: Callable[[str], None] = lambda sentence: None,
) -> Path:
    """Convert a benchmark's official files into the cache, and return the path of the table or the surrogate's folder.

    A table or surrogate that was imported before stays usable until the new one is complete, and after a failure.

    Parameters
    ----------
    adapter
        The benchmark.
    files
        Its official files or folders, in the order of `adapter.files`, also in a tar or ZIP archive as downloaded; or
        one file in a form of another package.
    progress
        Called now and then with the share that is done, 0 to 1.
    on_wait
        Called once before waiting for another process that imports the same benchmark.
    note
        Called with one sentence about what the reader changed in or dropped from the files.

    Raises
    ------
    MissingFileError
        If a file does not exist, or `files` does not name each file once.
    BenchmarkFileError
        If a file is not the one that its authors published.
    """
    if isinstance(adapter, TableAdapter) and len(files) == 1:
        adapter = adapter.with_form(form_of(adapter, files[0]))
    if len(files) != len(adapter.files):
        expected = ", ".join(file.name for file in adapter.files)
        raise MissingFileError(f"{adapter.name} is read from {expected}: name each once, not {len(files)} files")
    path = cached_path(adapter)
    with replacing(path, on_wait) as staged, _unpacked(adapter, files, staged.parent) as opened:
        if isinstance(adapter, SurrogateAdapter):
            _import_surrogate(adapter, opened[0], path, staged, progress)
        elif isinstance(adapter, TableAdapter):
            source = Import(opened, staged.with_suffix(""), progress, note)
            source.folder.mkdir()
            with _reading_errors(adapter, source, files):
                checksums = {
                    file.name: file.checked(place, adapter.remedy)
                    for file, place in zip(adapter.files, opened, strict=True)
                }
                columns = adapter.read(source)
                space = adapter.space()
                index = adapter.index(source) if adapter.index and space.has_index else None
                rows = adapter.rows(source) if adapter.rows and not space.has_index else None
            _check_percentages(adapter, columns)
            curves = {file.name: file_checksum(file) for file in sorted(source.folder.iterdir())}
            origin = Source(adapter.name, adapter.page, adapter.license, checksums)
            write_table(staged, space, columns, origin, index, curves, rows)
            replace_version(path.with_suffix(""), source.folder, curves, staged, path)
    return path


@contextmanager
def _unpacked(adapter: Adapter, files: tuple[Path, ...], folder: Path) -> Iterator[tuple[Path, ...]]:
    """Yield the files, those in archives unpacked into a temporary folder, unless their reader takes archives."""
    with ExitStack() as stack:
        found = []
        for file, path in zip(adapter.files, files, strict=True):
            if path.is_file() and not reads_archives(file.name) and is_archive(path):
                unpacked = stack.enter_context(unpacked_archive(path, folder))
                path = content_of(adapter, file, unpacked, path.name)
            found.append(path)
        yield tuple(found)


def _check_percentages(adapter: TableAdapter, columns: Mapping[Column, Floats]) -> None:
    """Raise BenchmarkFileError if a percentage is not one, nor a negated one of which lower is better."""
    for column, values in columns.items():
        fault = percentage_fault(column, values)
        if fault is not None and percentage_fault(column, -values) is not None:
            row, why = fault
            raise BenchmarkFileError(f"{adapter.name}: {column.name} is {values[row]:g} of architecture {row}, {why}")


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
    path.mkdir(exist_ok=True)
    checksums = read_description(staged).checksums
    replace_version(path, staged, checksums, staged / DESCRIPTION, path / DESCRIPTION)


@contextmanager
def _reading_errors(adapter: TableAdapter, source: Import, given: tuple[Path, ...]) -> Iterator[None]:
    """Say what a file is that cannot be read, and turn an unexpected error of a third party into a PluginError."""
    try:
        yield
    except Exception as error:
        if isinstance(error, BenchmarkFileError | MissingFileError | IsADirectoryError):
            for path, opened, official in zip(given, source.files, adapter.files, strict=True):
                if what := _what_else(adapter, path, opened, official.name):
                    raise BenchmarkFileError(f"{path}: it is {what}; {adapter.remedy}") from error
                if str(opened) in str(error) and opened != path:  # it was unpacked for this import only
                    raise BenchmarkFileError(str(error).replace(str(opened), f"{path}: {opened.name}")) from error
        if adapter.name in ADAPTERS.builtin or isinstance(error, LissnasError | OSError):
            raise
        raise PluginError(
            f"the benchmark '{adapter.name}' cannot be read by its own adapter, which is not part of lissnas: "
            f"{type(error).__name__}: {error}"
        ) from error


def _what_else(adapter: TableAdapter, given: Path, opened: Path, official: str) -> str:
    """Return what a file is, or what is in an archive, if it is not the adapter's; "" if it may be, or is not there."""
    if not given.exists():
        return ""
    what = what_it_is(opened, official)
    return what if opened.is_dir() else other_benchmark(adapter, given) or what
