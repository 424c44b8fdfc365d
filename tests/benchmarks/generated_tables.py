"""Tables as people write them, drawn by hypothesis, and what each of them means.

A drawn table has a few architectures, named in one of the usual ways, with one row per architecture, run or epoch. It
is written as CSV, JSON or Parquet, in one of the forms that spreadsheets, pandas, Polars and R write. It may have one
fault. `check` reads it and compares every number with what was drawn.
"""

import bz2
import csv
import gzip
import io
import itertools
import json
import lzma
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import polars as pl
from hypothesis import strategies as st
from lissnas.bridges.dialects import OFFICIAL, format_names, write_architectures
from lissnas.errors import LissnasError
from lissnas.spaces.categorical import CategoricalSpace
from lissnas.spaces.published.cell201 import cell201
from lissnas.spaces.space import Floats
from lissnas_benchmarks.adapter import Import
from lissnas_benchmarks.columns import Column
from lissnas_benchmarks.own_table import own_table
from lissnas_benchmarks.predictor_file import read_predictors

SPACES: dict[str, CategoricalSpace] = {
    "digits": CategoricalSpace("digits", (("0", "1", "2"),) * 3, "{}{}{}"),
    "commas": CategoricalSpace("commas", (("0", "1", "2"), ("0", "1", "2", "3")), "{},{}"),
    "words": CategoricalSpace("words", (("none", "null", "1e3"), ("nan", "a;b", "c\td", 'e"f')), "{}|{}"),
    "cell201": cell201(),
}
"""Spaces whose strings look like numbers, contain separators, or are spellings of a missing value."""

ROW_NUMBERS = ("index", "Unnamed: 0", "", "__index_level_0__", "level_0")
"""Names of the row numbers that pandas, Polars and R add."""

FAULTS = ("text", "contradiction", "unknown", "empty", "infinite", "short line", "same name", "outside %", "type")
"""What may be wrong with a table; the reader must refuse it."""

_MISSING = ("", "nan", "NaN", "N/A", "None", "NULL", "<NA>", " ", "#N/A")
_TEXTS = ("95%", "1,000.5", "90,1", "about 90", "--", "1_0", "0x1F", "٩")
_COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
}
_NAMES = (
    st.text(st.sampled_from("abcxyz AZ09_-./%()é:\"'^$*[]#"), min_size=1, max_size=8)
    .map(str.strip)
    .filter(lambda name: name and name[0] not in "[" and not re.fullmatch("gene.*|arch.*", name))
)
_NOTES = st.sampled_from(("", "ok", "re-run, twice", 'the "best"', "two\nlines", "1", "95%", "ü;\t|"))
_NUMBERS: dict[str, Any] = {
    "floats": st.floats(allow_nan=False, allow_infinity=False) | st.floats(0, 100),
    "integers": st.integers(-10, 100) | st.integers(-(2**63), 2**63 - 1),
    "decimals": st.decimals(0, 100, places=2),
}


Draw = Callable[[Any], Any]
Cells = dict[str, list[Any]]
Found = TypeVar("Found")


@dataclass(frozen=True)
class Row:
    """One row: what it is of, and what it says; None where a value is missing."""

    genes: tuple[int, ...]
    run: int
    epoch: int
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Generated:
    """A written table and its meaning.

    Attributes
    ----------
    name, content
        The file.
    space, form, named_by
        The space, the format of its architectures, and their columns: one, or one for each gene.
    metrics, unit
        The columns of measurements and their unit.
    rows
        The rows in the order of the file.
    run, epoch
        The columns of the run and the epoch; "" without.
    fault, place
        What is wrong with the table, and the row; "" if nothing is.
    has_notes
        Whether it has columns besides those that are declared.
    """

    name: str
    content: bytes
    space: CategoricalSpace
    form: str
    named_by: tuple[str, ...]
    metrics: tuple[str, ...]
    unit: str
    rows: tuple[Row, ...]
    run: str
    epoch: str
    fault: str
    place: int
    has_notes: bool

    def expected(self) -> dict[str, Floats]:
        """Return the values of each column, by its name, in the order of the space's index."""
        columns: dict[str, Floats] = {}
        for row in self.rows:
            [index] = self.space.index(np.array([row.genes], dtype=np.uint8))
            seed, epochs = row.run if self.run else None, row.epoch if self.epoch else None
            for name, value in zip(self.metrics, row.values, strict=True):
                one = Column(name, "d", "", "", epochs, seed).name
                values = columns.setdefault(one, np.full(self.space.size, np.nan))
                values[index] = np.nan if value is None else float(value)
        return columns

    def read(self, path: Path) -> dict[str, Floats]:
        """Return the values of each column, as the reader finds them."""
        naming: dict[str, Any] = {"string_column": self.named_by[0], "string_format": self.form}
        if len(self.named_by) > 1:
            naming = {"gene_columns": self.named_by}
        columns = {name: Column(name, "d", "", self.unit) for name in self.metrics}
        others = {"missing": True, "run_column": self.run, "epoch_column": self.epoch}
        adapter = own_table("drawn", lambda: self.space, path, columns=columns, **naming, **others)
        read = adapter.read(Import((path,), path.parent))
        return {column.name: values for column, values in read.items()}


def check(table: Generated, folder: Path) -> str:
    """Read a table; raise AssertionError unless it reads as it was drawn, or is refused for its fault at its row."""
    path = folder / table.name
    path.write_bytes(table.content)
    found, refusal = _read_or_refused(table.read, path)
    if found is None:
        if "may separate" in refusal:
            return "refused: two possible separators"
        assert table.fault, f"refused without a fault: {refusal}"
        assert _names_the_fault(table, refusal), f"{table.fault} in row {table.place}: {refusal}"
        return f"refused: {table.fault}"
    assert not table.fault, f"read in spite of a fault: {table.fault}"
    _compare(found, table.expected())
    if table.run or table.epoch:
        return "read in long format"
    form = OFFICIAL if table.named_by[0] in format_names(table.space) else table.form
    one = table.metrics[0]
    is_asked = ":" not in one and not one.startswith("-")
    source = f"{path}:{one}" if is_asked else str(path)
    predictors, refusal = _read_or_refused(lambda text: read_predictors(text, table.space, form=form), source)
    if predictors is None:
        is_clear = len(table.named_by) > 1 or table.named_by[0] in ("architecture", *format_names(table.space))
        assert table.has_notes or not (is_clear and is_asked), f"as predictors: {refusal}"
        return "read as a table"
    assert not {predictor.name for predictor in predictors} & set(ROW_NUMBERS)
    scores = {f"{one.name}/d": one.scores for one in predictors if one.name in table.metrics}
    _compare(scores, {name: values for name, values in table.expected().items() if name in scores})
    return "read as a table and as predictors"


def _read_or_refused(read: Callable[[Any], Found], source: Any) -> tuple[Found | None, str]:
    try:
        return read(source), ""
    except LissnasError as error:
        return None, str(error)


def _compare(found: dict[str, Floats], expected: dict[str, Floats]) -> None:
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values, err_msg=name)


def _names_the_fault(table: Generated, message: str) -> bool:
    """Tell whether a message names the row of the fault: the line of a file, or the row counted from 0."""
    if table.fault == "same name":
        return "both called" in message or "occurs twice" in message
    if table.fault == "type":
        return "has the type" in message or "lists or objects" in message
    named = {int(number) - 2 * (what == "line") for what, number in re.findall(r"(line|row) (\d+)", message)}
    return table.place in named


@st.composite
def generated_tables(draw: Draw, kinds: tuple[str, ...] = ("csv", "csv", "json", "parquet")) -> Generated:
    """Draw a table, its form, and perhaps a fault."""
    kind = draw(st.sampled_from(kinds))
    space = SPACES[draw(st.sampled_from(sorted(SPACES)))]
    drawn = draw(st.lists(_NAMES, min_size=3, max_size=5, unique=True))
    metrics, naming_column, notes = tuple(drawn[: draw(st.integers(1, 2))]), drawn[2], drawn[3:]
    fault = draw(st.sampled_from(["", "", *FAULTS]))
    is_percentage = fault == "outside %" or draw(st.integers(0, 4)) == 0
    numbers = draw(st.sampled_from(sorted(_NUMBERS)))
    value = st.none() | (st.floats(1.5, 100) if is_percentage else _NUMBERS[numbers])
    run, epoch = draw(st.sampled_from([("", "")] * 4 + [("seed", ""), ("", "epoch"), ("seed", "epoch")]))
    places = draw(st.lists(st.integers(0, space.size - 1), min_size=2, max_size=5, unique=True))
    runs = draw(st.lists(st.integers(0, 1000), min_size=1, max_size=2, unique=True)) if run else [0]
    epochs = draw(st.lists(st.integers(0, 200), min_size=1, max_size=2, unique=True)) if epoch else [0]
    rows = [
        Row(tuple(genes), one, number, tuple(draw(value) for _ in metrics))
        for genes in space.rows(np.array(places)).tolist()
        for one, number in itertools.product(runs, epochs)
    ]
    if is_percentage:  # a column without a value above 1 could be fractions
        rows = [replace(row, values=tuple(50.0 if one is None else one for one in row.values)) for row in rows]
    rows += [rows[place] for place in draw(st.lists(st.integers(0, len(rows) - 1), max_size=2))]
    rows = draw(st.permutations(rows))
    if fault == "contradiction":
        rows.append(replace(rows[draw(st.integers(0, len(rows) - 1))], values=tuple(3.25 for _ in metrics)))
        if any(row.values == rows[-1].values and row.genes == rows[-1].genes for row in rows[:-1]):
            fault = ""
    form, named_by, cells_of = _naming(draw, space, naming_column, kind)
    cells = cells_of(np.array([row.genes for row in rows], dtype=np.uint8))
    columns = dict(zip(named_by, cells, strict=True))
    columns |= {name: [row.values[place] for row in rows] for place, name in enumerate(metrics)}
    columns |= {run: [row.run for row in rows]} if run else {}
    columns |= {epoch: [row.epoch for row in rows]} if epoch else {}
    for name in notes:
        columns[name] = draw(st.lists(_NOTES, min_size=len(rows), max_size=len(rows)))
    if draw(st.booleans()):
        columns[draw(st.sampled_from(ROW_NUMBERS))] = list(range(len(rows)))
    place = len(rows) - 1 if fault == "contradiction" else draw(st.integers(0, len(rows) - 1))
    columns = {name: columns[name] for name in draw(st.permutations(list(columns)))}
    fault = _damage(draw, fault, place, columns, metrics, named_by, kind)
    name, content = _WRITERS[kind](draw, columns, metrics, fault, place)
    described = form, named_by, metrics, "%" if is_percentage else ""
    return Generated(name, content, space, *described, tuple(rows), run, epoch, fault, place, bool(notes))


def _naming(
    draw: Draw, space: CategoricalSpace, column: str, kind: str
) -> tuple[str, tuple[str, ...], Callable[[Any], list[list[Any]]]]:
    """Draw how architectures are named: the format, its columns, and the cells of each column."""
    genes = tuple(f"gene{gene}" for gene in range(space.genes))
    way = draw(st.sampled_from(["strings", "numbers", "names", *format_names(space)[1:]]))
    if way == "numbers":
        return OFFICIAL, genes, lambda rows: rows.T.tolist()
    if way == "names" and not space.operations[0][0].isdigit():
        return (
            OFFICIAL,
            genes,
            lambda rows: [
                [space.operations[gene][choice] for choice in column] for gene, column in enumerate(rows.T.tolist())
            ],
        )
    form = OFFICIAL if way in ("strings", "names") else way
    is_number = form.endswith("-index")
    column = form if is_number else draw(st.sampled_from(["architecture", column] + [form] * (form != OFFICIAL)))
    is_int = is_number and kind != "csv"
    return (
        form,
        (column,),
        lambda rows: [[int(text) if is_int else text for text in write_architectures(rows, form, space)]],
    )


def _damage(
    draw: Draw, fault: str, place: int, columns: Cells, metrics: tuple[str, ...], named_by: tuple[str, ...], kind: str
) -> str:
    """Put a fault into the cells, and return it; "" if this kind of table cannot have it."""
    is_csv = kind == "csv"
    impossible = {"type": is_csv, "text": kind == "parquet", "same name": kind == "parquet", "short line": not is_csv}
    if impossible.get(fault) or (fault == "short line" and len(columns) < 3):
        return ""
    wrong = {"outside %": (100.5, -0.5, 9437.0), "text": _TEXTS, "infinite": (np.inf, -np.inf)}
    if fault in wrong:
        name, cell = draw(st.sampled_from(metrics)), draw(st.sampled_from(wrong[fault]))
        columns[name] = [*columns[name][:place], cell, *columns[name][place + 1 :]]
    if fault in ("unknown", "empty"):
        name = draw(st.sampled_from(named_by))
        cell = None if fault == "empty" else -1 if isinstance(columns[name][place], int) else "||"
        columns[name] = [*columns[name][:place], cell, *columns[name][place + 1 :]]
    if fault == "empty":  # a last line with empty cells only is no row
        columns[metrics[0]] = [*columns[metrics[0]][:place], 2.5, *columns[metrics[0]][place + 1 :]]
    if fault == "type":
        columns[metrics[0]] = [[1.0]] * len(columns[metrics[0]])
    return fault


def _number_text(draw: Draw, value: Any) -> str:
    """Draw a spelling of a number, or of a missing one."""
    if value is None:
        return str(draw(st.sampled_from(_MISSING)))
    texts = [str(value)] * 4 + [f" {value}", f"{value} "]
    if isinstance(value, int) and abs(value) < 2**53:
        texts.append(f"{value}.0")
    if isinstance(value, float) and np.isfinite(value):
        texts += [f"{value:.17g}", f"{value:.17E}"]
    return str(draw(st.sampled_from(texts)))


def _csv(draw: Draw, columns: Cells, metrics: tuple[str, ...], fault: str, place: int) -> tuple[str, bytes]:
    separator, suffix = draw(st.sampled_from([(",", ".csv"), (";", ".csv"), ("\t", ".tsv")]))
    quoting = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    end = draw(st.sampled_from(["\n", "\n", "\r\n"]))
    target = io.StringIO()
    writer = csv.writer(target, delimiter=separator, quoting=quoting, lineterminator=end)
    names, cells = list(columns), [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    if fault == "same name":
        names[-1] = names[0]
    writer.writerow(names)
    for number, row in enumerate(cells):
        line = []
        for name, cell in row.items():
            is_number = name in metrics and not isinstance(cell, str)
            line.append(_number_text(draw, cell) if is_number else "" if cell is None else cell)
        if fault == "short line" and number == place:
            line.pop()
        writer.writerow(line)
    text = target.getvalue()
    text = text.removesuffix(end) if draw(st.booleans()) else text + end * draw(st.integers(0, 2))
    encoding = draw(st.sampled_from(["utf-8", "utf-8", "utf-8-sig", "utf-16"]))
    packed = draw(st.sampled_from(["", "", *_COMPRESS]))
    return f"t{suffix}{packed}", _COMPRESS[packed](text.encode(encoding))


def _json(draw: Draw, columns: Cells, metrics: tuple[str, ...], fault: str, place: int) -> tuple[str, bytes]:
    as_text = draw(st.integers(0, 4)) == 0
    written: dict[str, list[Any]] = {}
    for name, cells in columns.items():
        values = [float(cell) if isinstance(cell, Decimal) else cell for cell in cells]
        if name in metrics and as_text and not isinstance(values[0], list):
            values = [cell if isinstance(cell, str) else _number_text(draw, cell) for cell in values]
        elif name in metrics:
            values = [draw(st.sampled_from([None, np.nan, "N/A"])) if cell is None else cell for cell in values]
        written[name] = values
    records = [dict(zip(written, row, strict=True)) for row in zip(*written.values(), strict=True)]
    form = draw(st.sampled_from(["records", "lines", "columns", "indexed columns"]))
    keys = [str(number) for number in range(len(records))]
    texts = {
        "records": lambda: json.dumps(records),
        "lines": lambda: "\n".join(map(json.dumps, records)),
        "columns": lambda: json.dumps(written),
        "indexed columns": lambda: json.dumps(
            {name: dict(zip(keys, cells, strict=True)) for name, cells in written.items()}
        ),
    }
    text = texts[form]()
    if fault == "same name":
        first, second = map(json.dumps, list(columns)[:2])
        text = text.replace(f"{first}: ", f"{second}: ")
    return f"t.json{'l' * (form == 'lines')}", text.encode(draw(st.sampled_from(["utf-8", "utf-8-sig"])))


def _parquet(draw: Draw, columns: Cells, metrics: tuple[str, ...], fault: str, place: int) -> tuple[str, bytes]:
    series = []
    for name, cells in columns.items():
        kinds = {type(cell) for cell in cells} - {type(None)}
        if name in metrics and kinds <= {int, float, Decimal}:
            dtype: Any = {frozenset({int}): pl.Int64, frozenset({Decimal}): pl.Decimal(20, 2)}.get(frozenset(kinds))
            if dtype is None:
                dtype, cells = pl.Float64, [None if cell is None else float(cell) for cell in cells]
                cells = [draw(st.sampled_from([None, np.nan])) if cell is None else cell for cell in cells]
            if draw(st.integers(0, 5)) == 0:
                dtype, cells = pl.String, [_number_text(draw, cell) for cell in cells]
            series.append(pl.Series(name, cells, dtype=dtype))
        elif kinds <= {str}:
            kind = draw(st.sampled_from([pl.String, pl.String, pl.Categorical]))
            series.append(pl.Series(name, cells, dtype=pl.String).cast(kind))
        else:
            series.append(pl.Series(name, cells))
    target = io.BytesIO()
    pl.DataFrame(series).write_parquet(target, compression=draw(st.sampled_from(["uncompressed", "zstd", "snappy"])))
    return "t.parquet", target.getvalue()


_WRITERS: dict[str, Callable[..., tuple[str, bytes]]] = {"csv": _csv, "json": _json, "parquet": _parquet}
