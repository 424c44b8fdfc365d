"""Target: one reader, the small valid files to start from, and a check of its result."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from lissnas.spaces.categorical import CategoricalSpace
from lissnas_benchmarks.adapter import Import
from lissnas_benchmarks.columns import Column

WRAPPED = b"\0"
"""First byte of an input that is the content of a file, to be put into its container; other inputs are files."""


def _same(data: bytes) -> bytes:
    return data


@dataclass(frozen=True)
class Target:
    """One reader.

    Attributes
    ----------
    name
        The reader's name.
    seeds
        Returns valid contents of files.
    read
        Reads a file; raises AssertionError if the result is of the wrong kind.
    mutate
        Changes a content and preserves its format.
    wrap
        Puts a content into its container.
    suffix
        The suffix of the files.
    mutates_containers
        Whether containers are mutated, too, and not only contents.
    share
        The share of the inputs that the reader gets, if it is slow.
    space
        Maximum address space of a read in bytes; the maximum of used memory is the same for all readers.
    """

    name: str
    seeds: Callable[[], Sequence[bytes]]
    read: Callable[[Path], object]
    mutate: Any
    wrap: Callable[[bytes], bytes] = _same
    suffix: str = ".bin"
    mutates_containers: bool = True
    share: float = 1.0
    space: int = 512 << 20

    def inputs(self) -> list[bytes]:
        """Return the inputs to start from."""
        seeds = list(self.seeds())
        if self.wrap is _same:
            return seeds
        return [WRAPPED + seed for seed in seeds] + [self.wrap(seed) for seed in seeds if self.mutates_containers]

    def file(self, data: bytes) -> bytes:
        """Return the file of an input."""
        return self.wrap(data[1:]) if self.wrap is not _same and data[:1] == WRAPPED else data


def small_space(*genes: Sequence[str], pattern: str) -> CategoricalSpace:
    return CategoricalSpace("small", genes, pattern)


def imported(read: Callable[[Import], Any]) -> Callable[[Path], object]:
    """Return a function that reads as an import does, and checks that the result is columns of numbers."""

    def run(path: Path) -> object:
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            columns = read(Import((path,), Path(folder)))
            for column, values in columns.items():
                assert isinstance(column, Column)
                assert values.dtype == np.float64
            return len(columns)

    return run


def patched(module: Any, name: str, value: Any, read: Callable[[Path], object]) -> Callable[[Path], object]:
    def run(path: Path) -> object:
        with patch.object(module, name, value):
            return read(path)

    return run
