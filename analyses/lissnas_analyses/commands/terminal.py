"""What people see: sentences on standard output, and how long is left on standard error."""

from collections.abc import Iterator
from contextlib import contextmanager

from lissnas.shrink import Trace
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from lissnas_analyses.study import Report

console = Console(highlight=False, soft_wrap=True)
"""Where people read what was found; quiet where a script asked for a document instead: see `answer`."""

_margin = Console(stderr=True)


def say(sentence: str, indent: int = 0, bold: str = "") -> None:
    """Print a sentence, after words in bold if there are any; a terminal breaks it between words and indents it all."""
    if not console.is_terminal or not (bold or sentence):
        console.print(Text(f"{' ' * indent}{bold}{sentence}"))
        return
    text = Text.assemble((bold, "bold"), sentence, overflow="ignore")
    console.print(Padding(text, (0, 0, 0, indent), expand=False), soft_wrap=False)


def say_aside(sentence: str) -> None:
    """Tell what is going on, on standard error, also while progress is shown."""
    _margin.print(sentence, markup=False, highlight=False, soft_wrap=True)


def counted(count: int, noun: str) -> str:
    """Return a count and its noun: '1 round', '2 rounds'."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def notes_of(trace: Trace) -> tuple[str, ...]:
    """Return what a run of a shrinker had to tell, and what had no score."""
    return tuple(str(note) for note in (*trace.notes, trace.evaluations.describe_missing()) if note)


@contextmanager
def progress() -> Iterator[Report]:
    """Show what is being done and how long is left, on a terminal only."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    shown = Progress(*columns, console=_margin, transient=True, redirect_stdout=False, disable=not _margin.is_terminal)
    with shown as progress:
        tasks: dict[str, object] = {}

        def report(step: str, share: float) -> None:
            if step not in tasks:
                tasks[step] = progress.add_task(step, total=1)
            progress.update(tasks[step], completed=share)  # type: ignore[arg-type]

        yield report


def prefixed(report: Report, name: str) -> Report:
    """Return a report whose steps carry the name of a benchmark."""
    return lambda step, share: report(f"{name}: {step}", share)
