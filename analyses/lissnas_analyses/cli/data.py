"""Commands for the data of benchmarks: what there is, getting, importing, checking and listing it."""

from dataclasses import replace
from functools import partial
from pathlib import Path

from lissnas.errors import PluginError
from lissnas_benchmarks.adapter import Adapter
from lissnas_benchmarks.cache import cache_folder, cached_path, download_folder
from lissnas_benchmarks.catalog import benchmark_faults, find_adapter, valid_benchmark_names
from lissnas_benchmarks.importing import import_files
from lissnas_benchmarks.loading import is_ready, load_surrogate, load_table
from lissnas_benchmarks.surrogates.surrogate import SurrogateAdapter
from rich.table import Table as Grid

from lissnas_analyses.cli.command_results import (
    BenchmarkEntry,
    BenchmarkListResult,
    CachedBenchmark,
    CacheResult,
    ImportResult,
)
from lissnas_analyses.cli.json_command import json_command
from lissnas_analyses.cli.options import BenchmarkName
from lissnas_analyses.cli.terminal import progress, say, say_on_stderr, show


@json_command
def benchmarks() -> BenchmarkListResult:
    """List the benchmarks: what each holds, whether it is there, where it comes from, and its license."""
    listed, faults = [], list(benchmark_faults())
    for name in valid_benchmark_names():
        try:
            listed.append(_listed(name))
        except PluginError as error:
            faults.append(str(error))
    found = tuple(listed)
    show(_overview(found))
    for one in found:
        package = f", here from the package {one.package}" if one.package else ""
        say("")
        say(f": {one.title}", bold=one.name)
        say(one.paper, indent=2)
        say(f"{one.page}{package}; license: {one.license}", indent=2)
        if one.datasets:
            say(f"data sets: {' '.join(one.datasets)}", indent=2)
        for caveat in one.caveats:
            say(f"note: {caveat}", indent=2)
        if one.remedy:
            say(f"to get it: {one.remedy}", indent=2)
    for fault in faults:
        say_on_stderr(fault)
    return BenchmarkListResult(found)


@json_command
def import_data(benchmark: BenchmarkName, /, *files: Path) -> ImportResult:
    """Read a benchmark's official files, check them, and keep them in the cache in a form that opens at once.

    Parameters
    ----------
    benchmark
        Name of the benchmark.
    files
        Its official files or folders.
    """
    return _import(find_adapter(benchmark), files)


@json_command
def get_data(benchmark: BenchmarkName, /) -> ImportResult:
    """Download a benchmark's official files and import them, or say exactly how to get them.

    Parameters
    ----------
    benchmark
        Name of the benchmark.
    """
    from lissnas_benchmarks.download import download

    known = find_adapter(benchmark)
    if is_ready(benchmark):
        return _there_already(benchmark, cached_path(known))
    if all(file.url for file in known.files):
        with progress() as report:
            files = tuple(
                download(file, download_folder(benchmark), partial(report, file.name)) for file in known.files
            )
        return _import(known, files)
    say(f"{benchmark}: {known.remedy}")
    return ImportResult(benchmark, None, known.remedy)


@json_command
def check_data(*benchmarks: BenchmarkName) -> CacheResult:
    """Read all that is in the cache, and compare it with what was imported.

    Parameters
    ----------
    benchmarks
        Names of the benchmarks; by default every one in the cache.
    """
    found: list[CachedBenchmark] = []
    for name in benchmarks or _names_in_cache():
        if isinstance(find_adapter(name), SurrogateAdapter):
            members = load_surrogate(name).members
            found.append(replace(_cached(name), ensemble_sizes=members))
            say(f"{name}: whole, ensembles of {members}")
            continue
        with progress() as report:
            table = load_table(name)
            table.verify(partial(report, f"checking {name}"))
        found.append(_cached(name))
        say(f"{name}: whole, {len(table.columns):,} columns and {len(table.provenance.curves):,} curves")
    return CacheResult(cache_folder(), tuple(found))


@json_command
def list_data() -> CacheResult:
    """List what is in the cache, with sizes."""
    found = tuple(map(_cached, _names_in_cache()))
    if found:
        grid = _grid("name", "columns", "curves", "size")
        for one in found:
            counts = ("" if count is None else f"{count:,}" for count in (one.columns, one.curves))
            grid.add_row(one.benchmark, *counts, f"{one.bytes / 1e6:,.1f} MB")
        show(grid)
    say(f"{'in' if found else 'nothing yet in'} {cache_folder()}")
    return CacheResult(cache_folder(), found)


def _listed(name: str) -> BenchmarkEntry:
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


def _overview(benchmarks: tuple[BenchmarkEntry, ...]) -> Grid:
    grid = _grid("name", "there", "networks", "data sets")
    for one in benchmarks:
        size = "" if one.networks is None else f"{one.networks:.2g}" if one.predicts else f"{one.networks:,}"
        datasets = "predicted" if one.predicts else f"{len(one.datasets) or ''}"
        grid.add_row(one.name, "yes" if one.ready else "no", size, datasets)
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


def _there_already(name: str, place: Path) -> ImportResult:
    say(f"{name} is there already")
    return ImportResult(name, place if place.exists() else None, "")


def _import(benchmark: Adapter, files: tuple[Path, ...]) -> ImportResult:
    with progress() as report:
        told = partial(report, f"importing {benchmark.name}")
        path = import_files(benchmark, files, told, partial(_say_waiting, benchmark.name))
    say(f"{benchmark.name}: read into {path}")
    return ImportResult(benchmark.name, path, "")


def _say_waiting(name: str) -> None:
    say_on_stderr(f"{name}: another process is importing it; waiting for it")
