"""Ablations: the same bits whoever computes them and however often they are stopped, and the right ones."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from lissnas.errors import LissnasError, SettingError, UnknownNameError
from lissnas.evaluation.evaluator import TableEvaluator
from lissnas.evaluation.noisy_evaluator import degrade
from lissnas.shrinkers.lissnas import Lissnas
from lissnas.shrinkers.shrink import shrink
from lissnas.statistics.quality import quality
from lissnas.storage.run_identity import RunIdentity
from lissnas_analyses.ablation import ranking
from lissnas_analyses.ablation.measure import AblationResult, ablate, measured_rows
from lissnas_analyses.grid.grid import Cell, cells
from lissnas_analyses.grid.row_store import RowStore
from lissnas_analyses.grid.workers import BenchmarkKey, Workers, workers
from lissnas_benchmarks.benchmark import Benchmark

NAME = "nas-bench-graph-proteins"
GRID = cells(("lissnas", "random-subset"), {"seeds": (5, 20), "size": (100,)}, (1.0, 0.6))
RUNS = 4


class _Here:
    """Does each job at once, in this process, the last one first or the first."""

    def __init__(self, backwards: bool = False) -> None:
        self.backwards = backwards
        self.rows = 0

    def each(self, function, jobs):  # type: ignore[no-untyped-def]
        for job in reversed(list(jobs)) if self.backwards else jobs:
            rows = function(*job)
            self.rows += len(rows)
            yield rows


@pytest.fixture(scope="module")
def name() -> BenchmarkKey:
    return BenchmarkKey.known_here(NAME)


def _ablate(
    name: BenchmarkKey, folder: Path, who: object = None, grid: tuple[Cell, ...] = GRID, runs: int = RUNS
) -> AblationResult:
    return ablate(name, grid, runs, 3, folder / "ablation.parquet", who or _Here())  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def alone(name: BenchmarkKey, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("alone")
    _ablate(name, folder)
    return folder / "ablation.parquet"


def test_a_row_is_what_the_library_gives(alone: Path, proteins: Benchmark) -> None:
    rows = pl.read_parquet(alone).filter(method="lissnas", noise_tau=0.6, run=2, **{"settings.seeds": 20})
    cell = Cell("lissnas", Lissnas(seeds=20), 0.6)
    scores = degrade(proteins.selection, 0.6, np.random.default_rng([3, 2, 4255749673]))
    trace = shrink(proteins.space, TableEvaluator(proteins.space, scores), cell.shrinker, cell.generator(3, 2))
    [row] = rows.iter_rows(named=True)
    assert row["evaluations"] == trace.evaluations.count
    assert {key: row[key] for key in asdict(quality(trace.subspace, proteins.report))} == asdict(
        quality(trace.subspace, proteins.report)
    )


def test_there_is_a_row_for_every_cell_and_run(alone: Path) -> None:
    rows = pl.read_parquet(alone)
    assert rows.height == len(GRID) * RUNS == 24
    assert rows.select("method", "noise_tau", "settings.seeds", "run").n_unique() == 24


def test_the_order_of_the_jobs_changes_no_byte(name: BenchmarkKey, alone: Path, tmp_path: Path) -> None:
    _ablate(name, tmp_path, _Here(backwards=True))
    assert (tmp_path / "ablation.parquet").read_bytes() == alone.read_bytes()


def test_two_processes_change_no_byte(name: BenchmarkKey, alone: Path, tmp_path: Path) -> None:
    with workers(2) as two:
        _ablate(name, tmp_path, two)
    assert (tmp_path / "ablation.parquet").read_bytes() == alone.read_bytes()


@pytest.mark.filterwarnings("ignore")  # of Dask's own making
def test_a_dask_cluster_of_two_workers_changes_no_byte(name: BenchmarkKey, alone: Path, tmp_path: Path) -> None:
    with workers(cluster="local:2") as two:
        assert two.count == 2
        _ablate(name, tmp_path, two)
    assert (tmp_path / "ablation.parquet").read_bytes() == alone.read_bytes()


def test_what_is_there_is_not_computed_again(name: BenchmarkKey, alone: Path, tmp_path: Path) -> None:
    _ablate(name, tmp_path, grid=GRID[:2], runs=2)
    here = _Here()
    found = _ablate(name, tmp_path, here)
    assert here.rows == found.computed == 24 - 4
    assert (tmp_path / "ablation.parquet").read_bytes() == alone.read_bytes()


def test_a_smaller_grid_is_judged_alone_and_loses_nothing(name: BenchmarkKey, alone: Path, tmp_path: Path) -> None:
    (tmp_path / "ablation.parquet").write_bytes(alone.read_bytes())
    here = _Here()
    found = _ablate(name, tmp_path, here, GRID[:1], 2)
    assert here.rows == 0
    assert (found.rows.height, found.stored) == (2, 24)
    assert (tmp_path / "ablation.parquet").read_bytes() == alone.read_bytes()


def test_a_setting_that_appears_later_leaves_the_rows_before_it(name: BenchmarkKey, tmp_path: Path) -> None:
    _ablate(name, tmp_path, grid=GRID[:1], runs=1)
    found = _ablate(name, tmp_path, grid=cells(("lissnas", "kernel"), {"evaluations": (30,), "size": (50,)}), runs=1)
    assert found.stored == 3
    assert found.rows["method"].to_list() == ["kernel", "lissnas"]


def test_what_was_finished_before_an_error_is_kept(name: BenchmarkKey, alone: Path, tmp_path: Path) -> None:
    class Failing(_Here):
        def each(self, function, jobs):  # type: ignore[no-untyped-def]
            yield function(*next(jobs))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _ablate(name, tmp_path, Failing())
    assert pl.read_parquet(tmp_path / "ablation.parquet").height == 8
    assert _ablate(name, tmp_path).computed == 16
    assert (tmp_path / "ablation.parquet").read_bytes() == alone.read_bytes()


_COMMAND = ("ablate", NAME, "--seeds", "5", "20", "--runs", "200", "--workers", "1", "--seed", "3")


def _parts(folder: Path) -> list[Path]:
    return list(folder.glob("ablation.parts/*.parquet"))


def test_a_killed_run_goes_on_and_ends_in_the_same_bytes(session_cache: Path, tmp_path: Path) -> None:
    command = [str(Path(sys.executable).parent / "lissnas"), *_COMMAND]
    environment = os.environ | {"LISSNAS_CACHE": str(session_cache)}
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    running = subprocess.Popen([*command, "--out", str(killed)], env=environment, stdout=subprocess.DEVNULL)
    while not _parts(killed):
        assert running.poll() is None
        time.sleep(0.01)
    running.send_signal(signal.SIGKILL)
    running.wait()
    before = sum(pl.read_parquet(part).height for part in _parts(killed))
    again = subprocess.run(
        [*command, "--out", str(killed)], env=environment, capture_output=True, text=True, check=True
    )
    assert 0 < before < 400
    assert f"{400 - before:,} rows computed" in again.stdout
    subprocess.run([*command, "--out", str(whole)], env=environment, stdout=subprocess.DEVNULL, check=True)
    assert (killed / "ablation.parquet").read_bytes() == (whole / "ablation.parquet").read_bytes()
    assert [path.name for path in killed.rglob("*.part")] == []


def test_only_one_process_writes(name: BenchmarkKey, tmp_path: Path) -> None:
    with (
        RowStore(tmp_path / "ablation.parquet", RunIdentity()),
        pytest.raises(LissnasError, match="another process is writing there"),
    ):
        _ablate(name, tmp_path)


def test_results_of_other_data_are_refused(name: BenchmarkKey, tmp_path: Path) -> None:
    with RowStore(tmp_path / "ablation.parquet", RunIdentity(data={"benchmark": "another"})) as store:
        store.append([{"method": "lissnas", "epochs": None, "noise_tau": 1.0, "seed": 0, "run": 0}])
        store.merge()
    with pytest.raises(LissnasError, match=r"data\.benchmark is another; in this run it is nas-bench-graph-proteins"):
        _ablate(name, tmp_path)


def test_a_damaged_file_is_refused(name: BenchmarkKey, tmp_path: Path) -> None:
    (tmp_path / "ablation.parquet").write_bytes(b"PAR1 cut short")
    with pytest.raises(LissnasError, match="delete it, and its rows are computed again"):
        _ablate(name, tmp_path)


def test_a_worker_with_other_data_is_found_out(name: BenchmarkKey) -> None:
    elsewhere = BenchmarkKey(name.benchmark, name.dataset, name.metric, (1, 2, 3))
    with pytest.raises(LissnasError, match="import the same files on every machine"):
        measured_rows(elsewhere, 0, [(GRID[0], 0)])


def test_a_setting_that_no_method_has_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="unknown setting of lissnas, kernel 'sise': did you mean 'size'"):
        cells(("lissnas", "kernel"), {"sise": (3,)})


def test_a_combination_that_cannot_be_is_refused_before_anything_runs() -> None:
    with pytest.raises(SettingError, match=r"lissnas with seeds 60, quantile 0\.05: 60 seeds"):
        cells(("lissnas",), {"seeds": (10, 60), "quantile": (0.01, 0.05)})


def test_a_fidelity_that_was_not_measured_is_refused(name: BenchmarkKey, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="unknown epochs '12'"):
        _ablate(name, tmp_path, grid=cells(("lissnas",), {}, (1.0,), (12,)))


def test_means_and_intervals_are_those_of_the_rows(name: BenchmarkKey, tmp_path: Path) -> None:
    from scipy import stats

    found = _ablate(name, tmp_path, grid=GRID[:1])
    sizes = found.rows["size"].to_numpy()
    [row] = found.means.filter(figure="size").iter_rows(named=True)
    low, high = stats.t.interval(0.95, RUNS - 1, sizes.mean(), stats.sem(sizes))
    assert (row["mean"], row["low"], row["high"]) == pytest.approx((sizes.mean(), low, high))


def test_methods_and_configurations_are_ranked(name: BenchmarkKey, tmp_path: Path) -> None:
    found = _ablate(name, tmp_path)
    ranks = ranking.rank(found, 0)
    assert ranks.filter(kind="method")["thing"].to_list() == ["lissnas", "random-subset"]
    assert set(ranks.filter(kind="configuration")["thing"]) == {
        "lissnas, seeds 5",
        "lissnas, seeds 20",
        "random-subset",
    }
    assert ranks.filter(kind="configuration")["mean_rank"].sum() == pytest.approx(6)


def test_workers_of_a_cluster_that_is_not_there_are_refused() -> None:
    with pytest.raises(SettingError, match="write local:2"), workers(cluster="local:none"):
        pass


def test_at_least_one_worker_is_needed() -> None:
    with pytest.raises(SettingError, match="at least 1, not 0"), workers(0) as none:
        assert isinstance(none, Workers)
