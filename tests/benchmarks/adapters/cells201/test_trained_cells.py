"""The adapter of the tables trained by this project: accuracies from counts, and refusal of unfinished tables."""

import json
from collections.abc import Callable
from pathlib import Path

import lissnas_benchmarks
import numpy as np
import polars as pl
import pytest
from lissnas_benchmarks.adapter import Import, TableAdapter
from lissnas_benchmarks.adapters.cells201.trained_cells import DIGITS, FASHION
from lissnas_benchmarks.columns import Column, Measure
from lissnas_benchmarks.errors import BenchmarkFileError, MissingFileError
from lissnas_benchmarks.table import Table
from scipy.stats import kendalltau

CELLS, EPOCHS, IMAGES = 15_625, 3, {"train": 1_000, "validation": 40, "test": 50}
REPEATED = np.arange(7, CELLS, 1_000)


def _trainings(seed: int, cells: np.ndarray) -> pl.DataFrame:
    """Make up trainings in which the counts tell seed, cell and epoch."""

    def curve(most: int) -> pl.Series:
        counts = (cells[:, None] + np.arange(EPOCHS) + seed) % (most + 1)
        return pl.Series(counts.astype(np.uint16), dtype=pl.Array(pl.UInt16, EPOCHS))

    return pl.DataFrame(
        {
            "seed": pl.Series([seed] * len(cells), dtype=pl.UInt8),
            "index": pl.Series(cells, dtype=pl.UInt16),
            "train_correct": curve(992),
            "train_loss": curve(5_000),
            "validation_correct": curve(40),
            "validation_loss": curve(6_000),
            "test_correct": pl.Series((cells + seed) % 51, dtype=pl.UInt16),
            "test_loss": pl.Series(np.where(cells == 5, 65_535, cells), dtype=pl.UInt16),
            "seconds": pl.Series(cells / 10_000 + seed, dtype=pl.Float32),
        }
    )


def _write(path: Path, results: pl.DataFrame, task: str = "digits") -> Path:
    described = {"study": {"task": task, "recipe": {"epochs": EPOCHS, "batch": 32}}, "images": IMAGES}
    results.sample(fraction=1, shuffle=True, seed=0).write_parquet(path, metadata={"lissnas": json.dumps(described)})
    return path


@pytest.fixture(scope="module")
def complete() -> pl.DataFrame:
    return pl.concat([_trainings(0, np.arange(CELLS)), *(_trainings(seed, REPEATED) for seed in (1, 2))])


def _read(benchmark: TableAdapter, path: Path) -> tuple[dict[Column, np.ndarray], Import]:
    folder = path.with_suffix("")
    folder.mkdir()
    source = Import((path,), folder)
    return dict(benchmark.read(source)), source


def test_counts_become_shares_of_the_images_in_the_order_of_the_space(tmp_path: Path, complete: pl.DataFrame) -> None:
    columns, _ = _read(DIGITS, _write(tmp_path / "table.parquet", complete))
    cells = np.arange(CELLS)
    validation = columns[Column("accuracy", "digits", "validation", "%", EPOCHS, 0)]
    np.testing.assert_allclose(validation, 100 * ((cells + EPOCHS - 1) % 41) / 40)
    test = columns[Column("accuracy", "digits", "test", "%", EPOCHS, 0)]
    np.testing.assert_allclose(test, 100 * (cells % 51) / 50)
    # Of 1,000 training images, 992 fill batches of 32; 100 * 992 overflows the file's 16-bit counts.
    train = columns[Column("accuracy", "digits", "train", "%", EPOCHS, 0)]
    np.testing.assert_allclose(train, 100 * ((cells + EPOCHS - 1) % 993) / 992)


def test_a_curve_ends_in_its_column(tmp_path: Path, complete: pl.DataFrame) -> None:
    columns, source = _read(DIGITS, _write(tmp_path / "table.parquet", complete))
    for part in ("train", "validation"):
        for metric, unit in (("accuracy", "%"), ("loss", "nats")):
            column = Column(metric, "digits", part, unit, EPOCHS, 0, quality=metric == "accuracy")
            curve = np.load(source.folder / f"{column.name.replace('/', '.')}.npy")
            assert curve.shape == (CELLS, EPOCHS)
            np.testing.assert_allclose(curve[:, -1], columns[column], rtol=1e-6)


def test_a_cell_that_was_trained_once_has_no_second_seed(tmp_path: Path, complete: pl.DataFrame) -> None:
    columns, _ = _read(DIGITS, _write(tmp_path / "table.parquet", complete))
    second = columns[Column("accuracy", "digits", "test", "%", EPOCHS, 1)]
    np.testing.assert_array_equal(np.flatnonzero(~np.isnan(second)), REPEATED)
    np.testing.assert_allclose(second[REPEATED], 100 * ((REPEATED + 1) % 51) / 50)


def test_a_loss_that_was_nan_is_missing(tmp_path: Path, complete: pl.DataFrame) -> None:
    columns, _ = _read(DIGITS, _write(tmp_path / "table.parquet", complete))
    loss = columns[Column("loss", "digits", "test", "nats", EPOCHS, 0, quality=False)]
    assert np.flatnonzero(np.isnan(loss)).tolist() == [5]
    assert loss[1_234] == 1.234


def test_an_unfinished_table_is_refused_with_how_to_continue(tmp_path: Path, complete: pl.DataFrame) -> None:
    path = _write(tmp_path / "table.parquet", complete.filter(pl.col("index") != 77))
    with pytest.raises(BenchmarkFileError, match=r"unfinished: 15,624 of 15,625 cells.*train_cells digits"):
        _read(DIGITS, path)


def test_the_table_of_another_task_is_refused(tmp_path: Path, complete: pl.DataFrame) -> None:
    with pytest.raises(BenchmarkFileError, match="of digits, not of fashion-mnist"):
        _read(FASHION, _write(tmp_path / "table.parquet", complete))


@pytest.mark.parametrize("data", [b"", b"PAR1", b"text" * 99])
def test_a_damaged_table_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "table.parquet"
    path.write_bytes(data)
    with pytest.raises(BenchmarkFileError, match=r"table\.parquet: not readable"):
        _read(DIGITS, path)


def test_a_bundled_table_is_found_in_a_checkout_and_in_an_installed_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "benchmarks" / "lissnas_benchmarks"
    monkeypatch.setattr(lissnas_benchmarks, "__file__", str(package / "__init__.py"))
    with pytest.raises(MissingFileError, match="digits-cells: its table is not here"):
        DIGITS.installed_files()
    for folder in (tmp_path / "data", package / "data"):
        folder.mkdir(parents=True)
        (folder / "digits-cells.parquet").touch()
        assert DIGITS.installed_files() == (folder / "digits-cells.parquet",)


@pytest.mark.parametrize(("name", "least"), [("digits-cells", 0.7), ("fashion-cells", 0.6)])
def test_two_seeds_of_a_bundled_table_rank_cells_similarly(
    open_table: Callable[[str], Table], name: str, least: float
) -> None:
    """The bounds are below every interval on the page."""
    table = open_table(name)
    [task] = table.datasets
    first, second = (table.values(Measure("accuracy", "test", seeds=(seed,)), task) for seed in (0, 1))
    both = ~np.isnan(second)
    assert both.sum() == 500
    assert not np.isnan(first).any()
    assert kendalltau(first[both], second[both]).statistic > least
