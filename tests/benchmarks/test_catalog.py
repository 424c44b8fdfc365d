"""The catalog: every benchmark keeps the same promises, is converted once, and says what it lacks."""

import re
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import lissnas_benchmarks
import numpy as np
import polars as pl
import pytest
from lissnas.errors import UnknownNameError
from lissnas_benchmarks.adapter import OfficialFile, TableAdapter
from lissnas_benchmarks.catalog import benchmark_names, find_adapter
from lissnas_benchmarks.errors import BenchmarkFileError, MissingFileError
from lissnas_benchmarks.loading import is_ready, load_table
from lissnas_benchmarks.obtaining.importing import import_files
from lissnas_benchmarks.table import Table

OpenTable = Callable[[str], Table]


TABLES = [name for name in benchmark_names() if isinstance(find_adapter(name), TableAdapter)]


@pytest.fixture(scope="module", params=TABLES)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


def test_a_table_has_one_row_for_every_architecture_that_it_lists(name: str, open_table: OpenTable) -> None:
    table = open_table(name)
    rows = table.frame().select(pl.len()).collect().item()
    assert rows == len(table.index) == (table.space.size if table.complete else len(set(table.index.tolist())))


def test_the_selecting_and_the_reporting_measure_are_on_every_data_set(name: str, open_table: OpenTable) -> None:
    table, benchmark = open_table(name), find_adapter(name)
    for dataset in table.datasets:
        for measure in (benchmark.selects, benchmark.reports):
            values = table.values(measure, dataset)
            assert np.isfinite(values).all()
            assert len(np.unique(values)) > 100


def test_percentages_are_between_0_and_100(name: str, open_table: OpenTable) -> None:
    percentages = [column.name for column in open_table(name).columns if column.unit == "%" and column.quality]
    values = open_table(name).frame().select(percentages).collect().to_numpy()
    assert 0 <= np.nanmin(values) < np.nanmax(values) <= 100


def test_a_table_names_its_source_and_the_checksum_of_every_file(name: str, open_table: OpenTable) -> None:
    source, benchmark = open_table(name).provenance.source, find_adapter(name)
    assert (source.benchmark, source.page, source.license) == (name, benchmark.page, benchmark.license)
    assert list(source.files) == [file.name for file in benchmark.files]


def test_official_strings_of_a_sample_read_back(name: str, open_table: OpenTable) -> None:
    space = open_table(name).space
    rows = space.sample(100, np.random.default_rng(0))
    np.testing.assert_array_equal(space.read(space.write(rows)), rows)


@pytest.mark.parametrize(
    ("wrong", "right"), [("nasbenchgraph", "nas-bench-graph"), ("NAS-Bench-Macro", "nas-bench-macro")]
)
def test_an_unknown_benchmark_raises_an_error_with_the_nearest_name(wrong: str, right: str) -> None:
    with pytest.raises(UnknownNameError, match=f"unknown benchmark '{wrong}': did you mean '{right}'"):
        load_table(wrong)


# The cache


SMALL = "nas-bench-graph-proteins"


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LISSNAS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_tables_are_in_the_folder_that_the_environment_names(empty_cache: Path) -> None:
    table = load_table(SMALL)
    assert [table.path] == [path for path in empty_cache.rglob("*") if path.is_file() and path.suffix != ".lock"]


def test_a_benchmark_is_imported_once(empty_cache: Path) -> None:
    first = load_table(SMALL).path.stat()
    again = load_table(SMALL).path.stat()
    # A conversion ends in a rename of another file, so it would change both.
    assert (again.st_mtime_ns, again.st_ino) == (first.st_mtime_ns, first.st_ino)


def _rewrite(path: Path, was: str, now: str) -> None:
    metadata = pl.read_parquet_metadata(path)["lissnas"]
    assert was in metadata
    described = metadata.replace(was, now)
    checksum = str(zlib.crc32(described.encode()))
    pl.read_parquet(path).write_parquet(path, metadata={"lissnas": described, "crc32": checksum})


@pytest.mark.parametrize(("was", "now"), [('"format":2', '"format":0'), ("b9e7fb0902bd", "000000000000")])
def test_a_table_of_another_layout_or_source_is_imported_again(empty_cache: Path, was: str, now: str) -> None:
    path = load_table(SMALL).path
    _rewrite(path, was, now)
    load_table(SMALL)
    assert was in pl.read_parquet_metadata(path)["lissnas"]


def test_a_damaged_table_in_the_cache_is_refused_by_its_name(empty_cache: Path) -> None:
    path = load_table(SMALL).path
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(BenchmarkFileError, match=f"{path}: not a readable table .* makes it again"):
        load_table(SMALL)


def test_a_benchmark_whose_file_is_missing_is_not_ready(empty_cache: Path) -> None:
    assert not is_ready("nas-bench-macro")


def test_a_benchmark_in_an_installed_package_is_ready(empty_cache: Path) -> None:
    assert is_ready("analog-nasbench")


def test_a_missing_file_raises_an_error_with_how_to_get_it(empty_cache: Path) -> None:
    with pytest.raises(MissingFileError, match="lissnas data import nas-bench-macro"):
        load_table("nas-bench-macro")


def test_an_imported_file_makes_the_benchmark_ready(empty_cache: Path, macro_file: Path) -> None:
    import_files(find_adapter("nas-bench-macro"), (macro_file,))
    assert is_ready("nas-bench-macro")


@pytest.mark.parametrize("count", [0, 2])
def test_another_number_of_files_is_refused(empty_cache: Path, count: int) -> None:
    with pytest.raises(MissingFileError, match=rf"nas-bench-macro_cifar10\.json.*not {count} files"):
        import_files(find_adapter("nas-bench-macro"), (Path("x.json"),) * count)


def test_a_missing_file_is_refused_by_its_name(empty_cache: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"absent\.json: cannot be read"):
        import_files(find_adapter("nas-bench-macro"), (tmp_path / "absent.json",))


# Official files


def _installed(benchmark: TableAdapter) -> Iterator[tuple[OfficialFile, Path]]:
    yield from zip(benchmark.files, benchmark.installed_files(), strict=True)


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda data: data[:-1], id="last byte lost"),
        pytest.param(lambda data: data[: len(data) // 2], id="second half lost"),
        pytest.param(lambda data: data[:1000] + bytes([data[1000] ^ 1]) + data[1001:], id="a flipped bit"),
        pytest.param(lambda data: data + b"\0", id="a byte more"),
        pytest.param(lambda _: b"", id="empty"),
    ],
)
def test_a_changed_official_file_is_refused_with_the_remedy(tmp_path: Path, damage: Any) -> None:
    benchmark = find_adapter(SMALL)
    [(file, path)] = _installed(benchmark)
    changed = tmp_path / "proteins.bench"
    changed.write_bytes(damage(path.read_bytes()))
    with pytest.raises(BenchmarkFileError, match=re.escape("pip install --force-reinstall nas-bench-graph==1.4.0")):
        file.checked(changed, benchmark.remedy)


@pytest.mark.parametrize("name", [name for name in benchmark_names() if find_adapter(name).package])
def test_every_installed_file_has_the_checksum_of_its_adapter(name: str) -> None:
    benchmark = find_adapter(name)
    for file, path in _installed(benchmark):
        assert file.checked(path, benchmark.remedy) == file.sha256


# Third parties


@pytest.fixture
def third_party(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install a package that brings a benchmark of its own, and one named as one of ours."""
    source = (Path(lissnas_benchmarks.__file__).parent / "adapters/nas_bench_macro.py").read_text()
    (tmp_path / "their_benchmark.py").write_text(source.replace('name="nas-bench-macro"', 'name="theirs"'))
    described = tmp_path / "their_benchmark-1.0.dist-info"
    described.mkdir()
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: their-benchmark\nVersion: 1.0\n")
    (described / "entry_points.txt").write_text(
        "[lissnas.benchmarks]\ntheirs = their_benchmark:ADAPTER\nnas-bench-macro = their_benchmark:ADAPTER\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))


@pytest.mark.usefixtures("third_party")
def test_a_third_partys_benchmark_is_found_by_its_entry_point() -> None:
    assert "theirs" in benchmark_names()
    assert find_adapter("theirs").page == "https://github.com/xiusu/NAS-Bench-Macro"


@pytest.mark.usefixtures("third_party")
def test_no_third_party_can_take_a_name_of_ours() -> None:
    from lissnas_benchmarks.adapters.nas_bench_macro import ADAPTER

    assert find_adapter("nas-bench-macro") is ADAPTER
