"""Any table that people may write is read as they meant it, or refused with its row and the reason.

`python tests/fuzz/generated.py` runs the same property on many more tables.
"""

from collections.abc import Iterator

import polars as pl
import pytest
from generated_tables import Generated, check, generated_tables
from hypothesis import given, settings


@pytest.fixture(scope="module", autouse=True)
def _parquet_in_this_process() -> Iterator[None]:
    """Read Parquet files at once: the trial in a separate process is for damaged ones and takes half a second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "lissnas_benchmarks.readers.own_file.scan_untrusted_parquet", lambda path: pl.scan_parquet(path, glob=False)
        )
        yield


@settings(max_examples=60)
@given(table=generated_tables())
def test_a_table_is_read_as_it_was_meant_or_refused_with_row_and_reason(
    table: Generated, tmp_path_factory: pytest.TempPathFactory
) -> None:
    check(table, tmp_path_factory.getbasetemp())
