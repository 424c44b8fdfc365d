"""Commands for the data of benchmarks: what there is, getting, importing, checking and listing it."""

from functools import partial
from pathlib import Path

from lissnas.errors import SettingError
from lissnas_benchmarks import catalog
from lissnas_benchmarks.benchmark import Benchmark
from lissnas_benchmarks.surrogate import Surrogate
from rich.table import Table as Grid

from lissnas_analyses.commands.options import BenchmarkName, ImportName
from lissnas_analyses.commands.terminal import console, progress


def benchmarks() -> None:
    """List the benchmarks: what each holds, whether it is there, where it comes from, and its licence."""
    grid = Grid(box=None, pad_edge=False, header_style="bold")
    for heading in ("name", "there", "networks", "data sets", "licence"):
        grid.add_column(heading, no_wrap=heading not in ("data sets", "licence"))
    described: list[tuple[Benchmark | Surrogate, str, str]] = []
    for name in catalog.names():
        known, ready = catalog.find(name), catalog.is_ready(name)
        size, datasets = "", ""
        if ready:
            table = catalog.load(name)
            size, datasets = f"{len(table.index):,}", " ".join(table.datasets)
        grid.add_row(name, "yes" if ready else "no", size, datasets, known.licence)
        package = f", here from the package {known.package[1]}" if known.package else ""
        described.append((known, f"{known.page}{package}", "" if ready else known.remedy))
    for name in catalog.surrogate_names():
        surrogate, ready = catalog.find_surrogate(name), catalog.surrogate_folder(name).exists()
        grid.add_row(name, "yes" if ready else "no", f"{surrogate.space().size:.2g}", "predicted", surrogate.licence)
        described.append((surrogate, surrogate.page, "" if ready else surrogate.obtain))
    console.print(grid)
    for entry, origin, remedy in described:
        console.print(f"\n[bold]{entry.name}[/bold]: {entry.title}")
        console.print(f"  {entry.paper}")
        console.print(f"  {origin}")
        for caveat in entry.caveats:
            console.print(f"  note: {caveat}")
        if remedy:
            console.print(f"  to get it: {remedy}")


def import_data(benchmark: ImportName, /, *files: Path) -> None:
    """Read a benchmark's official files, check them, and keep them in the cache in a form that opens at once.

    Parameters
    ----------
    benchmark
        Name of the benchmark.
    files
        Its official files or folders.
    """
    if benchmark not in catalog.surrogate_names():
        _import(catalog.find(benchmark), files)
        return
    if len(files) != 1:
        raise SettingError(f"{benchmark} is read from one folder or archive, not from {len(files)}")
    _import_surrogate(catalog.find_surrogate(benchmark), files[0])


def get_data(benchmark: ImportName, /) -> None:
    """Download a benchmark's official files and import them, or say exactly how to get them.

    Parameters
    ----------
    benchmark
        Name of the benchmark.
    """
    from lissnas_benchmarks.download import download

    if benchmark in catalog.surrogate_names():
        surrogate = catalog.find_surrogate(benchmark)
        if catalog.surrogate_folder(benchmark).exists():
            console.print(f"{benchmark} is there already")
            return
        with progress() as report:
            told = partial(report, surrogate.archive.name)
            archive = download(surrogate.archive, catalog.download_folder(benchmark), told)
        _import_surrogate(surrogate, archive)
        return
    known = catalog.find(benchmark)
    if catalog.is_ready(benchmark):
        console.print(f"{benchmark} is there already")
    elif all(file.url for file in known.files):
        with progress() as report:
            files = tuple(
                download(file, catalog.download_folder(benchmark), partial(report, file.name)) for file in known.files
            )
        _import(known, files)
    else:
        console.print(f"{benchmark}: {known.remedy}")


def check_data(*benchmarks: BenchmarkName) -> None:
    """Read all that is in the cache, and compare it with what was imported.

    Parameters
    ----------
    benchmarks
        Names of the benchmarks; by default every one in the cache.
    """
    for name in benchmarks or [name for name in catalog.names() if catalog.table_path(name).exists()]:
        table = catalog.load(name)
        table.verify()
        console.print(f"{name}: whole, {len(table.columns):,} columns and {len(table.provenance.curves):,} curves")
    for name in () if benchmarks else catalog.surrogate_names():
        if catalog.surrogate_folder(name).exists():
            console.print(f"{name}: whole, ensembles of {catalog.load_surrogate(name).members}")


def list_data() -> None:
    """List what is in the cache, with sizes."""
    grid = Grid(box=None, pad_edge=False, header_style="bold")
    for heading in ("name", "columns", "curves", "size"):
        grid.add_column(heading, no_wrap=True)
    for name in catalog.names():
        if catalog.table_path(name).exists():
            table = catalog.load(name)
            counts = (f"{len(table.columns):,}", f"{len(table.provenance.curves):,}", f"{table.bytes / 1e6:,.1f} MB")
            grid.add_row(name, *counts)
    for name in catalog.surrogate_names():
        files = list(catalog.surrogate_folder(name).glob("*"))
        if files:
            grid.add_row(name, "", "", f"{sum(file.stat().st_size for file in files) / 1e6:,.1f} MB")
    if grid.row_count:
        console.print(grid)
    console.print(f"{'in' if grid.row_count else 'nothing yet in'} {catalog.cache_folder()}")


def _import(benchmark: Benchmark, files: tuple[Path, ...]) -> None:
    with progress() as report:
        told = partial(report, f"importing {benchmark.name}")
        path = catalog.import_files(benchmark, files, told, partial(_say_waiting, benchmark.name))
    console.print(f"{benchmark.name}: read into {path}")


def _import_surrogate(surrogate: Surrogate, official: Path) -> None:
    with progress() as report:
        told = partial(report, f"importing {surrogate.name}")
        path = catalog.import_surrogate(surrogate, official, told, partial(_say_waiting, surrogate.name))
    console.print(f"{surrogate.name}: read into {path}")


def _say_waiting(name: str) -> None:
    console.print(f"{name}: another process is importing it; waiting for it")
