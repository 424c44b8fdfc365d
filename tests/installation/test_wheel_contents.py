"""What the wheel and the source distribution contain."""

import shutil
import subprocess
import sys
import tarfile
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


def built(checkout: Path, target: str, folder: Path) -> Path:
    """Build a wheel or a source distribution, and return its file."""
    pytest.importorskip("hatchling")
    build = [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", str(folder)]
    subprocess.run(build, cwd=checkout, check=True, capture_output=True)
    [file] = folder.iterdir()
    return file


def contents(checkout: Path) -> set[str]:
    wheel = built(checkout, "wheel", checkout / "dist")
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


def tracked() -> set[str]:
    """Return the files of this checkout that git tracks."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return {name for name in listed.splitlines() if (ROOT / name).is_file()}


def copied(folder: Path) -> Path:
    """Return a copy of the tracked files, with files beside them that nobody should get."""
    for name in tracked():
        if name.startswith(("toolkit", "benchmarks", "analyses", "data", "requirements")) or "/" not in name:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    for name in ("toolkit/lissnas/__pycache__/x.pyc", "results/manifest.json", ".venv/x", "data/packs/x.parquet"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def test_the_wheel_has_the_tracked_modules_two_tables_and_the_license(tmp_path: Path) -> None:
    wheel = built(copied(tmp_path / "checkout"), "wheel", tmp_path / "dist")
    found = set(zipfile.ZipFile(wheel).namelist())
    modules = {name.partition("/")[2] for name in tracked() if name.startswith(PACKAGES)}
    tables = {f"lissnas_benchmarks/{name}" for name in tracked() if name.endswith("-cells.parquet")}
    assert {name for name in found if ".dist-info/" not in name} == modules | tables
    assert len(tables) == 2
    information = {name.partition(".dist-info/")[2] for name in found} - {""}
    assert information == {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"}


def test_the_source_distribution_has_the_tracked_files_and_no_others(tmp_path: Path) -> None:
    archive = built(copied(tmp_path / "checkout"), "sdist", tmp_path / "dist")
    with tarfile.open(archive) as opened:
        found = {name.partition("/")[2] for name in opened.getnames()}
    folders = ("toolkit/", "benchmarks/", "analyses/", "data/")
    files = {"LICENSE", "README.md", "CITATION.cff", "CHANGELOG.md", "pyproject.toml", ".gitignore", "PKG-INFO"}
    assert found == files | {name for name in tracked() if name.startswith(folders)}
