"""Measure predictors: fit each to n random networks, and judge its ranking of all others.

A predictor learns from the scores that select, for example validation accuracies, and is judged by those that report.
In each run the random networks are the same for every predictor, and a smaller training set is part of a larger one.
The judged networks are all that the run did not draw for this training set.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from lissnas.errors import LissnasError, SettingError
from lissnas.predictors.predictor import Prediction, Predictor, predictor_class
from lissnas.spaces.space import Floats, Indices, Rows, Space
from lissnas.statistics.rank_correlation import rank_agreement
from lissnas.statistics.repeated_runs import mean_over_runs, paired_difference
from lissnas.storage.random_streams import named_generator
from lissnas_benchmarks.benchmark import Benchmark

from lissnas_analyses.grid.benchmark_key import BenchmarkKey
from lissnas_analyses.grid.run_grid import Row, run_grid
from lissnas_analyses.grid.workers import THIS_PROCESS, Workers
from lissnas_analyses.prediction.published import PublishedTau, published_taus

MEASURES = {"tau": (-1.0, 1.0), "weighted_tau": (-1.0, 1.0), "precision": (0.0, 1.0), "best_rank": (1.0, np.inf)}
"""The measures, each with its smallest and largest possible value."""

TRAIN = (78, 156)
"""Numbers of training networks by default: 0.5 % and 1 % of NAS-Bench-201, as in the papers on predictors."""

RUNS = 20
"""Number of random training sets by default."""

SHARE = 0.01
"""Top share for the precision by default."""

BEST = 10
"""Number of predicted best networks whose best true rank is reported."""

_MIN_JUDGED = 20
"""Minimum number of networks to judge a predictor on (our own choice)."""

Fit = Callable[[Space, Rows, Floats, np.random.Generator], Prediction]
"""What a predictor does: the method `fit` of `Predictor`, or a function with the same arguments."""


@dataclass(frozen=True)
class PredictorsResult:
    """The numbers behind the figure of predictors.

    Attributes
    ----------
    benchmark
        What was predicted.
    predictors, train
        The names of the predictors, and the numbers of training networks.
    share, seed
        Top share for the precision, and the seed.
    networks
        Number of networks with a score that selects and a score that reports.
    runs
        One row per predictor, number of training networks and run: the four measures.
    means
        One row per predictor, number of training networks and measure: the mean over the runs with its 95 % interval,
        and the same of the paired difference to the first predictor, null for the first one.
    left_out
        One row per predictor and number of training networks that failed in a run: the reason.
    published
        The published figures for these networks and training sizes.
    """

    benchmark: Benchmark
    predictors: tuple[str, ...]
    train: tuple[int, ...]
    share: float
    seed: int
    networks: int
    runs: pl.DataFrame
    means: pl.DataFrame
    left_out: pl.DataFrame
    published: tuple[PublishedTau, ...]


@dataclass(frozen=True)
class _FitPoint:
    """One predictor with a number of training networks; `fit` is None for a predictor that the register has."""

    predictor: str
    fit: Fit | None
    train: int
    share: float

    @property
    def columns(self) -> dict[str, Any]:
        return {"predictor": self.predictor, "train": self.train, "share": self.share}


_POINT_COLUMNS: dict[str, pl.DataType] = {"predictor": pl.String(), "train": pl.Int64(), "share": pl.Float64()}


def measure_predictors(
    benchmark: Benchmark,
    predictors: Mapping[str, Fit | None],
    train: Sequence[int] = TRAIN,
    runs: int = RUNS,
    seed: int = 0,
    *,
    share: float = SHARE,
    path: Path | None = None,
    workers: Workers = THIS_PROCESS,
    report: Callable[[float], None] = lambda share: None,
) -> PredictorsResult:
    """Fit every predictor to `runs` random training sets of each size, and judge its ranking of all other networks.

    Parameters
    ----------
    benchmark
        What is predicted.
    predictors
        The predictors by their names, as `named_fits` returns them.
    train
        Numbers of training networks.
    runs, seed
        Number of random training sets, and the seed of their draws.
    share
        Top share for the precision.
    path
        The Parquet file of rows; None for no file. Runs that it has are not computed again. If this call is
        interrupted, it keeps the finished runs.
    workers
        What computes.
    report
        Progress callback: it gets the share of the missing runs that are done.

    Raises
    ------
    SettingError
        If a setting is impossible, or every predictor fails. A predictor that fails in a run is left out at that number
        of training networks, with the reason.
    LissnasError
        If the file has rows of other data.
    """
    if not predictors or not train or runs < 1:
        raise SettingError(f"at least one predictor, training size and run is needed, not {len(predictors)}, {runs}")
    networks = len(_with_both_scores(benchmark))
    for count in train:
        if not 1 <= count <= networks - _MIN_JUDGED:
            raise SettingError(
                f"cannot train on {count:,} of the {networks:,} networks that have scores in {benchmark.name}: train "
                f"on 1 to {max(networks - _MIN_JUDGED, 1):,}, so that {_MIN_JUDGED} are left to judge"
            )
    key = BenchmarkKey.of(benchmark)
    sizes = tuple(sorted(set(train)))
    points = [_FitPoint(name, fit, count, share) for name, fit in predictors.items() for count in sizes]
    rows = run_grid(
        predictor_rows, benchmark, points, runs, seed, _POINT_COLUMNS, path=path, workers=workers, report=report
    ).rows
    left_out = [
        {"predictor": point.predictor, "train": point.train, "reason": reason}
        for point in points
        if (reason := _failure(key, seed, point, _missing_run(rows, point, runs)))
    ]
    measured = _measured(rows, points, left_out)
    if measured.is_empty():
        raise SettingError(f"no predictor could be measured: {_first_reasons(left_out)}")
    return PredictorsResult(
        benchmark=benchmark,
        predictors=tuple(predictors),
        train=sizes,
        share=share,
        seed=seed,
        networks=networks,
        runs=measured,
        means=_means(measured, points),
        left_out=pl.DataFrame(left_out, schema={"predictor": pl.String, "train": pl.Int64, "reason": pl.String}),
        published=published_taus(benchmark, sizes),
    )


def named_fits(predictors: Sequence[str | Predictor | Fit]) -> dict[str, Fit | None]:
    """Return predictors by their names: names of the register with None, everything else with what it does.

    A function is called by its name, a `Predictor` by the name of its class. Raises UnknownNameError for an unknown
    name, and SettingError if two have the same name or one is neither a predictor nor a function.
    """
    named: dict[str, Fit | None] = {}
    for predictor in predictors:
        name, fit = _named_fit(predictor)
        if name in named and not (fit is None and named[name] is None):
            raise SettingError(f"two predictors are called '{name}': pass functions with different names")
        named[name] = fit
    return named


def _named_fit(predictor: str | Predictor | Fit) -> tuple[str, Fit | None]:
    if isinstance(predictor, str):
        predictor_class(predictor)
        return predictor, None
    if not isinstance(predictor, type) and callable(fit := getattr(predictor, "fit", None)):
        return type(predictor).__name__, fit
    if inspect.isclass(predictor) or not callable(predictor):
        raise SettingError(
            f"{predictor!r} is not a predictor: pass a name, an object with a method 'fit', or a function of a space, "
            "rows, scores and a random generator that returns a function of rows"
        )
    return getattr(predictor, "__name__", type(predictor).__name__), predictor


def predictor_rows(key: BenchmarkKey, seed: int, chunk: Sequence[tuple[_FitPoint, int]]) -> list[Row]:
    """Return a row of measures for each run that does not fail: the task of a worker."""
    rows = []
    for point, run in chunk:
        try:
            measures = _measure_run(key.open(), seed, point, run)
        except Exception:  # whatever a third-party model raises; `_failure` repeats the run for the reason
            continue
        rows.append(point.columns | {"seed": seed, "run": run} | measures)
    return rows


def _measure_run(benchmark: Benchmark, seed: int, point: _FitPoint, run: int) -> dict[str, float]:
    """Return the measures of one run; raises whatever the model raises, or SettingError for its predictions."""
    drawn = named_generator("training networks", seed, run).permutation(_with_both_scores(benchmark))
    training, judged = drawn[: point.train], np.sort(drawn[point.train :])
    rng = named_generator(f"predictor {point.predictor}", seed, run, point.train)
    fit = predictor_class(point.predictor)().fit if point.fit is None else point.fit
    space = benchmark.space
    predict = fit(space, space.rows(training), benchmark.selection[training], rng)
    predicted = _checked(predict(space.rows(judged)), len(judged))
    truth = benchmark.report[judged]
    agreement = rank_agreement(truth, predicted, rng, draws=0, share=point.share)
    values = {name: float(getattr(agreement, name).value) for name in MEASURES if name != "best_rank"}
    return values | {"best_rank": float(best_true_rank(truth, predicted, rng))}


def best_true_rank(truth: Floats, predicted: Floats, rng: np.random.Generator, count: int = BEST) -> int:
    """Return the best true rank among the `count` predicted best networks, where 1 is the best of all.

    Networks with equal predictions are drawn at random. Networks with equal true scores share the better rank.
    """
    chosen = np.lexsort((rng.random(len(predicted)), -predicted))[:count]
    return 1 + int(np.count_nonzero(truth > truth[chosen].max()))


def _checked(returned: Any, networks: int) -> Floats:
    try:
        predicted = np.asarray(returned, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise SettingError(f"it predicts {type(returned).__name__} instead of numbers: {error}") from error
    if predicted.shape != (networks,):
        raise SettingError(f"it predicts an array of shape {predicted.shape} for {networks:,} networks")
    if wrong := int(np.count_nonzero(~np.isfinite(predicted))):
        raise SettingError(f"it predicts NaN or infinity for {wrong:,} of {networks:,} networks")
    return predicted


def _with_both_scores(benchmark: Benchmark) -> Indices:
    return np.flatnonzero(~np.isnan(benchmark.selection) & ~np.isnan(benchmark.report))


def _missing_run(rows: pl.DataFrame, point: _FitPoint, runs: int) -> int | None:
    """Return the first run of a grid point that has no row; None if all have one."""
    done = set() if rows.is_empty() else set(_rows_of(rows, point)["run"])
    return next((run for run in range(runs) if run not in done), None)


def _rows_of(rows: pl.DataFrame, point: _FitPoint) -> pl.DataFrame:
    return rows.filter((pl.col("predictor") == point.predictor) & (pl.col("train") == point.train))


def _failure(key: BenchmarkKey, seed: int, point: _FitPoint, run: int | None) -> str:
    """Return why a run fails, by repeating it; "" if no run failed."""
    if run is None:
        return ""
    try:
        _measure_run(key.open(), seed, point, run)
    except LissnasError as error:
        return f"run {run}: {error}"
    except Exception as error:
        return f"run {run}: {type(error).__name__}: {error}"
    return f"run {run} failed once and not when it was repeated: the model is not deterministic"


def _first_reasons(left_out: Sequence[Mapping[str, Any]]) -> str:
    reasons: dict[str, str] = {}
    for row in left_out:
        reasons.setdefault(row["predictor"], row["reason"])
    return "; ".join(f"{predictor}, {reason}" for predictor, reason in reasons.items())


def _measured(rows: pl.DataFrame, points: Sequence[_FitPoint], left_out: Sequence[Row]) -> pl.DataFrame:
    """Return the rows of the predictors and sizes of which no run failed, in the order of the points."""
    failed = {(row["predictor"], row["train"]) for row in left_out}
    complete = [_rows_of(rows, point) for point in points if (point.predictor, point.train) not in failed]
    columns = ["predictor", "train", "run", *MEASURES]
    return pl.concat([frame.select(columns).sort("run") for frame in complete]) if complete else pl.DataFrame()


def _means(measured: pl.DataFrame, points: Sequence[_FitPoint]) -> pl.DataFrame:
    first = points[0].predictor
    differences = dict.fromkeys(("difference", "difference_low", "difference_high"), pl.Float64)
    rows = []
    for (predictor, train), group in measured.group_by("predictor", "train", maintain_order=True):
        reference = measured.filter((pl.col("predictor") == first) & (pl.col("train") == train))
        for name, (smallest, largest) in MEASURES.items():
            values = group[name].to_numpy()
            mean = mean_over_runs(values)
            row = {"predictor": predictor, "train": train, "measure": name, "runs": len(values)}
            row |= {
                "value": float(mean.value),
                "low": max(float(mean.low), smallest),
                "high": min(float(mean.high), largest),
            }
            row |= dict.fromkeys(differences)
            if predictor != first and not reference.is_empty():
                paired = paired_difference(values, reference[name].to_numpy())
                row |= {"difference": float(paired.value)}
                row |= {"difference_low": float(paired.low), "difference_high": float(paired.high)}
            rows.append(row)
    return pl.DataFrame(rows, schema_overrides=differences)
