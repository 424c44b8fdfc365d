"""`lissnas benchmarks` and `lissnas data`: list benchmarks; get, import, check and list their data."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from shutil import get_terminal_size

from lissnas.errors import PluginError
from lissnas.progress import ProgressCallback
from lissnas_benchmarks.cache import cache_folder, cached_path, download_folder
from lissnas_benchmarks.catalog import benchmark_faults, find_adapter, valid_benchmark_names
from lissnas_benchmarks.importing import import_files
from lissnas_benchmarks.loading import is_ready, load_surrogate, load_table
from lissnas_benchmarks.surrogates.surrogate import SurrogateAdapter
from rich.table import Table as Grid

from lissnas_analyses.cli.shared.json_command import CommandResult, json_command
from lissnas_analyses.cli.shared.options import BenchmarkName
from lissnas_analyses.cli.shared.terminal import progress, say, say_on_stderr, show

_OTHER_COLUMNS = 31
"""Width of the list of benchmarks without names and titles."""

_SHORTEST_TITLE = 18
"""The list of benchmarks has no titles if fewer letters than this fit into the terminal."""


@dataclass(frozen=True)
class BenchmarkEntry:
    """A benchmark of the catalog.

    Attributes
    ----------
    name, title, license, paper, page
        As the benchmark's adapter states them.
    package
        Requirement of the Python package that contains the data; None if no package does.
    predicts
        Whether a surrogate predicts the networks; otherwise a table has them.
    ready
        Whether the data is installed.
    networks, datasets
        Number of networks and names of data sets; None and empty while the data is not installed.
    caveats
        What a user must know before relying on a number.
    remedy
        How to get the data; "" if it is installed.
    """

    name: str
    title: str
    license: str
    paper: str
    page: str
    package: str | None
    predicts: bool
    ready: bool
    networks: int | None
    datasets: tuple[str, ...]
    caveats: tuple[str, ...]
    remedy: str


@dataclass(frozen=True)
class BenchmarkListResult(CommandResult):
    """All benchmarks of the catalog."""

    benchmarks: tuple[BenchmarkEntry, ...]


@dataclass(frozen=True)
class ImportResult(CommandResult):
    """The data of one benchmark after `data get` or `data import`.

    Attributes
    ----------
    benchmark
        Name of the benchmark.
    path
        The cached table or models; None if the data is read from a Python package on first use, or is not installed.
    remedy
        How to get the data; "" if it is installed.
    """

    benchmark: str
    path: Path | None
    remedy: str


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
    """

    benchmark: str
    columns: int | None
    curves: int | None
    ensemble_sizes: dict[str, int] | None
    bytes: int


@dataclass(frozen=True)
class CacheResult(CommandResult):
    """The cache folder and its benchmarks; `data check` has read them and found them complete."""

    folder: Path
    benchmarks: tuple[CachedBenchmark, ...]


@json_command
def benchmarks(*names: BenchmarkName) -> BenchmarkListResult:
    """List the benchmarks, and whether their data is installed; or describe some: source, license, notes, data.

    Parameters
    ----------
    names
        Benchmarks to describe; default: list all.
    """
    entries, faults = [], [] if names else list(benchmark_faults())
    for name in names or valid_benchmark_names():
        try:
            entries.append(_entry(name))
        except PluginError as error:
            faults.append(str(error))
    if names:
        for number, entry in enumerate(entries):
            if number:
                say("")
            _describe(entry)
    else:
        show(_overview(entries))
        say("")
        say("'lissnas benchmarks NAME' describes one: its source, license, caveats, and how to get its data")
    for fault in faults:
        say_on_stderr(fault)
    return BenchmarkListResult(tuple(entries))


@json_command
def import_data(benchmark: BenchmarkName, /, *files: Path) -> ImportResult:
    """Read and check a benchmark's official files, and write them to the cache in a format that opens instantly.

    Parameters
    ----------
    benchmark
        Name of the benchmark.
    files
        The official files or folders.
    """
    with progress() as report:
        path = import_files(find_adapter(benchmark), files, *_callbacks(benchmark, report))
    return _imported(benchmark, path)


@json_command
def get_data(benchmark: BenchmarkName, /) -> ImportResult:
    """Download a benchmark's official files and import them, or print how to get them.

    Parameters
    ----------
    benchmark
        Name of the benchmark.
    """
    from lissnas_benchmarks.download import download

    adapter = find_adapter(benchmark)
    if is_ready(benchmark):
        return _already_installed(benchmark, cached_path(adapter))
    if all(file.url for file in adapter.files):
        with progress() as report:
            files = tuple(
                download(file, download_folder(benchmark), partial(report, file.name)) for file in adapter.files
            )
            path = import_files(adapter, files, *_callbacks(benchmark, report))
        return _imported(benchmark, path)
    say(f"{benchmark}: {adapter.remedy}")
    return ImportResult(benchmark, None, adapter.remedy)


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
        if isinstance(find_adapter(name), SurrogateAdapter):
            members = load_surrogate(name).members
            checked.append(replace(_cached(name), ensemble_sizes=members))
            say(f"{name}: complete, ensembles of {members}")
            continue
        with progress() as report:
            table = load_table(name)
            table.verify(partial(report, f"checking {name}"))
        checked.append(_cached(name))
        say(f"{name}: complete, {len(table.columns):,} columns and {len(table.provenance.curves):,} curves")
    return CacheResult(cache_folder(), tuple(checked))


@json_command
def list_data() -> CacheResult:
    """List the cached data with its size."""
    cached = tuple(map(_cached, _names_in_cache()))
    if cached:
        grid = _grid("name", "columns", "curves", "size")
        for benchmark in cached:
            counts = ("" if count is None else f"{count:,}" for count in (benchmark.columns, benchmark.curves))
            grid.add_row(benchmark.benchmark, *counts, f"{benchmark.bytes / 1e6:,.1f} MB")
        show(grid)
    say(f"{'in' if cached else 'nothing in'} {cache_folder()}")
    return CacheResult(cache_folder(), cached)


def _entry(name: str) -> BenchmarkEntry:
    adapter, ready = find_adapter(name), is_ready(name)
    predicts = isinstance(adapter, SurrogateAdapter)
    table = load_table(name) if ready and not predicts else None
    return BenchmarkEntry(
        name=name,
        title=adapter.title,
        license=adapter.license,
        paper=adapter.paper,
        page=adapter.page,
        package=adapter.package[1] if adapter.package else None,
        predicts=predicts,
        ready=ready,
        networks=len(table.index) if table else adapter.space().size if predicts else None,
        datasets=table.datasets if table else (),
        caveats=adapter.caveats,
        remedy="" if ready else adapter.remedy,
    )


def _names_in_cache() -> list[str]:
    return [name for name in valid_benchmark_names() if cached_path(find_adapter(name)).exists()]


def _describe(entry: BenchmarkEntry) -> None:
    package = f", data from the package {entry.package}" if entry.package else ""
    say(f": {entry.title}", bold=entry.name)
    say(entry.paper, indent=2)
    say(f"{entry.page}{package}; license: {entry.license}", indent=2)
    if entry.datasets:
        say(f"data sets: {' '.join(entry.datasets)}", indent=2)
    for caveat in entry.caveats:
        say(f"note: {caveat}", indent=2)
    if entry.remedy:
        say(f"to get it: {entry.remedy}", indent=2)


def _overview(entries: Sequence[BenchmarkEntry]) -> Grid:
    room = get_terminal_size().columns - max(len(entry.name) for entry in entries) - _OTHER_COLUMNS
    has_titles = room >= _SHORTEST_TITLE
    grid = _grid("name", "ready", "networks", "data sets", *["what was measured"][:has_titles])
    for entry in entries:
        size = "" if entry.networks is None else f"{entry.networks:.2g}" if entry.predicts else f"{entry.networks:,}"
        datasets = "predicted" if entry.predicts else f"{len(entry.datasets) or ''}"
        title = entry.title if len(entry.title) <= room else f"{entry.title[: room - 3].rstrip()}..."
        grid.add_row(entry.name, "yes" if entry.ready else "no", size, datasets, *[title][:has_titles])
    return grid


def _grid(*headings: str) -> Grid:
    grid = Grid(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        grid.add_column(heading, no_wrap=True)
    return grid


def _cached(name: str) -> CachedBenchmark:
    adapter = find_adapter(name)
    if isinstance(adapter, SurrogateAdapter):
        size = sum(file.stat().st_size for file in cached_path(adapter).glob("*"))
        return CachedBenchmark(name, None, None, None, size)
    table = load_table(name)
    return CachedBenchmark(name, len(table.columns), len(table.provenance.curves), None, table.bytes)


def _already_installed(name: str, path: Path) -> ImportResult:
    say(f"{name} is already installed")
    return ImportResult(name, path if path.exists() else None, "")


def _callbacks(name: str, report: ProgressCallback) -> tuple[Callable[[float], None], Callable[[], None]]:
    """Return what an import calls: with the share that is done, and before it waits for another process."""
    waiting = f"{name}: waiting for another process that imports it"
    return partial(report, f"importing {name}"), partial(say_on_stderr, waiting)


def _imported(name: str, path: Path) -> ImportResult:
    say(f"{name}: imported to {path}")
    return ImportResult(name, path, "")
