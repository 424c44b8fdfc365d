"""Importing: it is staged and locked, and a failed import leaves the earlier table."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from lissnas.errors import LissnasError
from lissnas.spaces.categorical import CategoricalSpace
from lissnas.spaces.space import Floats
from lissnas_benchmarks.adapter import Import, OfficialFile, TableAdapter
from lissnas_benchmarks.columns import Column, Measure
from lissnas_benchmarks.errors import BenchmarkFileError
from lissnas_benchmarks.obtaining.cache import cache_folder, table_path
from lissnas_benchmarks.obtaining.importing import import_files
from lissnas_benchmarks.table import Table

BITS = CategoricalSpace("bits", ("01",) * 3, "{}{}{}")
ACCURACY = Column("accuracy", "d", "test", "%", epochs=4)


def _read(source: Import) -> Mapping[Column, Floats]:
    """The file has one line per architecture: its accuracies after every epoch."""
    values = np.loadtxt(source.files[0])
    curves = source.curves(ACCURACY, *values.shape)
    curves[:] = values
    if np.isnan(values).any():
        raise BenchmarkFileError("numbers.txt: a value is missing")
    return {ACCURACY: values[:, -1]}


@pytest.fixture
def numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LISSNAS_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "numbers.txt"
    np.savetxt(path, np.arange(32.0).reshape(8, 4))
    return path


@pytest.fixture
def benchmark_() -> TableAdapter:
    measure = Measure("accuracy", "test")
    return TableAdapter(
        name="bits",
        title="eight networks",
        page="nowhere",
        license="ours",
        paper="none",
        space=lambda: BITS,
        files=(OfficialFile("numbers.txt"),),
        read=_read,
        selects=measure,
        reports=measure,
        obtain="write it again",
    )


def _table(path: Path) -> Table:
    return Table(path, lambda: BITS)


def test_a_curve_ends_in_its_column(benchmark_: TableAdapter, numbers: Path) -> None:
    table = _table(import_files(benchmark_, (numbers,)))
    curve = table.curve(ACCURACY)
    assert isinstance(curve, np.memmap)
    np.testing.assert_array_equal(curve, np.arange(32.0).reshape(8, 4))
    np.testing.assert_array_equal(curve[:, -1], table.values(benchmark_.reports, "d"))


def test_an_unknown_curve_raises_an_error_with_the_known_ones(benchmark_: TableAdapter, numbers: Path) -> None:
    table = _table(import_files(benchmark_, (numbers,)))
    with pytest.raises(LissnasError, match=r"known: accuracy\.d\.test\.4"):
        table.curve(replace(ACCURACY, epochs=12))


def test_a_failed_import_leaves_the_earlier_one(benchmark_: TableAdapter, numbers: Path) -> None:
    path = import_files(benchmark_, (numbers,))
    before = {file: file.read_bytes() for file in path.parent.rglob("*") if file.is_file()}
    np.savetxt(numbers, np.full((8, 4), np.nan))
    with pytest.raises(BenchmarkFileError, match="a value is missing"):
        import_files(benchmark_, (numbers,))
    assert {file: file.read_bytes() for file in path.parent.rglob("*") if file.is_file()} == before


def test_an_import_replaces_table_and_curves_together(benchmark_: TableAdapter, numbers: Path) -> None:
    import_files(benchmark_, (numbers,))
    np.savetxt(numbers, np.full((8, 4), 7.0))
    table = _table(import_files(benchmark_, (numbers,)))
    table.verify()
    assert (table.curve(ACCURACY) == 7).all()


@pytest.mark.parametrize(("damage", "why"), [("a flipped bit", "altered"), ("gone", "missing")])
@pytest.mark.parametrize("use", [lambda table: table.verify(), lambda table: table.curve(ACCURACY)])
def test_a_changed_curve_is_refused(
    benchmark_: TableAdapter, numbers: Path, damage: str, why: str, use: Callable[[Table], object]
) -> None:
    path = import_files(benchmark_, (numbers,))
    [curve] = path.with_suffix("").rglob("*.npy")
    data = bytearray(curve.read_bytes())
    curve.unlink()
    if damage == "a flipped bit":
        data[-1] ^= 1
        curve.write_bytes(data)
    with pytest.raises(
        BenchmarkFileError, match=rf"test\.4\.npy: not a readable table \({why}.*data get {path.stem}' makes it"
    ):
        use(_table(path))


def test_a_cache_in_a_folder_with_brackets_is_read(
    benchmark_: TableAdapter, numbers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LISSNAS_CACHE", str(numbers.parent / "c[1]"))
    table = _table(import_files(benchmark_, (numbers,)))
    table.verify()
    assert table.values(benchmark_.reports, "d")[7] == 31


def test_the_home_folder_in_the_name_of_the_cache_is_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LISSNAS_CACHE", "~/x")
    assert cache_folder() == Path.home() / "x"
    monkeypatch.setenv("LISSNAS_CACHE", "~nobody-of-this-name/x")
    with pytest.raises(LissnasError, match=r"LISSNAS_CACHE=~nobody-of-this-name/x: .*: set it to another folder"):
        cache_folder()


def test_a_cache_that_cannot_be_made_is_named(
    benchmark_: TableAdapter, numbers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LISSNAS_CACHE", str(numbers / "inside"))
    with pytest.raises(LissnasError, match=r"inside/tables: cannot be made \(Not a directory\): set LISSNAS_CACHE"):
        import_files(benchmark_, (numbers,))


def test_a_second_importer_says_so_and_waits(benchmark_: TableAdapter, numbers: Path) -> None:
    path = table_path("bits")
    path.parent.mkdir(parents=True)
    other = FileLock(path.with_name(".bits.lock"))
    other.acquire()
    waiting = threading.Event()
    importing = threading.Thread(target=import_files, args=(benchmark_, (numbers,)), kwargs={"on_wait": waiting.set})
    importing.start()
    assert waiting.wait(10)
    assert not path.exists()
    other.release()
    importing.join(30)
    assert path.exists()


def test_two_processes_that_import_at_once_leave_one_complete_table(macro_file: Path, tmp_path: Path) -> None:
    command = [str(Path(sys.executable).parent / "lissnas"), "data", "import", "nas-bench-macro", str(macro_file)]
    environment = os.environ | {"LISSNAS_CACHE": str(tmp_path)}
    running = [subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) for _ in range(3)]
    assert [process.wait(60) for process in running] == [0, 0, 0]
    assert [file.name for file in (tmp_path / "tables").iterdir() if file.suffix != ".lock"] == [
        "nas-bench-macro.parquet"
    ]
    Table(tmp_path / "tables/nas-bench-macro.parquet", lambda: BITS).verify()


def test_a_cache_that_cannot_be_written_says_so(
    benchmark_: TableAdapter, numbers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("LISSNAS_CACHE", str(tmp_path / "file"))
    with pytest.raises(LissnasError, match="set LISSNAS_CACHE to another folder"):
        import_files(benchmark_, (numbers,))


def test_a_full_disk_is_one_line_and_leaves_nothing(macro_file: Path, tmp_path: Path) -> None:
    # A limit on file sizes simulates a full disk: the system refuses to write in the same way.
    lissnas = Path(sys.executable).parent / "lissnas"
    command = f"ulimit -f 40; exec {lissnas} data import nas-bench-macro {macro_file}"
    environment = os.environ | {"LISSNAS_CACHE": str(tmp_path)}
    called = subprocess.run(["bash", "-c", command], env=environment, capture_output=True, text=True, check=False)
    assert called.returncode == 2
    assert "no space left" in called.stderr
    assert called.stderr.count("\n") == 1
    assert {file.suffix for file in (tmp_path / "tables").iterdir()} <= {".lock"}  # some versions of filelock leave it


def test_another_number_of_files_is_refused(benchmark_: TableAdapter, numbers: Path) -> None:
    with pytest.raises(LissnasError, match=r"read from numbers\.txt: name each once, not 2 files"):
        import_files(benchmark_, (numbers, numbers))
