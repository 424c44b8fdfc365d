"""Can a supernet's ranking be trusted? Supernets of all cells held against the table of the same cells trained alone.

What is compared, and how, is our own choice. All supernets are measured on the same sets; what a later training changed
is measured on the very cells of before.
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

from lissnas_analyses.ranking.evaluation_sets import WHOLE
from lissnas_analyses.ranking.trainings import isomorphic_pairs, trainings_of
from lissnas_analyses.supernet.scores import SupernetScores, SupernetStudySettings, shrunk_by_lissnas

SAMPLE, TOP, TOP_OF_SAMPLE = "sample of the whole space", "true top 20 %", "true top 20 % of the sample"
OWN, TABLES = "shrunk by the supernet", "shrunk by the table"
SETS = (WHOLE, SAMPLE, TABLES, OWN, TOP, TOP_OF_SAMPLE)
"""On what tau is measured. What a supernet shrinks to is its own set; the others are the same for all."""

RECALIBRATED, AS_TRAINED, ANGLE = "supernet", "without recalibration", "weight angle"
FINE_TUNED, WENT_ON, ALONE = "after fine-tuning", "after as much more training", "validation, trained alone"
PREDICTORS = (RECALIBRATED, AS_TRAINED, FINE_TUNED, WENT_ON, ANGLE, ALONE)
"""What ranks the cells; the last is the selecting column of the table itself."""

BY_ANGLE = "angle (of weights)"
"""ABS by the angle between initial and trained weights, as its authors do; `angle` is the same method by accuracies."""

BY_SUPERNET, BY_TABLE = "supernet", "table"
"""Whose scores a method shrinks by."""

KEPT = ("recall_1", "recall_5", "mean", "size", "evaluations")
"""What is said of a shrunk space."""

CHANGES = ((RECALIBRATED, AS_TRAINED), (FINE_TUNED, RECALIBRATED), (WENT_ON, RECALIBRATED), (FINE_TUNED, WENT_ON))
"""Which differences of tau are asked for: the one less the other."""

_MOST = {"recall_1": 1, "recall_5": 1, "mean": 100}
"""Beyond these and 0 no interval reaches."""

_SHARE = 0.2
"""What counts as the true top."""

_FEWEST = 20
"""Fewer cells are no set to measure tau on."""

_DRAWS = 300
"""Of the bootstrap over networks."""

_REFERENCES = 5
"""Draws of constant noise."""


@dataclass(frozen=True)
class SupernetStudyResult:
    """The numbers behind the figures.

    Attributes
    ----------
    tau
        A row a supernet, predictor and set: networks, value, low, high (a bootstrap over networks), and what constant
        noise would give there that has the predictor's tau on the whole space, if that was measured.
    means
        The same over supernets, with Student's interval; over networks where there is one alone.
    changes
        A row a set and change: the mean over supernets of the difference of tau, on the same cells.
    ceilings
        A row a set: networks, share of tied pairs, and how one training ranks another, by twins and by seeds, and the
        most that a perfect predictor would reach.
    along
        A row a supernet and step: tau on the sample.
    shrinking
        A row a method, who selects, supernet and run: what was kept.
    shrinking_means
        A row a method, who selects and figure: mean over supernets of the mean over runs, with Student's interval.
    """

    tau: pl.DataFrame
    means: pl.DataFrame
    changes: pl.DataFrame
    ceilings: pl.DataFrame
    along: pl.DataFrame
    shrinking: pl.DataFrame
    shrinking_means: pl.DataFrame


def judge(
    benchmark: Benchmark,
    scored: Sequence[SupernetScores],
    settings: SupernetStudySettings,
    runs: int,
    report: ProgressCallback,
) -> SupernetStudyResult:
    """Hold the scores of supernets against a study's table."""
    by_table = _inside(shrunk_by_lissnas(benchmark.selection, 0).index, benchmark)
    sets = {one.seed: _sets(benchmark, one, by_table, settings) for one in scored}
    tau: list[dict[str, object]] = []
    for number, one in enumerate(scored):
        report("rank correlation", number / len(scored))
        tau += _taus(benchmark.report, _predictors(one, benchmark), sets[one.seed], one.seed)
    along = [
        {"seed": one.seed, "step": step, **_tau(benchmark.report, scores, ~np.isnan(scores), one.seed)}
        for one in scored
        for step, scores in one.along.items()
    ]
    shrinking = pl.DataFrame(list(_shrinking(benchmark, scored, runs, report)))
    frame = pl.DataFrame(tau, infer_schema_length=None)
    report("noise ceiling", 0)
    return SupernetStudyResult(
        tau=frame,
        means=_means(frame),
        changes=_changes(frame),
        ceilings=_ceilings(benchmark, sets[scored[0].seed]),
        along=pl.DataFrame(along),
        shrinking=shrinking,
        shrinking_means=_shrinking_means(shrinking),
    )


def _predictors(one: SupernetScores, benchmark: Benchmark) -> dict[str, Floats]:
    values = (one.recalibrated, one.as_trained, one.fine_tuned, one.went_on, one.angle, benchmark.selection)
    return dict(zip(PREDICTORS, values, strict=True))


def _sets(
    benchmark: Benchmark, one: SupernetScores, by_table: NDArray[np.bool_], settings: SupernetStudySettings
) -> dict[str, NDArray[np.bool_]]:
    """Mark the cells of each set, shape (15,625,) each."""
    there = ~np.isnan(benchmark.report)
    best, sampled = is_top(benchmark.report, _SHARE), _inside(settings.sampled, benchmark)
    marked = (there, sampled, by_table, _inside(one.shrunk, benchmark), best, best & sampled)
    return {name: there & cells for name, cells in zip(SETS, marked, strict=True)}


def _inside(index: Indices, benchmark: Benchmark) -> NDArray[np.bool_]:
    inside = np.zeros(benchmark.space.size, dtype=np.bool_)
    inside[index] = True
    return inside


def _taus(
    truth: Floats, predictors: dict[str, Floats], sets: dict[str, NDArray[np.bool_]], seed: int
) -> Iterator[dict[str, object]]:
    """Yield tau of each predictor on each set of which it scored all cells."""
    for predictor, scores in predictors.items():
        whole = sets[WHOLE]
        noisy: list[Floats] = []
        if not np.isnan(scores[whole]).any():
            level = float(kendalltau(truth[whole], scores[whole]).statistic)
            rng = np.random.default_rng([seed, RankingStream.CONSTANT_NOISE])
            noisy = [np.sign(level) * degrade(truth, abs(level), rng) for _ in range(_REFERENCES)]
        for name, cells in sets.items():
            if np.isnan(scores[cells]).any() or cells.sum() < _FEWEST:
                continue
            constant = [float(kendalltau(truth[cells], reference[cells]).statistic) for reference in noisy]
            yield {
                "seed": seed,
                "predictor": predictor,
                "set": name,
                **_tau(truth, scores, cells, seed),
                "reference": float(np.mean(constant)) if constant else None,
            }


def _tau(truth: Floats, scores: Floats, cells: NDArray[np.bool_], seed: int) -> dict[str, float]:
    """Return Kendall's tau-b on some cells, those without a true score left out, with its interval."""
    found = kendall_tau(truth[cells], scores[cells], np.random.default_rng([seed, RankingStream.BOOTSTRAP]), _DRAWS)
    return {"networks": int((cells & ~np.isnan(truth)).sum())} | _numbers(found)


def _numbers(estimate: Estimate) -> dict[str, float]:
    return {name: float(getattr(estimate, name)) for name in ("value", "low", "high")}


def _means(tau: pl.DataFrame) -> pl.DataFrame:
    """Average over supernets; the interval of a single one is that of its cells."""
    rows = []
    for (predictor, name), group in tau.group_by(["predictor", "set"], maintain_order=True):
        first = group.row(0, named=True)
        found = {column: first[column] for column in ("value", "low", "high")}
        if group.height > 1 and predictor != ALONE:
            found = _numbers(mean_over_runs(group["value"].to_numpy()))
        rows.append(
            {"predictor": predictor, "set": name, "supernets": group.height, **found}
            | {"networks": group["networks"].mean(), "reference": group["reference"].mean()}
        )
    return pl.DataFrame(rows, infer_schema_length=None)


def _changes(tau: pl.DataFrame) -> pl.DataFrame:
    """Return by how much tau differs between two predictors, supernet by supernet, on each set that both scored."""
    rows = []
    for later, before in CHANGES:
        for name in SETS:
            pair = [
                tau.filter((pl.col("predictor") == predictor) & (pl.col("set") == name))
                .sort("seed")["value"]
                .to_numpy()
                for predictor in (later, before)
            ]
            if len(pair[0]) == len(pair[1]) > 0:
                change = _numbers(paired_difference(*pair))
                rows.append({"set": name, "predictor": later, "against": before, "supernets": len(pair[0]), **change})
    return pl.DataFrame(rows)


def _ceilings(benchmark: Benchmark, sets: dict[str, NDArray[np.bool_]]) -> pl.DataFrame:
    """Return the noise ceiling of each set, from cells that compute the same, and on the whole from other seeds too."""
    twins, seeds = (
        isomorphic_pairs(benchmark, np.random.default_rng(5)),
        trainings_of(benchmark, np.random.default_rng(5)),
    )
    rows = []
    for name, cells in sets.items():
        found = {"set": name, "networks": int(cells.sum()), "ties": tied_share(benchmark.report[cells])}

        def choose(truth: Floats, name: str = name, cells: NDArray[np.bool_] = cells) -> NDArray[np.bool_]:
            if name in (TOP, TOP_OF_SAMPLE):
                inside = is_top(truth, _SHARE)
                return inside & sets[SAMPLE] if name == TOP_OF_SAMPLE else inside
            return cells

        for by, trainings in (("twins", twins), ("seeds", seeds if name == WHOLE else None)):
            if trainings is not None:
                rng = np.random.default_rng(0)
                ceiling = noise_ceiling(trainings.runs, benchmark.report, trainings.counts, choose, rng)
                found |= {f"retrained_{by}": ceiling.retrained, f"perfect_{by}": ceiling.perfect}
        rows.append(found)
    return pl.DataFrame(rows, infer_schema_length=None)


def _shrinking(
    benchmark: Benchmark, scored: Sequence[SupernetScores], runs: int, report: ProgressCallback
) -> Iterator[dict[str, object]]:
    """Shrink by each supernet and, with the same generators, by the table; judge by the reported scores."""
    steps = len(scored) * runs
    for number, one in enumerate(scored):
        for run in range(runs):
            report("shrinking", (number * runs + run) / steps)
            for who, scores in ((BY_SUPERNET, one.recalibrated), (BY_TABLE, benchmark.selection)):
                found = _traces(TableEvaluator(benchmark.space, scores), one.seed, run)
                if who == BY_SUPERNET:
                    rng = named_generator(BY_ANGLE, one.seed, run)
                    by_angle = TableEvaluator(benchmark.space, one.angle)
                    found[BY_ANGLE] = shrink(benchmark.space, by_angle, found["angle"].shrinker, rng)
                for method, trace in found.items():
                    kept = quality(trace.subspace, benchmark.report)
                    yield {
                        "method": method,
                        "selected_by": who,
                        "seed": one.seed,
                        "run": run,
                        "size_ratio": kept.size_ratio,
                        "evaluations": trace.evaluations.count,
                    } | {name: getattr(kept, name) for name in KEPT if name != "evaluations"}


def _traces(evaluator: TableEvaluator, seed: int, run: int) -> dict[str, Trace]:
    """Shrink with each method: LISSNAS decides how much the others keep, and how much ABS scores."""

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
    for (method, who), group in shrinking.group_by(["method", "selected_by"], maintain_order=True):
        figures = [*KEPT, "size_ratio"]
        of_seeds = group.group_by("seed", maintain_order=True).agg(pl.col(figures).mean())
        for figure in figures:
            values = (of_seeds if of_seeds.height > 1 else group)[figure].to_numpy().astype(np.float64)
            found = _numbers(mean_over_runs(values))
            if figure in _MOST:
                found |= {"low": max(found["low"], 0), "high": min(found["high"], _MOST[figure])}
            rows.append({"method": method, "selected_by": who, "figure": figure, "over": len(values), **found})
    return pl.DataFrame(rows)
