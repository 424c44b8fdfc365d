"""NAS-Bench-360, HW-NAS-Bench-360 and NASLib's pickles of NAS-Bench-201, in complete files of their layouts."""

import bz2
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from lissnas.spaces.official_order import official_order
from lissnas.spaces.published.cell201 import cell201
from lissnas_benchmarks.adapter import Import
from lissnas_benchmarks.adapters.cells201 import hw_nas_bench_360, nas_bench_360, naslib_201
from lissnas_benchmarks.columns import Column
from lissnas_benchmarks.errors import BenchmarkFileError
from lissnas_benchmarks.obtaining.recognition import recognize
from small_nas_bench_201 import small


def _records(count: int = 64) -> dict[str, Any]:
    strings = small().write(small().all_rows())[:count]
    infos = {}
    for at, string in enumerate(strings):
        run = {
            "epochs": 200,
            "train_acc1es": {epoch: 50.0 + at / 2 + epoch / 100 for epoch in range(200)},
            "eval_acc1es": {f"ori-test@{epoch}": 40.0 + at / 2 + epoch / 100 for epoch in range(200)},
        }
        record = {
            "arch_index": at,
            "arch_str": string,
            "all_results": {("ninapro", int("777")): run},
            "dataset_seed": {},
        }
        infos[at] = {"200": record}
    return {"meta_archs": strings, "arch2infos": infos, "evaluated_indexes": set(range(count))}


READ = nas_bench_360.reader(small, "ninapro", "%", "download it again")
TEST = Column("accuracy", "ninapro", "test", "%", 200, 777)


@pytest.mark.parametrize("pack", [lambda data: data, bz2.compress])
def test_the_runs_on_ninapro_have_their_curves(pack: Any, tmp_path: Path) -> None:
    path = tmp_path / "x.pickle"
    path.write_bytes(pack(pickle.dumps(_records(), 4)))
    assert recognize(path).benchmark == "nas-bench-360-ninapro"
    source = Import((path,), tmp_path)
    columns = READ(source)
    np.testing.assert_allclose(columns[TEST], 41.99 + np.arange(64) / 2)
    curve = np.load(tmp_path / "accuracy.ninapro.test.200.777.npy")
    np.testing.assert_allclose(curve[5], 42.5 + np.arange(200) / 100, rtol=1e-6)


@pytest.mark.parametrize(
    ("was", "now", "why"),
    [
        ("ori-test@199", "ori-test@299", "ori-test@199"),
        ("ninapro", "ninaprq", "64 of 64 cells have no run on ninapro with seed 777"),
        ("epochs", "epochz", "'epochs'"),
    ],
)
def test_another_layout_of_the_records_is_named(was: str, now: str, why: str, tmp_path: Path) -> None:
    path = tmp_path / "x.pickle"
    path.write_bytes(pickle.dumps(_records(), 4).replace(was.encode(), now.encode()))
    with pytest.raises(BenchmarkFileError, match=why):
        READ(Import((path,), tmp_path))
    path.write_bytes(pickle.dumps(_records(10), 4))
    with pytest.raises(BenchmarkFileError, match="54 of 64 cells have no run"):
        READ(Import((path,), tmp_path))


def _naslib(dataset: str, length: int) -> dict[str, Any]:
    return {
        string: {
            dataset: {
                "train_acc1es": [at / 2 + epoch / 10 for epoch in range(200)],
                "eval_acc1es": [at / 4 + epoch / 10 for epoch in range(length)],
                "cost_info": {"flops": 1.5, "params": 0.5, "latency": 0.1, "train_time": 2.0},
            }
        }
        for at, string in enumerate(small().write(small().all_rows()))
    }


def test_naslibs_values_after_the_last_epoch_are_those_of_further_splits(tmp_path: Path) -> None:
    path = tmp_path / "x.pickle"
    path.write_bytes(pickle.dumps(_naslib("cifar100", 202), 4))
    assert recognize(path).benchmark == "naslib-201-cifar100"
    notes: list[str] = []
    columns = naslib_201.reader(small, "cifar100", "cifar100", "")(Import((path,), tmp_path, note=notes.append))
    for split, epoch in (("validation+test", 199), ("validation", 200), ("test", 201)):
        np.testing.assert_allclose(
            columns[Column("accuracy", "cifar100", split, "%", 200)], np.arange(64) / 4 + epoch / 10
        )
    parameters = columns[Column("parameters", "cifar100", "", "M", quality=False)]
    convolutions = (small().all_rows() == 1).sum(axis=1)
    np.testing.assert_allclose(parameters, (73_306 + 5_850 + 243_040 * convolutions) / 1e6)  # the file states 0.5
    assert notes == [
        "64 of 64 architectures have parameters or FLOPs that are not theirs; the table has the exact ones"
    ]
    path.write_bytes(pickle.dumps(_naslib("cifar100", 200), 4))
    with pytest.raises(BenchmarkFileError, match="200 and 200 values, not 200 and 202"):
        naslib_201.reader(small, "cifar100", "cifar100", "")(Import((path,), tmp_path))


@pytest.fixture(scope="module")
def costs() -> pl.DataFrame:
    parts = []
    for task in ("cifar100", "ninapro", "darcy"):
        for device, framework in (("pi5", "litert"), ("pi5", "onnx"), ("pi5", "torchmobile"), ("pixel", "litert")):
            index = np.arange(15_625)
            has_energy = device == "pi5"
            parts.append(
                pl.DataFrame(
                    {
                        "arch_idx": index,
                        "rep_arch_idx": index,
                        "device": device,
                        "framework": framework,
                        "lat_ms_median": index / 100,
                        "lat_ms_var": index / 1000 if has_energy else None,
                        "energy_mj": index / 10 if has_energy else None,
                        "task": task,
                        "accuracy": index / 15_625,
                        "status": "ok",
                    },
                    schema_overrides={"lat_ms_var": pl.Float64, "energy_mj": pl.Float64},
                )
            )
    return pl.concat(parts)


def test_costs_are_under_the_cells_of_their_official_indices(costs: pl.DataFrame) -> None:
    columns = hw_nas_bench_360.read_costs(costs)
    order = official_order(cell201())
    latency = columns[Column("pi5-onnx-latency", "ninapro", "", "ms", quality=False)]
    assert latency[order[1234]] == 12.34
    assert not any(column.metric == "pixel-litert-energy" for column in columns)
    assert len(columns) == 3 * (4 + 3 + 3 + 1)


def test_costs_of_fewer_cells_or_two_accuracies_are_refused(costs: pl.DataFrame) -> None:
    with pytest.raises(BenchmarkFileError, match="15,624 of 15,625 cells on pi5 with litert for cifar100"):
        hw_nas_bench_360.read_costs(costs[1:])
    wrong = costs.with_columns(accuracy=pl.when(pl.col("device") == "pixel").then(0.0).otherwise("accuracy"))
    with pytest.raises(BenchmarkFileError, match="the accuracies on cifar100 differ between devices"):
        hw_nas_bench_360.read_costs(wrong)
