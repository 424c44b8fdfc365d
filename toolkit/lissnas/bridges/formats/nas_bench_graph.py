"""NAS-Bench-Graph's hash of a graph network."""

import re
from collections.abc import Sequence

from lissnas.bridges.formats.text_form import Dialect, TextForm
from lissnas.spaces.space import Rows, Space

_HASH = TextForm("nas-bench-graph-hash", "61237")


_LINKS = ("0000", "0001", "0011", "0012", "0013", "0111", "0112", "0122", "0123")
_LAYERS = ("gat", "gcn", "gin", "cheb", "sage", "arma", "graph", "fc", "skip")


def _read_graph_hash(texts: Sequence[str], space: Space) -> Rows:
    """Read the decimal digits of a link pattern and four layers; leading zeros may be absent."""
    strings = []
    for text in texts:
        digits = text.zfill(5)
        if not text or not re.fullmatch(r"[0-8]{5}", digits, re.ASCII):
            raise _HASH.fault(text)
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


DIALECTS = {
    _HASH.name: Dialect(("nas-bench-graph",), _read_graph_hash, _write_graph_hash),
}
"""The formats by their names."""
