"""What the wheel holds: three packages, and the tables trained here as soon as they are whole."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

PACKAGES = ("toolkit/lissnas", "benchmarks/lissnas_benchmarks", "analyses/lissnas_analyses")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with next to nothing in its packages, and a table that is not whole."""
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    for package in PACKAGES:
        (tmp_path / package / "deeper").mkdir(parents=True)
        for name in ("__init__.py", "py.typed", "deeper/data.json"):
            (tmp_path / package / name).touch()
    (tmp_path / "data").mkdir()
    for name in ("README.md", "facts.py", "digits-cells.partial.parquet"):
        (tmp_path / "data" / name).touch()
    return tmp_path


def contents(checkout: Path) -> set[str]:
    pytest.importorskip("hatchling")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(checkout / "dist")]
    subprocess.run(build, cwd=checkout, check=True, capture_output=True)
    [wheel] = (checkout / "dist").glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    return {name for name in names if ".dist-info/" not in name}


def modules() -> set[str]:
    return {
        f"{package.split('/')[1]}/{name}"
        for package in PACKAGES
        for name in ("__init__.py", "py.typed", "deeper/data.json")
    }


def test_a_table_that_is_not_whole_stays_at_home(checkout: Path) -> None:
    assert contents(checkout) == modules()


def test_whole_tables_travel_where_the_benchmark_looks_for_them(checkout: Path) -> None:
    for name in ("digits-cells.parquet", "fashion-cells.parquet"):
        (checkout / "data" / name).touch()
    traveling = {f"lissnas_benchmarks/data/{name}-cells.parquet" for name in ("digits", "fashion")}
    assert contents(checkout) == modules() | traveling


def test_without_the_folder_the_wheel_is_built_all_the_same(checkout: Path) -> None:
    shutil.rmtree(checkout / "data")
    assert contents(checkout) == modules()
