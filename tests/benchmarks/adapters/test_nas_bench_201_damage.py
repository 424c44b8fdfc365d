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
from lissnas_benchmarks.adapters.nas_bench_201 import ADAPTER, read_runs
from lissnas_benchmarks.columns import Column
from lissnas_benchmarks.errors import BenchmarkFileError
from small_nas_bench_201 import FILE, SMALL, STRINGS, imported, small


def _damaged(change: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], bytes]:
    def damage(held: dict[str, Any]) -> bytes:
        altered = pickle.loads(pickle.dumps(held))
        change(altered)
        return official.legacy(official.pickled(altered))

    return damage


def _full(held: dict[str, Any], index: int = 20) -> dict[str, Any]:
    return held["arch2infos"][index]["full"]


def _run(held: dict[str, Any]) -> dict[str, Any]:
    return _full(held)["all_results"]["cifar100", 777]


def _rename_run(held: dict[str, Any], dataset: str, seed: int) -> None:
    training = _full(held)
    training["all_results"][dataset, seed] = _run(held) | {"name": dataset, "seed": str(seed)}
    training["dataset_seed"].setdefault(dataset, []).append(seed)


DAMAGES = [
    (lambda held: held["arch2infos"].pop(20), r"1 of 64 architectures are missing \(first: 20\)"),
    (lambda held: held["arch2infos"][20].pop("less"), "architecture 20 has not the trainings less, full"),
    (
        lambda held: held["arch2infos"].update({20: held["arch2infos"][21]}),
        "architecture 21: .*is there twice|20 has not",
    ),
    (lambda held: held["arch2infos"].update({64: pickle.loads(pickle.dumps(held["arch2infos"][20]))}), "twice"),
    (lambda held: _full(held).update(arch_index=21), "architecture 21 is also architecture 20|21: its|20 has not|also"),
    (lambda held: _full(held).update(arch_str=STRINGS[21]), "is also architecture|twice"),
    (lambda held: _full(held).update(arch_str="|none~0|"), "is not of the space"),
    (lambda held: _full(held).update(arch_str=["none"]), "is not of the space"),
    (lambda held: held.pop("meta_archs"), "meta_archs, is missing"),
    (lambda held: held["meta_archs"].reverse(), "in meta_archs"),
    (lambda held: held["meta_archs"].pop(), "does not list the 64 architectures"),
    (lambda held: held.pop("arch2infos"), "arch2infos is missing"),
    (lambda held: _rename_run(held, "svhn", 777), "data set 'svhn'"),
    (lambda held: _rename_run(held, "cifar100", 5), "seed 5; known"),
    (lambda held: _run(held).update(name="cifar10"), "calls itself another"),
    (lambda held: _run(held).update(seed="0888"), "calls itself another"),
    (lambda held: _run(held).update(epochs=100), "epochs"),
    (lambda held: _full(held)["dataset_seed"]["cifar100"].append(111), "not those that it lists"),
    (lambda held: _run(held)["train_acc1es"].update({199: float("nan")}), "20: an impossible number"),
    (lambda held: _run(held)["train_acc1es"].update({7: float("nan")}), "20: an impossible number"),
    (lambda held: _run(held)["eval_acc1es"].update({"x-test@199": 100.5}), "20: an impossible number"),
    (lambda held: _run(held)["eval_acc1es"].update({"x-test@199": -1.0}), "20: an impossible number"),
    (lambda held: _run(held)["eval_acc1es"].update({"x-test@200": 9.0}), "epoch 201 of 200"),
    (lambda held: _run(held)["eval_acc1es"].update({"x-best@199": 9.0}), "'x-best@199' is no split"),
    (lambda held: _run(held)["eval_acc1es"].update({"x-test@0199": 9.0}), "is no split and epoch"),
    (lambda held: _run(held)["eval_acc1es"].update({"x-test@199": "9"}), "20 is not recorded as others are"),
    (lambda held: _run(held)["eval_acc1es"].pop("x-test@199"), "are not of the same splits"),
    (lambda held: _run(held)["train_losses"].pop(199), "no number for the last epoch"),
    (lambda held: _run(held).update(train_losses=[1.0] * 200), "20 is not recorded as others are"),
    (lambda held: _run(held).update(params=float("nan")), "20: an impossible number among parameters"),
    (lambda held: _run(held).update(flop=-1.0), "20: an impossible number among flops"),
    (lambda held: _run(held).pop("latency"), "20 is not recorded as others are: 'latency'"),
    (lambda held: _full(held).pop("dataset_seed"), "20 is not recorded as others are"),
    (lambda held: _run(held).update(net_state_dict=np.zeros(3)), "is not on the list"),
    (lambda held: _run(held).update(net_state_dict=Path("x")), "is not on the list"),
]


def _refused(data: bytes, folder: Path) -> pytest.ExceptionInfo[BenchmarkFileError]:
    (folder / FILE).write_bytes(data)
    with pytest.raises(BenchmarkFileError) as error:
        SMALL.read(Import((folder / FILE,), folder))
    return error


@pytest.fixture(scope="module")
def lean() -> dict[str, Any]:
    """The 64 cells with most runs left out, to be copied and written often."""
    held = official.official(STRINGS, range(64))
    for index, trainings in held["arch2infos"].items():
        kept = {"full": {("cifar100", 777)}, "less": {("cifar10", 111)}} if index != 20 else {}
        for name, training in trainings.items():
            runs = {at: run for at, run in training["all_results"].items() if at in kept.get(name, {at})}
            training["all_results"] = runs
            training["dataset_seed"] = {dataset: [s for d, s in runs if d == dataset] for dataset, _ in runs}
    return held


@pytest.mark.parametrize(("change", "message"), DAMAGES)
def test_a_file_that_only_looks_official_is_refused_by_what_is_wrong_with_it(
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


@pytest.mark.parametrize("container", [official.legacy, official.archive], ids=["stream", "archive"])
def test_a_file_cut_short_is_refused_wherever_it_is_cut(
    one_cell: bytes, container: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    data = container(one_cell)
    for place in (0, 1, 3, 10, 60, *np.random.default_rng(0).integers(60, len(data) - 1, 20), len(data) - 1):
        _refused(data[:place], tmp_path)


class _InMemory(Import):
    """An import whose curves are not kept."""

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


def test_a_flipped_bit_in_an_archive_is_always_found(one_cell: bytes, tmp_path: Path) -> None:
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


def test_no_other_file_is_taken_for_one(tmp_path: Path, one_cell: bytes) -> None:
    others = {
        "a text": b"hello world\n" * 1000,
        "nothing": b"",
        "a bare pickle": one_cell,
        "another object": official.legacy(official.pickled([1, 2])),
        "another archive": official.archive(official.pickled({"a": 1})),
        "tensors": official.legacy(one_cell)[:-5] + pickle.dumps(["0"], 2),
        "more at the end": official.legacy(one_cell) + b"x",
        "a packed member": official.archive(one_cell, compression=zipfile.ZIP_DEFLATED),
        "an archive of nothing": b"PK\x05\x06" + bytes(18),
    }
    for data in others.values():
        _refused(data, tmp_path)


def test_cells_that_are_missing_are_counted_and_the_first_is_named(one_cell: bytes, tmp_path: Path) -> None:
    _refused(official.legacy(one_cell), tmp_path).match(r"63 of 64 architectures are missing \(first: 0\); download")


def test_a_failed_import_leaves_nothing(one_cell: bytes, tmp_path: Path) -> None:
    with pytest.raises(BenchmarkFileError):
        imported(official.legacy(one_cell), tmp_path)
    assert [path.suffix for path in (tmp_path / "cache" / "tables").iterdir()] == [".lock"]


def test_all_15625_cells_are_asked_for(one_cell: bytes, tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(official.legacy(official.pickled(official.official([], []))))
    with pytest.raises(BenchmarkFileError, match="15,625 architectures of the space"):
        ADAPTER.read(Import((tmp_path / FILE,), tmp_path))
    assert ADAPTER.space().size == cell201().size
