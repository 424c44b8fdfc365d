"""Sampled tables: their architectures are the space, whatever the size of the space that they are from."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from lissnas.bridges.dialects import format_names
from lissnas.spaces.categorical import CategoricalSpace
from lissnas.spaces.published.darts import darts
from lissnas_benchmarks.adapter import TableAdapter
from lissnas_benchmarks.benchmark import Benchmark, benchmark_of
from lissnas_benchmarks.columns import Measure
from lissnas_benchmarks.errors import BenchmarkFileError
from lissnas_benchmarks.obtaining.importing import import_files
from lissnas_benchmarks.own_table import own_table
from lissnas_benchmarks.predictor_file import read_predictor
from lissnas_benchmarks.table import Table

LONG = CategoricalSpace("long", (tuple("abcdefgh"),) * 27, "{}" * 27)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LISSNAS_CACHE", str(tmp_path / "cache"))


def _adapter(path: Path) -> TableAdapter:
    return own_table(
        *("mine", lambda: LONG, path),
        string_column="arch",
        columns=["val", "test"],
        sampled=True,
        reports=Measure("test", ""),
    )


def _open(path: Path) -> Benchmark:
    return benchmark_of(_adapter(path), Table(import_files(_adapter(path), (path,)), lambda: LONG))


def _frame() -> pl.DataFrame:
    strings = ["h" * 27, "a" * 27, "ab" * 13 + "a", "a" * 26 + "b"]
    return pl.DataFrame({"arch": strings, "val": [4.0, 1.0, 3.0, 2.0], "test": [40.0, 10.0, 30.0, 20.0]})


def test_27_genes_of_8_choices_are_identified_by_their_rows(tmp_path: Path) -> None:
    _frame().write_csv(tmp_path / "t.csv")
    benchmark = _open(tmp_path / "t.csv")
    assert str(benchmark) == "mine: 4 networks (a sample of the 2.42e+24 of long); selected by val, reported by test"
    assert benchmark.space.write(benchmark.space.all_rows()) == sorted(_frame()["arch"])
    np.testing.assert_array_equal(benchmark.report, [10, 20, 30, 40])
    benchmark.table.verify()
    _frame()[[0, 0, 1, 2, 3]].write_csv(tmp_path / "t.csv")
    assert _open(tmp_path / "t.csv").space.size == 4
    pl.concat([_frame(), _frame()[:1].with_columns(val=9.0)]).write_csv(tmp_path / "t.csv")
    with pytest.raises(BenchmarkFileError, match="line 2 and line 6 are the same architecture"):
        _open(tmp_path / "t.csv")


def test_altered_rows_of_a_cached_table_are_refused(tmp_path: Path) -> None:
    _frame().write_csv(tmp_path / "t.csv")
    path = _open(tmp_path / "t.csv").table.path
    metadata = pl.read_parquet_metadata(path)
    frame = pl.read_parquet(path)
    genes = [frame["genes"][1], *frame["genes"][1:].to_list()]
    altered = frame.with_columns(pl.Series("genes", genes, dtype=pl.Binary))
    altered.write_parquet(path, metadata={key: metadata[key] for key in ("lissnas", "crc32")})
    with pytest.raises(BenchmarkFileError, match="its architectures were altered"):
        Table(path, lambda: LONG).verify()


def test_scores_of_a_file_reach_the_sample_and_others_are_left_out(tmp_path: Path) -> None:
    _frame().write_csv(tmp_path / "t.csv")
    benchmark = _open(tmp_path / "t.csv")
    pl.DataFrame({"arch": ["a" * 27, "g" * 27, "h" * 27], "score": [1.0, 2.0, 3.0]}).write_csv(tmp_path / "s.csv")
    found = read_predictor(str(tmp_path / "s.csv"), benchmark.space)
    np.testing.assert_array_equal(found.scores, [1, np.nan, np.nan, 3])
    assert "left out 1 architectures that are not in the benchmark" in found.matched


def test_zero_cost_scores_of_darts_reach_a_sampled_table(shared_data: Path, tmp_path: Path) -> None:
    from lissnas.bridges.dialects import read_architectures
    from lissnas_benchmarks.readers.zero_cost_json import read_zero_cost

    path = shared_data / "formats" / "zc_nasbench301_sample.json"
    scores = read_zero_cost(path.read_bytes(), "x")["cifar10"]
    strings = darts().write(read_architectures(scores.architectures[:50], "naslib-301", darts()))
    frame = pl.DataFrame({"arch": strings, "val": np.arange(50.0)})
    frame.write_csv(tmp_path / "t.csv")
    adapter = own_table("some", darts, tmp_path / "t.csv", string_column="arch", columns=["val"], sampled=True)
    benchmark = benchmark_of(adapter, Table(import_files(adapter, (tmp_path / "t.csv",)), darts))
    assert "naslib-301" in format_names(benchmark.space)
    found = read_predictor(f"{path}:synflow", benchmark.space)
    assert np.isfinite(found.scores).sum() == 50
    order = benchmark.space.index(benchmark.space.read(strings))
    np.testing.assert_array_equal(found.scores[order], scores.scores["synflow"][:50])
