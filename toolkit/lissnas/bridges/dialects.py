"""Architectures in the text forms of other packages; the format's name says how a text is read, its look never does.

`(1, 0, 2, 3, 3, 3)` is a cell of NAS-Bench-201 in one package and one of TransNAS-Bench-101, with other operations on
other edges, in the next. Texts are parsed as literals and never evaluated.
"""

import re
from collections.abc import Sequence

import numpy as np

from lissnas.bridges.formats import cell201, darts, nas_bench_graph, nasbench101, transnas
from lissnas.bridges.formats.text_form import Dialect, TextForm
from lissnas.errors import ArchitectureError, UnknownNameError
from lissnas.spaces.part_of_space import PartOfSpace
from lissnas.spaces.space import INDEX_COLUMN, Rows, Space

OFFICIAL = "official"
"""The format of the official strings, which every space has."""

_DIALECTS = cell201.DIALECTS | transnas.DIALECTS | darts.DIALECTS | nasbench101.DIALECTS | nas_bench_graph.DIALECTS
"""The formats of other packages by their names."""

_INDEX = TextForm(INDEX_COLUMN, "4811")


def format_names(space: Space) -> tuple[str, ...]:
    """Return the names of the formats in which a space's architectures can be read and written.

    Examples
    --------
    >>> from lissnas.spaces.published.cell201 import cell201
    >>> format_names(cell201())
    ('official', 'lissnas-index', 'official-index', 'naslib-201', 'digits-201', 'spikenas', 'xautodl')
    """
    name = _full_space(space).name.removeprefix("distinct ")
    return (OFFICIAL, INDEX_COLUMN, *(form for form, of in _DIALECTS.items() if name.startswith(of.spaces)))


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
    >>> from lissnas.spaces.published.cell201 import cell201
    >>> rows = read_architectures(["(0, 2, 3, 2, 3, 1)"], "naslib-201", cell201())
    >>> cell201().write(rows)
    ['|skip_connect~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_1x1~0|nor_conv_1x1~1|none~2|']
    """
    try:
        return _read(texts, form, space)
    except ArchitectureError as error:
        first = texts[:1]
        others = [] if _reads(first, form, space) else [o for o in format_names(space) if _reads(first, o, space)]
        if not others:
            raise
        raise ArchitectureError(
            f"{error}; this is how {' or '.join(others)} writes architectures: name that format (--format)"
        ) from error


def _reads(texts: Sequence[str], form: str, space: Space) -> bool:
    """Tell whether texts are in a format, or seem to be if that takes long to find out."""
    if form in _DIALECTS and (pattern := _DIALECTS[form].pattern):
        return all(re.fullmatch(pattern, text) for text in texts)
    try:
        _read(texts, form, space)
    except ArchitectureError:
        return False
    return True


def _read(texts: Sequence[str], form: str, space: Space) -> Rows:
    """Return the row of each architecture, as `read_architectures` does."""
    if form == OFFICIAL:
        return space.read(texts)
    if form == INDEX_COLUMN:
        return space.rows(space.checked_index(_INDEX.whole_numbers(texts)))
    full_space, dialect = _full_space(space), _dialect(form, space)
    if not texts:
        return np.empty((0, space.genes), dtype=np.uint8)
    return full_space.canonical(dialect.read([text.strip() for text in texts], full_space))


def write_architectures(rows: Rows, form: str, space: Space) -> list[str]:
    """Return the text of each row in a format; raises UnknownNameError if the space has no such format."""
    if form == OFFICIAL:
        return space.write(rows)
    if form == INDEX_COLUMN:
        return [str(index) for index in space.index(rows)]
    full_space = _full_space(space)
    return _dialect(form, space).write(full_space.canonical(rows), full_space)


def _full_space(space: Space) -> Space:
    """Return the space that a part of a space is from."""
    while isinstance(space, PartOfSpace):
        space = space.full_space
    return space


def _dialect(form: str, space: Space) -> Dialect:
    if form not in format_names(space):
        raise UnknownNameError(f"format of {space.name}", form, format_names(space))
    return _DIALECTS[form]
