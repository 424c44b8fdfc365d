"""A study small enough to be run through whole, and the command line as a user calls it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from command import Command
from filelock import FileLock
from lissnas_analyses.cli import app
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
def lissnas(session_cache: Path) -> Command:
    """Call the installed command in a folder, with the cache of this run."""

    def call(*words: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(Path(sys.executable).parent / "lissnas"), *words],
            cwd=folder,
            env=os.environ | {"LISSNAS_CACHE": str(session_cache), "COLUMNS": "200"} | environment,
            capture_output=True,
            text=True,
            check=False,
        )

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
