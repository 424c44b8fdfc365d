"""A study small enough to be run through whole, and the command line as a user calls it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from command import Command
from filelock import FileLock
from forked_command import call_command
from lissnas_analyses.cli import app
from lissnas_analyses.grid.workers import Workers, workers
from lissnas_analyses.reproduce import reproduce
from lissnas_analyses.results.folder import Results
from lissnas_benchmarks.benchmark import Benchmark, open_benchmark
from lissnas_benchmarks.loading import load_table
from small_ablation import ablate_grid


@pytest.fixture(scope="session")
def proteins() -> Benchmark:
    """2,021 real networks: NAS-Bench-Graph on proteins."""
    return open_benchmark("nas-bench-graph-proteins")


@pytest.fixture(scope="session")
def complete(proteins: Benchmark, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of rows of the small ablation, computed at once in this process."""
    folder = tmp_path_factory.mktemp("complete")
    ablate_grid(proteins, folder)
    return folder / "ablation.parquet"


@pytest.fixture(scope="session")
def reproduced(proteins: Benchmark, session_cache: Path) -> Path:
    """The results of the main job on `proteins`, two runs with seed 7. All workers share them, for reading only."""
    folder = session_cache.parent / "reproduced" / "proteins"
    with FileLock(session_cache.parent / "reproduced.lock"):
        if not (folder / "manifest.json").exists():
            reproduce(proteins, Results(folder, "reproduce"), 2, 7, lambda step, share: None).save()
    return folder


@pytest.fixture(scope="session")
def two_processes(session_cache: Path) -> Iterator[Workers]:
    """Two worker processes, which all tests share: each process imports the libraries once, not once a test."""
    with workers(2) as started:
        yield started


@pytest.fixture
def bundled_cache(session_cache: Path, tmp_path: Path) -> Path:
    """A cache of its own with the benchmarks that come with the installation: importing them again takes seconds."""
    tables = tmp_path / "cache" / "tables"
    tables.mkdir(parents=True)
    for name in ("analog-nasbench", "nas-bench-graph", "nas-bench-graph-proteins", "digits-cells", "fashion-cells"):
        load_table(name)
        shutil.copy(session_cache / "tables" / f"{name}.parquet", tables)
    return tmp_path / "cache"


@pytest.fixture(scope="session")
def lissnas(session_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Command:
    """Call the command in a folder and a process of its own, with the cache of this run."""

    def call(*words: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
        variables = os.environ | {"LISSNAS_CACHE": str(session_cache), "COLUMNS": "200"} | environment
        return call_command(folder, tmp_path_factory.mktemp("output"), variables, *words)

    return call


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Call the command line as `lissnas` does, but in this process, where what it imports is imported once."""

    def call(*words: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
        monkeypatch.chdir(folder)
        for name, value in ({"COLUMNS": "200"} | environment).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["lissnas", *words])
        with pytest.raises(SystemExit) as ended:
            app.main()
        written = capsys.readouterr()
        return subprocess.CompletedProcess(words, int(ended.value.code or 0), written.out, written.err)

    return call
