"""`lissnas doctor`: it prints how to get what is missing, and only what is broken is a problem."""

import re
import tomllib
from importlib.metadata import metadata
from pathlib import Path

import pytest
from lissnas_analyses import environment
from lissnas_analyses.cli.doctor import EnvironmentResult
from lissnas_analyses.environment import EXTRAS, Environment, inspect_environment
from lissnas_benchmarks.catalog import benchmark_names
from lissnas_benchmarks.loading import is_ready
from lissnas_benchmarks.obtaining.cache import cache_folder
from packaging.requirements import Requirement


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LISSNAS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_new_cache_has_no_problems_and_benchmarks_of_packages_are_ready(cache: Path) -> None:
    found = inspect_environment()
    assert found.problems == ()
    assert EnvironmentResult(found).exit_status == 0
    ready = {one.benchmark for one in found.benchmarks if one.ready}
    assert ready == {name for name in benchmark_names() if is_ready(name)}
    assert {"analog-nasbench", "nas-bench-graph"} <= ready
    assert {one.benchmark: one.command for one in found.benchmarks}["nas-bench-201"] == "lissnas data get nas-bench-201"
    assert (found.cache.folder, found.cache.writable, found.cache.bytes) == (cache, True, 0)
    assert found.cache.chosen_by == "LISSNAS_CACHE"


def test_without_the_variable_the_cache_is_the_users_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LISSNAS_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "lissnas"
    assert inspect_environment().cache.chosen_by == "the user's cache folder"
    monkeypatch.setenv("LISSNAS_CACHE", str(tmp_path / "other"))
    assert cache_folder() == tmp_path / "other"


def test_a_cache_that_cannot_be_written_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("LISSNAS_CACHE", str(tmp_path / "file/below"))
    found = inspect_environment()
    assert not found.cache.writable
    [problem] = found.problems
    assert "cannot be written" in problem.problem
    assert "LISSNAS_CACHE" in problem.remedy
    assert EnvironmentResult(found).exit_status == 1


def test_a_damaged_table_is_a_problem_with_a_remedy(cache: Path) -> None:
    (cache / "tables").mkdir(parents=True)
    (cache / "tables/analog-nasbench.parquet").write_bytes(b"PAR1 cut short")
    [problem] = inspect_environment().problems
    assert "analog-nasbench.parquet" in problem.problem
    assert "lissnas data get analog-nasbench" in problem.remedy


def test_a_damaged_surrogate_is_a_problem(cache: Path) -> None:
    folder = cache / "surrogates/nas-bench-301"
    folder.mkdir(parents=True)
    (folder / "surrogate.json").write_text("{")
    [problem] = inspect_environment().problems
    assert "surrogate.json" in problem.problem
    assert "lissnas data import" in problem.remedy


def test_an_incompatible_package_is_a_problem_and_a_missing_extra_is_not(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = ["numpy>=1000", "optuna>=1000; extra == 'search'", "no-such-package>=1; extra == 'bridges'"]
    monkeypatch.setattr(environment, "requires", lambda name: lines)
    found = inspect_environment()
    assert [problem.problem.split()[0] for problem in found.problems] == ["numpy>=1000", "optuna"]
    extras = {extra.name: extra for extra in found.extras}
    assert not extras["bridges"].installed
    assert extras["bridges"].command == "pip install 'lissnas[bridges]'"
    assert not extras["cluster"].packages


def test_a_package_with_the_same_import_name_is_compatible() -> None:
    pytest.importorskip("xgboost")
    found = environment._package(Requirement("xgboost>=3.0"))
    assert found.compatible
    assert found.name in ("xgboost", "xgboost-cpu")


def test_every_extra_has_a_purpose() -> None:
    declared = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    assert set(EXTRAS) == set(declared["project"]["optional-dependencies"])


def test_the_machine_is_described(cache: Path) -> None:
    found: Environment = inspect_environment()
    assert found.machine.cores >= 1
    assert all(re.fullmatch(r"\w+.* on \d+", one) for one in found.machine.blas)
    assert found.lissnas == metadata("lissnas")["Version"]
