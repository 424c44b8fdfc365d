"""Read the table files that people have: Parquet, CSV with any usual separator, JSON; CSV and JSON also compressed.

Nothing is guessed from a cell's look. Cells of a CSV file are text until a caller asks for numbers, so that an
architecture written as 02012100 stays one. The exact path is opened, also if it contains a bracket or an asterisk.
"""

import bz2
import codecs
import gzip
import io
import json
import lzma
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from lissnas.spaces.space import Floats
from numpy.typing import NDArray

from lissnas_benchmarks.errors import BenchmarkFileError, first_line
from lissnas_benchmarks.readers.untrusted_parquet import scan_untrusted_parquet

MISSING = frozenset(
    ("", "nan", "-nan", "na", "n/a", "#n/a", "#na", "<na>", "null", "none", "1.#qnan", "-1.#ind", "1.#ind")
)
"""The usual spellings of a missing number, in lower case; those that pandas and Polars write or read."""

_SEPARATORS = ",;\t"

_PROBED = 100
"""Number of lines that show which separator a file has."""

_QUOTED = re.compile('"[^"]*"')

_STATED = re.compile(r"sep=[,;\t]\n")
"""A first line by which Excel states the separator."""

_BLANK_END = re.compile(r"(?:\n[ ,;\t]*)+\Z")
"""The line ends of a file, and last lines with empty cells only, which spreadsheets leave."""

_MAX_TEXT = 1 << 31
"""Maximum size of a text file in bytes, after decompression (our own choice)."""

_PIECE = 1 << 24
"""Number of bytes that are read at once."""

_OPENERS: dict[bytes, Any] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ": lzma.open}

_OTHER_FILES = {
    b"\x28\xb5\x2f\xfd": "compressed with Zstandard: decompress it with 'zstd -d'",
    b"PK\x03\x04": "a ZIP archive or an Excel workbook: unpack it, or save the sheet as CSV",
    b"ARROW1": "an Arrow or Feather file: save it as Parquet",
    b"\x89HDF": "an HDF5 file: save its table as Parquet or CSV",
    b"\x93NUMPY": "a NumPy array without names of columns: save it as CSV with a header",
    b"\x80": "a pickle, which may run any program when it is opened: save its table as Parquet or CSV",
    b"SQLite format": "an SQLite database: save its table as Parquet or CSV",
    b"<": "a web page or XML: download the file itself",
}
"""The first bytes of files that are no tables for us, and what to do about each."""


@dataclass(frozen=True)
class OwnFile:
    """An opened table file; columns are read when they are asked for.

    Attributes
    ----------
    name
        The file's name in error messages.
    names
        The names of the columns.
    rows
        The number of rows.
    is_typed
        Whether the file itself says which columns are numbers and which are text: true for Parquet and JSON.
    lines
        Whether each row is one line of the file, under a header.
    """

    name: str
    names: tuple[str, ...]
    rows: int
    is_typed: bool
    lines: bool
    _lazy: pl.LazyFrame

    @cached_property
    def _columns(self) -> dict[str, pl.Series]:
        return {}

    def column(self, name: str) -> pl.Series:
        """Return a column as the file has it, without its name; categories become text."""
        if name not in self._columns:
            try:
                # By its place: Polars reads a name such as "^a.*$" or "*" as an expression.
                series = self._lazy.select(pl.nth(self.names.index(name))).collect().to_series()
            except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
                raise self.error(f"cannot be read ({first_line(error)})") from error
            is_category = isinstance(series.dtype, pl.Categorical | pl.Enum)
            self._columns[name] = series.cast(pl.String) if is_category else series
        return self._columns[name]

    def is_text(self, name: str) -> bool:
        """Tell whether a column has text: in a typed file by its type, otherwise if most cells are not numbers."""
        column = self.column(name)
        if self.is_typed:
            return column.dtype == pl.String
        values, wrong = _parsed(column)
        return int(wrong.sum()) >= max(1, int(values.is_not_null().sum()))

    def has_numbers(self, name: str) -> bool:
        """Tell whether a column has numbers: in a typed file by its type, otherwise by most of its filled cells."""
        column = self.column(name)
        if self.is_typed:
            return column.dtype.is_numeric()
        return not self.is_text(name) and bool(_parsed(column)[0].is_not_null().any())

    def numbers(self, name: str) -> Floats:
        """Return a column of numbers, float64; NaN where it is empty or has a usual spelling of a missing number.

        Raises BenchmarkFileError with the place and the text of the first cell that is neither.
        """
        column = self.column(name)
        if column.dtype == pl.String:
            values, wrong = _parsed(column)
            if wrong.any():
                row = wrong.arg_max() or 0
                raise self.error(f"{name} is '{column[row]}' in {self.place(row)}, which is not a number")
        elif column.dtype.is_numeric() or column.dtype == pl.Null:
            values = column.cast(pl.Float64)
        else:
            raise self.error(f"{name} has the type {column.dtype}, not numbers")
        return values.to_numpy().astype(np.float64)

    def integers(self, name: str, what: str) -> NDArray[np.int64]:
        """Return a column of whole numbers, int64; `what` says in an error what they should be.

        Raises BenchmarkFileError for the first cell that is empty or not a whole number.
        """
        column = self.column(name)
        if column.dtype == pl.String or column.dtype.is_integer():
            cells = column.str.strip_chars() if column.dtype == pl.String else column
            exact = cells.cast(pl.Int64, strict=False)  # float64 would round numbers beyond 2^53
            if not exact.null_count():
                return exact.to_numpy().astype(np.int64)
        values = self.numbers(name)
        self.require_filled(name, _empty(column))
        wrong = ~(np.abs(values) <= 2**53) | (values != np.floor(values))
        if wrong.any():
            row = int(wrong.argmax())
            raise self.error(f"{name} is {str(column[row]).strip()} in {self.place(row)}, but must be {what}")
        return values.astype(np.int64)

    def texts(self, name: str, what: str, or_numbers: bool = False) -> list[str]:
        """Return a column of text without blanks around it; `what` says in an error what the text should be.

        Whole numbers are their digits if `or_numbers` are allowed.

        Raises BenchmarkFileError if the column has another type or an empty cell.
        """
        column = self.column(name)
        if or_numbers and column.dtype.is_numeric():
            self.require_filled(name, _empty(column))
            column = pl.Series(name, [str(number) for number in self.integers(name, what)])
        if column.dtype != pl.String:
            raise self.error(f"{name} has the type {column.dtype}, not {what}")
        self.require_filled(name, _empty(column))
        return column.str.strip_chars().to_list()

    def is_named(self, name: str, names: Sequence[str]) -> bool:
        """Tell whether a column has some of these names, and not whole numbers."""
        column = self.column(name)
        if self.is_typed or column.dtype != pl.String:
            return self.is_text(name)
        cells = column.str.strip_chars().drop_nulls().unique()
        is_number = cells.str.contains(r"^[+-]?[0-9]+(\.0*)?$")
        return self.is_text(name) or (not is_number.any() and set(cells) <= set(names))

    def require_filled(self, name: str, empty: NDArray[np.bool_]) -> None:
        """Raise BenchmarkFileError for the first empty cell of a column."""
        if empty.any():
            raise self.error(f"{name} is empty in {self.place(int(empty.argmax()))}")

    def place(self, row: int) -> str:
        """Return where a row is: "line 5" of the file, or "row 3" counted from 0."""
        return _place(row, self.lines)

    def error(self, why: str) -> BenchmarkFileError:
        """Return the error for something wrong in this file."""
        return BenchmarkFileError(f"{self.name}: {why}")


def open_own_file(path: Path) -> OwnFile:
    """Open a table file; its first bytes say which format it has, not its name.

    Raises
    ------
    BenchmarkFileError
        If the file is damaged or of another format, or two columns have the same name.
    OSError
        If the file cannot be opened.
    """
    with path.open("rb") as file:
        start = file.read(16)
    if start.startswith(b"PAR1"):
        return _open_parquet(path)
    data = _uncompressed(path, start)
    for magic, what in _OTHER_FILES.items():
        if data.startswith(magic):
            raise BenchmarkFileError(f"{path.name}: {what}")
    text = _decoded(path.name, data)
    if text.lstrip()[:1] in ("[", "{"):
        return _open_json(path.name, text)
    return _open_csv(path.name, text)


def _place(row: int, is_line: bool) -> str:
    return f"line {row + 2}" if is_line else f"row {row}"


def _empty(column: pl.Series) -> NDArray[np.bool_]:
    """Return which cells of a column have nothing: no value, NaN, or blanks only."""
    if column.dtype == pl.String:
        column = column.str.strip_chars().replace("", None)
    if column.dtype.is_float():
        column = column.fill_nan(None)
    return column.is_null().to_numpy()


def _parsed(column: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Return the numbers of a text column, null where there is none, and which cells are wrong."""
    stripped = column.cast(pl.String).str.strip_chars()
    values = stripped.cast(pl.Float64, strict=False)
    wrong = values.is_null() & stripped.is_not_null()
    if wrong.any():
        wrong &= ~stripped.str.to_lowercase().is_in(list(MISSING))
    return values, wrong


def _open_parquet(path: Path) -> OwnFile:
    try:
        lazy = scan_untrusted_parquet(path)
        names = lazy.collect_schema().names()
        rows = lazy.select(pl.len()).collect().item()
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise BenchmarkFileError(f"{path.name}: cannot be read ({first_line(error)})") from error
    return OwnFile(path.name, tuple(names), rows, True, False, lazy)


def _uncompressed(path: Path, start: bytes) -> bytes:
    opener: Any = next((opener for magic, opener in _OPENERS.items() if start.startswith(magic)), open)
    pieces: list[bytes] = []
    try:
        with opener(path, "rb") as file:
            # Not all at once: `read` would first allocate as much as the limit.
            while sum(map(len, pieces)) <= _MAX_TEXT and (piece := file.read(_PIECE)):
                pieces.append(piece)
    except (OSError, EOFError, lzma.LZMAError) as error:
        if opener is open:
            raise
        raise BenchmarkFileError(f"{path.name}: cannot be read ({first_line(error)})") from error
    data = b"".join(pieces)
    if len(data) > _MAX_TEXT:
        raise BenchmarkFileError(f"{path.name}: more than {_MAX_TEXT / 1e9:.0f} GB of text: save it as Parquet")
    return data


def _decoded(name: str, data: bytes) -> str:
    is_utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = data.decode("utf-16" if is_utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise BenchmarkFileError(
            f"{name}: neither Parquet nor text in UTF-8 or UTF-16 (byte {error.start} is not a letter): save it as "
            f"Parquet, or as CSV in UTF-8"
        ) from error
    if "\0" in text:
        raise BenchmarkFileError(f"{name}: neither Parquet nor text: it contains zero bytes")
    return text


def _open_csv(name: str, text: str) -> OwnFile:
    lines = _BLANK_END.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    lines, stated = (lines[6:], lines[4]) if _STATED.match(lines) else (lines, "")
    records = (_QUOTED.sub("", lines) if '"' in lines else lines).split("\n")  # a quoted cell may contain a line end
    is_lines = not stated and lines.count("\n") == len(records) - 1
    if len(records) < 2 or not lines.partition("\n")[0].strip():
        raise BenchmarkFileError(f"{name}: cannot be read (it has no header with a line for each architecture)")
    separator = stated or _separator(name, records)
    counts = pl.Series(records).str.count_matches(separator, literal=True) + 1
    wrong = counts != counts[0]
    if wrong.any():
        row = wrong.arg_max() or 0
        place = _place(row - 1, is_lines)
        raise BenchmarkFileError(f"{name}: {place} has {counts[row]} of {counts[0]} columns")
    data = io.BytesIO(f"\ufeff{lines}\n".encode())  # Polars would decompress a text that begins with "x^"
    try:
        every = pl.read_csv(data, separator=separator, has_header=False, infer_schema=False, glob=False)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise BenchmarkFileError(f"{name}: cannot be read ({first_line(error)})") from error
    if every.shape != (len(records), counts[0]):
        raise BenchmarkFileError(
            f"{name}: {len(records)} lines of {counts[0]} cells make a table of {every.height} and {every.width}: look "
            f"for a quotation mark that opens or closes no cell, and for empty lines"
        )
    columns = [(column or "").strip() for column in every.row(0)]
    _check_names(name, columns)
    return OwnFile(name, tuple(columns), every.height - 1, False, is_lines, every[1:].lazy())


def _separator(name: str, records: Sequence[str]) -> str:
    """Return the separator that occurs as often in the next lines as in the header; of several the most frequent.

    Raises BenchmarkFileError if two separators divide the lines into the same number of cells.
    """
    header, following = records[0], records[1:_PROBED]

    def agreement(separator: str) -> tuple[int, int]:
        count = header.count(separator)
        return sum(record.count(separator) == count for record in following) if count else -1, count

    second, best = sorted(_SEPARATORS, key=agreement)[1:]
    if header.count(best) and agreement(best) == agreement(second):
        raise BenchmarkFileError(
            f"{name}: {second!r} or {best!r} may separate its columns: put cells that contain one of them in quotation "
            f"marks"
        )
    return best


def _open_json(name: str, text: str) -> OwnFile:
    """Open a list of records, one record a line, or an object with the values of each column."""
    try:
        try:
            value = json.loads(text, object_pairs_hook=_without_repeats)
        except json.JSONDecodeError:
            records = [line for line in text.splitlines() if line.strip()]
            value = [json.loads(line, object_pairs_hook=_without_repeats) for line in records]
        columns = _json_columns(value)
        series = [_json_series(column, values) for column, values in columns.items()]
        frame = pl.DataFrame({f"column{place}": values for place, values in enumerate(series)})
    except (ValueError, TypeError, OverflowError, RecursionError, pl.exceptions.PolarsError) as error:
        raise BenchmarkFileError(f"{name}: cannot be read as a table in JSON ({first_line(error)})") from error
    return OwnFile(name, tuple(columns), frame.height, True, False, frame.lazy())


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(pairs)
    if len(names) != len(pairs):
        raise ValueError("a name occurs twice in one object")
    return names


def _json_columns(value: Any) -> dict[str, list[Any]]:
    if isinstance(value, list):
        if not value or not all(isinstance(record, dict) for record in value):
            raise ValueError("it is not a list of objects, one for each architecture")
        names = dict.fromkeys(name for record in value for name in record)
        return {name: [record.get(name) for record in value] for name in names}
    columns = {name: list(of.values()) if isinstance(of, dict) else of for name, of in value.items()}
    keys = {tuple(of) for of in value.values() if isinstance(of, dict)}
    if len(keys) > 1 or not all(isinstance(of, list) for of in columns.values()):
        raise ValueError("it has neither a list nor an object of values for each column, in the same order")
    if len({len(of) for of in columns.values()}) > 1:
        raise ValueError("its columns have different lengths")
    return columns


def _json_series(name: str, values: list[Any]) -> pl.Series:
    kinds = {type(value) for value in values} - {type(None)}
    if not kinds <= {str, int, float, bool}:
        raise ValueError(f"'{name}' contains lists or objects")
    if bool in kinds and len(kinds) > 1:
        raise ValueError(f"'{name}' has true or false among other values")
    if str in kinds:
        return pl.Series(name, [value if value is None else str(value) for value in values], dtype=pl.String)
    return pl.Series(name, values, dtype=pl.Boolean if kinds == {bool} else pl.Int64 if kinds == {int} else pl.Float64)


def _check_names(file: str, names: Sequence[str]) -> None:
    for place, name in enumerate(names):
        if name in names[:place]:
            raise BenchmarkFileError(
                f"{file}: the columns {names.index(name) + 1} and {place + 1} are both called '{name}': rename one"
            )
