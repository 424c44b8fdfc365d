"""Your own table: real files become benchmarks by a declaration, and each thing wrong with one has its own error."""

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from lissnas.errors import SettingError, UnknownNameError
from lissnas.evaluation.evaluator import TableEvaluator
from lissnas.spaces.categorical import CategoricalSpace
from lissnas.spaces.published.cell201 import OPERATIONS, cell201
from lissnas.spaces.published.transnas import transnas_micro
from lissnas_benchmarks.adapter import TableAdapter
from lissnas_benchmarks.catalog import find_adapter
from lissnas_benchmarks.columns import Column, Measure
from lissnas_benchmarks.errors import BenchmarkFileError
from lissnas_benchmarks.loading import load_table
from lissnas_benchmarks.obtaining.cache import table_path
from lissnas_benchmarks.obtaining.importing import import_files
from lissnas_benchmarks.own_table import own_table
from lissnas_benchmarks.table import Table

ACCURACY = Column("accuracy", "places", "validation", "%")
GENES = [f"edge{gene}" for gene in range(6)]


@pytest.fixture(scope="module", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A cache of this file's own: the run's is for official files."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LISSNAS_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def _imported(benchmark: TableAdapter, path: Path) -> Table:
    return Table(import_files(benchmark, (path,)), benchmark.space)


# Real files


def _widths() -> CategoricalSpace:
    return CategoricalSpace("widths", ([str(width) for width in range(8, 65, 8)],) * 5, "{}:{}:{}:{}:{}")


def test_a_real_file_with_official_strings_keeps_its_columns_names(shared_data: Path) -> None:
    path = shared_data / "nats_sss_cifar10.parquet"
    names = ["cifar10_test_acc_90ep", "bossnas_supernet_score"]
    table = _imported(own_table("widths", _widths, path, string_column="channels", columns=names), path)
    frame = pl.read_parquet(path)
    index = table.space.index(table.space.read(frame["channels"].to_list()))
    for name in names:
        np.testing.assert_array_equal(table.values(Measure(name, ""), "widths")[index], frame[name].to_numpy())
    assert [column.name for column in table.columns] == [f"{name}/widths" for name in names]


@pytest.fixture(scope="module")
def scenes(shared_data: Path) -> pl.DataFrame:
    """The real cells of scene classification with a column for each gene: 2,128 of 4,096."""
    frame = pl.read_parquet(shared_data / "transnas101_micro_class_scene.parquet")
    digits = np.array([[int(digit) for digit in net.strip("()").split(",")] for net in frame["net"]])
    return frame.with_columns(**dict(zip(GENES, digits.T, strict=True)))


def _written(frame: pl.DataFrame, folder: Path, suffix: str = ".parquet") -> Path:
    path = folder / f"scenes{suffix}"
    if suffix == ".csv":
        frame.write_csv(path)
    else:
        frame.write_parquet(path)
    return path


def _scenes(path: Path, **others: Any) -> TableAdapter:
    settings = {"gene_columns": GENES, "columns": {"val_accs": ACCURACY}, "missing": True} | others
    return own_table("scenes", transnas_micro, path, **settings)


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_a_real_file_with_gene_columns_is_missing_where_it_has_no_row(
    scenes: pl.DataFrame, suffix: str, tmp_path: Path
) -> None:
    path = _written(scenes, tmp_path, suffix)
    table = _imported(_scenes(path), path)
    values = table.values(Measure("accuracy", "validation"), "places")
    index = table.space.index(scenes[GENES].to_numpy().astype(np.uint8))
    np.testing.assert_array_equal(values[index], scenes["val_accs"].to_numpy())
    assert (table.complete, np.isnan(values).sum()) == (True, 4096 - 2128)


def test_a_sampled_table_has_only_the_rows_of_the_file(scenes: pl.DataFrame, tmp_path: Path) -> None:
    path = _written(scenes, tmp_path)
    table = _imported(_scenes(path, sampled=True, missing=False), path)
    index = table.space.index(scenes[GENES].to_numpy().astype(np.uint8))
    np.testing.assert_array_equal(table.index, np.sort(index))
    scores = table.values(Measure("accuracy", "validation"), "places")
    evaluator = TableEvaluator(table.space, scores, table.index)
    np.testing.assert_array_equal(evaluator(table.space.rows(index)), scenes["val_accs"].to_numpy())


def test_the_declaration_of_the_documentation_has_ten_lines() -> None:
    example = inspect.getdoc(own_table).split(">>> adapter = ")[1].split(">>> adapter.reports")[0]
    assert len(example.strip().splitlines()) <= 10


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_genes_may_be_names_of_operations(suffix: str, tmp_path: Path) -> None:
    """The same numbers, whether a file counts the operations or calls them by their names."""
    space, rng = cell201(), np.random.default_rng(0)
    rows, scores = space.sample(500, rng), rng.random(500)
    named = {f"edge{gene}": [OPERATIONS[choice] for choice in rows[:, gene]] for gene in range(6)}
    counted = {f"edge{gene}": rows[:, gene] for gene in range(6)}
    tables = []
    for name, genes in (("named", named), ("counted", counted)):
        path = _written(pl.DataFrame({**genes, "score": scores}), tmp_path, suffix)
        benchmark = own_table(name, cell201, path, gene_columns=GENES, columns=["score"], sampled=True)
        table = _imported(benchmark, path)
        np.testing.assert_array_equal(table.index, np.sort(space.index(rows)))
        tables.append(table.read(["score/" + name]))
    np.testing.assert_array_equal(*tables)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("nor_conv_5x5", r"scenes\.parquet: edge2 is 'nor_conv_5x5' in row 3, but must be one of none, skip_con"),
        (None, r"edge2 is empty in row 3"),
        ("NONE", r"edge2 is 'NONE' in row 3"),
    ],
)
def test_an_unknown_operation_is_refused(value: str | None, message: str, tmp_path: Path) -> None:
    rows = cell201().sample(5, np.random.default_rng(0))
    genes: dict[str, list[Any]] = {f"edge{gene}": [OPERATIONS[choice] for choice in rows[:, gene]] for gene in range(6)}
    genes["edge2"][3] = value
    path = _written(pl.DataFrame({**genes, "score": [1.0, 2.0, 3.0, 4.0, 5.0]}), tmp_path)
    benchmark = own_table("named", cell201, path, gene_columns=GENES, columns=["score"], sampled=True)
    with pytest.raises(BenchmarkFileError, match=message):
        _imported(benchmark, path)


# What a method may see


def _column(split: str, epochs: int | None = None, quality: bool = True) -> Column:
    return Column("accuracy", "places", split, "%", epochs, quality=quality)


@pytest.mark.parametrize(
    ("columns", "selects", "reports"),
    [
        ({"a": _column("validation"), "b": _column("test")}, "validation", "test"),
        ({"a": _column("test"), "b": _column("validation")}, "test", "test"),
        ({"a": _column("validation", 12), "b": _column("test", 200)}, "validation", "validation"),
        ({"a": _column("x", quality=False), "b": _column("validation")}, "validation", "validation"),
    ],
)
def test_the_first_column_selects_and_the_test_of_the_same_metric_reports(
    columns: dict[str, Column], selects: str, reports: str
) -> None:
    benchmark = _scenes(Path("x.parquet"), columns=columns)
    assert (benchmark.selects.split, benchmark.reports.split) == (selects, reports)


def test_a_declared_measure_takes_precedence_over_the_columns() -> None:
    measure = Measure("accuracy", "validation", (3,))
    assert _scenes(Path("x.parquet"), selects=measure).selects == measure


@pytest.mark.parametrize(
    ("others", "message"),
    [
        ({"gene_columns": ()}, "either gene_columns or string_column"),
        ({"string_column": "net"}, "either gene_columns or string_column"),
        ({"columns": {}}, "at least one column"),
        ({"columns": {"a": ACCURACY, "b": ACCURACY}}, "no two of the same measurement"),
        ({"columns": {"a": _column("test", quality=False)}}, "higher is better in none"),
    ],
)
def test_a_declaration_that_contradicts_itself_is_refused(others: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingError, match=f"scenes: .*{message}"):
        _scenes(Path("x.parquet"), **others)


# Files with something wrong


@pytest.fixture
def fails(scenes: pl.DataFrame, tmp_path: Path) -> Callable[..., None]:
    """Write the real cells with a change, and expect the import to fail with a message."""

    def check(change: Callable[[pl.DataFrame], pl.DataFrame], message: str, **others: Any) -> None:
        path = _written(change(scenes), tmp_path)
        with pytest.raises((BenchmarkFileError, UnknownNameError), match=message):
            _imported(_scenes(path, **others), path)

    return check


def _with_value(name: str, row: int, value: Any) -> Callable[[pl.DataFrame], pl.DataFrame]:
    def change(frame: pl.DataFrame) -> pl.DataFrame:
        values = frame[name].to_list()
        values[row] = value
        return frame.with_columns(pl.Series(name, values))

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda frame: pl.concat([frame, frame[5:6].with_columns(val_accs=50.0)]),
            r"scenes\.parquet: row 5 and row 2128 are the same architecture of .*, but val_accs is .* and 50",
        ),
        (_with_value("edge2", 3, 4), r"edge2 is 4 in row 3, but must be 0 to 3"),
        (_with_value("edge2", 3, -1), r"edge2 is -1 in row 3"),
        (_with_value("edge2", 3, 2**40), r"edge2 is 1099511627776 in row 3"),
        (_with_value("edge2", 3, None), r"edge2 is empty in row 3"),
        (_with_value("val_accs", 3, np.inf), r"val_accs is infinite in row 3"),
        (lambda frame: frame.with_columns(edge2=0.5), r"edge2 is 0.5 in row 0, but must be 0 to 3"),
        (_with_value("val_accs", 3, 101.0), r"val_accs is 101 in row 3, but its unit is %: 0 to 100"),
        (lambda frame: frame.with_columns(pl.col("val_accs") / 100), r"multiply fractions by 100"),
        (lambda frame: frame.with_columns(pl.lit([1]).alias("val_accs")), r"val_accs has the type List"),
        (lambda frame: frame.drop("edge2"), r"unknown column of scenes\.parquet 'edge2': did you mean 'edge\d'"),
        (lambda frame: frame.rename({"val_accs": "val_acc"}), r"'val_accs': did you mean 'val_acc'"),
    ],
)
def test_a_wrong_table_is_refused_with_the_place_of_the_fault(
    fails: Callable[..., None], change: Callable[[pl.DataFrame], pl.DataFrame], message: str
) -> None:
    fails(change, message)


def test_missing_architectures_are_refused_unless_declared(fails: Callable[..., None]) -> None:
    fails(lambda frame: frame, r"2,128 architectures instead of the 4,096 .* declare missing=True", missing=False)


@pytest.mark.parametrize("value", [None, np.nan])
def test_an_empty_measurement_is_refused_unless_declared(fails: Callable[..., None], value: float | None) -> None:
    message = r"val_accs is empty in row 7.* declare missing=True"
    fails(_with_value("val_accs", 7, value), message, missing=False, sampled=True)


def test_an_empty_measurement_is_missing_where_declared(scenes: pl.DataFrame, tmp_path: Path) -> None:
    path = _written(_with_value("val_accs", 7, None)(scenes), tmp_path)
    values = _imported(_scenes(path), path).values(Measure("accuracy", "validation"), "places")
    assert np.isnan(values).sum() == 4096 - 2128 + 1


def test_another_number_of_genes_is_refused(fails: Callable[..., None]) -> None:
    fails(lambda frame: frame, "5 gene columns are declared, but transnas-micro has 6", gene_columns=GENES[:5])


def test_strings_of_another_space_are_refused(fails: Callable[..., None]) -> None:
    others = {"gene_columns": (), "string_column": "net"}
    fails(lambda frame: frame, r"scenes\.parquet: row 0: '\(2, 3, 2, 3, 2, 3\)' is not written as", **others)


def test_numbers_for_strings_are_refused(fails: Callable[..., None]) -> None:
    fails(
        lambda frame: frame, "flops has the type Float64, not official strings", gene_columns=(), string_column="flops"
    )


def test_a_row_for_each_architecture_of_a_huge_space_is_refused(scenes: pl.DataFrame, tmp_path: Path) -> None:
    path = _written(scenes, tmp_path)
    huge = own_table(
        "huge",
        lambda: CategoricalSpace("huge", ("0123",) * 12, "{}" * 12),
        path,
        gene_columns=GENES * 2,
        columns=["val_accs"],
    )
    with pytest.raises(BenchmarkFileError, match=r"huge is too large .* declare sampled=True"):
        _imported(huge, path)


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("scenes.parquet", b"", r"scenes\.parquet: it is empty"),
        ("scenes.parquet", b"PAR1 and no more", r"scenes\.parquet: cannot be read"),
        ("scenes.csv", b"", r"scenes\.csv: it is empty"),
        ("scenes.csv", b"edge0,edge1\n1,2,3\n", r"scenes\.csv: line 2 has 3 of 2 columns"),
        ("scenes.xlsx", b"PK\3\4", r"scenes\.xlsx: a ZIP archive or an Excel workbook: .* save the sheet as CSV"),
    ],
)
def test_a_file_that_is_not_a_table_is_refused(name: str, data: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises((BenchmarkFileError, UnknownNameError), match=message):
        _imported(_scenes(path), path)


def test_a_refused_file_leaves_the_earlier_table(scenes: pl.DataFrame, tmp_path: Path) -> None:
    path = _written(scenes, tmp_path)
    before = _imported(_scenes(path), path).path.read_bytes()
    broken = _written(scenes.drop("edge2"), tmp_path)
    with pytest.raises(UnknownNameError):
        _imported(_scenes(broken), broken)
    assert table_path("scenes").read_bytes() == before


# An entry point


def test_a_declaration_in_an_entry_point_is_a_benchmark_by_name(
    scenes: pl.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _written(scenes, tmp_path)
    (tmp_path / "their_scenes.py").write_text(
        "from lissnas.spaces.published.transnas import transnas_micro\n"
        "from lissnas_benchmarks.own_table import own_table\n"
        f"ADAPTER = own_table('their-scenes', transnas_micro, {str(path)!r}, gene_columns={GENES!r},\n"
        "    columns=['val_accs', 'params'], missing=True)\n"
    )
    described = tmp_path / "their_scenes-1.0.dist-info"
    described.mkdir()
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: their-scenes\nVersion: 1.0\n")
    (described / "entry_points.txt").write_text("[lissnas.benchmarks]\ntheir-scenes = their_scenes:ADAPTER\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    import_files(find_adapter("their-scenes"), (path,))
    assert load_table("their-scenes").datasets == ("their-scenes",)
