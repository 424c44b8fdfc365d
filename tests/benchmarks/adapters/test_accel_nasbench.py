"""Accel-NASBench from its real table, from archives of the official layout with the real values, and from damage."""

import io
import json
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from lissnas.evaluation.evaluator import TableEvaluator
from lissnas.spaces.published.accel_mnasnet import accel_mnasnet
from lissnas_benchmarks.adapter import Import
from lissnas_benchmarks.adapters.accel_nasbench import ADAPTER
from lissnas_benchmarks.benchmark import open_benchmark
from lissnas_benchmarks.columns import Measure
from lissnas_benchmarks.errors import BenchmarkFileError
from lissnas_benchmarks.obtaining.cache import table_path
from lissnas_benchmarks.obtaining.importing import import_files
from lissnas_benchmarks.table import Table

COSTS = {
    "macs": "macs",
    "params": "parameters",
    "latency_zcu102": "zcu102-latency",
    "latency_vck190": "vck190-latency",
    "throughput_a100": "a100-throughput",
    "throughput_3090": "3090-throughput",
    "throughput_tpuv2": "tpuv2-throughput",
    "throughput_tpuv3": "tpuv3-throughput",
    "throughput_zcu102": "zcu102-throughput",
    "throughput_vck190": "vck190-throughput",
}
TRAINED = {"val_top1": ("accuracy", "validation"), "val_top5": ("top5-accuracy", "validation")}


@pytest.fixture(scope="module", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A cache of this file's own: the run's is for official files."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LISSNAS_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def real(shared_data: Path) -> pl.DataFrame:
    """The real table, with a column for the network as our space writes it, and one for the run."""
    frame = pl.read_parquet(shared_data / "accel_nasbench_imagenet.parquet").sort("id")
    blocks = [
        pl.format(
            "e{}k{}l{}s{}",
            *(pl.col(f"block{block}_{kind}") for kind in "ekl"),
            pl.col(f"block{block}_se").cast(pl.Int8),
        )
        for block in range(7)
    ]
    frame = frame.with_columns(network=pl.concat_str(blocks, separator="-"))
    return frame.with_columns(run=pl.int_range(pl.len()).over("network"))


@pytest.fixture(scope="module")
def table(shared_data: Path) -> Table:
    path = import_files(ADAPTER, (shared_data / "accel_nasbench_imagenet.parquet",))
    return Table(path, accel_mnasnet)


def _archive(real: pl.DataFrame, change: Callable[[int, dict[str, Any]], Any] = lambda number, result: None) -> bytes:
    """Write the real values as the official archive does: a JSON file for each training."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz", compresslevel=1) as archive:
        for row in real.sample(fraction=1, shuffle=True, seed=0).to_dicts():
            metrics = {name: row[name] for name in ("val_top1", "val_top5", "train_time", "macs", "params")}
            performance = {
                name: {f"{name.split('_')[0]}_mean": row[name], f"{name.split('_')[0]}_std": 0.1}
                for name in row
                if name.startswith(("latency", "throughput")) and row[name] is not None
            }
            architecture = {name: choice for name, choice in row.items() if name.startswith("block")}
            result = {"architecture": architecture, "metrics": metrics, "platform_perf": performance}
            changed = change(row["id"], result)
            text = json.dumps(result).encode() if changed is None else changed
            entry = tarfile.TarInfo(f"json/result_{row['id']}.json")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text))
    return target.getvalue()


def test_every_value_is_that_of_the_real_table(table: Table, real: pl.DataFrame) -> None:
    place = table.space.index(table.space.read(real["network"].to_list()))
    row = np.searchsorted(table.index, place)
    run = real["run"].to_numpy()
    for name, (metric, split) in {**TRAINED, "train_time": ("training-time", "")}.items():
        for seed in (0, 1):
            found = table.values(Measure(metric, split, (seed,)), "imagenet")
            expected = np.full(len(table.index), np.nan)
            expected[row[run == seed]] = real[name].to_numpy()[run == seed]
            np.testing.assert_array_equal(found, expected)
    for name, metric in COSTS.items():
        expected = np.full(len(table.index), np.nan)
        expected[row[run == 0]] = real[name].cast(pl.Float64).to_numpy()[run == 0]
        np.testing.assert_array_equal(table.values(Measure(metric, ""), "imagenet"), expected)


def test_the_sample_has_5125_architectures_of_which_13_were_trained_twice(table: Table) -> None:
    second = table.values(Measure("accuracy", "validation", (1,)), "imagenet")
    assert (table.complete, len(table.index), np.isfinite(second).sum()) == (False, 5125, 13)


def test_an_archive_gives_the_same_as_a_table(real: pl.DataFrame, tmp_path: Path) -> None:
    some = real.head(600)  # the networks that were trained twice are among them
    some.write_parquet(tmp_path / "any.parquet")
    (tmp_path / "any.tar.gz").write_bytes(_archive(some))
    table, archive = (Import((tmp_path / name,), tmp_path) for name in ("any.parquet", "any.tar.gz"))
    assert ADAPTER.index is not None
    np.testing.assert_array_equal(ADAPTER.index(archive), ADAPTER.index(table))
    columns, expected = ADAPTER.read(archive), ADAPTER.read(table)
    assert list(columns) == list(expected)
    for column, values in columns.items():
        np.testing.assert_array_equal(values, expected[column])


def test_networks_are_scored_by_the_table_and_others_have_no_score(table: Table, real: pl.DataFrame) -> None:
    space = table.space
    evaluator = TableEvaluator(space, table.values(ADAPTER.reports, "imagenet"), table.index)
    mean = real.group_by("network").agg(pl.col("val_top1").mean())
    np.testing.assert_allclose(evaluator(space.read(mean["network"].to_list())), mean["val_top1"], rtol=1e-15)
    neighbors, _source = space.neighbors(space.rows(table.index[:50]))
    measured = np.isin(space.index(neighbors), table.index)
    np.testing.assert_array_equal(np.isfinite(evaluator(neighbors)), measured)


def test_an_analysis_of_complete_spaces_takes_the_sample_as_its_space(table: Table) -> None:
    assert table.path == table_path("accel-nasbench")
    opened = open_benchmark("accel-nasbench")
    assert "5,125 networks (a sample of the 1.04e+11 of " in str(opened)
    np.testing.assert_array_equal(opened.space.all_rows(), table.space.rows(table.index))
    np.testing.assert_array_equal(opened.report, table.values(ADAPTER.reports, "imagenet"))


def test_counts_of_parameters_and_macs_become_millions(real: pl.DataFrame, tmp_path: Path) -> None:
    counts = real.with_columns(pl.col("macs", "params") * 1e6)
    counts.write_parquet(tmp_path / "counts.parquet")
    columns = ADAPTER.read(Import((tmp_path / "counts.parquet",), tmp_path))
    [macs] = [values for column, values in columns.items() if column.metric == "macs"]
    assert 84 < np.nanmin(macs) < np.nanmax(macs) < 719


# Damage


def _changed(change: Callable[[dict[str, Any]], Any]) -> Callable[[int, dict[str, Any]], Any]:
    """Change result_7.json alone; what is returned, if anything, is its text."""
    return lambda number, result: change(result) if number == 7 else None


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda result: b"", id="an empty file"),
        pytest.param(lambda result: b"[]", id="a list"),
        pytest.param(lambda result: b"[" * 60_000, id="sixty thousand brackets"),
        pytest.param(lambda result: b'{"metrics": {}, "metrics": {}}', id="a name twice"),
        pytest.param(lambda result: b" " * 70_000, id="70,000 bytes"),
        pytest.param(lambda result: result.pop("architecture") and None, id="no architecture"),
        pytest.param(lambda result: result["architecture"].pop("block3_k") and None, id="a gene missing"),
        pytest.param(lambda result: result["architecture"].update(block3_k=7), id="another kernel"),
        pytest.param(lambda result: result["architecture"].update(block3_l=4), id="a layer too many"),
        pytest.param(lambda result: result["architecture"].update(block3_se=[1]), id="a list for a gene"),
        pytest.param(lambda result: result["metrics"].pop("val_top1") and None, id="no accuracy"),
        pytest.param(lambda result: result["metrics"].update(val_top1=101.0), id="more than 100 percent"),
        pytest.param(lambda result: result["metrics"].update(val_top1="60"), id="a word for a number"),
        pytest.param(lambda result: result["metrics"].update(val_top1=True), id="true for a number"),
        pytest.param(lambda result: result["metrics"].update(macs=10**400), id="more MACs than a float holds"),
        pytest.param(lambda result: result["metrics"].update(macs=float("inf")), id="infinite MACs"),
        pytest.param(lambda result: result.update(platform_perf=5), id="a number for the measurements"),
        pytest.param(lambda result: result["platform_perf"].update(latency_zcu102=5), id="a number for a measurement"),
        pytest.param(
            lambda result: result["platform_perf"]["latency_zcu102"].update(latency_mean=-1.0), id="a negative latency"
        ),
    ],
)
def test_an_archive_with_another_result_is_refused(
    real: pl.DataFrame, change: Callable[[dict[str, Any]], Any], tmp_path: Path
) -> None:
    path = tmp_path / "any.tar.gz"
    path.write_bytes(_archive(real.head(20), _changed(change)))
    with pytest.raises(BenchmarkFileError, match=r"lissnas data import accel-nasbench|more than 65,536 bytes"):
        ADAPTER.read(Import((path,), tmp_path))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda frame: frame.drop("block3_k"), id="a gene missing"),
        pytest.param(lambda frame: frame.drop("val_top1"), id="no accuracies"),
        pytest.param(lambda frame: frame.with_columns(block3_k=7), id="another kernel"),
        pytest.param(lambda frame: frame.with_columns(block3_k=pl.lit(None)), id="no kernel"),
        pytest.param(lambda frame: frame.with_columns(val_top1=pl.lit("x")), id="words for numbers"),
        pytest.param(lambda frame: frame.with_columns(macs=-1.0), id="negative MACs"),
        pytest.param(
            lambda frame: pl.concat([frame.with_columns(pl.col("train_time") + run) for run in range(11)]),
            id="eleven trainings of each",
        ),
        pytest.param(lambda frame: frame.clear(), id="no rows"),
    ],
)
def test_another_table_is_refused(
    real: pl.DataFrame, change: Callable[[pl.DataFrame], pl.DataFrame], tmp_path: Path
) -> None:
    change(real.head(20)).write_parquet(tmp_path / "any.parquet")
    with pytest.raises(BenchmarkFileError, match="lissnas data import accel-nasbench"):
        ADAPTER.read(Import((tmp_path / "any.parquet",), tmp_path))


def test_a_table_without_costs_has_none(real: pl.DataFrame, tmp_path: Path) -> None:
    real.drop("macs", "throughput_tpuv2").write_csv(tmp_path / "any.csv")
    columns = ADAPTER.read(Import((tmp_path / "any.csv",), tmp_path))
    missing = {column.metric for column, values in columns.items() if np.isnan(values).all()}
    assert missing == {"macs", "tpuv2-throughput"}


def test_a_duplicate_result_in_an_archive_is_refused(real: pl.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "any.tar.gz"
    path.write_bytes(_archive(pl.concat([real.head(5), real.head(1)])))
    with pytest.raises(BenchmarkFileError, match=r"it contains result_0\.json twice"):
        ADAPTER.read(Import((path,), tmp_path))


def test_a_row_that_is_listed_three_times_is_one_training(real: pl.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "any.parquet"
    pl.concat([real] * 3).write_parquet(path)
    columns = ADAPTER.read(Import((path,), tmp_path))
    assert {column.seed for column in columns if column.metric == "accuracy"} == {0, 1}
