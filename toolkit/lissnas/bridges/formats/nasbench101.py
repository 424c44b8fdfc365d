"""Text forms of NAS-Bench-101's graphs: NASLib's numbers, a matrix with operations, and the official hash."""

import json
import re
from collections.abc import Sequence
from hashlib import md5

import numpy as np
from numpy.typing import NDArray

from lissnas.bridges.formats.text_form import Dialect, TextForm
from lissnas.errors import ArchitectureError, shortened
from lissnas.spaces.space import Rows, Space

_NASLIB = TextForm("naslib-101", "(0, 1, ..., 2, 4, 1)")

_MATRIX = TextForm("matrix", '{"matrix":[[0,1],[0,0]],"ops":["input","output"]}')

_HASH = TextForm("hash-101", "4a0ab8bbe2441a002e07b0f445ec2d63")

_MD5 = "[0-9a-f]{32}"


_NASLIB_101 = ("input", "output", "maxpool3x3", "conv1x1-bn-relu", "conv3x3-bn-relu")


def _read_naslib_101(texts: Sequence[str], space: Space) -> Rows:
    numbers = _NASLIB.numbers(texts, (56,))
    _NASLIB.check_within(texts, numbers[:, 49:], len(_NASLIB_101) - 1)
    names = [",".join(row) for row in np.array(_NASLIB_101)[numbers[:, 49:]].tolist()]
    return _graph_rows(texts, numbers[:, :49].tolist(), names, space)


def _write_naslib_101(rows: Rows, space: Space) -> list[str]:
    texts = []
    for matrix, operations in _graphs(rows, space):
        added = 7 - len(operations)  # NASLib's matrix always has 7 vertices: those without edges come before the output
        padded = np.insert(
            np.insert(matrix, [len(matrix) - 1] * added, 0, axis=0), [len(matrix) - 1] * added, 0, axis=1
        )
        names = [*operations[:-1], *["maxpool3x3"] * added, "output"]
        texts.append(str((*padded.ravel().tolist(), *map(_NASLIB_101.index, names))))
    return texts


def _read_graph(texts: Sequence[str], space: Space) -> Rows:
    """Read a matrix and its operations, as a pair or as naszilla's dictionary; numbers may be 0.0 and 1.0."""
    matrices, operations = [], []
    for text in texts:
        value = _MATRIX.literal(text)
        if isinstance(value, dict):
            value = [value.get("matrix"), value.get("ops")]
        if not isinstance(value, list) or len(value) != 2 or not all(isinstance(part, list) for part in value):
            raise _MATRIX.fault(text)
        rows, names = value
        is_matrix = bool(rows) and all(isinstance(row, list) and len(row) == len(rows[0]) for row in rows)
        numbers = [number for row in rows for number in row] if is_matrix else []
        if not numbers or not {type(number) for number in numbers} <= {int, float}:
            raise _MATRIX.fault(text)
        if not all(isinstance(name, str) for name in names):
            raise _MATRIX.fault(text)
        matrices.append(numbers)
        operations.append(",".join(names))
    return _graph_rows(texts, matrices, operations, space)


def _graph_rows(
    texts: Sequence[str], matrices: Sequence[Sequence[float]], operations: Sequence[str], space: Space
) -> Rows:
    """Return the row of each graph, given the numbers of its matrix and the names of its operations with commas."""
    strings = []
    for text, numbers, names in zip(texts, matrices, operations, strict=True):
        if not _ADJACENT.issuperset(numbers):
            raise ArchitectureError(f"'{shortened(text)}' has a matrix with other numbers than 0 and 1")
        strings.append(f"{''.join(['1' if number else '0' for number in numbers])} {names}")
    return space.read(strings)


_ADJACENT = frozenset((0, 1))


def _graphs(rows: Rows, space: Space) -> list[tuple[NDArray[np.int64], list[str]]]:
    """Return the matrix and the operations of each graph, pruned."""
    graphs = []
    for string in space.write(rows):
        digits, operations = string.split(" ")
        names = operations.split(",")
        graphs.append((np.array(list(digits), dtype=np.int64).reshape(len(names), -1), names))
    return graphs


def _write_graph(rows: Rows, space: Space) -> list[str]:
    return [
        json.dumps({"matrix": matrix.tolist(), "ops": operations}, separators=(",", ":"))
        for matrix, operations in _graphs(rows, space)
    ]


_LABELS = {"input": -1, "output": -2, "conv3x3-bn-relu": 0, "conv1x1-bn-relu": 1, "maxpool3x3": 2}


def _write_hash(rows: Rows, space: Space) -> list[str]:
    """Return the MD5 by which NAS-Bench-101 calls isomorphic graphs (google-research/nasbench, lib/graph_util.py)."""
    hashes = []
    for matrix, operations in _graphs(rows, space):
        into, out = matrix.sum(axis=0).tolist(), matrix.sum(axis=1).tolist()
        labels = [_LABELS[name] for name in operations]
        codes = [_md5(str(of_vertex)) for of_vertex in zip(out, into, labels, strict=True)]
        sources = [np.flatnonzero(column).tolist() for column in matrix.T]
        targets = [np.flatnonzero(row).tolist() for row in matrix]
        for _ in operations:
            codes = [
                _md5(
                    "".join(sorted(codes[source] for source in sources[vertex]))
                    + "|"
                    + "".join(sorted(codes[target] for target in targets[vertex]))
                    + "|"
                    + codes[vertex]
                )
                for vertex in range(len(operations))
            ]
        hashes.append(_md5(str(sorted(codes))))
    return hashes


def _md5(text: str) -> str:
    return md5(text.encode(), usedforsecurity=False).hexdigest()


def _read_hash(texts: Sequence[str], space: Space) -> Rows:
    """Read MD5s by computing those of the space's graphs until all are found, 4,096 graphs at a time."""
    wanted = dict.fromkeys(texts)
    for text in wanted:
        if not re.fullmatch(_MD5, text):
            raise _HASH.fault(text)
    found: dict[str, int] = {}
    for first in range(0, space.size, 4096):
        if len(found) == len(wanted):
            break
        index = np.arange(first, min(first + 4096, space.size))
        hashes = _write_hash(space.rows(index), space)
        found |= {code: int(place) for place, code in zip(index, hashes, strict=True) if code in wanted}
    for text in wanted:
        if text not in found:
            raise ArchitectureError(f"'{text}' is the hash of no graph of {space.name}")
    return space.rows(np.array([found[text] for text in texts], dtype=np.int64))


DIALECTS = {
    _NASLIB.name: Dialect(("nas-bench-101",), _read_naslib_101, _write_naslib_101),
    _MATRIX.name: Dialect(("nas-bench-101",), _read_graph, _write_graph),
    _HASH.name: Dialect(("nas-bench-101",), _read_hash, _write_hash, _MD5),
}
"""The formats by their names."""
