"""Can a supernet's ranking be trusted? Compares supernets of all cells with the table of the same cells trained alone.

What is compared, and how, is our own choice. All supernets are measured on the same sets, and the effect of a later
training on the same cells before and after it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from lissnas.evaluation.evaluator import TableEvaluator
from lissnas.evaluation.noisy_evaluator import degrade
from lissnas.progress import ProgressCallback
from lissnas.shrinkers.angle_based_shrinkage import AngleBasedShrinkage
from lissnas.shrinkers.kernel_shrinkage import KernelShrinkage
from lissnas.shrinkers.lissnas import Lissnas
from lissnas.shrinkers.shrink import Shrinker, Trace, shrink
from lissnas.spaces.published.cell201 import cell201
from lissnas.spaces.space import Floats, Indices
from lissnas.statistics.estimate import Estimate
from lissnas.statistics.noise_ceiling import noise_ceiling
from lissnas.statistics.quality import is_top, quality
from lissnas.statistics.rank_correlation import kendall_tau, tied_share
from lissnas.statistics.repeated_runs import mean_over_runs, paired_difference
from lissnas.storage.random_streams import RankingStream, named_generator
from lissnas_benchmarks.benchmark import Benchmark
from numpy.typing import NDArray
from scipy.stats import kendalltau

from lissnas_analyses.ranking.evaluation_sets import FULL
from lissnas_analyses.ranking.trainings import isomorphic_pairs, trainings_of
from lissnas_analyses.supernet.scores import SupernetScores, SupernetStudySettings, shrunk_by_lissnas

SAMPLE, TOP, TOP_OF_SAMPLE = "sample of the full space", "true top 20 %", "true top 20 % of the sample"
SHRUNK_BY_SUPERNET, SHRUNK_BY_TABLE = "shrunk by the supernet", "shrunk by the table"
SETS = (FULL, SAMPLE, SHRUNK_BY_TABLE, SHRUNK_BY_SUPERNET, TOP, TOP_OF_SAMPLE)
"""Sets of cells on which tau is measured. Each supernet has its own shrunk space; they share the other sets."""

RECALIBRATED, WITHOUT_RECALIBRATION, WEIGHT_ANGLE = "supernet", "without recalibration", "weight angle"
FINE_TUNED, CONTINUED = "after fine-tuning", "after as much more training"
TRAINED_ALONE = "validation, trained alone"
PREDICTORS = (RECALIBRATED, WITHOUT_RECALIBRATION, FINE_TUNED, CONTINUED, WEIGHT_ANGLE, TRAINED_ALONE)
"""What ranks the cells. The last predictor is the column by which the table selects."""

ANGLE_METHOD = "angle (of weights)"
"""ABS by the angle between initial and trained weights, as its authors use it; the method `angle` uses accuracies."""

BY_SUPERNET, BY_TABLE = "supernet", "table"
"""Whose scores a method uses to shrink."""

SUBSPACE_METRICS = ("recall_1", "recall_5", "mean", "size", "evaluations")
"""Columns that describe a shrunk space, besides `size_ratio`."""

COMPARISONS = (
    (RECALIBRATED, WITHOUT_RECALIBRATION),
    (FINE_TUNED, RECALIBRATED),
    (CONTINUED, RECALIBRATED),
    (FINE_TUNED, CONTINUED),
)
"""Pairs of predictors whose tau is compared: the first minus the second."""

_METRIC_MAXIMUM = {"recall_1": 1, "recall_5": 1, "mean": 100}
"""Largest possible value of a metric; intervals are clipped to it and to 0."""

_TOP_SHARE = 0.2
"""Share of the cells that counts as the true top."""

_MIN_CELLS = 20
"""Smallest set on which tau is measured."""

_BOOTSTRAP_DRAWS = 300
"""Number of bootstrap draws over networks."""

_NOISE_DRAWS = 5
"""Number of draws of constant noise."""


@dataclass(frozen=True)
class SupernetStudyResult:
    """The tables of the study; docs/results-format.md describes their columns.

    Attributes
    ----------
    tau
        One row per supernet, predictor and set: number of networks, tau with a bootstrap interval over networks, and
        as `reference` the tau that constant noise with the predictor's tau on the full space would have.
    means
        The same averaged over supernets, with its interval; for a single supernet, with the bootstrap interval.
    comparisons
        One row per set and comparison: mean over supernets of the difference of tau on the same cells.
    ceilings
        One row per set: number of networks, share of tied pairs, tau between two trainings, and tau of a perfect
        predictor; from isomorphic cells, and from other seeds for the full space.
    training_curve
        One row per supernet and training step: tau on the sample.
    shrinking
        One row per method, selecting scores, supernet and run: the shrunk space.
    shrinking_means
        One row per method, selecting scores and metric: mean over supernets of the mean over runs, with its
        interval.
    """

    tau: pl.DataFrame
    means: pl.DataFrame
    comparisons: pl.DataFrame
    ceilings: pl.DataFrame
    training_curve: pl.DataFrame
    shrinking: pl.DataFrame
    shrinking_means: pl.DataFrame


def measure(
    benchmark: Benchmark,
    supernets: Sequence[SupernetScores],
    settings: SupernetStudySettings,
    runs: int,
    report: ProgressCallback,
) -> SupernetStudyResult:
    """Compare the scores of supernets with a table; each method shrinks `runs` times by each supernet."""
    shrunk_by_table = _mask(shrunk_by_lissnas(benchmark.selection, 0).index, benchmark)
    sets = {scores.seed: _sets(benchmark, scores, shrunk_by_table, settings) for scores in supernets}
    tau: list[dict[str, object]] = []
    for number, scores in enumerate(supernets):
        report("rank correlation", number / len(supernets))
        tau += _taus(benchmark.report, _predictors(scores, benchmark), sets[scores.seed], scores.seed)
    training_curve = [
        {"seed": scores.seed, "step": step, **_tau(benchmark.report, sample, ~np.isnan(sample), scores.seed)}
        for scores in supernets
        for step, sample in scores.sample_by_step.items()
    ]
    shrinking = pl.DataFrame(list(_shrinking(benchmark, supernets, runs, report)))
    tau_table = pl.DataFrame(tau, infer_schema_length=None)
    report("noise ceiling", 0)
    return SupernetStudyResult(
        tau=tau_table,
        means=_means(tau_table),
        comparisons=_comparisons(tau_table),
        ceilings=_ceilings(benchmark, sets[supernets[0].seed]),
        training_curve=pl.DataFrame(training_curve),
        shrinking=shrinking,
        shrinking_means=_shrinking_means(shrinking),
    )


def _predictors(scores: SupernetScores, benchmark: Benchmark) -> dict[str, Floats]:
    values = (
        scores.recalibrated,
        scores.without_recalibration,
        scores.fine_tuned,
        scores.continued,
        scores.weight_angle,
        benchmark.selection,
    )
    return dict(zip(PREDICTORS, values, strict=True))


def _sets(
    benchmark: Benchmark,
    scores: SupernetScores,
    shrunk_by_table: NDArray[np.bool_],
    settings: SupernetStudySettings,
) -> dict[str, NDArray[np.bool_]]:
    """Return the members of each set as a mask of shape (15,625,)."""
    has_score = ~np.isnan(benchmark.report)
    best, sample = is_top(benchmark.report, _TOP_SHARE), _mask(settings.sample_index, benchmark)
    masks = (has_score, sample, shrunk_by_table, _mask(scores.shrunk_index, benchmark), best, best & sample)
    return {name: has_score & cells for name, cells in zip(SETS, masks, strict=True)}


def _mask(index: Indices, benchmark: Benchmark) -> NDArray[np.bool_]:
    mask = np.zeros(benchmark.space.size, dtype=np.bool_)
    mask[index] = True
    return mask


def _taus(
    truth: Floats, predictors: dict[str, Floats], sets: dict[str, NDArray[np.bool_]], seed: int
) -> Iterator[dict[str, object]]:
    """Yield tau of each predictor on each set of which it scores all cells."""
    for predictor, scores in predictors.items():
        all_cells = sets[FULL]
        noisy: list[Floats] = []
        if not np.isnan(scores[all_cells]).any():
            tau = float(kendalltau(truth[all_cells], scores[all_cells]).statistic)
            rng = np.random.default_rng([seed, RankingStream.CONSTANT_NOISE])
            noisy = [np.sign(tau) * degrade(truth, abs(tau), rng) for _ in range(_NOISE_DRAWS)]
        for name, cells in sets.items():
            if np.isnan(scores[cells]).any() or cells.sum() < _MIN_CELLS:
                continue
            references = [float(kendalltau(truth[cells], each[cells]).statistic) for each in noisy]
            yield {
                "seed": seed,
                "predictor": predictor,
                "set": name,
                **_tau(truth, scores, cells, seed),
                "reference": float(np.mean(references)) if references else None,
            }


def _tau(truth: Floats, scores: Floats, cells: NDArray[np.bool_], seed: int) -> dict[str, float]:
    """Return Kendall's tau-b with its interval on the cells that have a true score."""
    rng = np.random.default_rng([seed, RankingStream.BOOTSTRAP])
    estimate = kendall_tau(truth[cells], scores[cells], rng, _BOOTSTRAP_DRAWS)
    return {"networks": int((cells & ~np.isnan(truth)).sum())} | _interval(estimate)


def _interval(estimate: Estimate) -> dict[str, float]:
    return {name: float(getattr(estimate, name)) for name in ("value", "low", "high")}


def _means(tau: pl.DataFrame) -> pl.DataFrame:
    """Average over supernets; a single supernet keeps its interval over cells."""
    rows = []
    for (predictor, name), group in tau.group_by(["predictor", "set"], maintain_order=True):
        first = group.row(0, named=True)
        estimate = {column: first[column] for column in ("value", "low", "high")}
        if group.height > 1 and predictor != TRAINED_ALONE:
            estimate = _interval(mean_over_runs(group["value"].to_numpy()))
        rows.append(
            {"predictor": predictor, "set": name, "supernets": group.height, **estimate}
            | {"networks": group["networks"].mean(), "reference": group["reference"].mean()}
        )
    return pl.DataFrame(rows, infer_schema_length=None)


def _comparisons(tau: pl.DataFrame) -> pl.DataFrame:
    """Return the paired difference of tau between two predictors, on each set of which both score all cells."""
    rows = []
    for predictor, baseline in COMPARISONS:
        for name in SETS:
            values, baseline_values = (
                tau.filter((pl.col("predictor") == each) & (pl.col("set") == name)).sort("seed")["value"].to_numpy()
                for each in (predictor, baseline)
            )
            if len(values) == len(baseline_values) > 0:
                difference = _interval(paired_difference(values, baseline_values))
                row = {"set": name, "predictor": predictor, "baseline": baseline, "supernets": len(values)}
                rows.append(row | difference)
    return pl.DataFrame(rows)


def _ceilings(benchmark: Benchmark, sets: dict[str, NDArray[np.bool_]]) -> pl.DataFrame:
    """Return the noise ceiling of each set, from isomorphic cells; for the full space also from other seeds."""
    isomorphic = isomorphic_pairs(benchmark, np.random.default_rng(5))
    seeds = trainings_of(benchmark, np.random.default_rng(5))
    rows = []
    for name, cells in sets.items():
        row = {"set": name, "networks": int(cells.sum()), "ties": tied_share(benchmark.report[cells])}

        def choose(truth: Floats, name: str = name, cells: NDArray[np.bool_] = cells) -> NDArray[np.bool_]:
            if name in (TOP, TOP_OF_SAMPLE):
                best = is_top(truth, _TOP_SHARE)
                return best & sets[SAMPLE] if name == TOP_OF_SAMPLE else best
            return cells

        for source, trainings in (("isomorphic", isomorphic), ("seeds", seeds if name == FULL else None)):
            if trainings is not None:
                rng = np.random.default_rng(0)
                ceiling = noise_ceiling(trainings.runs, benchmark.report, trainings.counts, choose, rng)
                row |= {f"retrained_{source}": ceiling.retrained, f"perfect_{source}": ceiling.perfect}
        rows.append(row)
    return pl.DataFrame(rows, infer_schema_length=None)


def _shrinking(
    benchmark: Benchmark, supernets: Sequence[SupernetScores], runs: int, report: ProgressCallback
) -> Iterator[dict[str, object]]:
    """Shrink by each supernet and, with the same generators, by the table; measure by the reported scores."""
    total = len(supernets) * runs
    for number, scores in enumerate(supernets):
        for run in range(runs):
            report("shrinking", (number * runs + run) / total)
            for selected_by, values in ((BY_SUPERNET, scores.recalibrated), (BY_TABLE, benchmark.selection)):
                traces = _traces(TableEvaluator(benchmark.space, values), scores.seed, run)
                if selected_by == BY_SUPERNET:
                    rng = named_generator(ANGLE_METHOD, scores.seed, run)
                    angles = TableEvaluator(benchmark.space, scores.weight_angle)
                    traces[ANGLE_METHOD] = shrink(benchmark.space, angles, traces["angle"].shrinker, rng)
                for method, trace in traces.items():
                    shrunk = quality(trace.subspace, benchmark.report)
                    yield {
                        "method": method,
                        "selected_by": selected_by,
                        "seed": scores.seed,
                        "run": run,
                        "size_ratio": shrunk.size_ratio,
                        "evaluations": trace.evaluations.count,
                    } | {name: getattr(shrunk, name) for name in SUBSPACE_METRICS if name != "evaluations"}


def _traces(evaluator: TableEvaluator, seed: int, run: int) -> dict[str, Trace]:
    """Shrink with each method; LISSNAS sets the size that the others keep, and how many cells ABS scores."""

    def run_with(method: str, shrinker: Shrinker) -> Trace:
        return shrink(cell201(), evaluator, shrinker, named_generator(method, seed, run))

    lissnas = run_with("lissnas", Lissnas())
    size = lissnas.subspace.size
    return {
        "lissnas": lissnas,
        "kernel": run_with("kernel", KernelShrinkage(size=size)),
        "angle": run_with("angle", AngleBasedShrinkage(evaluations=lissnas.evaluations.count, size=size)),
    }


def _shrinking_means(shrinking: pl.DataFrame) -> pl.DataFrame:
    rows = []
    metrics = [*SUBSPACE_METRICS, "size_ratio"]
    for (method, selected_by), group in shrinking.group_by(["method", "selected_by"], maintain_order=True):
        of_supernets = group.group_by("seed", maintain_order=True).agg(pl.col(metrics).mean())
        for metric in metrics:
            values = (of_supernets if of_supernets.height > 1 else group)[metric].to_numpy().astype(np.float64)
            estimate = _interval(mean_over_runs(values))
            if metric in _METRIC_MAXIMUM:
                estimate |= {"low": max(estimate["low"], 0), "high": min(estimate["high"], _METRIC_MAXIMUM[metric])}
            row = {"method": method, "selected_by": selected_by, "statistic": metric, "observations": len(values)}
            rows.append(row | estimate)
    return pl.DataFrame(rows)
