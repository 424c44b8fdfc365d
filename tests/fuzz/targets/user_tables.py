"""Tables of users, as CSV and as Parquet."""

import io
import json
from pathlib import Path

import mutations
import numpy as np
import polars as pl
from lissnas_benchmarks.adapter import Import
from lissnas_benchmarks.own_table import own_table

from targets.target import Target, imported, small_space

POLARS = 8 << 30
"""Address space for Polars, which allocates what a page of a Parquet file claims, at most 2 GiB, before it reads."""

PAIRS = small_space("0123", "0123", pattern="{},{}")


def _frame() -> pl.DataFrame:
    rows = PAIRS.all_rows()
    names = {"a": rows[:, 0].astype(np.int64), "b": rows[:, 1].astype(np.int64), "string": PAIRS.write(rows)}
    return pl.DataFrame(names | {"acc": np.arange(16) / 3, "count": np.arange(16)})


def parquets(frame: pl.DataFrame) -> list[bytes]:
    files = []
    for options in (
        {"compression": "uncompressed"},
        {"compression": "zstd"},
        {"compression": "snappy", "row_group_size": 4},
    ):
        target = io.BytesIO()
        frame.write_parquet(target, **options)  # type: ignore[arg-type]
        files.append(target.getvalue())
    return files


def csv(frame: pl.DataFrame) -> list[bytes]:
    return [frame.write_csv().encode()]


def _read_own(path: Path) -> object:
    """Read once by genes and once by strings; raises the error of either."""
    by_genes = own_table("own", lambda: PAIRS, path, columns=["acc", "count"], gene_columns=["a", "b"])
    by_strings = own_table("own", lambda: PAIRS, path, columns=["acc"], string_column="string", sampled=True)
    try:
        imported(by_genes.read)(path)
    finally:
        assert by_strings.index is not None
        by_strings.index(Import((path,), path.parent))
        imported(by_strings.read)(path)
    return "read"


def other_texts(frame: pl.DataFrame) -> list[bytes]:
    """The same table with other separators and encodings, and as JSON in three forms."""
    texts = [frame.write_csv(separator=separator) for separator in ";\t"] + [frame.write_json(), frame.write_ndjson()]
    columns = json.dumps({name: dict(enumerate(frame[name].to_list())) for name in frame.columns})
    return [frame.write_csv().encode("utf-16"), columns.encode(), *(text.encode() for text in texts)]


TARGETS = (
    Target("own table in other texts", lambda: other_texts(_frame()), _read_own, mutations.lines, suffix=".json"),
    Target("own CSV table", lambda: csv(_frame()), _read_own, mutations.lines, suffix=".csv"),
    Target(
        "own Parquet table",
        lambda: parquets(_frame()),
        _read_own,
        mutations.parquets,
        suffix=".parquet",
        share=0.05,
        space=POLARS,
    ),
)
