"""`lissnas data`: get, import, check and list the data of benchmarks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from lissnas.errors import SettingError
from lissnas.progress import ProgressCallback
from lissnas_benchmarks.adapter import Adapter, TableAdapter
from lissnas_benchmarks.catalog import benchmark_faults, benchmark_names, find_adapter, valid_benchmark_names
from lissnas_benchmarks.declared import declared_names
from lissnas_benchmarks.errors import BenchmarkFileError, MissingFileError
from lissnas_benchmarks.loading import is_ready, load_surrogate, load_table
from lissnas_benchmarks.obtaining.cache import cache_folder, cached_path, download_folder, is_cached
from lissnas_benchmarks.obtaining.importing import import_files
from lissnas_benchmarks.obtaining.recognition import recognize
from lissnas_benchmarks.predictor_file import zero_cost_example
from lissnas_benchmarks.surrogates.surrogate import SurrogateAdapter, SurrogateEvaluator
from lissnas_benchmarks.table import Table
from lissnas_benchmarks.table_file import read_provenance

from lissnas_analyses.cli.shared.json_command import CommandResult, json_command
from lissnas_analyses.cli.shared.options import BenchmarkName
from lissnas_analyses.cli.shared.terminal import plain_table, progress, say, say_on_stderr, show


@dataclass(frozen=True)
class ImportResult(CommandResult):
    """The data of one benchmark after `data get` or `data import`.

    Attributes
    ----------
    benchmark
        Name of the benchmark; "" for a file of predictors, which needs no import.
    path
        The cached table or models; None if the data is read from a Python package on first use, or is not installed.
    remedy
        How to get the data; "" if it is installed.
    notes
        What the import changed in or dropped from the files, and whether their checksums were compared.
    """

    benchmark: str
    path: Path | None
    remedy: str
    notes: tuple[str, ...] = ()

    @property
    def exit_status(self) -> int:
        """1 if the data is not installed, because a person has to get it."""
        return int(bool(self.remedy))


@dataclass(frozen=True)
class CachedBenchmark:
    """The cached data of one benchmark.

    Attributes
    ----------
    benchmark
        Name of the benchmark.
    columns, curves
        Number of columns and of learning curves of a table; None for a surrogate.
    ensemble_sizes
        Number of models for each predicted quantity of a surrogate; only `data check` counts them.
    bytes
        Size of the table and its curves, or of the models.
    fault
        What is wrong with the cached data; "" if it can be read, or, after `data check`, if it is complete.
    """

    benchmark: str
    columns: int | None
    curves: int | None
    ensemble_sizes: dict[str, int] | None
    bytes: int
    fault: str = ""


@dataclass(frozen=True)
class CacheResult(CommandResult):
    """The cache folder and its benchmarks; `data check` has read all of them."""

    folder: Path
    benchmarks: tuple[CachedBenchmark, ...]

    @property
    def exit_status(self) -> int:
        """1 if a cached benchmark cannot be read."""
        return int(any(benchmark.fault for benchmark in self.benchmarks))


@json_command
def import_data(*words: str, benchmark: Annotated[BenchmarkName | None, Parameter(name="--as")] = None) -> ImportResult:
    """Read and check a benchmark's files, and write them to the cache in a format that opens instantly.

    A file, a folder, or an archive as downloaded is recognized by its content. The name of a benchmark before it, or
    --as, says what it is.

    Parameters
    ----------
    words
        The files or folders; or the name of the benchmark, then its files.
    benchmark
        Name of the benchmark, if the file is not recognized or another benchmark reads it, too.
    """
    names_it = benchmark is None and words and not Path(words[0]).exists()
    name, files = (words[0], words[1:]) if names_it else (benchmark or "", words)
    paths = tuple(map(Path, files))
    if names_it and not files and name not in benchmark_names():
        raise MissingFileError(f"{name}: neither a file nor the name of a benchmark, whose files are to follow")
    if not name:
        if not paths:
            raise SettingError("name a file to import: 'lissnas data import FILE', or '... import NAME FILE'")
        recognized = recognize(paths[0])
        if not recognized.benchmark:
            known, score = zero_cost_example(paths[0])
            say(
                f"{paths[0]}: zero-cost scores of NASLib. They need no import: pass them as predictors, for example "
                f"'lissnas tau {known} --predictor {paths[0]}:{score}'"
            )
            return ImportResult("", paths[0], "")
        name, form = recognized.benchmark, recognized.form
        say(f"{paths[0]}: recognized as {name}" + (f", in the form of {form.origin}" if form else ""))
    notes: list[str] = []
    with progress() as report:
        path = import_files(find_adapter(name), paths, *_callbacks(name, report, notes))
    return _imported(name, path, paths, notes)


@json_command
def get_data(benchmark: BenchmarkName, /) -> ImportResult:
    """Download a benchmark's official files and import them, or print how to get them; replace damaged data.

    Parameters
    ----------
    benchmark
        Name of the benchmark.
    """
    from lissnas_benchmarks.obtaining.download import download

    adapter = find_adapter(benchmark)
    if damage := _damage(benchmark):
        say_on_stderr(f"{benchmark}: damaged: {damage}")
    elif is_ready(benchmark):
        return _already_installed(benchmark, cached_path(adapter))
    notes: list[str] = []
    try:
        installed = adapter.installed_files()
    except MissingFileError:
        installed = ()
    if installed:
        with progress() as report:
            path = import_files(adapter, installed, *_callbacks(benchmark, report, notes))
        return _imported(benchmark, path, installed, notes)
    if all(file.url for file in adapter.files):
        with progress() as report:
            waits = partial(say_on_stderr, f"{benchmark}: waiting for another process that downloads it")
            files = tuple(
                download(file, download_folder(benchmark), partial(report, file.name), waits) for file in adapter.files
            )
            path = _import_downloaded(adapter, files, report, notes)
        return _imported(benchmark, path, files, notes)
    remedy = adapter.remedy
    for form in adapter.forms if isinstance(adapter, TableAdapter) else ():
        if form.file.url:
            remedy += f"; or download {form.file.name} of {form.origin} from {form.file.url}, and import that"
    say(f"{benchmark}: {remedy}")
    return ImportResult(benchmark, None, remedy)


def _damage(name: str) -> str:
    """Return what is wrong with the cached data of a benchmark; "" if nothing is wrong, or nothing is cached."""
    if is_cached(find_adapter(name)):
        try:
            _verified(name)
        except BenchmarkFileError as error:
            return str(error)
        except MissingFileError:
            pass  # a table of an earlier version
    return ""


def _import_downloaded(adapter: Adapter, files: tuple[Path, ...], report: ProgressCallback, notes: list[str]) -> Path:
    """Import what was downloaded; delete it if the import refuses it, so that the next call downloads it again."""
    try:
        return import_files(adapter, files, *_callbacks(adapter.name, report, notes))
    except BenchmarkFileError as error:
        for path in files:
            path.unlink(missing_ok=True)
        raise BenchmarkFileError(f"{error}; what was downloaded is deleted") from error


@json_command
def check_data(*benchmarks: BenchmarkName) -> CacheResult:
    """Read the cached data and compare it with the checksums of the import.

    Parameters
    ----------
    benchmarks
        Names of the benchmarks; default: all in the cache.
    """
    checked: list[CachedBenchmark] = []
    for name in benchmarks or _names_in_cache():
        try:
            checked.append(_checked(name))
        except (BenchmarkFileError, MissingFileError) as error:
            if not is_cached(find_adapter(name)):
                raise
            checked.append(_damaged(name, str(error)))
            say_on_stderr(f"{name}: damaged: {error}")
    return CacheResult(cache_folder(), tuple(checked))


@json_command
def list_data() -> CacheResult:
    """List the cached data with its size."""
    cached = tuple(map(_cached_or_damaged, _names_in_cache()))
    if cached:
        table = plain_table("name", "columns", "curves", "size")
        for benchmark in cached:
            counts = ("" if count is None else f"{count:,}" for count in (benchmark.columns, benchmark.curves))
            fault = " damaged" if benchmark.fault else ""
            table.add_row(benchmark.benchmark, *counts, f"{benchmark.bytes / 1e6:,.1f} MB{fault}")
        show(table)
        for benchmark in cached:
            if benchmark.fault:
                say_on_stderr(f"{benchmark.benchmark}: damaged: {benchmark.fault}")
    for fault in benchmark_faults():
        say_on_stderr(fault)
    say(f"{'in' if cached else 'nothing in'} {cache_folder()}")
    return CacheResult(cache_folder(), cached)


def _checked(name: str) -> CachedBenchmark:
    """Read the cached data of a benchmark, and return its description; raises BenchmarkFileError if it is damaged."""
    data = _verified(name)
    if isinstance(data, SurrogateEvaluator):
        say(f"{name}: complete, ensembles of {data.members}")
        return replace(_cached(name), ensemble_sizes=data.members)
    say(f"{name}: complete, {len(data.columns):,} columns and {len(data.provenance.curves):,} curves")
    return _cached(name)


def _verified(name: str) -> Table | SurrogateEvaluator:
    """Return the cached data of a benchmark with all checksums compared; raises BenchmarkFileError for a damage."""
    if isinstance(find_adapter(name), SurrogateAdapter):
        return load_surrogate(name)
    with progress() as report:
        table = load_table(name)
        table.verify(partial(report, f"checking {name}"))
    return table


def _names_in_cache() -> list[str]:
    return [name for name in valid_benchmark_names() if is_cached(find_adapter(name))]


def _cached(name: str) -> CachedBenchmark:
    adapter = find_adapter(name)
    if isinstance(adapter, SurrogateAdapter):
        size = sum(file.stat().st_size for file in cached_path(adapter).rglob("*") if file.is_file())
        return CachedBenchmark(name, None, None, None, size)
    table = load_table(name)
    return CachedBenchmark(name, len(table.columns), len(table.provenance.curves), None, table.bytes)


def _cached_or_damaged(name: str) -> CachedBenchmark:
    try:
        return _cached(name)
    except (BenchmarkFileError, MissingFileError) as error:
        return _damaged(name, str(error))


def _damaged(name: str, fault: str) -> CachedBenchmark:
    path = cached_path(find_adapter(name))
    return CachedBenchmark(name, None, None, None, path.stat().st_size if path.is_file() else 0, fault)


def _already_installed(name: str, path: Path) -> ImportResult:
    say(f"{name} is already installed")
    return ImportResult(name, path if path.exists() else None, "")


def _callbacks(
    name: str, report: ProgressCallback, notes: list[str]
) -> tuple[Callable[[float], None], Callable[[], None], Callable[[str], None]]:
    """Return what an import calls: with the share that is done, before it waits for another process, with a note."""
    waiting = f"{name}: waiting for another process that imports it"
    return partial(report, f"importing {name}"), partial(say_on_stderr, waiting), notes.append


def _imported(name: str, path: Path, files: Sequence[Path], notes: list[str]) -> ImportResult:
    notes += _verified_files(name, path, files)
    for note in notes:
        say(f"note: {note}")
    say(f"{name}: imported to {path}")
    return ImportResult(name, path, "", tuple(notes))


def _verified_files(name: str, path: Path, files: Sequence[Path]) -> list[str]:
    """Return a sentence for each imported file, which says whether its checksum was compared."""
    if name in declared_names():
        return []
    adapter = find_adapter(name)
    forms = adapter.forms if isinstance(adapter, TableAdapter) else ()
    known = {file.name: file.sha256 for file in (*adapter.files, *(form.file for form in forms))}
    found = dict.fromkeys(known, "") if isinstance(adapter, SurrogateAdapter) else read_provenance(path).source.files
    sentences = []
    for file, (official, checksum) in zip(files, found.items(), strict=True):
        if known.get(official) is not None:
            sentences.append(f"{file.name}: verified, it has the SHA-256 that lissnas knows of it")
        else:
            own = f" ({checksum})" if checksum else ""
            checked = "its layout and the values that were read were checked"
            sentences.append(f"{file.name}: not verified, lissnas knows no SHA-256 of it{own}; {checked}")
    return sentences
