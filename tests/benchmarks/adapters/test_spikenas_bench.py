"""SpikeNAS-Bench: texts of single trainings, each under the cell of its id."""

from pathlib import Path

import numpy as np
import pytest
from lissnas.bridges.dialects import read_architectures
from lissnas_benchmarks.adapter import Import
from lissnas_benchmarks.adapters.spikenas_bench import ADAPTER, read_folder, read_training, rows_of_ids, spikenas_cells
from lissnas_benchmarks.columns import Column
from lissnas_benchmarks.errors import BenchmarkFileError
from lissnas_benchmarks.obtaining.recognition import recognize

TEXT = """architecture id: {id}
model parameters: 18655716
epoch, train_acc, train_loss, val_acc, val_loss
0, 20.5, 2.1, 22.25, 2.0
1, 80.125, 0.5, 78.5, 0.625
test accuracy: 81.24
firing rate of layers: 0.1 0.2 -1.000
Elapsed time: 1hour23minute57.2second
"""


def _write(folder: Path, dataset: str, name: str, text: str) -> None:
    (folder / "data" / dataset / name).mkdir(parents=True)
    (folder / "data" / dataset / name / "train_process.txt").write_text(text)


def test_a_training_has_its_last_epoch_and_its_time() -> None:
    training = read_training(TEXT.format(id=42))
    assert training.id == 42
    assert training.numbers == {
        ("parameters", ""): 18.655716,
        ("accuracy", "test"): 81.24,
        ("epochs", ""): 2,
        ("accuracy", "train"): 80.125,
        ("accuracy", "validation"): 78.5,
        ("training-time", ""): 5037.2,
    }


def test_the_id_counts_edges_by_their_source_and_the_parameters_count_convolutions() -> None:
    [row] = rows_of_ids(np.array([42]))  # 42 = 2 + 3 * 5 + 1 * 25
    assert spikenas_cells().write(row[None])[0].startswith("|lif_conv_3x3_0.5~0|+|lif_conv_3x3_1.0~0|none~1|+|skip")
    assert 17_179_620 + 738_048 * int((row >= 2).sum()) == 18_655_716
    np.testing.assert_array_equal(read_architectures(["42"], "spikenas", spikenas_cells()), row[None])
    rows = rows_of_ids(np.arange(15_625))
    assert len(np.unique(spikenas_cells().index(rows))) == 15_625


def test_a_folder_is_read_and_a_file_of_another_id_is_left_out(tmp_path: Path) -> None:
    _write(tmp_path, "CIFAR10", "42", TEXT.format(id=42))
    top5 = TEXT.replace("val_loss", "val_loss, val_top5").replace("0.625\n", "0.625, 99\n")
    top1 = top5.replace("test accuracy: 81.24", "test top1: 41.5, test tpo5: 70")
    _write(tmp_path, "TinyImagenet", "7", top1.format(id=7))
    _write(tmp_path, "TinyImagenet", "4880", top1.format(id=2))
    assert recognize(tmp_path).benchmark == "spikenas-bench"
    notes: list[str] = []
    columns = read_folder(Import((tmp_path,), tmp_path, note=notes.append))
    accuracy = columns[Column("accuracy", "tiny-imagenet", "test", "%")]
    assert np.flatnonzero(~np.isnan(accuracy)).tolist() == spikenas_cells().index(rows_of_ids(np.array([7]))).tolist()
    assert notes == ["left out, because the file is of another id than its folder: TinyImagenet/4880"]
    with pytest.raises(BenchmarkFileError, match="1 of 15,625 cells on cifar10"):
        ADAPTER.read(Import((tmp_path,), tmp_path))


@pytest.mark.parametrize(
    ("was", "now", "why"),
    [
        ("test accuracy: 81.24", "", "no 'test"),
        ("81.24", "181.24", "no percentage"),
        ("val_acc", "wal_acc", "no accuracy on the validation split"),
        ("id: 42", "id: 15625", "the id 15625"),
        ("0, 20.5, 2.1, 22.25, 2.0\n1, 80.125, 0.5, 78.5, 0.625\n", "", "no line of an epoch"),
        ("78.5", "x", "could not convert"),
    ],
)
def test_another_text_is_named(was: str, now: str, why: str, tmp_path: Path) -> None:
    _write(tmp_path, "CIFAR10", "42", TEXT.format(id=42).replace(was, now, 1))
    with pytest.raises(BenchmarkFileError, match=f"CIFAR10/42/train_process.txt: .*{why}"):
        read_folder(Import((tmp_path,), tmp_path))
