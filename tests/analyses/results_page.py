"""What docs/results-format.md says: the columns and types of tables, the keys of objects, the files of folders."""

import fnmatch
import re
from pathlib import Path

import polars as pl

PAGE = (Path(__file__).parents[2] / "docs/results-format.md").read_text()

TYPES = {
    "number": (pl.Float64,),
    "integer": (pl.Int64, pl.Int32, pl.UInt32, pl.UInt16, pl.UInt8),
    "text": (pl.String,),
    "yes or no": (pl.Boolean,),
    "list": (pl.List(pl.Float64), pl.List(pl.Int64)),
}


def rows(text: str) -> dict[str, str]:
    """Return the first two columns of the tables of a piece of the page."""
    return dict(re.findall(r"^\| `([^`]+)` \| ([^|]+?) \|", text, re.MULTILINE))


def section(heading: str) -> str:
    """Return what stands below a heading of the page, up to the next one."""
    return re.split(r"^##+ ", PAGE.split(f"# {heading}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]


DOCUMENTED = {
    name: rows(section(f"`{name}`").split("metadata has `crc32`")[0])
    for name in re.findall(r"^### `([^`]+)`$", PAGE, re.MULTILINE)
    if "| column |" in section(f"`{name}`")
}
"""The columns and types of each table."""


def check_table(name: str, found: pl.Schema) -> None:
    """Fail unless a table has the columns that the page says, with their types."""
    plain = {column: kind for column, kind in DOCUMENTED[name].items() if "*" not in column}
    patterns = [column for column in DOCUMENTED[name] if "*" in column]
    free = [column for column in found if any(fnmatch.fnmatch(column, pattern) for pattern in patterns)]
    assert set(found) - set(free) == set(plain)
    for column, kind in plain.items():
        allowed = TYPES[kind] if found[column] != pl.Null else (pl.Null,)  # nothing of it is known in this small run
        assert found[column] in allowed, f"{name}.{column} is {found[column]}, not {kind}"
    assert bool(free) == bool(patterns)
