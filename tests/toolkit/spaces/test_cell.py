"""Cells with edges on no path, compared with paths found one by one."""

import numpy as np
from lissnas.spaces.published.cell201 import EDGES, cell201
from lissnas.spaces.published.transnas import transnas_micro
from lissnas.spaces.space import Rows


def _by_paths(row: list[int]) -> list[int]:
    """Return the operations of the edges on a path from input to output; 0 for the others."""
    on_path = [0] * len(EDGES)

    def walk(node: int, passed: list[int]) -> None:
        if node == 3:
            for gene in passed:
                on_path[gene] = row[gene]
        for gene, (start, end) in enumerate(EDGES):
            if start == node and row[gene] != 0:
                walk(end, [*passed, gene])

    walk(0, [])
    return on_path


def test_effective_rows_have_only_the_edges_on_paths() -> None:
    rows = cell201().all_rows()[::7]
    np.testing.assert_array_equal(cell201().effective(rows), [_by_paths(row) for row in rows.tolist()])


def test_effective_rows_do_not_change_again() -> None:
    space = transnas_micro()
    effective: Rows = space.effective(space.all_rows())
    np.testing.assert_array_equal(space.effective(effective), effective)
    assert 0 < (effective != space.all_rows()).any(axis=1).mean() < 1
