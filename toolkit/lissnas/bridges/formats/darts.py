"""DARTS as NASLib and NAS-Bench-301 write it: two cells of pairs (input, operation)."""

import re
from collections.abc import Sequence

import numpy as np

from lissnas.bridges.formats.text_form import Dialect, TextForm
from lissnas.errors import shortened
from lissnas.spaces.published.darts import DartsSpace
from lissnas.spaces.space import Rows, Space

_NASLIB = TextForm("naslib-301", "(((0, 0), (1, 5), ...), ((1, 0), (0, 2), ...))")


_NASLIB_301 = (
    *("max_pool_3x3", "avg_pool_3x3", "skip_connect"),
    *("sep_conv_3x3", "sep_conv_5x5", "dil_conv_3x3", "dil_conv_5x5"),
)


def _read_naslib_301(texts: Sequence[str], space: Space) -> Rows:
    numbers = _NASLIB.numbers(texts, (2, 8, 2))
    _NASLIB.check_within(texts, numbers[..., 1], len(_NASLIB_301) - 1)
    assert isinstance(space, DartsSpace)
    operations = np.array([space.operations.index(name) for name in _NASLIB_301])
    edges = np.stack([numbers[..., 0], operations[numbers[..., 1]]], axis=-1)
    return space.rows_of_edges(edges.reshape(len(texts), 8, 2, 2), lambda row: f"'{shortened(texts[row])}'")


def _write_naslib_301(rows: Rows, space: Space) -> list[str]:
    texts = []
    for string in space.write(rows):
        edges = [(int(source), _NASLIB_301.index(name)) for name, source in re.findall(r"\('(\w+)', (\d+)\)", string)]
        texts.append(str((tuple(edges[:8]), tuple(edges[8:]))))
    return texts


DIALECTS = {
    _NASLIB.name: Dialect(("darts",), _read_naslib_301, _write_naslib_301),
}
"""The formats by their names."""
