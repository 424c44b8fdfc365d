"""Cells with dead edges: held against paths found one by one."""

import numpy as np
from lissnas.spaces.published.cell201 import EDGES, cell201
from lissnas.spaces.published.transnas import transnas_micro
from lissnas.spaces.space import Rows


def _by_paths(row: list[int]) -> list[int]:
    """Keep the operations of the edges that a walk from input to output goes along."""
    kept = [0] * len(EDGES)

    def walk(node: int, passed: list[int]) -> None:
        if node == 3:
            for gene in passed:
                kept[gene] = row[gene]
        for gene, (start, end) in enumerate(EDGES):
            if start == node and row[gene] != 0:
                walk(end, [*passed, gene])

    walk(0, [])
    return kept


def test_effective_rows_keep_the_edges_on_paths_of_every_cell() -> None:
    rows = cell201().all_rows()[::7]
    np.testing.assert_array_equal(cell201().effective(rows), [_by_paths(row) for row in rows.tolist()])


def test_what_is_effective_stays_so() -> None:
    space = transnas_micro()
    effective: Rows = space.effective(space.all_rows())
    np.testing.assert_array_equal(space.effective(effective), effective)
    assert 0 < (effective != space.all_rows()).any(axis=1).mean() < 1
