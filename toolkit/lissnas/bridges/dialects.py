"""Architectures in the text forms of other packages; the format's name says how a text is read, its look never does.

`(1, 0, 2, 3, 3, 3)` is a cell of NAS-Bench-201 in one package and one of TransNAS-Bench-101, with other operations on
other edges, in the next. Texts are parsed as literals and never evaluated.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import md5
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lissnas.bridges.naslib import from_naslib_numbers, to_naslib_numbers
from lissnas.errors import ArchitectureError, UnknownNameError, shortened
from lissnas.spaces.official_order import official_order
from lissnas.spaces.part_of_space import PartOfSpace
from lissnas.spaces.published import cell201
from lissnas.spaces.published.darts import DartsSpace
from lissnas.spaces.space import Rows, Space

OFFICIAL = "official"
"""The format of the official strings, which every space has."""

_MAX_TEXT = 4000
"""Maximum number of letters of one architecture (our own choice)."""


@dataclass(frozen=True)
class _Dialect:
    """A text form: the spaces that it belongs to, how it is read and how it is written, and an example."""

    spaces: tuple[str, ...]
    read: Callable[[Sequence[str], Space], Rows]
    write: Callable[[Rows, Space], list[str]]
    example: str


def format_names(space: Space) -> tuple[str, ...]:
    """Return the names of the formats in which a space's architectures can be read and written.

    Examples
    --------
    >>> format_names(cell201.cell201())
    ('official', 'lissnas-index', 'official-index', 'naslib-201', 'digits-201', 'spikenas', 'xautodl')
    """
    name = _whole(space).name.removeprefix("distinct ")
    return (OFFICIAL, "lissnas-index", *(form for form, of in _DIALECTS.items() if name.startswith(of.spaces)))


def read_architectures(texts: Sequence[str], form: str, space: Space) -> Rows:
    """Return the row of each architecture, shape (n, genes).

    Parameters
    ----------
    texts
        The architectures.
    form
        The name of their format, one of `format_names`.
    space
        The space.

    Raises
    ------
    UnknownNameError
        If the space has no such format.
    ArchitectureError
        If a text is not written in this format, or is not in the space.

    Examples
    --------
    >>> rows = read_architectures(["(0, 2, 3, 2, 3, 1)"], "naslib-201", cell201.cell201())
    >>> cell201.cell201().write(rows)
    ['|skip_connect~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_1x1~0|nor_conv_1x1~1|none~2|']
    """
    if form == OFFICIAL:
        return space.read(texts)
    if form == "lissnas-index":
        return space.rows(space.checked_index(_whole_numbers(texts, form, "4811")))
    whole = _whole(space)
    return whole.canonical(_dialect(form, space).read([text.strip() for text in texts], whole))


def write_architectures(rows: Rows, form: str, space: Space) -> list[str]:
    """Return the text of each row in a format; raises UnknownNameError if the space has no such format."""
    if form == OFFICIAL:
        return space.write(rows)
    if form == "lissnas-index":
        return [str(index) for index in space.index(rows)]
    whole = _whole(space)
    return _dialect(form, space).write(whole.canonical(rows), whole)


def _whole(space: Space) -> Space:
    """Return the space that a part of a space is from."""
    while isinstance(space, PartOfSpace):
        space = space.whole
    return space


def _dialect(form: str, space: Space) -> _Dialect:
    if form not in format_names(space):
        raise UnknownNameError(f"format of {space.name}", form, format_names(space))
    return _DIALECTS[form]


def _fault(text: str, form: str, example: str) -> ArchitectureError:
    return ArchitectureError(f"'{shortened(text)}' is not written as {form} writes it, for example '{example}'")


def _whole_numbers(texts: Sequence[str], form: str, example: str) -> NDArray[np.int64]:
    for text in texts:
        if not re.fullmatch(r"\d{1,19}", text, re.ASCII) or int(text) >= 2**63:
            raise _fault(text, form, example)
    return np.array([int(text) for text in texts], dtype=np.int64)


# Lists of numbers


def _literal(text: str, form: str, example: str) -> Any:
    """Return the lists, numbers and strings that a text contains; tuples are lists."""
    if len(text) > _MAX_TEXT:
        raise _fault(text, form, example)
    try:
        return json.loads(re.sub(r",(\s*\])", r"\1", text.translate(_BRACKETS)))
    except (ValueError, RecursionError) as error:
        raise _fault(text, form, example) from error


_BRACKETS = str.maketrans("()'", '[]"')

_NUMBERS = re.compile(r"[\[(][\d\s,.()\[\]]*[\])]", re.ASCII)


def _numbers(texts: Sequence[str], shape: tuple[int, ...], form: str) -> NDArray[np.int64]:
    """Return lists of whole numbers, int64 of shape (n, *shape); raises ArchitectureError for the first other text."""
    example = _DIALECTS[form].example
    for text in texts:
        if len(text) > _MAX_TEXT or not _NUMBERS.fullmatch(text):
            raise _fault(text, form, example)
    try:  # all at once, which is ten times faster
        lists = json.loads(f"[{','.join(texts).translate(_BRACKETS)}]")
        array = np.array(lists)
    except (ValueError, RecursionError):
        array = np.empty(0)
    if array.shape != (len(texts), *shape) or array.dtype.kind not in "iuf" or (array % 1 != 0).any():
        for text in texts:
            one = _ragged(_literal(text, form, example))
            if one.shape != shape or one.dtype.kind not in "iuf" or (one % 1 != 0).any():
                raise _fault(text, form, example)
        array = np.stack([_ragged(_literal(text, form, example)) for text in texts])
    return array.astype(np.int64)


def _ragged(value: Any) -> NDArray[Any]:
    """Return an array of a literal; an empty one if its lists have different lengths."""
    try:
        return np.array(value)
    except ValueError:
        return np.empty(0)


def _tuples(numbers: NDArray[np.int64]) -> list[str]:
    return [str(tuple(row)) for row in numbers.tolist()]


def _within(texts: Sequence[str], numbers: NDArray[np.int64], most: int, form: str) -> None:
    """Raise ArchitectureError for the first text with a number above `most`."""
    outside = (numbers > most).reshape(len(numbers), -1).any(axis=1)
    if outside.any():
        text, found = texts[int(outside.argmax())], int(numbers[outside.argmax()].max())
        raise ArchitectureError(f"'{shortened(text)}' has the number {found}, but {form} has the numbers 0 to {most}")


# NAS-Bench-201


def _read_naslib_201(texts: Sequence[str], space: Space) -> Rows:
    numbers = _numbers(texts, (6,), "naslib-201")
    _within(texts, numbers, len(cell201.OPERATIONS) - 1, "naslib-201")
    return from_naslib_numbers(numbers)


def _write_naslib_201(rows: Rows, space: Space) -> list[str]:
    return _tuples(to_naslib_numbers(rows))


def _read_digits_201(texts: Sequence[str], space: Space) -> Rows:
    for text in texts:
        if not re.fullmatch(r"[0-4]{6}", text, re.ASCII):
            raise _fault(text, "digits-201", _DIALECTS["digits-201"].example)
    return np.frombuffer("".join(texts).encode(), dtype=np.uint8).reshape(-1, 6) - np.uint8(ord("0"))


def _write_digits_201(rows: Rows, space: Space) -> list[str]:
    return ["".join(map(str, row)) for row in rows.tolist()]


_NASLIB_GENES = [0, 1, 3, 2, 4, 5]
"""The gene of cell201 of each edge in NASLib's order: by the edge's source."""

_SPIKENAS = 5 ** np.arange(6)


def _read_spikenas(texts: Sequence[str], space: Space) -> Rows:
    numbers = _whole_numbers(texts, "spikenas", _DIALECTS["spikenas"].example)
    _within(texts, numbers, 5**6 - 1, "spikenas")
    rows = np.empty((len(texts), 6), dtype=np.uint8)
    rows[:, _NASLIB_GENES] = numbers[:, None] // _SPIKENAS % 5
    return rows


def _write_spikenas(rows: Rows, space: Space) -> list[str]:
    return [str(number) for number in rows[:, _NASLIB_GENES].astype(np.int64) @ _SPIKENAS]


def _read_xautodl(texts: Sequence[str], space: Space) -> Rows:
    """Read `Structure(4 nodes with ...)`; edges of a node may be in any order, and an absent one is none."""
    strings = []
    for text in texts:
        match = _STRUCTURE.fullmatch(text)
        nodes = [] if match is None else [_official_node(*node) for node in enumerate(match.group(1).split("+"))]
        if len(nodes) != 3 or None in nodes:
            raise _fault(text, "xautodl", _DIALECTS["xautodl"].example)
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
    numbers = space.checked_index(_whole_numbers(texts, "official-index", _DIALECTS["official-index"].example))
    return space.rows(official_order(space)[numbers])


def _write_official_index(rows: Rows, space: Space) -> list[str]:
    return [str(number) for number in np.argsort(official_order(space))[space.index(rows)]]


# TransNAS-Bench-101


def _read_transnas_micro(texts: Sequence[str], space: Space) -> Rows:
    numbers = _numbers(texts, (6,), "naslib-transnas-micro")
    _within(texts, numbers, 3, "naslib-transnas-micro")
    return numbers.astype(np.uint8)


def _write_transnas_micro(rows: Rows, space: Space) -> list[str]:
    return _tuples(rows.astype(np.int64))


def _read_transnas_macro(texts: Sequence[str], space: Space) -> Rows:
    numbers = _numbers(texts, (6,), "naslib-transnas-macro")
    _within(texts, numbers, 4, "naslib-transnas-macro")
    return np.where(numbers == 0, 4, numbers - 1).astype(np.uint8)


def _write_transnas_macro(rows: Rows, space: Space) -> list[str]:
    return _tuples((rows.astype(np.int64) + 1) % 5)


# DARTS, as NASLib and NAS-Bench-301 write it: two cells of pairs (input, operation)

_NASLIB_301 = (
    *("max_pool_3x3", "avg_pool_3x3", "skip_connect"),
    *("sep_conv_3x3", "sep_conv_5x5", "dil_conv_3x3", "dil_conv_5x5"),
)


def _read_naslib_301(texts: Sequence[str], space: Space) -> Rows:
    numbers = _numbers(texts, (2, 8, 2), "naslib-301")
    _within(texts, numbers[..., 1], len(_NASLIB_301) - 1, "naslib-301")
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


# NAS-Bench-101

_NASLIB_101 = ("input", "output", "maxpool3x3", "conv1x1-bn-relu", "conv3x3-bn-relu")


def _read_naslib_101(texts: Sequence[str], space: Space) -> Rows:
    numbers = _numbers(texts, (56,), "naslib-101")
    _within(texts, numbers[:, 49:], len(_NASLIB_101) - 1, "naslib-101")
    return _graph_rows(texts, numbers[:, :49].reshape(-1, 7, 7), np.array(_NASLIB_101)[numbers[:, 49:]].tolist(), space)


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
        value = _literal(text, "matrix", _DIALECTS["matrix"].example)
        if isinstance(value, dict):
            value = [value.get("matrix"), value.get("ops")]
        if not isinstance(value, list) or len(value) != 2 or not isinstance(value[1], list):
            raise _fault(text, "matrix", _DIALECTS["matrix"].example)
        matrix = _ragged(value[0])
        if matrix.ndim != 2 or matrix.dtype.kind not in "iuf" or not all(isinstance(name, str) for name in value[1]):
            raise _fault(text, "matrix", _DIALECTS["matrix"].example)
        matrices.append(matrix)
        operations.append(value[1])
    return _graph_rows(texts, matrices, operations, space)


def _graph_rows(texts: Sequence[str], matrices: Any, operations: Sequence[Sequence[str]], space: Space) -> Rows:
    strings = []
    for text, matrix, names in zip(texts, matrices, operations, strict=True):
        if not np.isin(matrix, (0, 1)).all():
            raise ArchitectureError(f"'{shortened(text)}' has a matrix with other numbers than 0 and 1")
        strings.append(f"{''.join(map(str, matrix.astype(int).ravel().tolist()))} {','.join(names)}")
    return space.read(strings)


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
        if not re.fullmatch(r"[0-9a-f]{32}", text):
            raise _fault(text, "hash-101", _DIALECTS["hash-101"].example)
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


# NAS-Bench-Graph

_LINKS = ("0000", "0001", "0011", "0012", "0013", "0111", "0112", "0122", "0123")
_LAYERS = ("gat", "gcn", "gin", "cheb", "sage", "arma", "graph", "fc", "skip")


def _read_graph_hash(texts: Sequence[str], space: Space) -> Rows:
    """Read the decimal digits of a link pattern and four layers; leading zeros may be absent."""
    strings = []
    for text in texts:
        digits = text.zfill(5)
        if not text or not re.fullmatch(r"[0-8]{5}", digits, re.ASCII):
            raise _fault(text, "nas-bench-graph-hash", _DIALECTS["nas-bench-graph-hash"].example)
        link, *layers = map(int, digits)
        strings.append(f"{_LINKS[link]}:{','.join(_LAYERS[layer] for layer in layers)}")
    return space.read(strings)


def _write_graph_hash(rows: Rows, space: Space) -> list[str]:
    texts = []
    for string in space.write(rows):
        link, _, layers = string.partition(":")
        digits = [_LINKS.index(link), *map(_LAYERS.index, layers.split(","))]
        texts.append(str(int("".join(map(str, digits)))))
    return texts


_DIALECTS = {
    "official-index": _Dialect(("cell201", "channels"), _read_official_index, _write_official_index, "4811"),
    "naslib-201": _Dialect(("cell201",), _read_naslib_201, _write_naslib_201, "(0, 2, 3, 2, 3, 1)"),
    "digits-201": _Dialect(("cell201",), _read_digits_201, _write_digits_201, "421211"),
    "spikenas": _Dialect(("cell201",), _read_spikenas, _write_spikenas, "3939"),
    "xautodl": _Dialect(
        ("cell201",),
        _read_xautodl,
        _write_xautodl,
        "Structure(4 nodes with |none~0|+|none~0|none~1|+|none~0|none~1|none~2|)",
    ),
    "naslib-transnas-micro": _Dialect(
        ("transnas-micro",), _read_transnas_micro, _write_transnas_micro, "(1, 0, 2, 3, 3, 3)"
    ),
    "naslib-transnas-macro": _Dialect(
        ("transnas-macro",), _read_transnas_macro, _write_transnas_macro, "(1, 2, 4, 2, 0, 0)"
    ),
    "naslib-301": _Dialect(
        ("darts",), _read_naslib_301, _write_naslib_301, "(((0, 0), (1, 5), ...), ((1, 0), (0, 2), ...))"
    ),
    "naslib-101": _Dialect(("nas-bench-101",), _read_naslib_101, _write_naslib_101, "(0, 1, ..., 2, 4, 1)"),
    "matrix": _Dialect(
        ("nas-bench-101",), _read_graph, _write_graph, '{"matrix":[[0,1],[0,0]],"ops":["input","output"]}'
    ),
    "hash-101": _Dialect(("nas-bench-101",), _read_hash, _write_hash, "4a0ab8bbe2441a002e07b0f445ec2d63"),
    "nas-bench-graph-hash": _Dialect(("nas-bench-graph",), _read_graph_hash, _write_graph_hash, "61237"),
}
"""The formats of other packages by their names."""
