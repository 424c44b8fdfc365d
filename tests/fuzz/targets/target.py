"""Target: one reader, with small valid files to start from and with what it may answer."""

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
"""An input that begins with it is the inside of a file, to be put into its container; any other is a whole file."""


def _same(data: bytes) -> bytes:
    return data


@dataclass(frozen=True)
class Target:
    """One reader.

    Attributes
    ----------
    name
        What it reads.
    seeds
        Valid insides of files.
    read
        Reads a file; raises AssertionError if what comes back is not of the right kind.
    mutate
        The mutations that keep the shape of an inside.
    wrap
        Puts an inside into its container.
    suffix
        How its files end.
    whole
        Whether whole files are mutated too, and not only their insides.
    share
        Which share of the inputs it gets, where reading one takes long.
    space
        How much address space a read may ask for; how much memory it may touch is the same for all.
    """

    name: str
    seeds: Callable[[], Sequence[bytes]]
    read: Callable[[Path], object]
    mutate: Any
    wrap: Callable[[bytes], bytes] = _same
    suffix: str = ".bin"
    whole: bool = True
    share: float = 1.0
    space: int = 512 << 20

    def inputs(self) -> list[bytes]:
        """Return the inputs to start from."""
        seeds = list(self.seeds())
        if self.wrap is _same:
            return seeds
        return [WRAPPED + seed for seed in seeds] + [self.wrap(seed) for seed in seeds if self.whole]

    def file(self, data: bytes) -> bytes:
        """Return the file that an input stands for."""
        return self.wrap(data[1:]) if self.wrap is not _same and data[:1] == WRAPPED else data


def small_space(*genes: Sequence[str], pattern: str) -> CategoricalSpace:
    return CategoricalSpace("small", genes, pattern)


def imported(read: Callable[[Import], Any]) -> Callable[[Path], object]:
    """Read as an import does, and check that what comes back is columns of numbers."""

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
