"""NAS-Bench-201 from files of the official layout, against what was written and the official program."""

import copy
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import nas_bench_201_official as official
import numpy as np
import polars as pl
import pytest
from lissnas_benchmarks.adapter import Import
from lissnas_benchmarks.adapters.cells201.nas_bench_201 import ADAPTER
from lissnas_benchmarks.columns import Column, Measure
from lissnas_benchmarks.readers.exact_costs import cell_costs
from lissnas_benchmarks.table import Table
from small_nas_bench_201 import FILE, SMALL, STRINGS, imported, small

SPLITS = {
    "cifar10-valid": {"x-valid": "validation", "ori-test": "test"},
    "cifar10": {"ori-test": "test"},
    "cifar100": {"ori-test": "validation+test", "x-valid": "validation", "x-test": "test"},
    "ImageNet16-120": {"ori-test": "validation+test", "x-valid": "validation", "x-test": "test"},
}
UNITS = {"accuracy": "%", "loss": "nats", "training-time": "s", "evaluation-time": "s"}


@pytest.fixture(scope="module")
def content() -> dict[str, Any]:
    """The content of a file with all 64 cells."""
    return official.official(STRINGS, range(64))


@pytest.fixture(scope="module")
def table(content: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Table:
    return imported(official.legacy(official.pickled(content)), tmp_path_factory.mktemp("nb201"))


def _runs(content: dict[str, Any]) -> dict[tuple[int, int, str, int], dict[str, Any]]:
    """List the runs by row, epochs, data set and seed."""
    space = small()
    row_of = {string: row for row, string in enumerate(space.write(space.all_rows()))}
    return {
        (row_of[training["arch_str"]], run["epochs"], dataset, seed): run
        for trainings in content["arch2infos"].values()
        for training in trainings.values()
        for (dataset, seed), run in training["all_results"].items()
    }


def _column(metric: str, dataset: str, split: str, epochs: int, seed: int) -> Column:
    return Column(metric, dataset, split, UNITS[metric], epochs, seed, quality=metric == "accuracy")


# Values


def _expected(content: dict[str, Any]) -> tuple[dict[Column, np.ndarray], dict[Column, np.ndarray]]:
    """Return every column of a run and every curve, found in plain loops from what was written."""
    columns: dict[Column, np.ndarray] = {}
    curves: dict[Column, np.ndarray] = {}
    for (row, epochs, dataset, seed), run in _runs(content).items():
        measured = {("train", "accuracy"): run["train_acc1es"], ("train", "loss"): run["train_losses"]}
        for name, split in SPLITS[dataset].items():
            for metric, numbers in (("accuracy", run["eval_acc1es"]), ("loss", run["eval_losses"])):
                epochs_of = {int(key.split("@")[1]): value for key, value in numbers.items() if key.startswith(name)}
                measured[split, metric] = epochs_of
            times = sum(value for key, value in run["eval_times"].items() if key.startswith(name))
            column = _column("evaluation-time", dataset, split, epochs, seed)
            columns.setdefault(column, np.full(64, np.nan))[row] = times
        column = _column("training-time", dataset, "train", epochs, seed)
        columns.setdefault(column, np.full(64, np.nan))[row] = sum(run["train_times"].values())
        for (split, metric), numbers in measured.items():
            column = _column(metric, dataset, split, epochs, seed)
            columns.setdefault(column, np.full(64, np.nan))[row] = numbers[epochs - 1]
            if len(numbers) == epochs:
                curves.setdefault(column, np.full((64, epochs), np.nan))[row] = [numbers[e] for e in range(epochs)]
    for of in (columns, curves):
        for column in list(of):
            if (column.dataset, column.split) == ("cifar10-valid", "validation"):
                of[replace(column, dataset="cifar10")] = of[column]
    return columns, curves


@pytest.mark.slow
@pytest.mark.parametrize("container", ["stream", "archive"])
def test_every_value_and_every_curve_is_that_of_the_file(
    content: dict[str, Any], container: str, tmp_path: Path
) -> None:
    body = official.pickled(content)
    table = imported(official.legacy(body) if container == "stream" else official.archive(body), tmp_path)
    columns, curves = _expected(content)
    costs = {column for column in table.columns if column.seed is None}
    assert set(table.columns) - costs == set(columns)
    for column, values in columns.items():
        # Times are summed in another order than here.
        np.testing.assert_allclose(table.read([column.name])[:, 0], values, rtol=1e-12 if column.unit == "s" else 0)
    for column, values in curves.items():
        np.testing.assert_array_equal(table.curve(column), values.astype(np.float32))
    assert len(list(table.path.with_suffix("").rglob("*.npy"))) == len(curves)


def test_the_latency_is_the_mean_over_the_runs_of_200_epochs(table: Table, content: dict[str, Any]) -> None:
    for dataset in SPLITS:
        found = table.values(Measure("latency", ""), dataset)
        for row in range(64):
            of_row = [np.mean(run["latency"]) for at, run in _runs(content).items() if at[:3] == (row, 200, dataset)]
            assert found[row] == pytest.approx(1000 * np.mean(of_row), rel=1e-12)


def test_costs_are_those_of_the_cell_although_runs_state_others(table: Table) -> None:
    """The file of the test states random costs in every run."""
    rows = small().all_rows()
    convolutions = (rows == 1).sum(axis=1)
    for dataset, classes in (("cifar10", 10), ("cifar10-valid", 10), ("cifar100", 100), ("ImageNet16-120", 120)):
        parameters = 73_306 + 65 * (classes - 10) + 243_040 * convolutions
        np.testing.assert_allclose(table.values(Measure("parameters", ""), dataset), parameters / 1e6, rtol=1e-12)
    flops = 7_783_050 + 35_389_440 * convolutions
    np.testing.assert_allclose(table.values(Measure("flops", ""), "cifar10"), flops / 1e6, rtol=1e-12)


def test_the_import_says_how_many_architectures_state_other_costs(content: dict[str, Any], tmp_path: Path) -> None:
    exact = copy.deepcopy(content)
    for (row, _epochs, dataset, _seed), run in _runs(exact).items():
        [cost] = [{key: of[0] for key, of in cell_costs(small().write(small().all_rows()[[row]]), dataset).items()}]
        run |= {"params": cost["parameters"], "flop": cost["flops"]}
    other = next(run for (row, epochs, *_), run in _runs(exact).items() if (row, epochs) == (9, 200))
    other["params"] *= 1.3
    path, notes = tmp_path / FILE, list[str]()
    path.write_bytes(official.legacy(official.pickled(exact)))
    SMALL.read(Import((path,), tmp_path, note=notes.append))
    assert [note.split(" state")[0] for note in notes] == ["1 of 64 architectures"]


def test_150_published_costs_are_those_of_another_cell(shared_data: Path) -> None:
    """The contradiction that the caveat counts, and the known parameters of one of these cells."""
    frame = pl.read_parquet(shared_data / "nasbench201.parquet")
    exact = cell_costs(frame["arch"].to_list(), "cifar10")["parameters"]
    assert int((abs(frame["params_M"].to_numpy() - exact) > 1e-6).sum()) == 150
    cell = "|skip_connect~0|+|avg_pool_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|none~1|avg_pool_3x3~2|"
    assert cell_costs([cell], "cifar10")["parameters"].tolist() == [0.559386]


def test_the_official_index_of_each_cell_is_a_column(table: Table) -> None:
    index = table.values(Measure("official-index", ""), "cifar10").astype(int)
    assert [STRINGS[place] for place in index] == small().write(small().all_rows())


def test_the_default_data_set_is_cifar10(table: Table) -> None:
    assert table.datasets == ("cifar10", "cifar100", "ImageNet16-120", "cifar10-valid")


def test_the_selecting_and_the_reporting_measure_are_on_every_data_set(table: Table) -> None:
    for dataset in table.datasets:
        for measure in (ADAPTER.selects, ADAPTER.reports):
            assert len(np.unique(table.values(measure, dataset))) == 64


def test_cifar10_is_selected_by_the_runs_on_half_of_its_training_set(table: Table) -> None:
    np.testing.assert_array_equal(
        table.values(ADAPTER.selects, "cifar10"), table.values(ADAPTER.selects, "cifar10-valid")
    )
    assert (table.values(ADAPTER.reports, "cifar10") != table.values(ADAPTER.reports, "cifar10-valid")).all()


def test_a_missing_seed_is_nan_and_the_mean_is_over_the_other_seeds(table: Table, content: dict[str, Any]) -> None:
    seeds = {row: {seed for at, *_, seed in _runs(content) if at == row} & {777, 888, 999} for row in range(64)}
    by_seed = {seed: table.values(Measure("accuracy", "test", (seed,), 200), "cifar10") for seed in (777, 888, 999)}
    for row, present in seeds.items():
        assert {seed for seed, values in by_seed.items() if not np.isnan(values[row])} == present
        mean = np.mean([by_seed[seed][row] for seed in present])
        assert table.values(ADAPTER.reports, "cifar10")[row] == pytest.approx(mean, rel=1e-12)
    assert {len(present) for present in seeds.values()} == {1, 2, 3}


@pytest.mark.slow
def test_a_file_of_the_first_version_is_read(content: dict[str, Any], tmp_path: Path) -> None:
    """Version 1.0 has 12 epochs on cifar10-valid only."""
    first = copy.deepcopy(content)
    for trainings in first["arch2infos"].values():
        less = trainings["less"]
        less["dataset_seed"] = {"cifar10-valid": less["dataset_seed"]["cifar10-valid"]}
        less["all_results"] = {key: run for key, run in less["all_results"].items() if key[0] == "cifar10-valid"}
    table = imported(official.legacy(official.pickled(first)), tmp_path)
    assert {column.dataset for column in table.columns if column.epochs == 12} == {"cifar10", "cifar10-valid"}


@pytest.mark.parametrize("protocol", [3, 4])
def test_a_file_saved_again_with_another_pickle_protocol_reads_the_same(
    content: dict[str, Any], table: Table, protocol: int, tmp_path: Path
) -> None:
    again = imported(official.archive(pickle.dumps(content, protocol)), tmp_path)
    assert again.provenance.checksums == table.provenance.checksums
    assert again.provenance.curves == table.provenance.curves


@pytest.mark.slow
def test_the_writer_of_large_files_writes_the_same_bytes_as_pickle(tmp_path: Path) -> None:
    with (tmp_path / FILE).open("wb") as file:
        official.write_large(file, STRINGS, 64)
    with (tmp_path / FILE).open("rb") as file:
        pickles = [pickle.load(file) for _ in range(5)]
    assert pickles[3]["meta_archs"] == STRINGS
    table = imported((tmp_path / FILE).read_bytes(), tmp_path)
    for column, values in _expected(pickles[3])[0].items():
        np.testing.assert_allclose(table.read([column.name])[:, 0], values, rtol=1e-12)


# The official program


@pytest.fixture(scope="module")
def program(content: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The official program with the same file, opened by the list of what may be loaded."""
    torch = pytest.importorskip("torch")
    nas_201_api = pytest.importorskip("nas_201_api")
    path = tmp_path_factory.mktemp("official") / FILE
    path.write_bytes(official.legacy(official.pickled(content)))
    scalar = np._core.multiarray.scalar
    known = [(scalar, "numpy.core.multiarray.scalar"), np.dtype, np.dtypes.Float64DType]
    with torch.serialization.safe_globals(known):
        return nas_201_api.NASBench201API(str(path), verbose=False)


def _row_of(table: Table, index: int) -> int:
    return int(np.flatnonzero(table.values(Measure("official-index", ""), "cifar10") == index)[0])


def _read(table: Table, row: int) -> Callable[..., float]:
    values = {column: table.read([column.name])[:, 0] for column in table.columns}
    return lambda *of: float(values[_column(*of)][row])


@pytest.fixture(scope="module")
def values(table: Table) -> dict[Column, np.ndarray]:
    return {column: table.read([column.name])[:, 0] for column in table.columns}


OFFICIAL = {"train": "train", "valid": "validation", "test": "test", "valtest": "validation+test"}


@pytest.mark.parametrize("epochs", [12, 200])
@pytest.mark.parametrize("dataset", list(SPLITS))
def test_get_more_info_gives_the_same_for_every_seed_and_their_mean(
    program: Any, table: Table, values: dict[Column, np.ndarray], dataset: str, epochs: int
) -> None:
    for index in range(64):
        row = _row_of(table, index)
        seeds = program.arch2infos_dict[index][str(epochs)].get_dataset_seeds(dataset)
        for chosen in (*seeds, False):
            info = program.get_more_info(index, dataset, hp=str(epochs), is_random=chosen)
            for key, split in OFFICIAL.items():
                if f"{key}-accuracy" not in info:
                    continue
                averaged = seeds if chosen is False else [chosen]
                time = "training-time" if split == "train" else "evaluation-time"
                for metric, name in (("accuracy", "accuracy"), ("loss", "loss"), (time, "all-time")):
                    found = np.mean([values[_column(metric, dataset, split, epochs, seed)][row] for seed in averaged])
                    assert found == pytest.approx(info[f"{key}-{name}"], rel=1e-12)
                if f"{key}-per-time" in info:
                    total = np.mean([values[_column(time, dataset, split, epochs, seed)][row] for seed in averaged])
                    assert total / epochs == pytest.approx(info[f"{key}-per-time"], rel=1e-12)


@pytest.mark.parametrize("dataset", list(SPLITS))
def test_get_more_info_at_an_epoch_gives_the_curves(program: Any, table: Table, dataset: str) -> None:
    # After 200 epochs the official program knows every epoch of one evaluation set only.
    for epochs, splits in ((12, OFFICIAL), (200, {"train": "train"})):
        for index in range(0, 64, 9):
            row = _row_of(table, index)
            for seed in program.arch2infos_dict[index][str(epochs)].get_dataset_seeds(dataset):
                curves = {
                    split: table.curve(_column("accuracy", dataset, split, epochs, seed))[row]
                    for split in {"train", *SPLITS[dataset].values()} & set(splits.values())
                }
                result = program.query_by_index(index, dataset, str(epochs))[seed]
                for epoch in range(epochs):
                    info = (
                        program.get_more_info(index, dataset, epoch, str(epochs), seed)
                        if epochs == 12
                        else {"train-accuracy": result.get_train(epoch)["accuracy"]}
                    )
                    for key, split in splits.items():
                        if split in curves:
                            assert curves[split][epoch] == np.float32(info[f"{key}-accuracy"])


@pytest.mark.parametrize("dataset", list(SPLITS))
def test_query_by_index_gives_the_same_curves_and_times(
    program: Any, table: Table, values: dict[Column, np.ndarray], dataset: str
) -> None:
    for index in range(0, 64, 5):
        row = _row_of(table, index)
        for epochs in (12, 200):
            for seed, result in program.query_by_index(index, dataset, str(epochs)).items():
                times = result.get_times()
                total = values[_column("training-time", dataset, "train", epochs, seed)][row]
                assert total == pytest.approx(times["T-train@total"], rel=1e-12)
                for name in result.get_eval_set():
                    split = SPLITS[dataset][name]
                    total = values[_column("evaluation-time", dataset, split, epochs, seed)][row]
                    assert total == pytest.approx(times[f"T-{name}@total"], rel=1e-12)
                    if f"{name}@0" in result.eval_acc1es:
                        for metric in ("accuracy", "loss"):
                            curve = table.curve(_column(metric, dataset, split, epochs, seed))[row]
                            expected = [result.get_eval(name, epoch)[metric] for epoch in range(epochs)]
                            np.testing.assert_array_equal(curve, np.array(expected, dtype=np.float32))


@pytest.mark.parametrize("dataset", list(SPLITS))
def test_get_cost_info_and_get_latency_give_the_same(program: Any, table: Table, dataset: str) -> None:
    found = table.values(Measure("latency", ""), dataset)
    for index in range(64):
        row, cost = _row_of(table, index), program.get_cost_info(index, dataset, hp="200")
        assert found[row] == pytest.approx(1000 * cost["latency"], rel=1e-12)
        latency = 1000 * program.get_latency(index, dataset, hp="200")
        assert found[row] == pytest.approx(latency, rel=1e-12)


def test_the_best_cell_and_the_numbers_of_seeds_are_the_same(program: Any, table: Table) -> None:
    index = table.values(Measure("official-index", ""), "cifar10")
    for dataset, name, split in (
        ("cifar10-valid", "x-valid", "validation"),
        ("cifar10", "ori-test", "test"),
        ("cifar100", "x-test", "test"),
        ("ImageNet16-120", "x-valid", "validation"),
    ):
        values = table.values(Measure("accuracy", split, epochs=200), dataset)
        assert program.find_best(dataset, name, hp="200") == (
            index[np.argmax(values)],
            pytest.approx(values.max(), rel=1e-12),
        )
        columns = [_column("accuracy", dataset, split, 200, seed).name for seed in (777, 888, 999)]
        counts, cells = np.unique((~np.isnan(table.read(columns))).sum(axis=1), return_counts=True)
        assert program.statistics(dataset, 200) == dict(zip(counts.tolist(), cells.tolist(), strict=True))


def test_indices_and_strings_are_the_same(program: Any, table: Table) -> None:
    index = table.values(Measure("official-index", ""), "cifar10").astype(int).tolist()
    strings = table.space.write(table.space.all_rows())
    assert [program.query_index_by_arch(string) for string in strings] == index
    assert [program.arch(place) for place in index] == strings
