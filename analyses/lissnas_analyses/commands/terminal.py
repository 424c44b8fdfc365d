"""What people see: sentences, and how long is left."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from lissnas_analyses.study import Report, Study

console = Console(highlight=False, soft_wrap=True)


def counted(count: int, noun: str) -> str:
    """Return a count and its noun: '1 round', '2 rounds'."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def print_summary(study: Study, sentences: tuple[str, ...], folder: Path) -> None:
    """Print what was studied, what was found, and where it is."""
    console.print(f"[bold]{study.benchmark.name}[/bold], {study.dataset}: {study.space.size:,} networks; {study.roles}")
    for sentence in sentences:
        console.print(f"  {sentence}")
    console.print(f"  figures, numbers and manifest: {folder}/")


@contextmanager
def progress() -> Iterator[Report]:
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


def prefixed(report: Report, name: str) -> Report:
    """Return a report whose steps carry the name of a benchmark."""
    return lambda step, share: report(f"{name}: {step}", share)
