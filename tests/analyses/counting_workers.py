"""Workers for tests of grids: jobs run in this process, forwards or backwards, and their rows are counted."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any


class CountingWorkers:
    """Does each job at once in this process, the first one first or the last one first."""

    def __init__(self, backwards: bool = False) -> None:
        self.backwards = backwards
        self.rows = 0

    def each(self, function: Callable[..., Any], jobs: Iterable[tuple[Any, ...]]) -> Iterator[Any]:
        for job in reversed(list(jobs)) if self.backwards else jobs:
            rows = function(*job)
            self.rows += len(rows)
            yield job, rows


class InterruptedWorkers(CountingWorkers):
    """Does one job, and is interrupted."""

    def each(self, function: Callable[..., Any], jobs: Iterable[tuple[Any, ...]]) -> Iterator[Any]:
        for job in jobs:
            yield job, function(*job)
            raise KeyboardInterrupt
