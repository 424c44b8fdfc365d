"""What each command of the command line does."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import cyclopts
from cyclopts import Parameter, validators
from lissnas.errors import SettingError
from lissnas.shrink import Settings, method_names, settings_class
from lissnas_benchmarks import catalog
from lissnas_benchmarks.benchmark import Benchmark
from lissnas_benchmarks.surrogate import Surrogate
from rich.console import Console
from rich.table import Table as Grid

from lissnas_analyses.study import Study, open_study

if TYPE_CHECKING:
    from lissnas_analyses.reproduce import Report

    BenchmarkName = str
    ImportName = str
    MethodName = str
else:
    BenchmarkName = Literal[catalog.names()]
    ImportName = Literal[catalog.names() + catalog.surrogate_names()]
    MethodName = Literal[method_names()]


def _methods_in_words() -> str:
    """Return what each method adds to the options of the command, with its defaults."""
    words = ["How to shrink. The settings of a method are options too."]
    for method in method_names():
        defaults = asdict(cast(Any, settings_class(method)()))
        options = ", ".join(f"--{name.replace('_', '-')} {value}" for name, value in defaults.items())
        words.append(f"{method}: {options}.")
    return " ".join(words)


Method = Annotated[MethodName, Parameter(help=_methods_in_words())]
Methods = Annotated[
    tuple[MethodName, ...],
    Parameter(
        help="Methods to compare, one after the other; LISSNAS sets size and evaluations.", consume_multiple=True
    ),
]
Dataset = Annotated[str | None, Parameter(help="Data set of the benchmark; by default its first.")]
Metric = Annotated[str | None, Parameter(help="What to rank networks by; by default the benchmark's accuracy.")]
Seed = Annotated[
    int,
    Parameter(
        help="Seed of every random draw: the same seed gives the same results.", validator=validators.Number(gte=0)
    ),
]
Runs = Annotated[int, Parameter(help="Over how many seeds to average.")]
Out = Annotated[Path | None, Parameter(help="Folder for the results; by default results/BENCHMARK.")]

console = Console(highlight=False, soft_wrap=True)


def reproduce(*, seed: Seed = 0, runs: Runs = 20, out: Path = Path("results")) -> None:
    """Do everything, for every benchmark that is there: locality, shrinking, a map of the pockets.

    Parameters
    ----------
    out
        Folder for the results: one folder in it for each benchmark.
    """
    from lissnas_analyses.reproduce import BENCHMARKS
    from lissnas_analyses.reproduce import reproduce as run

    ready = [name for name in BENCHMARKS if catalog.is_ready(name)]
    with _progress() as report:
        for name in ready:
            study = open_study(name)
            _print_summary(study, run(study, out / name, runs, seed, _prefixed(report, name)), out / name)
    for name in sorted(set(BENCHMARKS) - set(ready)):
        console.print(f"{name} was left out, its data is not here: {catalog.find(name).remedy}")


def locality(
    benchmark: BenchmarkName,
    /,
    *,
    dataset: Dataset = None,
    metric: Metric = None,
    seed: Seed = 0,
    out: Out = None,
) -> None:
    """Measure and draw the locality of a benchmark. It is exact, so no seed changes it.

    Parameters
    ----------
    benchmark
        Name of the benchmark.
    """
    from lissnas_analyses.reproduce import locality_sentences, run_locality
    from lissnas_analyses.results import Results

    folder = out or _default_folder(benchmark)
    results = Results(folder)
    study = open_study(benchmark, dataset, metric)
    with _progress() as report:
        found = run_locality(study, results, _prefixed(report, benchmark))
    results.manifest(study, {"seed": seed})
    _print_summary(study, locality_sentences(found), folder)


def compare(
    benchmark: BenchmarkName,
    /,
    *,
    dataset: Dataset = None,
    metric: Metric = None,
    methods: Methods = ("lissnas", "operation-pruning", "random-subset"),
    seed: Seed = 0,
    runs: Runs = 20,
    out: Out = None,
) -> None:
    """Shrink a benchmark with several methods, at equal evaluations and size, and compare what is kept.

    Parameters
    ----------
    benchmark
        Name of the benchmark.
    """
    from lissnas_analyses.reproduce import comparison_sentences, run_comparison
    from lissnas_analyses.results import Results

    folder = out or _default_folder(benchmark)
    results = Results(folder)
    study = open_study(benchmark, dataset, metric)
    with _progress() as report:
        found = run_comparison(study, results, runs, seed, _prefixed(report, benchmark), methods)
    results.manifest(study, {"seed": seed, "runs": runs, "methods": list(methods)})
    _print_summary(study, comparison_sentences(found), folder)


def shrink(
    benchmark: BenchmarkName,
    /,
    *method_settings: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)],
    method: Method = "lissnas",
    dataset: Dataset = None,
    metric: Metric = None,
    seed: Seed = 0,
    out: Out = None,
) -> None:
    """Shrink a benchmark's space, and save what is kept to a file that loads again.

    Parameters
    ----------
    benchmark
        Name of the benchmark.
    """
    import numpy as np
    from lissnas import subspace as subspaces
    from lissnas.quality import quality
    from lissnas.shrink import shrink as run

    from lissnas_analyses.results import Results

    settings = _parsed(method, method_settings)
    folder = out or _default_folder(benchmark)
    Results(folder)
    study = open_study(benchmark, dataset, metric)
    trace = run(study.space, study.evaluator, settings, np.random.default_rng(seed))
    path = folder / f"shrunk-{method}.parquet"
    origin = {"benchmark": benchmark, "dataset": study.dataset, "selected_by": study.selects.describe()}
    spent = {"seed": seed, "evaluations": trace.evaluations.count}
    subspaces.save(trace.subspace, path, origin | {"method": method, "settings": asdict(cast(Any, settings))} | spent)
    judged = quality(trace.subspace, study.report)
    console.print(
        f"{benchmark}, {study.dataset}: {method} keeps {judged.size:,} of {study.space.size:,} networks "
        f"after {_counted(len(trace.rounds) - 1, 'round')} and {_counted(trace.evaluations.count, 'evaluation')}"
    )
    console.print(f"  {study.roles}")
    console.print(
        f"  mean {judged.mean:.2f} {study.unit}, best {judged.best:.2f} {study.unit}, "
        f"{_counted(judged.pockets, 'pocket')}"
    )
    console.print(f"  recall of the top 1 % {judged.recall_1:.2f}, of the top 5 % {judged.recall_5:.2f}")
    console.print(f"  {path}")


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
        raise SettingError(f"{benchmark} is read from one folder, not from {len(files)}")
    with _progress() as report:
        told = partial(report, f"importing {benchmark}")
        path = catalog.import_surrogate(
            catalog.find_surrogate(benchmark), files[0], told, partial(_say_waiting, benchmark)
        )
    console.print(f"{benchmark}: read into {path}")


def get_data(benchmark: BenchmarkName, /) -> None:
    """Download a benchmark's official files and import them, or say exactly how to get them.

    Parameters
    ----------
    benchmark
        Name of the benchmark.
    """
    from lissnas_benchmarks.download import download

    known = catalog.find(benchmark)
    if catalog.is_ready(benchmark):
        console.print(f"{benchmark} is there already")
    elif all(file.url for file in known.files):
        with _progress() as report:
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
    with _progress() as report:
        told = partial(report, f"importing {benchmark.name}")
        path = catalog.import_files(benchmark, files, told, partial(_say_waiting, benchmark.name))
    console.print(f"{benchmark.name}: read into {path}")


def _say_waiting(name: str) -> None:
    console.print(f"{name}: another process is importing it; waiting for it")


def _parsed(method: str, tokens: tuple[str, ...]) -> Settings:
    """Return a method's settings from the options that the command itself does not know."""
    wanted = settings_class(method)

    def collect(*, settings: Annotated[wanted, Parameter(name="*")] = wanted()) -> Settings:  # type: ignore[valid-type]  # noqa: B008
        return settings

    app = cyclopts.App(name=f"--method {method}", result_action="return_value", help_flags=(), version_flags=())
    app.default(collect)
    return cast(Settings, app(tokens, exit_on_error=False, print_error=False))


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _default_folder(benchmark: str) -> Path:
    return Path("results") / benchmark


def _print_summary(study: Study, sentences: tuple[str, ...], folder: Path) -> None:
    console.print(f"[bold]{study.benchmark.name}[/bold], {study.dataset}: {study.space.size:,} networks; {study.roles}")
    for sentence in sentences:
        console.print(f"  {sentence}")
    console.print(f"  figures, numbers and manifest: {folder}/")


@contextmanager
def _progress() -> "Iterator[Report]":
    """Show what is being done and how long is left, on a terminal only."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        tasks: dict[str, object] = {}

        def report(step: str, share: float) -> None:
            if step not in tasks:
                tasks[step] = progress.add_task(step, total=1)
            progress.update(tasks[step], completed=share)  # type: ignore[arg-type]

        yield report


def _prefixed(report: "Report", name: str) -> "Report":
    return lambda step, share: report(f"{name}: {step}", share)
