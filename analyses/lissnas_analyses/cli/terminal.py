"""What people see: sentences on standard output; what is being done and how long is left on standard error.

The latter is shown while a command works, on a terminal only, and gives way to every sentence.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from shutil import get_terminal_size

from lissnas.progress import ProgressCallback
from lissnas.shrinkers.shrink import Trace
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Column
from rich.text import Text

console = Console(highlight=False, soft_wrap=True)
"""Where people read what was found; quiet where a script asked for a document instead: see `answer`."""

_SOMETHING = "working"
"""What is shown between steps that have a name."""

_NARROW = 80
"""Below how many columns a terminal has no room for bars."""


def say(sentence: str, indent: int = 0, bold: str = "") -> None:
    """Print a sentence, after words in bold if there are any; a terminal breaks it between words and indents it all."""
    activity.pause()
    text = Text.assemble((bold, "bold"), sentence.lstrip(" ") if indent else sentence)
    indent += len(sentence) - len(sentence.lstrip(" ")) if indent else 0
    if sys.stdout.isatty() and text:
        width = get_terminal_size().columns  # rich takes 80 for a dumb terminal
        console.print(Padding(text, (0, 0, 0, indent), expand=False), soft_wrap=False, width=width)
    else:
        console.print(Text.assemble(" " * indent, text))


def show(thing: RenderableType) -> None:
    """Print a table, or a text as it is."""
    activity.pause()
    console.print(thing, markup=False)


def say_on_stderr(sentence: str) -> None:
    """Tell what is going on, on standard error."""
    activity.pause()
    print(sentence, file=sys.stderr)


def is_main_process() -> bool:
    """Tell whether this process is the only one or the first of those that torchrun started."""
    return int(os.environ.get("RANK", 0)) == 0


def counted(count: int, noun: str) -> str:
    """Return a count and its noun: '1 round', '2 rounds'."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def trace_notes(trace: Trace) -> tuple[str, ...]:
    """Return what a run of a shrinker had to tell, and what had no score."""
    return tuple(str(note) for note in (*trace.notes, trace.evaluations.describe_missing()) if note)


class ActivityDisplay:
    """The lines at the bottom of a terminal that show what is being done, and how long is left of it."""

    def __init__(self) -> None:
        self._steps: dict[str, TaskID] = {}

    @cached_property
    def _progress(self) -> Progress:
        margin = Console(stderr=True)
        columns: list[ProgressColumn] = [
            SpinnerColumn("line", finished_text="-"),
            TextColumn("{task.description}", table_column=Column(no_wrap=True, overflow="ellipsis")),
            *([] if margin.width < _NARROW else [BarColumn()]),
            TimeElapsedColumn(table_column=Column(no_wrap=True, min_width=7)),
            TimeRemainingColumn(table_column=Column(no_wrap=True, min_width=7)),
        ]
        shown = sys.stderr.isatty() and not margin.is_dumb_terminal
        return Progress(*columns, console=margin, transient=True, redirect_stdout=False, disable=not shown)

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show something from now on, and nothing any more in the end."""
        self.report(_SOMETHING, 0)
        try:
            yield
        finally:
            self.clear()

    def report(self, step: str, share: float, told: str = "") -> None:
        """Tell which share of a step is done, and what else there is to say; at 0 nobody knows how long it takes."""
        if step != _SOMETHING and (something := self._steps.pop(_SOMETHING, None)) is not None:
            self._progress.remove_task(something)
        if step not in self._steps:
            self._steps[step] = self._progress.add_task(step, total=None)
        words = f"{step}: {told}" if told else step
        self._progress.update(self._steps[step], description=words, completed=share, total=1 if share else None)
        self._progress.start()

    def clear(self) -> None:
        """Forget all steps, and show nothing."""
        self.pause()
        for step in self._steps.values():
            self._progress.remove_task(step)
        self._steps.clear()

    def pause(self) -> None:
        """Show nothing until the next report."""
        self._progress.stop()


activity = ActivityDisplay()
"""What is shown while the command of this process works."""


@contextmanager
def progress() -> Iterator[ProgressCallback]:
    """Show the steps of some work while it is done, and how long is left of each."""
    try:
        yield activity.report
    finally:
        activity.clear()
        activity.report(_SOMETHING, 0)


def prefixed(report: ProgressCallback, name: str) -> ProgressCallback:
    """Return a report whose steps carry the name of a benchmark."""
    return lambda step, share: report(f"{name}: {step}", share)
