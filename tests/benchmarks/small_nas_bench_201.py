"""NAS-Bench-201 with the cells of two operations: its files are quick to write and to read."""

from dataclasses import replace
from pathlib import Path

import nas_bench_201_official as official
import pytest
from lissnas.spaces.categorical import CategoricalSpace
from lissnas_benchmarks.adapters.cells201.nas_bench_201 import ADAPTER, reader
from lissnas_benchmarks.obtaining.importing import import_files
from lissnas_benchmarks.table import Table

FILE = "NAS-Bench-201-v1_1-096897.pth"


def small() -> CategoricalSpace:
    """The 64 cells of two operations, written as officially."""
    return CategoricalSpace("two operations", (("none", "nor_conv_3x3"),) * 6, "|{}~0|+|{}~0|{}~1|+|{}~0|{}~1|{}~2|")


SMALL = replace(ADAPTER, space=small, read=reader(small))
STRINGS: list[str] = official.shuffled_strings(small())


def imported(data: bytes, folder: Path) -> Table:
    """Return the table of a file, imported into a cache in a folder."""
    (folder / FILE).write_bytes(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LISSNAS_CACHE", str(folder / "cache"))
        return Table(import_files(SMALL, (folder / FILE,)), small)
