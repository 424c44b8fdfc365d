"""Sentences that the commands and the results of the Python interface share, and how both write numbers and tables."""

from collections.abc import Sequence

from lissnas.shrinkers.shrink import Trace
from lissnas.statistics.quality import Quality

TABLE_WIDTH = 120
"""Number of characters in a line of a table where the output is not a terminal."""

_LARGE = 10**9
"""From this number on, networks are written as 1.2e+09."""


def shrinking_sentences(
    name: str, method: str, trace: Trace, roles: str, remarks: Sequence[str], judged: Sequence[str]
) -> tuple[str, ...]:
    """Return what a run kept, by which scores, its notes, and how good it is; the first sentence is the heading.

    Parameters
    ----------
    name, method
        What was shrunk, and the name of the method.
    trace
        The run.
    roles
        Which scores selected, and which report; "" for a function that has no name.
    remarks, judged
        Sentences before the notes of the method, and after them.
    """
    full, kept = (trace.rounds[place].subspace.size_bounds for place in (0, -1))
    heading = (
        f"{name}: {method} keeps {size_words(kept)} of {size_words(full)} networks after "
        f"{counted(len(trace.rounds) - 1, 'round')} and {counted(trace.evaluations.count, 'evaluation')}"
    )
    return heading, *([roles] if roles else ()), *remarks, *trace_notes(trace), *judged


def quality_sentences(quality: Quality, unit: str) -> tuple[str, str]:
    """Return how good the kept networks are, and how many of the best are among them."""
    return (
        f"mean {quality.mean:.2f} {unit}, best {quality.best:.2f} {unit}, {counted(quality.pockets, 'pocket')}",
        f"recall of the top 1 % {quality.recall_1:.2f}, of the top 5 % {quality.recall_5:.2f}",
    )


def trace_notes(trace: Trace) -> tuple[str, ...]:
    """Return the remarks of a shrinkage run, and how many networks had no score."""
    return tuple(str(note) for note in (*trace.notes, trace.evaluations.describe_missing()) if note)


def size_words(bounds: tuple[int, int]) -> str:
    """Return a number of networks, or the bounds on it where it could not be counted: '706', '1.2e+10 to 1.4e+10'."""
    words = (f"{size:,}" if size < _LARGE else f"{float(size):.3g}" for size in dict.fromkeys(bounds))
    return " to ".join(words)


def counted(count: int, noun: str) -> str:
    """Return a count and its noun: '1 round', '2 rounds'."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
