"""Ablations: every row is what the library computes, and every summary is that of the rows."""

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
from lissnas_analyses.ablation.grid_points import AblationPoint, grid_points
from lissnas_analyses.grid.row_store import RowStore
from lissnas_benchmarks.benchmark import Benchmark
from small_ablation import GRID, RUNS, ablate_grid


def test_a_row_is_what_the_library_gives(complete: Path, proteins: Benchmark) -> None:
    rows = pl.read_parquet(complete).filter(method="lissnas", noise_tau=0.6, run=2, **{"settings.seeds": 20})
    point = AblationPoint("lissnas", Lissnas(seeds=20), 0.6)
    scores = degrade(proteins.selection, 0.6, np.random.default_rng([3, 2, 4255749673]))
    trace = shrink(proteins.space, TableEvaluator(proteins.space, scores), point.shrinker, point.generator(3, 2))
    [row] = rows.iter_rows(named=True)
    assert row["evaluations"] == trace.evaluations.count
    assert {key: row[key] for key in asdict(quality(trace.subspace, proteins.report))} == asdict(
        quality(trace.subspace, proteins.report)
    )


def test_there_is_a_row_for_every_grid_point_and_run(complete: Path) -> None:
    rows = pl.read_parquet(complete)
    assert rows.height == len(GRID) * RUNS == 24
    assert rows.select("method", "noise_tau", "settings.seeds", "run").n_unique() == 24


def test_a_setting_that_no_method_has_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="unknown setting of lissnas, kernel 'sise': did you mean 'size'"):
        grid_points(("lissnas", "kernel"), {"sise": (3,)})


def test_an_impossible_combination_is_refused_before_anything_runs() -> None:
    with pytest.raises(SettingError, match=r"lissnas with seeds 60, quantile 0\.05: 60 seeds"):
        grid_points(("lissnas",), {"seeds": (10, 60), "quantile": (0.01, 0.05)})


def test_a_fidelity_that_was_not_measured_is_refused(proteins: Benchmark, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="unknown epochs '12'"):
        ablate_grid(proteins, tmp_path, points=grid_points(("lissnas",), {}, (1.0,), (12,)))


def test_means_and_intervals_are_those_of_the_rows(proteins: Benchmark, tmp_path: Path) -> None:
    from scipy import stats

    result = ablate_grid(proteins, tmp_path, points=GRID[:1])
    sizes = result.rows["size"].to_numpy()
    [row] = result.means.filter(statistic="size").iter_rows(named=True)
    low, high = stats.t.interval(0.95, RUNS - 1, sizes.mean(), stats.sem(sizes))
    assert (row["mean"], row["low"], row["high"]) == pytest.approx((sizes.mean(), low, high))


def test_methods_and_configurations_are_ranked(proteins: Benchmark, tmp_path: Path) -> None:
    result = ablate_grid(proteins, tmp_path)
    ranks = result.ranks
    assert ranks.filter(kind="method")["name"].to_list() == ["lissnas", "random-subset"]
    assert set(ranks.filter(kind="configuration")["name"]) == {
        "lissnas, seeds 5",
        "lissnas, seeds 20",
        "random-subset",
    }
    assert ranks.filter(kind="configuration")["mean_rank"].sum() == pytest.approx(6)


def test_rows_of_other_data_are_refused(proteins: Benchmark, tmp_path: Path) -> None:
    with RowStore(tmp_path / "ablation.parquet", RunIdentity(data={"benchmark": "another"}), {}) as store:
        store.append([{"method": "lissnas", "epochs": None, "noise_tau": 1.0, "seed": 0, "run": 0}])
        store.merge()
    with pytest.raises(LissnasError, match=r"data\.benchmark is another; in this run it is nas-bench-graph-proteins"):
        ablate_grid(proteins, tmp_path)
