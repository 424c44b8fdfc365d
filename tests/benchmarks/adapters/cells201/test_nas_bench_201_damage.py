"""Files that are not NAS-Bench-201's, or damaged: each is refused by what is wrong with it, or read without harm."""

import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nas_bench_201_official as official
import numpy as np
import pytest
from lissnas.spaces.published.cell201 import cell201
from lissnas_benchmarks.adapter import Import
from lissnas_benchmarks.adapters.cells201.nas_bench_201 import ADAPTER, read_runs
from lissnas_benchmarks.columns import Column
from lissnas_benchmarks.errors import BenchmarkFileError
from small_nas_bench_201 import FILE, SMALL, STRINGS, imported, small


def _damaged(change: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], bytes]:
    def damage(file: dict[str, Any]) -> bytes:
        altered = pickle.loads(pickle.dumps(file))
        change(altered)
        return official.legacy(official.pickled(altered))

    return damage


def _full(file: dict[str, Any], index: int = 20) -> dict[str, Any]:
    return file["arch2infos"][index]["full"]


def _run(file: dict[str, Any]) -> dict[str, Any]:
    return _full(file)["all_results"]["cifar100", 777]


def _rename_run(file: dict[str, Any], dataset: str, seed: int) -> None:
    training = _full(file)
    training["all_results"][dataset, seed] = _run(file) | {"name": dataset, "seed": str(seed)}
    training["dataset_seed"].setdefault(dataset, []).append(seed)


DAMAGES = [
    (lambda file: file["arch2infos"].pop(20), r"1 of 64 architectures are missing \(first: 20\)"),
    (lambda file: file["arch2infos"][20].pop("less"), "architecture 20 lacks one of less, full"),
    (
        lambda file: file["arch2infos"].update({20: file["arch2infos"][21]}),
        "architecture 21: .*occurs twice|20 lacks",
    ),
    (
        lambda file: file["arch2infos"].update({64: pickle.loads(pickle.dumps(file["arch2infos"][20]))}),
        "twice",
    ),
    (
        lambda file: _full(file).update(arch_index=21),
        "architecture 21 is also architecture 20|21: its|20 lacks|also",
    ),
    (lambda file: _full(file).update(arch_str=STRINGS[21]), "is also architecture|twice"),
    (lambda file: _full(file).update(arch_str="|none~0|"), "is not of the space"),
    (lambda file: _full(file).update(arch_str=["none"]), "is not of the space"),
    (lambda file: file.pop("meta_archs"), "meta_archs, is missing"),
    (lambda file: file["meta_archs"].reverse(), "in meta_archs"),
    (lambda file: file["meta_archs"].pop(), "does not list the 64 architectures"),
    (lambda file: file.pop("arch2infos"), "arch2infos is missing"),
    (lambda file: _rename_run(file, "svhn", 777), "data set 'svhn'"),
    (lambda file: _rename_run(file, "cifar100", 5), "seed 5; known"),
    (lambda file: _run(file).update(name="cifar10"), "states another data set or seed"),
    (lambda file: _run(file).update(seed="0888"), "states another data set or seed"),
    (lambda file: _run(file).update(epochs=100), "epochs"),
    (lambda file: _full(file)["dataset_seed"]["cifar100"].append(111), "differ from the list of its seeds"),
    (lambda file: _run(file)["train_acc1es"].update({199: float("nan")}), "20: an impossible value"),
    (lambda file: _run(file)["train_acc1es"].update({7: float("nan")}), "20: an impossible value"),
    (lambda file: _run(file)["eval_acc1es"].update({"x-test@199": 100.5}), "20: an impossible value"),
    (lambda file: _run(file)["eval_acc1es"].update({"x-test@199": -1.0}), "20: an impossible value"),
    (lambda file: _run(file)["eval_acc1es"].update({"x-test@200": 9.0}), "epoch 201 of 200"),
    (lambda file: _run(file)["eval_acc1es"].update({"x-best@199": 9.0}), "'x-best@199' is not a split"),
    (lambda file: _run(file)["eval_acc1es"].update({"x-test@0199": 9.0}), "is not a split and epoch"),
    (
        lambda file: _run(file)["eval_acc1es"].update({"x-test@199": "9"}),
        "the record of architecture 20 has another form",
    ),
    (lambda file: _run(file)["eval_acc1es"].pop("x-test@199"), "have different splits"),
    (lambda file: _run(file)["train_losses"].pop(199), "no number for the last epoch"),
    (lambda file: _run(file).update(train_losses=[1.0] * 200), "the record of architecture 20 has another form"),
    (lambda file: _run(file).update(params=float("nan")), "20: an impossible value of parameters"),
    (lambda file: _run(file).update(flop=-1.0), "20: an impossible value of flops"),
    (lambda file: _run(file).pop("latency"), "the record of architecture 20 has another form: 'latency'"),
    (lambda file: _full(file).pop("dataset_seed"), "the record of architecture 20 has another form"),
    (lambda file: _run(file).update(net_state_dict=np.zeros(3)), "is not on the list"),
    (lambda file: _run(file).update(net_state_dict=Path("x")), "is not on the list"),
]


def _refused(data: bytes, folder: Path) -> pytest.ExceptionInfo[BenchmarkFileError]:
    (folder / FILE).write_bytes(data)
    with pytest.raises(BenchmarkFileError) as error:
        SMALL.read(Import((folder / FILE,), folder))
    return error


@pytest.fixture(scope="module")
def lean() -> dict[str, Any]:
    """The 64 cells with most runs left out, to be copied and written often."""
    file = official.official(STRINGS, range(64))
    for index, trainings in file["arch2infos"].items():
        kept = {"full": {("cifar100", 777)}, "less": {("cifar10", 111)}} if index != 20 else {}
        for name, training in trainings.items():
            runs = {at: run for at, run in training["all_results"].items() if at in kept.get(name, {at})}
            training["all_results"] = runs
            training["dataset_seed"] = {dataset: [s for d, s in runs if d == dataset] for dataset, _ in runs}
    return file


@pytest.mark.parametrize(("change", "message"), DAMAGES)
def test_a_file_that_only_looks_official_is_refused_with_its_fault(
    lean: dict[str, Any], change: Callable[[dict[str, Any]], Any], message: str, tmp_path: Path
) -> None:
    _refused(_damaged(change)(lean), tmp_path).match(rf"{FILE}: .*({message}).*lissnas data import nas-bench-201")


def test_the_undamaged_lean_file_is_accepted(lean: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(_damaged(lambda _: None)(lean))
    SMALL.read(Import((tmp_path / FILE,), tmp_path))


@pytest.fixture(scope="module")
def one_cell() -> bytes:
    """The pickle of a single cell."""
    return official.pickled(official.official(STRINGS, [3]))


@pytest.mark.parametrize("container", [official.legacy, official.archive], ids=["stream", "file"])
def test_a_file_truncated_anywhere_is_refused(
    one_cell: bytes, container: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    data = container(one_cell)
    for place in (0, 1, 3, 10, 60, *np.random.default_rng(0).integers(60, len(data) - 1, 20), len(data) - 1):
        _refused(data[:place], tmp_path)


class _InMemory(Import):
    """An import that discards its curves."""

    def curves(self, column: Column, rows: int, epochs: int) -> Any:
        return np.full((rows, epochs), np.nan, dtype=np.float32)


def _is_read(data: bytes, path: Path) -> bool:
    """Read a file; anything but success or the one error is a failure."""
    path.write_bytes(data)
    try:
        read_runs(path, _InMemory((path,), path.parent), small())
    except BenchmarkFileError:
        return False
    return True


def test_a_flipped_bit_in_an_archive_is_always_detected(one_cell: bytes, tmp_path: Path) -> None:
    data = official.archive(one_cell)
    start = data.index(one_cell[:100])
    rng = np.random.default_rng(1)
    for place in rng.integers(start, start + len(one_cell), 30):
        flipped = bytearray(data)
        flipped[place] ^= 1 << rng.integers(8)
        assert not _is_read(bytes(flipped), tmp_path / FILE)


def test_a_flipped_bit_in_a_stream_is_an_error_or_another_number(one_cell: bytes, tmp_path: Path) -> None:
    data = official.legacy(one_cell)
    rng = np.random.default_rng(2)
    start = data.index(b"arch2infos")  # the list of the 64 cells before it is short
    for place in (*rng.integers(0, start, 15), *rng.integers(start, len(data), 50)):
        flipped = bytearray(data)
        flipped[place] ^= 1 << rng.integers(8)
        _is_read(bytes(flipped), tmp_path / FILE)


def test_no_other_file_is_accepted(tmp_path: Path, one_cell: bytes) -> None:
    others = {
        "a text": b"hello world\n" * 1000,
        "nothing": b"",
        "a bare pickle": one_cell,
        "another object": official.legacy(official.pickled([1, 2])),
        "another file": official.archive(official.pickled({"a": 1})),
        "tensors": official.legacy(one_cell)[:-5] + pickle.dumps(["0"], 2),
        "more at the end": official.legacy(one_cell) + b"x",
        "a packed member": official.archive(one_cell, compression=zipfile.ZIP_DEFLATED),
        "an file of nothing": b"PK\x05\x06" + bytes(18),
    }
    for data in others.values():
        _refused(data, tmp_path)


def test_cells_that_are_missing_are_counted_and_the_first_is_named(one_cell: bytes, tmp_path: Path) -> None:
    _refused(official.legacy(one_cell), tmp_path).match(r"63 of 64 architectures are missing \(first: 0\); download")


def test_a_failed_import_leaves_nothing(one_cell: bytes, tmp_path: Path) -> None:
    with pytest.raises(BenchmarkFileError):
        imported(official.legacy(one_cell), tmp_path)
    assert [path.suffix for path in (tmp_path / "cache" / "tables").iterdir()] == [".lock"]


def test_all_15625_cells_are_required(one_cell: bytes, tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(official.legacy(official.pickled(official.official([], []))))
    with pytest.raises(BenchmarkFileError, match="15,625 architectures of the space"):
        ADAPTER.read(Import((tmp_path / FILE,), tmp_path))
    assert ADAPTER.space().size == cell201().size
