"""Describe how well predictors rank, and what a predictor costs: sentences, and everything that is saved."""

import numpy as np
import polars as pl
from lissnas.progress import ProgressCallback
from lissnas_benchmarks.benchmark import Benchmark

from lissnas_analyses import style
from lissnas_analyses.comparison.measure import ComparisonResult, compare
from lissnas_analyses.grid.workers import THIS_PROCESS, Workers
from lissnas_analyses.ranking import draw
from lissnas_analyses.ranking.evaluation_sets import FULL
from lissnas_analyses.ranking.measure import MEASURES, TauResult, TauSettings
from lissnas_analyses.ranking.predictor_cost import PredictorCost, compare_selections
from lissnas_analyses.results.folder import Results

ROWS = "selected_by_benchmark_rows.parquet"
"""File of the stored rows of the comparison in which the benchmark selects; a later call continues it."""

INTERVALS = "95 % interval, for other networks of the same kind; where a set has several seeds, of the mean over seeds"
"""What the brackets in the sentences are."""


def add_ranking(
    tau: TauResult, benchmark: Benchmark, settings: TauSettings, results: Results, progress: ProgressCallback
) -> None:
    """Add the tables and figures of rank correlation to `results`."""
    results.add_table("tau_sets", tau.agreement)
    results.add_table("tau", tau.means)
    results.add_table("tau_narrowing", tau.narrowing)
    results.add_table("tau_noise_ceiling", tau.ceiling)
    results.add_table("tau_evaluation_sets", tau.sets)
    results.add_table("tau_predictors", tau.predictors)
    progress("drawing", 0)
    with style.house_style():
        results.add_figure("tau_narrowing", draw.draw_narrowing(tau, benchmark, settings))
        progress("drawing", 0.5)
        results.add_figure("tau", draw.draw_sets(tau, benchmark, settings))


def ranking_sentences(tau: TauResult) -> tuple[str, ...]:
    """Return the findings about rank correlation, in sentences."""
    sentences = [f"{tau.networks:,} networks have all scores; every predictor is measured on these"]
    for row in tau.predictors.iter_rows(named=True):
        name = row["predictor"]
        measured = {
            (mean["set"], mean["measure"]): mean
            for mean in tau.means.filter(pl.col("predictor") == name).iter_rows(named=True)
        }
        missing = f"; {row['missing']:,} scores are missing" if row["missing"] else ""
        weighted, rho, precision, regret = (measured[FULL, measure] for measure in list(MEASURES)[1:])
        sentences.append(
            f"{name}: tau {_with_interval(measured[FULL, 'tau'])}, weighted {weighted['value']:.2f}, "
            f"rho {rho['value']:.2f}, precision {precision['value']:.2f}, regret {regret['value']:.2f}{missing}"
        )
        sentences += [
            f"  {set_name}: tau {_with_interval(mean)} (constant noise: {mean['reference']:.2f})"
            for (set_name, measure), mean in measured.items()
            if measure == "tau" and set_name != FULL
        ]
    full = tau.sets.row(0, named=True)
    ties = f"{full['true_ties']:.2%} of the pairs of true scores tie"
    if tau.trainings is None:
        return (*sentences, f"noise ceiling: not known, the table does not have two trainings of a network; {ties}")
    sentences += [
        f"noise ceiling, {row['set']}: {_ceiling_sentence(row['retrained'], row['perfect'])}"
        for row in tau.sets.group_by("set", maintain_order=True).mean().iter_rows(named=True)
    ]
    return (*sentences, f"noise ceiling estimated from {tau.trainings}; {ties}")


def _ceiling_sentence(retrained: float, perfect: float) -> str:
    if np.isnan(perfect):
        return "not known, the set has too few networks"
    one_training = f"tau {retrained:.3f} between two trainings"
    if np.isnan(retrained):
        one_training = "too few networks were trained twice to compare two trainings"
    return f"{one_training}, {perfect:.3f} for a perfect predictor"


def _with_interval(row: dict[str, float]) -> str:
    return f"{row['value']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"


def run_predictor_cost(
    by_predictor: Benchmark,
    by_benchmark: Benchmark,
    comparison: ComparisonResult,
    results: Results,
    runs: int,
    seed: int,
    progress: ProgressCallback,
    workers: Workers = THIS_PROCESS,
) -> tuple[str, ...]:
    """Return the findings about a predictor's cost, after adding its tables and figure to `results`.

    Parameters
    ----------
    by_predictor, by_benchmark
        The benchmark, with the predictor and with its own measure as what selects.
    comparison
        The comparison of methods that the predictor selected; it is repeated with the benchmark's selection.
    runs, seed
        Of both comparisons.
    workers
        Compute the runs; finished ones stay in a file of rows in the folder of results.
    """
    own_comparison = compare(
        by_benchmark,
        tuple(comparison.points.values()),
        runs,
        seed,
        evaluations=comparison.evaluations,
        size=comparison.size,
        path=results.folder / ROWS,
        workers=workers,
        report=lambda share: progress("selected by the benchmark", share),
    )
    results.add_existing_file(ROWS)
    cost = compare_selections(comparison, own_comparison)
    results.add_table("selected_by", cost.means)
    results.add_table("selected_by_runs", cost.runs)
    with style.house_style():
        results.add_figure("selected_by", draw.draw_predictor_cost(cost, by_predictor, by_benchmark))
    missing = int(np.isnan(by_predictor.selection).sum())
    size = by_predictor.space.size
    without_score = (f"{missing:,} of the {size:,} networks have no score and cannot be selected",)
    return (*(without_score if missing else ()), *predictor_cost_sentences(cost))


def predictor_cost_sentences(cost: PredictorCost) -> tuple[str, ...]:
    """Return how much of the true top 1 % each method keeps, selected by the predictor and by the benchmark."""
    sentences = []
    recall = cost.means.filter(pl.col("statistic") == "recall_1")
    for row in recall.filter(pl.col("selected_by") == "predictor").iter_rows(named=True):
        own = recall.row(
            by_predicate=(pl.col("method") == row["method"]) & (pl.col("selected_by") == "benchmark"), named=True
        )
        sentences.append(
            f"{row['method']}: the predictor's selection keeps {row['mean']:.1%} [{row['low']:.1%}, {row['high']:.1%}] "
            f"of the true top 1 % in {row['size_ratio']:.1%} of the space, the benchmark's {own['mean']:.1%} "
            f"[{own['low']:.1%}, {own['high']:.1%}] in {own['size_ratio']:.1%}"
        )
    return tuple(sentences)
