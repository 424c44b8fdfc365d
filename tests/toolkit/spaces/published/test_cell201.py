"""The cell of NAS-Bench-201: its official strings and known values of the published table."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from lissnas.spaces.published.cell201 import EDGES, OPERATIONS, cell201
from lissnas.spaces.space import Floats


def test_genes_are_in_the_official_string_at_their_edge() -> None:
    row = np.array([[3, 1, 0, 4, 2, 3]], dtype=np.uint8)
    nodes: list[list[str]] = [[], [], [], []]
    for (start, end), operation in zip(EDGES, row[0], strict=True):
        nodes[end].append(f"{OPERATIONS[operation]}~{start}")
    assert cell201().write(row) == ["+".join(f"|{'|'.join(inputs)}|" for inputs in nodes[1:])]


def test_the_official_strings_of_the_published_table_are_the_full_space(shared_data: Path) -> None:
    space = cell201()
    strings = pl.read_parquet(shared_data / "nasbench201.parquet", columns=["arch"])["arch"].to_list()
    np.testing.assert_array_equal(np.sort(space.index(space.read(strings))), np.arange(15_625))


def test_every_cell_has_24_neighbors() -> None:
    space = cell201()
    _neighbors, source = space.neighbors(space.all_rows())
    assert set(np.bincount(source)) == {24}


@pytest.mark.parametrize(("column", "best"), [("c10", 94.373), ("c100", 73.513), ("in16", 47.311)])
def test_the_best_cell_has_its_published_accuracy(
    nasbench201: Callable[[str], Floats], column: str, best: float
) -> None:
    # Published to three digits.
    assert nasbench201(f"{column}_test200").max() == pytest.approx(best, abs=0.0005)
