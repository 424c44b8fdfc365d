"""Output for people: sentences on standard output, progress and remaining time on standard error.

On a terminal progress is shown while a command works, and disappears before each sentence. Elsewhere, in a file or a
log, it is one line a minute.
"""

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from shutil import get_terminal_size

from lissnas.errors import escape_controls
from lissnas.progress import ProgressCallback
from rich.console import Console, ConsoleOptions, RenderableType
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
from rich.segment import Segment
from rich.table import Column, Table
from rich.text import Text

from lissnas_analyses.sentences import TABLE_WIDTH


class _CleanConsole(Console):
    """A console that prints control characters of untrusted text as escapes: names of files and columns, titles."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Return the parts that are printed; this is the one place that all text passes."""
        for segment in super().render(renderable, options):
            if segment.control or segment.text.replace("\n", "").isprintable():
                yield segment
            else:
                yield Segment(escape_controls(segment.text), segment.style)


console = _CleanConsole(highlight=False, soft_wrap=True)
"""Prints what a command found; `json_command` silences it if a script requests a JSON document."""

_UNNAMED_STEP = "working"
"""Label of the progress line between named steps."""

_LINE_SECONDS = 60
"""Seconds between two lines of progress where standard error is no terminal."""

_LONG_SECONDS = 60
"""A run that is expected to take longer is announced."""

_SETTLED_SECONDS = 2
"""Seconds between two reports from which the speed of a run is estimated: the start of the workers does not count."""

_MIN_WIDTH_OF_BARS = 80
"""Minimum number of terminal columns for progress bars; narrower terminals show text only."""


def say(sentence: str, indent: int = 0, bold: str = "") -> None:
    """Print a sentence after bold words, if any. On a terminal it wraps between words, and all lines are indented."""
    activity.pause()
    text = Text.assemble((bold, "bold"), sentence.lstrip(" ") if indent else sentence)
    indent += len(sentence) - len(sentence.lstrip(" ")) if indent else 0
    if sys.stdout.isatty() and text:
        width = get_terminal_size().columns  # rich assumes 80 columns on a dumb terminal
        console.print(Padding(text, (0, 0, 0, indent), expand=False), soft_wrap=False, width=width)
    else:
        console.print(Text.assemble(" " * indent, text))


def table_width(indent: int = 0) -> int:
    """Return the number of characters in an indented line of a table: those of the terminal, elsewhere 120."""
    return (get_terminal_size().columns if sys.stdout.isatty() else TABLE_WIDTH) - indent


def plain_table(*headings: str) -> Table:
    """Return a table without lines, to which rows can be added and which `show` prints."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(heading, no_wrap=True)
    return table


def show(renderable: RenderableType) -> None:
    """Print a table, or a text without changes."""
    activity.pause()
    console.print(renderable, markup=False)


def say_on_stderr(sentence: str) -> None:
    """Print a sentence to standard error."""
    activity.pause()
    print(escape_controls(sentence), file=sys.stderr)


def is_main_process() -> bool:
    """Return whether this is the only process, or the first of those that torchrun started."""
    return int(os.environ.get("RANK", 0)) == 0


class ActivityDisplay:
    """The progress lines at the bottom of a terminal: steps in progress and their remaining time."""

    def __init__(self) -> None:
        self._steps: dict[str, TaskID] = {}
        self._started: dict[str, float] = {}
        self._line_at = 0.0

    @cached_property
    def _progress(self) -> Progress:
        stderr = _CleanConsole(stderr=True)
        columns: list[ProgressColumn] = [
            SpinnerColumn("line", finished_text="-"),
            TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis")),
            *([] if stderr.width < _MIN_WIDTH_OF_BARS else [BarColumn()]),
            TimeElapsedColumn(table_column=Column(no_wrap=True, min_width=7)),
            TimeRemainingColumn(table_column=Column(no_wrap=True, min_width=7)),
        ]
        shown = sys.stderr.isatty() and not stderr.is_dumb_terminal
        return Progress(*columns, console=stderr, transient=True, redirect_stdout=False, disable=not shown)

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show a progress line within this context."""
        self.report(_UNNAMED_STEP, 0)
        try:
            yield
        finally:
            self.clear()

    def report(self, step: str, share: float, detail: str = "") -> None:
        """Show the share of a step that is done, and a detail; at a share of 0 the remaining time is unknown."""
        if step != _UNNAMED_STEP and (unnamed := self._steps.pop(_UNNAMED_STEP, None)) is not None:
            self._progress.remove_task(unnamed)
        if step not in self._steps:
            self._steps[step] = self._progress.add_task(step, total=None)
            self._started[step] = time.monotonic()
        description = f"{step}: {detail}" if detail else step
        self._progress.update(self._steps[step], description=description, completed=share, total=1 if share else None)
        self._progress.start()
        if self._progress.disable and step != _UNNAMED_STEP:
            self._write_line(step, share)

    def _write_line(self, step: str, share: float) -> None:
        """Write the progress of a step to standard error, at most once a minute."""
        now = time.monotonic()
        seconds = now - self._started[step]
        if not 0 < share < 1 or min(seconds, now - self._line_at) < _LINE_SECONDS or not is_main_process():
            return
        self._line_at = now
        left = duration_words(seconds * (1 - share) / share)
        say_on_stderr(f"{step}: {100 * share:.0f} % done after {duration_words(seconds)}, about {left} left")

    def clear(self) -> None:
        """Remove all progress lines and forget their steps."""
        self.pause()
        for step in self._steps.values():
            self._progress.remove_task(step)
        self._steps.clear()

    def pause(self) -> None:
        """Hide the progress lines until the next report."""
        self._progress.stop()


activity = ActivityDisplay()
"""The progress lines of this process."""


@contextmanager
def progress() -> Iterator[ProgressCallback]:
    """Show the steps of the work in this context, with the remaining time of each."""
    try:
        yield activity.report
    finally:
        activity.clear()
        activity.report(_UNNAMED_STEP, 0)


def duration_words(seconds: float) -> str:
    """Return a duration in words.

    Examples
    --------
    >>> duration_words(95), duration_words(20), duration_words(3 * 3600)
    ('2 minutes', '20 seconds', '3.0 hours')
    """
    if seconds < 60:
        return f"{seconds:.0f} seconds"
    minutes = round(seconds / 60)
    if minutes < 120:
        return f"{minutes} minute{'s' if minutes > 1 else ''}"
    return f"{seconds / 3600:.1f} hours"


def warn_if_long(report: Callable[[float], None], what: str) -> Callable[[float], None]:
    """Return a progress callback that says once how long the work takes, if that is more than a minute.

    The first finished rows tell the speed.
    """
    started, reports, warned = time.monotonic(), list[tuple[float, float]](), False

    def report_and_warn(share: float) -> None:
        nonlocal warned
        report(share)
        now = time.monotonic()
        reports.append((now, share))
        (first, first_share), seconds = reports[0], now - started
        if warned or not 0 < share < 1:
            return
        if now - first >= _SETTLED_SECONDS and share > first_share:
            left = (now - first) * (1 - share) / (share - first_share)
        elif seconds >= _LONG_SECONDS:
            left = seconds * (1 - share) / share
        else:
            return
        if seconds + left > _LONG_SECONDS:
            warned = True
            say_on_stderr(
                f"{what} takes about {duration_words(left)} more; finished runs are kept, and after Ctrl-C the same "
                "command continues"
            )

    return report_and_warn


def prefixed(report: ProgressCallback, name: str) -> ProgressCallback:
    """Return a progress callback that puts the name of a benchmark before each step."""
    return lambda step, share: report(f"{name}: {step}", share)
