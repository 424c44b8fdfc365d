"""HW-NAS-Bench from files of the official layout with the real values, and from files that only look like it.

Whether the official file holds lists, numpy numbers or numpy arrays is not documented: each is read.
"""

import itertools
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from column_checksums import checksum_of
from lissnas.errors import SettingError, UnknownNameError
from lissnas.spaces.published.cell201 import cell201
from lissnas.spaces.space import Floats
from lissnas_benchmarks.adapter import Import
from lissnas_benchmarks.adapters.hw_nas_bench import ADAPTER, FBNET_OPERATIONS, fbnet_cost, read_fbnet
from lissnas_benchmarks.benchmark import open_benchmark
from lissnas_benchmarks.columns import Column
from lissnas_benchmarks.errors import BenchmarkFileError, MissingFileError
from lissnas_benchmarks.obtaining.importing import import_files

METRICS = [
    *("edgegpu_latency", "edgegpu_energy", "raspi4_latency", "edgetpu_latency", "pixel3_latency"),
    *("eyeriss_latency", "eyeriss_energy", "eyeriss_arithmetic_intensity", "fpga_latency", "fpga_energy"),
]
SCALES = {"cifar10": 1.0, "cifar100": 2.0, "ImageNet16-120": 4.0}
"""The real values are those of CIFAR-10; the other data sets get multiples, which are exact."""

FORMS: dict[str, Callable[[Floats], Any]] = {
    "lists": lambda values: values.tolist(),
    "numpy numbers": list,
    "numpy arrays": lambda values: values,
}


@pytest.fixture(scope="module", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A cache of this file's own: the run's is for official files."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LISSNAS_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def real(shared_data: Path) -> pl.DataFrame:
    """The real values, in the official order of the cells."""
    frame = pl.read_parquet(shared_data / "nasbench201_hardware.parquet").sort("index")
    assert frame["index"].to_list() == list(range(15_625))
    return frame


def _official(real: pl.DataFrame, *forms: str) -> dict[str, Any]:
    """Lay the values out as the official file does, in one form, or in a form for each data set."""
    spaces: dict[str, Any] = {"nasbench201": {}, "fbnet": {"edgegpu_latency": {}}}
    shape = {"name": "infer.tiny", "C": 16, "N": 5, "num_classes": 10}
    configurations = [shape | {"arch_str": string} for string in real["arch"].to_list()]
    for (dataset, scale), form in zip(SCALES.items(), itertools.cycle(forms)):
        part: dict[str, Any] = {}
        for metric in METRICS:
            values = real[f"hw_{metric}"].to_numpy()
            part[metric] = FORMS[form](np.where(values == -1, -1, values * scale))
        part["config"] = list(configurations)
        spaces["nasbench201"][dataset] = part
    return spaces


@pytest.fixture(scope="module")
def official(real: pl.DataFrame) -> bytes:
    return pickle.dumps(_official(real, "lists", "numpy arrays", "numpy arrays"), 4)


def _read(data: bytes, folder: Path) -> dict[Column, Floats]:
    path = folder / "any.pickle"
    path.write_bytes(data)
    return dict(ADAPTER.read(Import((path,), folder)))


@pytest.mark.parametrize("forms", [("lists",), ("numpy arrays",), ("lists", "numpy numbers", "numpy arrays")], ids=str)
def test_every_value_is_that_of_its_cell_in_the_real_table(
    forms: tuple[str, ...], real: pl.DataFrame, tmp_path: Path
) -> None:
    columns = _read(pickle.dumps(_official(real, *forms), 4), tmp_path)
    index = cell201().index(cell201().read(real["arch"].to_list()))
    for (dataset, scale), metric in itertools.product(SCALES.items(), METRICS):
        unit = {"latency": "ms", "energy": "mJ"}.get(metric.rpartition("_")[2], "")
        found = columns.pop(Column(metric.replace("_", "-"), dataset, "", unit, quality=False))
        values = real[f"hw_{metric}"].to_numpy()
        np.testing.assert_array_equal(found[index], np.where(values == -1, np.nan, values * scale))
    assert not columns


def test_the_official_layout_reads_as_before(official: bytes, tmp_path: Path) -> None:
    assert checksum_of(_read(official, tmp_path)) == 2860451396


def test_rows_are_placed_by_their_strings_in_any_order(real: pl.DataFrame, official: bytes, tmp_path: Path) -> None:
    shuffled = real.sample(fraction=1, shuffle=True, seed=0)
    in_order, out_of_order = (
        _read(data, tmp_path) for data in (official, pickle.dumps(_official(shuffled, "numpy arrays")))
    )
    for column, values in in_order.items():
        np.testing.assert_array_equal(out_of_order[column], values)


def test_4699_cells_do_not_run_on_the_edgetpu_and_all_run_elsewhere(official: bytes, tmp_path: Path) -> None:
    missing = {column.metric: np.isnan(values).sum() for column, values in _read(official, tmp_path).items()}
    assert {metric: count for metric, count in missing.items() if count} == {"edgetpu-latency": 4699}


def test_an_analysis_that_selects_by_quality_refuses_a_benchmark_of_costs(official: bytes, tmp_path: Path) -> None:
    (tmp_path / "any.pickle").write_bytes(official)
    import_files(ADAPTER, (tmp_path / "any.pickle",))
    with pytest.raises(SettingError, match="hw-nas-bench measures costs and no quality"):
        open_benchmark("hw-nas-bench")


def _changed(change: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], None]:
    return lambda spaces: change(spaces["nasbench201"]["cifar10"])


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda spaces: spaces.pop("nasbench201"), id="no cells"),
        pytest.param(lambda spaces: spaces["nasbench201"].pop("cifar100"), id="a data set missing"),
        pytest.param(_changed(lambda part: part.pop("raspi4_latency")), id="a metric missing"),
        pytest.param(_changed(lambda part: part.pop("config")), id="no strings"),
        pytest.param(_changed(lambda part: part["fpga_energy"].pop()), id="a value missing"),
        pytest.param(_changed(lambda part: part["config"].pop()), id="a string missing"),
        pytest.param(_changed(lambda part: part["config"].__setitem__(0, part["config"][1])), id="a cell twice"),
        pytest.param(_changed(lambda part: part["config"].__setitem__(0, {"arch_str": "|x~0|"})), id="another string"),
        pytest.param(_changed(lambda part: part["config"].__setitem__(0, 7)), id="a number for a configuration"),
        pytest.param(_changed(lambda part: part["fpga_energy"].__setitem__(0, "1")), id="a string for a number"),
        pytest.param(_changed(lambda part: part["fpga_energy"].__setitem__(0, None)), id="nothing for a number"),
        pytest.param(_changed(lambda part: part["fpga_energy"].__setitem__(0, [1.0])), id="a list for a number"),
        pytest.param(_changed(lambda part: part["fpga_energy"].__setitem__(0, 10**400)), id="a number too large"),
        pytest.param(_changed(lambda part: part["fpga_energy"].__setitem__(0, np.nan)), id="no number"),
        pytest.param(_changed(lambda part: part["fpga_energy"].__setitem__(0, np.inf)), id="infinity"),
        pytest.param(_changed(lambda part: part["fpga_energy"].__setitem__(0, -2.0)), id="a negative energy"),
        pytest.param(_changed(lambda part: part.update(fpga_energy=5.0)), id="a number for a list"),
    ],
)
def test_a_file_of_another_layout_is_refused_with_the_remedy(
    official: bytes, change: Callable[[dict[str, Any]], Any], tmp_path: Path
) -> None:
    spaces = pickle.loads(official)
    change(spaces)
    with pytest.raises(BenchmarkFileError, match=r"HW-NAS-Bench-v1_0\.pickle: .*lissnas data import hw-nas-bench"):
        _read(pickle.dumps(spaces), tmp_path)


@pytest.mark.parametrize("value", [None, 5, [], {}, {"nasbench201": []}, {"nasbench201": {"cifar10": 1}}], ids=repr)
def test_another_pickle_is_refused(value: Any, tmp_path: Path) -> None:
    with pytest.raises(BenchmarkFileError, match="lissnas data import hw-nas-bench"):
        _read(pickle.dumps(value), tmp_path)


def test_damage_at_20_places_raises_only_errors_for_the_user(official: bytes, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    surprises = set()
    for _ in range(20):
        damaged = bytearray(official[: int(rng.integers(1000, 40_000))])
        damaged[rng.integers(len(damaged))] ^= 1 << int(rng.integers(8))
        try:
            _read(bytes(damaged), tmp_path)
        except BenchmarkFileError:
            pass
        except Exception as error:
            surprises.add(repr(error))
    assert surprises == set()


class _Call:
    def __reduce__(self) -> Any:
        import os

        return os.system, ("echo executed >&2",)


@pytest.mark.parametrize(
    "value",
    [_Call(), np.array([_Call()], dtype=object), np.array(["a"]), np.zeros(2, dtype=[("a", "f8")])],
    ids=["a call", "an array of objects", "an array of strings", "an array of records"],
)
def test_nothing_but_numbers_is_built_from_an_array(value: Any, tmp_path: Path) -> None:
    with pytest.raises(BenchmarkFileError, match=r"not in the official layout|damaged"):
        _read(pickle.dumps({"nasbench201": value}, 4), tmp_path)


class _Array:
    """Pickles as a numpy array of the given state."""

    def __init__(self, *state: Any) -> None:
        self.state = state

    def __reduce__(self) -> Any:
        return np._core.multiarray._reconstruct, (np.ndarray, (0,), b"b"), self.state


@pytest.mark.parametrize(
    "array",
    [
        _Array(1, (10**12,), np.dtype("f8"), False, bytes(8)),
        _Array(1, (-1, 0), np.dtype("f8"), False, bytes(8)),
        _Array(1, (3,), np.dtype("f8"), False, bytes(8)),
        _Array(1, (1,), np.dtype("O"), False, bytes(8)),
        _Array(1, (1,), np.dtype("f8"), False, [_Call()]),
        _Array(1, (1,), "f8", False, bytes(8)),
        _Array(1),
    ],
    ids=["ten million times too long", "no shape", "too short", "objects", "a list", "no dtype", "no state"],
)
def test_an_array_that_numpy_would_not_write_is_refused(array: _Array, tmp_path: Path) -> None:
    with pytest.raises(BenchmarkFileError, match=r"not in the official layout|damaged"):
        _read(pickle.dumps({"nasbench201": array}, 4), tmp_path)


# FBNet


def _fbnet_networks(rows: Any, costs: dict[str, float], dataset: str) -> list[float]:
    """Sum the blocks of each network in plain loops, from the space's description in the FBNet paper's table."""
    operations = [(1, 3, 1), (1, 3, 2), (3, 3, 1), (6, 3, 1), (1, 5, 1), (1, 5, 2), (3, 5, 1), (6, 5, 1), None]
    channels = [16] + 4 * [24] + 4 * [32] + 4 * [64] + 4 * [112] + 4 * [184] + [352]
    halved = {"cifar100": {5, 9, 17}, "ImageNet": {1, 5, 9, 17}}[dataset]
    size, head, classes = {"cifar100": (32, 1504, 100), "ImageNet": (112, 1984, 1000)}[dataset]
    image, stride = {"cifar100": (32, 1), "ImageNet": (224, 2)}[dataset]
    sums = []
    for row in rows:
        total, now, before = costs[f"ConvNorm_H{image}_W{image}_Cin3_Cout16_kernel3_stride{stride}_group1"], size, 16
        for layer, gene in enumerate(row):
            step, kind = 2 if layer in halved else 1, operations[gene]
            shape = f"H{now}_W{now}_Cin{before}_Cout{channels[layer]}"
            if kind is None:
                total += costs[f"Skip_{shape}_stride{step}"]
            else:
                total += costs[f"ConvBlock_{shape}_exp{kind[0]}_kernel{kind[1]}_stride{step}_group{kind[2]}"]
            now, before = now // step, channels[layer]
        total += costs[f"ConvNorm_H{now}_W{now}_Cin352_Cout{head}_kernel1_stride1_group1"]
        total += costs[f"AvgP_H{now}_W{now}_Cin{head}_Cout{head}_kernel{now}_stride1"]
        sums.append(total + costs[f"FC_Cin{head}_Cout{classes}"])
    return sums


class _Costs(dict[str, float]):
    """Gives every block that is looked up a different cost."""

    def __missing__(self, block: str) -> float:
        self[block] = float(len(self) + 1) ** 1.5
        return self[block]


@pytest.mark.parametrize("dataset", ["cifar100", "ImageNet"])
def test_an_fbnet_costs_the_sum_of_its_blocks(dataset: str) -> None:
    rows = np.random.default_rng(0).integers(0, len(FBNET_OPERATIONS), (200, 22), dtype=np.uint8)
    costs = _Costs()
    np.testing.assert_allclose(fbnet_cost(rows, costs, dataset), _fbnet_networks(rows, costs, dataset), rtol=1e-12)
    # Stem, head, pooling, classifier; and 9 operations in each place that differs from those before it.
    assert len(costs) == 4 + 9 * 12


def test_block_costs_are_read_from_the_file_by_the_names_of_the_tables_metrics(tmp_path: Path) -> None:
    metrics = [metric for metric in METRICS if metric not in ("edgetpu_latency", "eyeriss_arithmetic_intensity")]
    path = tmp_path / "any.pickle"
    path.write_bytes(pickle.dumps({"fbnet": {metric: {"FC_Cin1_Cout2": np.float64(0.5)} for metric in metrics}}))
    assert read_fbnet(path) == {metric.replace("_", "-"): {"FC_Cin1_Cout2": 0.5} for metric in metrics}


@pytest.mark.parametrize("tables", [{}, {"edgegpu_latency": 1}, {"edgegpu_latency": {1: 2.0}}], ids=repr)
def test_other_tables_of_blocks_are_refused(tables: Any, tmp_path: Path) -> None:
    path = tmp_path / "any.pickle"
    path.write_bytes(pickle.dumps({"fbnet": tables}))
    with pytest.raises(BenchmarkFileError, match="lissnas data import hw-nas-bench"):
        read_fbnet(path)


def test_a_missing_file_raises_an_error_with_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"absent: cannot be read.*GATECH-EIC"):
        read_fbnet(tmp_path / "absent")


@pytest.mark.parametrize(
    ("rows", "dataset", "error", "message"),
    [
        (np.zeros((1, 21), np.uint8), "ImageNet", SettingError, r"shape \(n, 22\)"),
        (np.zeros(22, np.uint8), "ImageNet", SettingError, r"shape \(n, 22\)"),
        (np.zeros((1, 22)), "ImageNet", SettingError, "float64"),
        (np.full((1, 22), 9, np.uint8), "ImageNet", SettingError, "operations 0 to 8, not 9"),
        (np.zeros((1, 22), np.uint8), "imagenet", UnknownNameError, "did you mean"),
    ],
)
def test_rows_of_another_space_are_refused(rows: Any, dataset: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        fbnet_cost(rows, _Costs(), dataset)


def test_a_table_that_lacks_a_block_is_refused_with_its_name() -> None:
    with pytest.raises(BenchmarkFileError, match="it has no cost of the block 'ConvBlock_H112_W112_Cin16_Cout16"):
        fbnet_cost(np.zeros((1, 22), np.uint8), {}, "ImageNet")
