"""Text forms of NAS-Bench-201's cells, and official indices, which NATS-Bench's widths have too."""

import re
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from lissnas.bridges.formats.text_form import Dialect, TextForm, written_tuples
from lissnas.bridges.naslib import from_naslib_numbers, to_naslib_numbers
from lissnas.spaces.official_order import official_order
from lissnas.spaces.published import cell201
from lissnas.spaces.space import Rows, Space

_OFFICIAL_INDEX = TextForm("official-index", "4811")

_NASLIB = TextForm("naslib-201", "(0, 2, 3, 2, 3, 1)")

_DIGITS = TextForm("digits-201", "421211")

_SPIKENAS = TextForm("spikenas", "3939")

_XAUTODL = TextForm("xautodl", "Structure(4 nodes with |none~0|+|none~0|none~1|+|none~0|none~1|none~2|)")


def _read_naslib_201(texts: Sequence[str], space: Space) -> Rows:
    numbers = _NASLIB.numbers(texts, (6,))
    _NASLIB.check_within(texts, numbers, len(cell201.OPERATIONS) - 1)
    return from_naslib_numbers(numbers)


def _write_naslib_201(rows: Rows, space: Space) -> list[str]:
    return written_tuples(to_naslib_numbers(rows))


def _read_digits_201(texts: Sequence[str], space: Space) -> Rows:
    for text in texts:
        if not re.fullmatch(r"[0-4]{6}", text, re.ASCII):
            raise _DIGITS.fault(text)
    return np.frombuffer("".join(texts).encode(), dtype=np.uint8).reshape(-1, 6) - np.uint8(ord("0"))


def _write_digits_201(rows: Rows, space: Space) -> list[str]:
    return ["".join(map(str, row)) for row in rows.tolist()]


_NASLIB_GENES = [0, 1, 3, 2, 4, 5]
"""The gene of cell201 of each edge in NASLib's order: by the edge's source."""

_POWERS = 5 ** np.arange(6)


def _read_spikenas(texts: Sequence[str], space: Space) -> Rows:
    numbers = _SPIKENAS.whole_numbers(texts)
    _SPIKENAS.check_within(texts, numbers, 5**6 - 1)
    rows = np.empty((len(texts), 6), dtype=np.uint8)
    rows[:, _NASLIB_GENES] = numbers[:, None] // _POWERS % 5
    return rows


def _write_spikenas(rows: Rows, space: Space) -> list[str]:
    return [str(number) for number in rows[:, _NASLIB_GENES].astype(np.int64) @ _POWERS]


def _read_xautodl(texts: Sequence[str], space: Space) -> Rows:
    """Read `Structure(4 nodes with ...)`; edges of a node may be in any order, and an absent one is none."""
    strings = []
    for text in texts:
        match = _STRUCTURE.fullmatch(text)
        nodes = [] if match is None else [_official_node(*node) for node in enumerate(match.group(1).split("+"))]
        if len(nodes) != 3 or None in nodes:
            raise _XAUTODL.fault(text)
        strings.append("+".join(map(str, nodes)))
    return space.read(strings)


_STRUCTURE = re.compile(r"Structure\(4 nodes with (.*)\)")


@lru_cache(maxsize=1 << 12)
def _official_node(node: int, text: str) -> str | None:
    """Return the edges of a node in the official order; None if they are not different edges of this node."""
    pairs = [edge.rpartition("~") for edge in text.strip("|").split("|")] if text.strip("|") else []
    operation_of = {source: operation for operation, _, source in pairs}
    sources = [str(source) for source in range(node + 1)]
    if len(operation_of) != len(pairs) or not operation_of.keys() <= set(sources):
        return None
    return "".join(f"|{operation_of.get(source, 'none')}~{source}" for source in sources) + "|"


def _write_xautodl(rows: Rows, space: Space) -> list[str]:
    return [f"Structure(4 nodes with {string})" for string in space.write(rows)]


def _read_official_index(texts: Sequence[str], space: Space) -> Rows:
    numbers = space.checked_index(_OFFICIAL_INDEX.whole_numbers(texts))
    return space.rows(official_order(space)[numbers])


def _write_official_index(rows: Rows, space: Space) -> list[str]:
    return [str(number) for number in np.argsort(official_order(space))[space.index(rows)]]


DIALECTS = {
    _OFFICIAL_INDEX.name: Dialect(("cell201", "channels"), _read_official_index, _write_official_index),
    _NASLIB.name: Dialect(("cell201",), _read_naslib_201, _write_naslib_201),
    _DIGITS.name: Dialect(("cell201",), _read_digits_201, _write_digits_201),
    _SPIKENAS.name: Dialect(("cell201", "spikenas"), _read_spikenas, _write_spikenas),
    _XAUTODL.name: Dialect(("cell201",), _read_xautodl, _write_xautodl),
}
"""The formats by their names."""
