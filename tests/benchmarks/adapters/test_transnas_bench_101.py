"""TransNAS-Bench-101 from files of the official layout, in both containers, with the real values that are at hand."""

import copy
import io
import pickle
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from column_checksums import checksum_of
from lissnas.spaces.published.transnas import transnas_macro, transnas_micro
from lissnas.spaces.space import Floats
from lissnas_benchmarks.adapter import Import
from lissnas_benchmarks.adapters.transnas_bench_101 import MACRO, MICRO
from lissnas_benchmarks.columns import Column, Measure
from lissnas_benchmarks.errors import BenchmarkFileError
from lissnas_benchmarks.obtaining.importing import import_files
from lissnas_benchmarks.table import Table

SPLITS = ("train", "valid", "test")
METRICS = {
    "class_scene": ("top1", "top5", "loss"),
    "class_object": ("top1",),
    "room_layout": ("loss", "neg_loss"),
    "jigsaw": ("top1", "loss"),
    "segmentsemantic": ("acc", "mIoU"),
    "normal": ("ssim", "l1_loss"),
    "autoencoder": ("ssim",),
}
"""Some of the official metrics of each task."""

EPOCHS = dict.fromkeys(METRICS, 3) | {"jigsaw": 2}
INFORMATION = ("inference_time", "encoder_params", "model_params", "model_FLOPs", "encoder_FLOPs")


def _official(rng: np.random.Generator, *drawn: str) -> dict[str, Any]:
    """Lay random values out as the official API reads them, with few epochs, in no particular order.

    The networks of the parts that are `drawn` have one of 500 results, all others the same.
    """
    metrics = {
        task: [f"{split}_{metric}" for split in SPLITS for metric in of_task] + ["time_elapsed"]
        for task, of_task in METRICS.items()
    }

    def result(task: str) -> dict[str, Any]:
        values = {}
        for metric in metrics[task]:
            curve = rng.random(EPOCHS[task])
            values[metric] = (-curve if metric.endswith("neg_loss") else curve * 50).tolist()
        information = dict(zip(INFORMATION, [0.005, *(rng.random(4) * 4e7).tolist()], strict=True))
        return {"total_epochs": EPOCHS[task], "model_info": information, "metrics": values}

    spaces = {"macro": transnas_macro(), "micro": transnas_micro()}
    results = [{task: result(task) for task in METRICS} for _ in range(500)]
    return {
        "metrics_dict": metrics,
        "info_names": list(INFORMATION),
        "task_list": list(METRICS),
        "data": {
            part: {
                string: results[int(rng.integers(500)) if part in drawn else 0]
                for string in space.write(space.rows(rng.permutation(space.size)))
            }
            for part, space in spaces.items()
        },
    }


@pytest.fixture(scope="module", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A cache of this file's own: the run's is for official files."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LISSNAS_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def file() -> dict[str, Any]:
    """A file whose networks all have the same results, which is small."""
    return _official(np.random.default_rng(0))


def _stream(value: Any) -> bytes:
    machine = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
    return b"".join(pickle.dumps(part, 2) for part in (0x1950A86A20F9469CFC6C, 1001, machine, value, []))


def _archive(value: Any) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("transnas-bench_v10141024/data.pkl", pickle.dumps(value, 2))
        archive.writestr("transnas-bench_v10141024/version", "3\n")
    return target.getvalue()


Opened = Callable[[str], tuple[Table, dict[str, Any]]]


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Opened:
    """Import the cells from an old container and the chains from a new one; return the table and what was written."""
    files: dict[str, tuple[Table, dict[str, Any]]] = {}

    def open_it(part: str) -> tuple[Table, dict[str, Any]]:
        if part not in files:
            benchmark, space, container = {
                "micro": (MICRO, transnas_micro, _stream),
                "macro": (MACRO, transnas_macro, _archive),
            }[part]
            official = _official(np.random.default_rng(1), part)
            path = tmp_path_factory.mktemp("transnas") / "any.pth"
            path.write_bytes(container(official))
            files[part] = Table(import_files(benchmark, (path,)), space), official["data"][part]
        return files[part]

    return open_it


NAMES = {
    "top1": "accuracy",
    "top5": "top5-accuracy",
    "acc": "pixel-accuracy",
    "mIoU": "miou",
    "ssim": "ssim",
    "loss": "loss",
    "l1_loss": "l1-loss",
    "neg_loss": "neg-loss",
}


@pytest.mark.parametrize("part", ["micro", "macro"])
def test_every_value_and_every_curve_is_that_of_the_file(part: str, opened: Opened) -> None:
    table, networks = opened(part)
    results = [networks[string] for string in table.space.write(table.space.all_rows())]
    found = {(column.metric, column.dataset, column.split): column for column in table.columns}
    for task, metrics in METRICS.items():
        for split in SPLITS:
            for metric in metrics:
                curve = np.array([result[task]["metrics"][f"{split}_{metric}"] for result in results])
                column = found.pop((NAMES[metric], task, {"valid": "validation"}.get(split, split)))
                np.testing.assert_array_equal(table.read([column.name])[:, 0], curve[:, -1])
                np.testing.assert_array_equal(table.curve(column), curve.astype(np.float32))
                assert column.epochs == EPOCHS[task]
        time = np.array([result[task]["metrics"]["time_elapsed"][-1] for result in results])
        np.testing.assert_array_equal(table.read([found.pop(("time-elapsed", task, "")).name])[:, 0], time)
        for name, metric, factor in (
            *(("inference_time", "inference-time", 1e3), ("encoder_params", "encoder-parameters", 1e-6)),
            *(
                ("model_params", "parameters", 1e-6),
                ("model_FLOPs", "macs", 1e-6),
                ("encoder_FLOPs", "encoder-macs", 1e-6),
            ),
        ):
            costs = np.array([result[task]["model_info"][name] for result in results])
            np.testing.assert_allclose(table.read([found.pop((metric, task, "")).name])[:, 0], costs * factor, 1e-12)
    assert {metric for metric, _task, _split in found} == {"score"}


def test_a_room_layout_without_a_negative_loss_has_no_score_although_it_has_a_loss(
    file: dict[str, Any], tmp_path: Path
) -> None:
    other = copy.deepcopy(file)
    [result] = {
        id(network["room_layout"]): network["room_layout"] for network in other["data"]["micro"].values()
    }.values()
    result["metrics"]["valid_neg_loss"][-1] = float("nan")
    (tmp_path / "any.pth").write_bytes(_stream(other))
    columns = MICRO.read(Import((tmp_path / "any.pth",), tmp_path))
    [score] = [of for column, of in columns.items() if _is_score(column, "validation")]
    [test] = [of for column, of in columns.items() if _is_score(column, "test")]
    assert np.isnan(score).all()
    assert (test == result["metrics"]["test_neg_loss"][-1]).all()


def _is_score(column: Column, split: str) -> bool:
    return (column.metric, column.dataset, column.split) == ("score", "room_layout", split)


@pytest.mark.parametrize(
    ("task", "metric"),
    [
        ("class_scene", "accuracy"),
        ("jigsaw", "accuracy"),
        ("room_layout", "neg-loss"),
        ("segmentsemantic", "miou"),
        ("normal", "ssim"),
    ],
)
@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_the_score_of_a_task_is_its_main_metric(opened: Opened, task: str, metric: str, split: str) -> None:
    micro, _networks = opened("micro")
    score, main = (micro.values(Measure(name, split), task) for name in ("score", metric))
    np.testing.assert_array_equal(score, main)


def test_real_accuracies_are_those_of_their_cells(file: dict[str, Any], shared_data: Path, tmp_path: Path) -> None:
    frame = pl.read_parquet(shared_data / "transnas101_micro_class_scene.parquet")
    cells = np.array([[int(digit) for digit in net.strip("()").split(",")] for net in frame["net"]], dtype=np.uint8)
    strings = ["64-41414-{}_{}{}_{}{}{}".format(*cell) for cell in cells.tolist()]
    results = dict(file["data"]["micro"])
    scene_of_all = pickle.dumps(results[strings[0]]["class_scene"])
    for string, accuracy in zip(strings, frame["val_accs"].to_list(), strict=True):
        scene = pickle.loads(scene_of_all)
        curves = scene["metrics"] | {"valid_top1": [1.0, 2.0, accuracy]}
        results[string] = results[string] | {"class_scene": scene | {"metrics": curves}}
    columns = _read(file | {"data": {"micro": results}}, tmp_path)
    found = columns[Column("accuracy", "class_scene", "validation", "%", 3)]
    np.testing.assert_array_equal(found[transnas_micro().index(cells)], frame["val_accs"].to_numpy())


def _read(file: Any, folder: Path) -> dict[Column, Floats]:
    path = folder / "any.pth"
    path.write_bytes(_stream(file))
    return dict(MICRO.read(Import((path,), folder)))


def test_the_official_layout_reads_as_before(file: dict[str, Any], tmp_path: Path) -> None:
    """All but the scores of room layouts, which earlier versions took from another column."""
    path = tmp_path / "any.pth"
    path.write_bytes(_stream(file))
    for adapter, checksum in ((MACRO, 1986265612), (MICRO, 3610430442)):
        columns = adapter.read(Import((path,), tmp_path))
        stays = {
            one: values for one, values in columns.items() if (one.metric, one.dataset) != ("score", "room_layout")
        }
        assert checksum_of(stays) == checksum


def _edited(change: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Change the result of one cell on one task, and leave the file that the other tests use alone."""

    def edit(file: dict[str, Any]) -> dict[str, Any]:
        string = "64-41414-1_02_333"
        result = pickle.loads(pickle.dumps(file["data"]["micro"][string]))
        change(result["jigsaw"])
        return file | {"data": {"micro": file["data"]["micro"] | {string: result}}}

    return edit


def _curve(name: str, values: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return _edited(lambda result: result["metrics"].__setitem__(name, values))


def _without_a_cell(file: dict[str, Any]) -> dict[str, Any]:
    cells = dict(file["data"]["micro"])
    del cells["64-41414-1_02_333"]
    return file | {"data": {"micro": cells}}


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda file: file["data"], id="the data alone"),
        pytest.param(lambda file: file | {"data": {}}, id="no cells"),
        pytest.param(lambda file: [file], id="a list"),
        pytest.param(lambda file: None, id="nothing"),
        pytest.param(lambda file: file | {"metrics_dict": {}}, id="no metrics"),
        pytest.param(lambda file: file | {"metrics_dict": dict.fromkeys(METRICS, 5)}, id="a number for metrics"),
        pytest.param(
            lambda file: file | {"metrics_dict": {task: ["../x"] for task in METRICS}}, id="a path for a metric"
        ),
        pytest.param(
            lambda file: file | {"metrics_dict": {task: [5] for task in METRICS}}, id="a metric without a name"
        ),
        pytest.param(lambda file: file | {"data": {"micro": file["data"]["macro"]}}, id="chains for cells"),
        pytest.param(_without_a_cell, id="a cell missing"),
        pytest.param(_edited(lambda result: result.pop("metrics")), id="no curves"),
        pytest.param(_edited(lambda result: result.pop("model_info")), id="no costs"),
        pytest.param(_edited(lambda result: result.update(total_epochs=10**9)), id="a billion epochs"),
        pytest.param(_edited(lambda result: result.update(total_epochs="two")), id="a word for the epochs"),
        pytest.param(_edited(lambda result: result["model_info"].update(model_params="many")), id="a word for a cost"),
        pytest.param(_curve("valid_top1", [1.0]), id="a curve too short"),
        pytest.param(_curve("valid_top1", [1.0, 2.0, 3.0]), id="a curve too long"),
        pytest.param(_curve("valid_top1", [[1.0], [2.0]]), id="a curve of lists"),
        pytest.param(_curve("valid_top1", [1.0, "x"]), id="a word in a curve"),
        pytest.param(_curve("valid_top1", [1.0, {}]), id="an object in a curve"),
        pytest.param(_curve("valid_top1", [1.0, 101.0]), id="more than 100 percent"),
        pytest.param(_curve("valid_top1", [-1.0, 1.0]), id="less than 0 percent"),
    ],
)
def test_a_file_of_another_layout_is_refused_with_the_remedy(
    file: dict[str, Any], damage: Callable[[dict[str, Any]], Any], tmp_path: Path
) -> None:
    with pytest.raises(BenchmarkFileError, match=r"\.pth: .*lissnas data import transnas-bench-101-micro"):
        _read(damage(file), tmp_path)


def test_values_of_a_diverged_training_are_missing(file: dict[str, Any], tmp_path: Path) -> None:
    columns = _read(_curve("valid_loss", [2.0, float("nan")])(file), tmp_path)
    loss = columns[Column("loss", "jigsaw", "validation", "", 2, quality=False)]
    assert transnas_micro().write(transnas_micro().rows(np.flatnonzero(np.isnan(loss)))) == ["64-41414-1_02_333"]


def test_a_training_that_stopped_early_has_its_curve_and_no_last_value(file: dict[str, Any], tmp_path: Path) -> None:
    def shorten(result: dict[str, Any]) -> None:
        result["total_epochs"] = 1
        result["metrics"] = {name: curve[:1] for name, curve in result["metrics"].items()}

    columns = _read(_edited(shorten)(file), tmp_path)
    accuracy = columns[Column("accuracy", "jigsaw", "validation", "%", 2)]
    assert np.isnan(accuracy).sum() == 1


class _Call:
    def __reduce__(self) -> Any:
        import os

        return os.system, ("echo executed >&2",)


@pytest.mark.parametrize("container", [_stream, _archive])
def test_nothing_in_a_file_is_executed(container: Callable[[Any], bytes], tmp_path: Path) -> None:
    path = tmp_path / "any.pth"
    path.write_bytes(container({"data": _Call()}))
    with pytest.raises(BenchmarkFileError, match=r"posix\.system is not on the list.*lissnas data import"):
        MICRO.read(Import((path,), tmp_path))


def test_a_truncated_or_altered_file_raises_only_errors_for_the_user(file: dict[str, Any], tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    good = _stream(file)
    surprises = set()
    for length in rng.integers(0, len(good), 40):
        damaged = bytearray(good[: int(length)] + b"\0")
        damaged[rng.integers(len(damaged))] ^= 1 << int(rng.integers(8))
        (tmp_path / "damaged.pth").write_bytes(damaged)
        try:
            MICRO.read(Import((tmp_path / "damaged.pth",), tmp_path))
        except BenchmarkFileError:
            pass
        except Exception as error:
            surprises.add(repr(error))
    assert surprises == set()
