"""Table: what is written is read again, what is not there is named, what is damaged is refused."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from lissnas.errors import LissnasError, SettingError, UnknownNameError
from lissnas.spaces.categorical import CategoricalSpace
from lissnas.subspaces.subspace import FullSpace
from lissnas.subspaces.subspace_file import save
from lissnas_benchmarks.columns import Column, Measure
from lissnas_benchmarks.errors import BenchmarkFileError
from lissnas_benchmarks.table import Table
from lissnas_benchmarks.table_file import Source, write_table

SPACE = CategoricalSpace("squares", ([str(digit) for digit in range(50)],) * 2, "{},{}")

_RNG = np.random.default_rng(0)
COLUMNS = {
    Column("accuracy", "cifar10", "validation", "%", epochs=200, seed=777): _RNG.normal(90, 2, SPACE.size),
    Column("accuracy", "cifar10", "validation", "%", epochs=200, seed=888): _RNG.normal(90, 2, SPACE.size),
    Column("accuracy", "cifar10", "test", "%", epochs=12): _RNG.normal(80, 2, SPACE.size),
    Column("accuracy", "cifar10", "test", "%", epochs=200): _RNG.normal(90, 2, SPACE.size),
    Column("accuracy", "svhn", "test", "%"): np.where(_RNG.random(SPACE.size) < 0.1, np.nan, 95.0),
    Column("latency", "svhn", "", "ms", quality=False): _RNG.normal(5, 1, SPACE.size),
}

SOURCE = Source("squares", "https://example.org", "MIT", {"squares.txt": "9f86d081"})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "squares.parquet"
    write_table(path, SPACE, COLUMNS, SOURCE)
    return path


@pytest.fixture
def table(path: Path) -> Table:
    return Table(path, lambda: SPACE)


def test_columns_are_read_back_as_they_were_described(table: Table) -> None:
    assert table.columns == tuple(COLUMNS)


def test_the_source_comes_back(table: Table) -> None:
    assert table.provenance.source == SOURCE


def test_the_rows_of_the_file_are_in_the_order_of_the_space(table: Table) -> None:
    frame = table.frame().collect()
    np.testing.assert_array_equal(frame.to_numpy(), np.column_stack(list(COLUMNS.values())))


@pytest.mark.parametrize(
    ("measure", "dataset", "columns"),
    [
        (Measure("accuracy", "validation"), "cifar10", [0, 1]),
        (Measure("accuracy", "validation", seeds=(888,)), "cifar10", [1]),
        (Measure("accuracy", "validation", seeds=(888, 777)), "cifar10", [0, 1]),
        (Measure("latency", ""), "svhn", [5]),
    ],
)
def test_a_measure_is_the_mean_over_its_seeds(table: Table, measure: Measure, dataset: str, columns: list[int]) -> None:
    expected = np.mean([list(COLUMNS.values())[column] for column in columns], axis=0)
    np.testing.assert_allclose(table.values(measure, dataset), expected, rtol=1e-15)


def test_missing_scores_stay_missing(table: Table) -> None:
    np.testing.assert_array_equal(table.values(Measure("accuracy", "test"), "svhn"), list(COLUMNS.values())[4])


@pytest.fixture
def seeds(tmp_path: Path) -> Table:
    """Two seeds: the second is missing for architecture 7, both for architecture 8."""
    columns = {Column("a", "d", "s", "%", seed=seed): np.full(SPACE.size, float(seed)) for seed in (1, 2)}
    columns[Column("a", "d", "s", "%", seed=2)][[7, 8]] = np.nan
    columns[Column("a", "d", "s", "%", seed=1)][8] = np.nan
    write_table(tmp_path / "t.parquet", SPACE, columns, SOURCE)
    return Table(tmp_path / "t.parquet", lambda: SPACE)


def test_a_score_that_a_named_seed_lacks_is_missing(seeds: Table) -> None:
    values = seeds.values(Measure("a", "s", seeds=(1, 2)), "d")
    assert np.flatnonzero(np.isnan(values)).tolist() == [7, 8]


@pytest.mark.parametrize("named", [None, (1, 2)])
@pytest.mark.parametrize("every_seed", [True, False])
def test_any_set_of_seeds_may_need_every_seed_or_take_those_present(
    seeds: Table, named: tuple[int, ...] | None, every_seed: bool
) -> None:
    values = seeds.values(Measure("a", "s", named, every_seed=every_seed), "d")
    assert bool(np.isnan(values[7])) is every_seed
    assert np.isnan(values[8])


def test_the_mean_of_all_seeds_is_that_of_those_an_architecture_has(seeds: Table) -> None:
    values = seeds.values(Measure("a", "s"), "d")
    assert (values[0], values[7]) == (1.5, 1.0)
    assert np.flatnonzero(np.isnan(values)).tolist() == [8]


@pytest.mark.parametrize(
    ("measure", "dataset", "message"),
    [
        (Measure("accuracy", "test"), "cifar100", "unknown dataset 'cifar100': did you mean 'cifar10'"),
        (Measure("accuracies", "test"), "svhn", "unknown metric 'accuracies': did you mean 'accuracy'"),
        (Measure("accuracy", "valid"), "cifar10", "unknown split 'valid': did you mean 'validation'"),
        (Measure("accuracy", "validation", (778,)), "cifar10", "unknown seed '778': did you mean '777'"),
        (Measure("accuracy", "validation", (777, 1)), "cifar10", "unknown seed '1'.*known: 777, 888"),
    ],
)
def test_an_unknown_name_raises_an_error_with_the_nearest_one(
    table: Table, measure: Measure, dataset: str, message: str
) -> None:
    with pytest.raises(UnknownNameError, match=message):
        table.values(measure, dataset)


def test_accuracies_after_different_epochs_are_never_averaged(table: Table) -> None:
    with pytest.raises(SettingError, match=r"after \[.*\] epochs: say which"):
        table.values(Measure("accuracy", "test"), "cifar10")


# Damage


def _overwrite(path: Path, data: bytes, at: int) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(data)


FIRST, SECOND = Measure("accuracy", "validation", (777,)), Measure("accuracy", "validation", (888,))
# 2,500 random numbers take about 19,000 bytes; the first column begins after the file's 4-byte mark.
WITHIN_FIRST_COLUMN = 100


def _without_seal(path: Path) -> None:
    """Write a table as an earlier version did."""
    metadata = pl.read_parquet_metadata(path)
    pl.read_parquet(path).write_parquet(path, metadata={key: metadata[key] for key in ("lissnas", "crc32")})


def test_only_the_requested_columns_are_read(path: Path) -> None:
    _without_seal(path)
    table = Table(path, lambda: SPACE)
    _overwrite(path, bytes(5000), WITHIN_FIRST_COLUMN)
    np.testing.assert_array_equal(table.values(SECOND, "cifar10"), list(COLUMNS.values())[1])


def test_a_column_that_is_overwritten_is_refused_by_the_files_name(path: Path, table: Table) -> None:
    _overwrite(path, bytes(5000), WITHIN_FIRST_COLUMN)
    with pytest.raises(BenchmarkFileError, match=f"{path}: not a readable table .* makes it again"):
        table.values(FIRST, "cifar10")


def test_a_file_that_disappears_is_refused_by_its_name(path: Path, table: Table) -> None:
    path.unlink()
    with pytest.raises(BenchmarkFileError, match=str(path)):
        table.values(FIRST, "cifar10")


@pytest.mark.parametrize(
    "damage",
    [
        *(pytest.param(lambda path, n=n: os.truncate(path, n), id=f"cut to {n} bytes") for n in (0, 3, 4, 12, 1000)),
        pytest.param(lambda path: os.truncate(path, path.stat().st_size - 1), id="last byte lost"),
        pytest.param(lambda path: os.truncate(path, path.stat().st_size // 2), id="second half lost"),
        pytest.param(lambda path: _overwrite(path, b"\0" * 8, path.stat().st_size - 8), id="end overwritten"),
        pytest.param(lambda path: path.write_text("accuracy,cifar10\n90,91\n"), id="a text file"),
        pytest.param(lambda path: path.write_bytes(np.random.default_rng(0).bytes(5000)), id="noise"),
        pytest.param(lambda path: save(FullSpace(SPACE), path, {}), id="a saved subspace"),
        pytest.param(lambda path: path.unlink(), id="no file"),
    ],
)
def test_a_file_that_is_not_a_table_is_refused_by_its_name(path: Path, damage: Callable[[Path], Any]) -> None:
    damage(path)
    with pytest.raises(BenchmarkFileError, match=f"{path}: not a readable table .* makes it again"):
        Table(path, lambda: SPACE)


def test_an_altered_value_is_refused_by_the_name_of_its_column(path: Path) -> None:
    metadata = pl.read_parquet_metadata(path)
    frame, name = pl.read_parquet(path), Table(path, lambda: SPACE).matching(FIRST, "cifar10")[0].name
    altered = frame.with_columns(pl.col(name).fill_nan(50.0) + 1e-9)
    altered.write_parquet(path, metadata={key: metadata[key] for key in ("lissnas", "crc32")})
    with pytest.raises(BenchmarkFileError, match=f"{path}.*{name}.*altered"):
        Table(path, lambda: SPACE).values(FIRST, "cifar10")


def test_an_altered_architecture_is_refused(tmp_path: Path) -> None:
    path, few = tmp_path / "few.parquet", {column: values[:3] for column, values in COLUMNS.items()}
    write_table(path, SPACE, few, SOURCE, index=np.array([1, 30, 500]))
    metadata = pl.read_parquet_metadata(path)
    altered = pl.read_parquet(path).with_columns(index=pl.Series([1, 31, 500]))
    altered.write_parquet(path, metadata={key: metadata[key] for key in ("lissnas", "crc32")})
    with pytest.raises(BenchmarkFileError, match=f"{path}.*its architectures were altered"):
        Table(path, lambda: SPACE).index  # noqa: B018


@pytest.mark.parametrize("word", ["accuracy", "validation", "777", "MIT", "%"])
def test_an_altered_description_is_refused(path: Path, word: str) -> None:
    _without_seal(path)
    data = path.read_bytes()
    place = data.rindex(word.encode())
    path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
    with pytest.raises(BenchmarkFileError, match=f"{path}.*metadata was altered"):
        Table(path, lambda: SPACE)


def test_a_damaged_page_header_that_ends_polars_is_refused(path: Path) -> None:
    """Polars allocates what this header claims and aborts the process."""
    data = bytearray(path.read_bytes())
    data[16] ^= 1
    path.write_bytes(data)
    with pytest.raises(BenchmarkFileError, match=f"{path}.*its bytes were altered"):
        Table(path, lambda: SPACE)


def test_a_flipped_bit_in_the_metadata_raises_only_errors_for_the_user(path: Path) -> None:
    good = path.read_bytes()
    footer = int.from_bytes(good[-8:-4], "little") + 8
    rng = np.random.default_rng(0)
    surprises = set()
    for _ in range(600):
        damaged = bytearray(good)
        damaged[-int(rng.integers(1, footer + 1))] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        try:
            Table(path, lambda: SPACE).values(FIRST, "cifar10")
        except LissnasError:
            pass
        except BaseException as error:  # polars panics outside Exception
            surprises.add(repr(error))
    assert surprises == set()


# Writing


@pytest.mark.parametrize(
    ("columns", "source", "error"),
    [
        ({Column("a", "d", "", "%"): np.zeros(3)}, SOURCE, BenchmarkFileError),
        (COLUMNS, Source("squares", "", "", {"what JSON cannot hold": object()}), TypeError),
    ],
    ids=["too few rows", "an unwritable source"],
)
def test_a_failed_write_leaves_the_earlier_file_and_no_other(
    path: Path, columns: dict[Column, Any], source: Source, error: type[Exception]
) -> None:
    before = path.read_bytes()
    with pytest.raises(error):
        write_table(path, SPACE, columns, source)
    assert {path: path.read_bytes() for path in path.parent.iterdir()} == {path: before}
