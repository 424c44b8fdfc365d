"""NASLib's tuples of TransNAS-Bench-101's cells and chains."""

from collections.abc import Sequence

import numpy as np

from lissnas.bridges.formats.text_form import Dialect, TextForm, written_tuples
from lissnas.spaces.space import Rows, Space

_NASLIB_MICRO = TextForm("naslib-transnas-micro", "(1, 0, 2, 3, 3, 3)")

_NASLIB_MACRO = TextForm("naslib-transnas-macro", "(1, 2, 4, 2, 0, 0)")


def _read_transnas_micro(texts: Sequence[str], space: Space) -> Rows:
    numbers = _NASLIB_MICRO.numbers(texts, (6,))
    _NASLIB_MICRO.check_within(texts, numbers, 3)
    return numbers.astype(np.uint8)


def _write_transnas_micro(rows: Rows, space: Space) -> list[str]:
    return written_tuples(rows.astype(np.int64))


def _read_transnas_macro(texts: Sequence[str], space: Space) -> Rows:
    numbers = _NASLIB_MACRO.numbers(texts, (6,))
    _NASLIB_MACRO.check_within(texts, numbers, 4)
    return np.where(numbers == 0, 4, numbers - 1).astype(np.uint8)


def _write_transnas_macro(rows: Rows, space: Space) -> list[str]:
    return written_tuples((rows.astype(np.int64) + 1) % 5)


DIALECTS = {
    _NASLIB_MICRO.name: Dialect(("transnas-micro",), _read_transnas_micro, _write_transnas_micro),
    _NASLIB_MACRO.name: Dialect(("transnas-macro",), _read_transnas_macro, _write_transnas_macro),
}
"""The formats by their names."""
