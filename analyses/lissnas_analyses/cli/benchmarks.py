"""`lissnas benchmarks`: list the benchmarks, or describe some."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from shutil import get_terminal_size

from lissnas.errors import PluginError
from lissnas_benchmarks.catalog import benchmark_faults, find_adapter, valid_benchmark_names
from lissnas_benchmarks.errors import BenchmarkFileError
from lissnas_benchmarks.loading import is_ready, load_table
from lissnas_benchmarks.surrogates.surrogate import SurrogateAdapter
from rich.table import Table

from lissnas_analyses.cli.shared.json_command import CommandResult, json_command
from lissnas_analyses.cli.shared.options import BenchmarkName
from lissnas_analyses.cli.shared.terminal import plain_table, say, say_on_stderr, show
from lissnas_analyses.sentences import counted

_OTHER_COLUMNS = 23
"""Width of the list of benchmarks without names and titles."""

_LIST_WIDTH = 78
"""Width of the list of benchmarks without data."""

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
    fault
        What is wrong with the cached data; "" if it can be read.
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
    fault: str


@dataclass(frozen=True)
class BenchmarkListResult(CommandResult):
    """All benchmarks of the catalog."""

    benchmarks: tuple[BenchmarkEntry, ...]


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
        ready = [entry for entry in entries if entry.ready or entry.fault]
        missing = [entry for entry in entries if entry not in ready]
        if ready:
            show(_overview(ready))
            say("")
        if missing:
            listed = textwrap.wrap(", ".join(entry.name for entry in missing), _LIST_WIDTH, break_on_hyphens=False)
            say(f"{counted(len(missing), 'benchmark')} without data on this machine; 'lissnas data get NAME' gets one:")
            for line in listed:
                say(line, indent=2)
        say("'lissnas benchmarks NAME' describes one: its source, license, caveats, and how to get its data")
    for fault in (
        *faults,
        *(f"{entry.name}: damaged: {entry.fault}" for entry in entries if entry.fault and not names),
    ):
        say_on_stderr(fault)
    return BenchmarkListResult(tuple(entries))


def _entry(name: str) -> BenchmarkEntry:
    adapter, fault = find_adapter(name), ""
    predicts = isinstance(adapter, SurrogateAdapter)
    try:
        ready = is_ready(name)
        table = load_table(name) if ready and not predicts else None
    except BenchmarkFileError as error:
        ready, table, fault = False, None, str(error)
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
        fault=fault,
    )


def _describe(entry: BenchmarkEntry) -> None:
    package = f", data from the package {entry.package}" if entry.package else ""
    say(f": {entry.title}", bold=entry.name)
    say(entry.paper, indent=2)
    say(f"{entry.page}{package}; license: {entry.license}", indent=2)
    if entry.datasets:
        say(f"data sets: {' '.join(entry.datasets)}", indent=2)
    for caveat in entry.caveats:
        say(f"note: {caveat}", indent=2)
    if entry.fault:
        say(f"damaged: {entry.fault}", indent=2)
    if entry.remedy:
        say(f"to get it: {entry.remedy}", indent=2)


def _overview(entries: Sequence[BenchmarkEntry]) -> Table:
    longest = max(len(entry.name) for entry in entries)
    room = get_terminal_size().columns - longest - _OTHER_COLUMNS
    has_titles = room >= _SHORTEST_TITLE
    table = plain_table("name", "networks", "data sets", *["what was measured"][:has_titles])
    table.columns[0].min_width = longest  # a title is cut before a name
    for entry in entries:
        count = f"{entry.networks:.2g}" if entry.predicts else f"{entry.networks:,}" if entry.networks else ""
        datasets = "predicted" if entry.predicts else f"{len(entry.datasets) or ''}"
        size, datasets = ("", "damaged") if entry.fault else (count, datasets)
        title = entry.title if len(entry.title) <= room else f"{entry.title[: room - 3].rstrip()}..."
        table.add_row(entry.name, size, datasets, *[title][:has_titles])
    return table
