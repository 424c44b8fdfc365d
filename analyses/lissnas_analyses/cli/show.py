"""`lissnas show`: draw architectures side by side."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from lissnas.bridges.dialects import OFFICIAL, read_architectures, write_architectures
from lissnas.spaces.space import Rows
from lissnas_benchmarks.adapter import TableAdapter
from lissnas_benchmarks.catalog import find_adapter
from lissnas_benchmarks.loading import is_ready, load_surrogate, load_table

from lissnas_analyses.cli.shared.json_command import CommandResult, json_command
from lissnas_analyses.cli.shared.options import BenchmarkName, Dataset, Out, default_folder
from lissnas_analyses.cli.shared.terminal import say


@dataclass(frozen=True)
class DrawingResult(CommandResult):
    """A drawing of architectures.

    Attributes
    ----------
    benchmark
        Name of the benchmark.
    architectures
        Official strings of the architectures.
    written
        The architectures in the format of --as; empty without it.
    notes
        The score and rank of each architecture; "" if the data is not installed.
    edit_distance
        Edit distance of two architectures; None for any other number of architectures.
    folder, files
        The folder of the figure, and the names of its files.
    """

    benchmark: str
    architectures: tuple[str, ...]
    written: tuple[str, ...]
    notes: tuple[str, ...]
    edit_distance: int | None
    folder: Path
    files: tuple[str, ...]


@json_command
def show(
    benchmark: BenchmarkName,
    /,
    *architectures: Annotated[str, Parameter(required=True)],
    form: Annotated[str, Parameter(name="--format")] = OFFICIAL,
    written_as: Annotated[str | None, Parameter(name="--as")] = None,
    dataset: Dataset = None,
    out: Out = None,
) -> DrawingResult:
    """Draw architectures side by side and mark their differences.

    Writes architectures.png and .svg to results/BENCHMARK unless --out names another folder.

    Parameters
    ----------
    benchmark
        Name of the benchmark whose space has the architectures.
    architectures
        The architectures, as official strings or in the format of --format.
    form
        Format of the architectures, such as naslib-201; the error for an unknown one lists those of the space.
    written_as
        Format in which to print them too.
    """
    from lissnas.storage.atomic_write import atomic_write

    from lissnas_analyses import style
    from lissnas_analyses.diagrams.diagram import diagrams
    from lissnas_analyses.diagrams.draw import draw_diagrams
    from lissnas_analyses.results.folder import figure_files, make_folder

    space = find_adapter(benchmark).space()
    rows = read_architectures(architectures, form, space)
    written = () if written_as is None else tuple(write_architectures(rows, written_as, space))
    titles, notes = space.write(rows), [_note(benchmark, dataset, row[None]) for row in rows]
    folder = out or default_folder(benchmark)
    make_folder(folder)
    with style.house_style():
        drawn = figure_files("architectures", draw_diagrams(diagrams(space, rows), titles, notes))
    for name, content in drawn.items():
        with atomic_write(folder / name) as file:
            file.write(content)
    for title, note in zip(titles, notes, strict=True):
        say(f"{title}  {note}".rstrip())
    for text in written:
        say(text, indent=2)
    distance = int(space.distance(rows[:1], rows[1:])[0]) if len(rows) == 2 else None
    if distance is not None:
        say(f"edit distance {distance}")
    say(str(folder / "architectures.png"), indent=2)
    return DrawingResult(benchmark, tuple(titles), written, tuple(notes), distance, folder, tuple(drawn))


def _note(benchmark: str, dataset: str | None, row: Rows) -> str:
    """Return the score and rank of an architecture; "" if the data is not installed."""
    import numpy as np

    if not is_ready(benchmark):
        return ""
    adapter = find_adapter(benchmark)
    if not isinstance(adapter, TableAdapter):
        return f"predicted accuracy {load_surrogate(benchmark)(row)[0]:.2f} %"
    table, reports = load_table(benchmark), adapter.reports
    dataset = dataset or table.datasets[0]
    values = table.values(reports, dataset)
    place = np.flatnonzero(table.index == table.space.index(row)[0])
    if not len(place) or np.isnan(values[place[0]]):
        return "not measured"
    value = values[place[0]]
    rank = int(np.count_nonzero(values > value)) + 1
    unit = table.matching(reports, dataset)[0].unit
    return f"{reports.describe()} {value:.2f} {unit}, rank {rank:,} of {np.count_nonzero(~np.isnan(values)):,}"
