"""A sealed Parquet file notices every damaged bit before Polars opens it, and is a plain Parquet file to all others."""

import io
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lissnas.storage.sealed_parquet import SEAL, check_seal, encode_parquet, read_parquet, read_parquet_metadata

FRAME = pl.DataFrame({"score": np.linspace(0, 1, 50), "name": [f"n{number}" for number in range(50)]})


@given(st.lists(st.floats()), st.text())
def test_every_content_gets_the_same_checksum_and_reads_back(values: list[float], text: str) -> None:
    frame = pl.DataFrame({"value": values}, schema={"value": pl.Float64})
    content = encode_parquet(frame, {"lissnas": text})
    assert zlib.crc32(content) == SEAL
    assert pl.read_parquet(io.BytesIO(content)).equals(frame)
    assert pl.read_parquet_metadata(io.BytesIO(content))["lissnas"] == text


def test_every_flipped_bit_is_noticed_or_the_file_is_not_sealed_any_more(tmp_path: Path) -> None:
    content, path = encode_parquet(FRAME, {"lissnas": "{}"}), tmp_path / "file.parquet"
    key = content.rindex(b"lissnas_seal")
    for place in range(len(content)):
        altered = bytearray(content)
        altered[place] ^= 1 << place % 8
        path.write_bytes(altered)
        if key <= place < key + len(b"lissnas_seal"):
            with suppress(pl.exceptions.PolarsError):  # the key is no UTF-8 any more
                assert read_parquet(path).equals(FRAME)
        else:
            with pytest.raises(ValueError, match="its bytes were altered"):
                check_seal(path)


def test_a_file_that_was_never_sealed_is_read(tmp_path: Path) -> None:
    path = tmp_path / "plain.parquet"
    FRAME.write_parquet(path, metadata={"lissnas": "{}"})
    assert read_parquet(path, ["score"]).columns == ["score"]
    assert read_parquet_metadata(path)["lissnas"] == "{}"
