"""NASLib's JSON of zero-cost scores: each space in its own code, and no mark of a failure as a number."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from lissnas.errors import UnknownNameError
from lissnas.spaces.published.cell201 import cell201
from lissnas.spaces.published.nasbench101 import nasbench101
from lissnas.spaces.published.transnas import transnas_macro as macro
from lissnas.spaces.published.transnas import transnas_micro as micro
from lissnas.spaces.space import Space
from lissnas_benchmarks.errors import BenchmarkFileError
from lissnas_benchmarks.predictor_file import PredictedScores, read_predictors

CELL = "|skip_connect~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_1x1~0|nor_conv_1x1~1|none~2|"


def _write(folder: Path, cells: dict[str, object]) -> Path:
    path = folder / "zc.json"
    path.write_text(json.dumps({"cifar10": cells}))
    return path


def _score_of(predictor: PredictedScores, string: str, space: Space) -> float:
    return float(predictor.scores[space.index(space.read([string]))[0]])


def test_scores_of_nas_bench_201_reach_their_cells(shared_data: Path) -> None:
    path, space = shared_data / "formats" / "zc_nasbench201_sample.json", cell201()
    found = {one.name: one for one in read_predictors(str(path), space, "cifar10")}
    assert "cifar10/val_accuracy" not in found
    assert len(found) == 12
    assert _score_of(found["cifar10/nwot"], CELL, space) == 406.5381264995463
    assert found["cifar10/nwot"].matched.startswith(
        "zc_nasbench201_sample.json: 70 keys in the format naslib-201 found 70 of the 15,625 architectures"
    )
    for dataset, accuracy in (
        ("cifar10", 86.06),
        ("cifar100", 62.01999992675781),
        ("ImageNet16-120", 32.20000001017252),
    ):
        [one] = read_predictors(f"{path}:val_accuracy", space, dataset)
        assert _score_of(one, CELL, space) == accuracy


@pytest.mark.parametrize(
    ("file", "space", "score", "string", "value"),
    [
        ("zc_transbench101_micro_sample", micro, "class_scene/val_accuracy", "64-41414-0_11_233", 52.707008361816406),
        ("zc_transbench101_macro_sample", macro, "class_scene/params", "64-1242-basic", 11.218783),
    ],
)
def test_scores_of_transnas_bench_are_read_in_its_own_code(
    file: str, space: Callable[[], Space], score: str, string: str, value: float, shared_data: Path
) -> None:
    [found] = read_predictors(f"{shared_data / 'formats' / file}.json:{score}", space())
    assert _score_of(found, string, space()) == value


def test_of_isomorphic_graphs_the_first_counts(shared_data: Path) -> None:
    path = shared_data / "formats" / "zc_nasbench101_oldlayout_sample.json"
    [found] = read_predictors(f"{path}:params", nasbench101(7))
    assert "150 keys in the format naslib-101 found " in found.matched
    assert np.nanmin(found.scores) > 0


@pytest.mark.parametrize("failed", ["-100000000.0", "-Infinity", "NaN", "null"])
def test_a_mark_of_failure_is_missing(failed: str, tmp_path: Path) -> None:
    path = _write(tmp_path, {"(0, 2, 3, 2, 3, 1)": {"val_accuracy": 1.0, "grad_norm": {"score": "X", "time": 1.0}}})
    path.write_text(path.read_text().replace('"X"', failed))
    [found] = read_predictors(str(path), cell201())
    assert np.isnan(found.scores).all()


def test_the_scores_of_another_space_are_refused(tmp_path: Path, shared_data: Path) -> None:
    path = shared_data / "formats" / "zc_transbench101_micro_sample.json"
    with pytest.raises(BenchmarkFileError, match=r"class_scene, .* are of another space than cell201"):
        read_predictors(str(path), cell201())
    with pytest.raises(UnknownNameError, match=r"score of zc_transbench101_micro_sample\.json"):
        read_predictors(f"{path}:nwott", micro())


@pytest.mark.parametrize("cells", [{}, {"(0, 1)": {"val_accuracy": 1, "grad_norm": 1}}, {"x": 3}])
def test_another_json_is_refused(cells: dict[str, object], tmp_path: Path) -> None:
    path = _write(tmp_path, cells)
    path.write_text(path.read_text() + " " * 10 if cells else '{"val_accuracy": {"grad_norm": 1}}')
    with pytest.raises(BenchmarkFileError):
        read_predictors(str(path), cell201())


def test_a_data_set_without_architectures_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "zc.json"
    path.write_text('{"cifar10": {}, "cifar100": {"(0, 2, 3, 2, 3, 1)": {"val_accuracy": 1.0, "grad_norm": 1.0}}}')
    with pytest.raises(BenchmarkFileError, match="it lacks the levels of data sets and architectures"):
        read_predictors(str(path), cell201())
