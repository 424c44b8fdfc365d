"""The engine of grids: the same bytes for any workers and after any interrupt.

The grid is that of a small ablation.
"""

import os
import pickle
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import joblib
import polars as pl
import pytest
from command import Command
from counting_workers import CountingWorkers, InterruptedWorkers
from lissnas.errors import LissnasError, SettingError
from lissnas_analyses.ablation.grid_points import grid_points
from lissnas_analyses.ablation.measure import ablate, ablation_rows
from lissnas_analyses.grid.benchmark_key import BenchmarkKey
from lissnas_analyses.grid.workers import Workers, workers
from lissnas_benchmarks.benchmark import Benchmark
from lissnas_benchmarks.predictor_file import PredictedScores
from small_ablation import GRID, RUNS, ablate_grid

NAME = "nas-bench-graph-proteins"


def test_the_order_of_the_jobs_changes_no_byte(proteins: Benchmark, complete: Path, tmp_path: Path) -> None:
    ablate_grid(proteins, tmp_path, CountingWorkers(backwards=True))
    assert (tmp_path / "ablation.parquet").read_bytes() == complete.read_bytes()


def test_two_processes_change_no_byte(
    proteins: Benchmark, complete: Path, tmp_path: Path, two_processes: Workers
) -> None:
    ablate_grid(proteins, tmp_path, two_processes)
    assert (tmp_path / "ablation.parquet").read_bytes() == complete.read_bytes()


@pytest.mark.filterwarnings("ignore")  # Dask warns about itself
def test_a_dask_cluster_of_two_workers_changes_no_byte(proteins: Benchmark, complete: Path, tmp_path: Path) -> None:
    with workers(cluster="local:2") as two:
        assert two.count == 2
        ablate_grid(proteins, tmp_path, two)
    assert (tmp_path / "ablation.parquet").read_bytes() == complete.read_bytes()


def test_stored_runs_are_not_computed_again(proteins: Benchmark, complete: Path, tmp_path: Path) -> None:
    ablate_grid(proteins, tmp_path, points=GRID[:2], runs=2)
    counting = CountingWorkers()
    result = ablate_grid(proteins, tmp_path, counting)
    assert counting.rows == result.computed == 24 - 4
    assert (tmp_path / "ablation.parquet").read_bytes() == complete.read_bytes()


def test_a_smaller_grid_returns_its_own_rows_and_deletes_none(
    proteins: Benchmark, complete: Path, tmp_path: Path
) -> None:
    (tmp_path / "ablation.parquet").write_bytes(complete.read_bytes())
    counting = CountingWorkers()
    result = ablate_grid(proteins, tmp_path, counting, GRID[:1], 2)
    assert counting.rows == 0
    assert (result.rows.height, result.stored) == (2, 24)
    assert (tmp_path / "ablation.parquet").read_bytes() == complete.read_bytes()


def test_a_setting_that_is_new_leaves_the_stored_rows_unchanged(proteins: Benchmark, tmp_path: Path) -> None:
    ablate_grid(proteins, tmp_path, points=GRID[:1], runs=1)
    result = ablate_grid(
        proteins, tmp_path, points=grid_points(("lissnas", "kernel"), {"evaluations": (30,), "size": (50,)}), runs=1
    )
    assert result.stored == 3
    assert result.rows["method"].to_list() == ["kernel", "lissnas"]


def test_an_interrupt_keeps_the_finished_runs(proteins: Benchmark, complete: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        ablate_grid(proteins, tmp_path, InterruptedWorkers())
    assert pl.read_parquet(tmp_path / "ablation.parquet").height == 8
    assert ablate_grid(proteins, tmp_path).computed == 16
    assert (tmp_path / "ablation.parquet").read_bytes() == complete.read_bytes()


_COMMAND = ("ablate", NAME, "--seeds", "5", "20", "--runs", "60", "--workers", "1", "--seed", "3")


def _parts(folder: Path) -> list[Path]:
    return list(folder.glob("ablation.parts/*.parquet"))


def test_a_killed_command_continues_and_ends_in_the_same_bytes(
    in_process: Command, session_cache: Path, tmp_path: Path
) -> None:
    command = [str(Path(sys.executable).parent / "lissnas"), *_COMMAND]
    environment = os.environ | {"LISSNAS_CACHE": str(session_cache)}
    killed, undisturbed = tmp_path / "killed", tmp_path / "undisturbed"
    running = subprocess.Popen([*command, "--out", str(killed)], env=environment, stdout=subprocess.DEVNULL)
    while not _parts(killed):
        assert running.poll() is None
        time.sleep(0.01)
    running.send_signal(signal.SIGKILL)
    running.wait()
    before = sum(pl.read_parquet(part).height for part in _parts(killed))
    again = in_process(*_COMMAND, "--out", str(killed), folder=tmp_path)
    assert 0 < before < 120
    assert f"{120 - before:,} rows computed" in again.stdout
    assert in_process(*_COMMAND, "--out", str(undisturbed), folder=tmp_path).returncode == 0
    assert (killed / "ablation.parquet").read_bytes() == (undisturbed / "ablation.parquet").read_bytes()
    assert [path.name for path in killed.rglob("*.part")] == []


def test_rows_depend_on_no_file(proteins: Benchmark, complete: Path) -> None:
    assert ablate(proteins, GRID, RUNS, 3).rows.equals(pl.read_parquet(complete))


def test_a_worker_with_other_data_is_refused(proteins: Benchmark) -> None:
    elsewhere = replace(BenchmarkKey.of(proteins), checksums=(1, 2, 3))
    with pytest.raises(LissnasError, match="import the same files on every machine"):
        ablation_rows(elsewhere, 0, [(GRID[0], 0)])


def test_the_address_of_a_cluster_has_one_of_two_forms() -> None:
    with pytest.raises(SettingError, match="write local:2"), workers(cluster="local:none"):
        pass


def test_at_least_one_worker_is_needed() -> None:
    with pytest.raises(SettingError, match="at least 1, not 0"), workers(0):
        pass


def test_there_is_a_worker_for_each_core_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOKY_MAX_CPU_COUNT")
    with workers() as by_default:
        assert by_default.count == joblib.cpu_count()


def test_one_worker_is_the_process_that_calls() -> None:
    with workers(1) as one:
        assert list(one.each(os.getpid, [()])) == [((), os.getpid())]


def test_a_key_opens_the_benchmark_of_the_same_predictor(proteins: Benchmark) -> None:
    predictor = PredictedScores("reversed", "scores.csv", -proteins.selection)
    key = pickle.loads(pickle.dumps(BenchmarkKey.of(proteins.selected_by(predictor))))
    own_key = BenchmarkKey.of(proteins)  # now the process holds the benchmark without a predictor
    assert key != own_key
    assert (key.open().selection == -proteins.selection).all()
    assert key.identity() != own_key.identity()
