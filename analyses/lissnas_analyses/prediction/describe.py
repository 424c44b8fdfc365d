"""Describe predictors: the tables and the figure in their folder of results, and the findings in sentences."""

from collections.abc import Iterator
from dataclasses import asdict

import polars as pl

from lissnas_analyses import style
from lissnas_analyses.prediction.draw import draw_predictors
from lissnas_analyses.prediction.measure import BEST, PredictorsResult
from lissnas_analyses.results.folder import Results

ROWS = "predictor_rows.parquet"
"""File of the stored rows in the folder of results: a later call with more runs or predictors continues it."""

INTERVALS = "95 % interval of the mean over random training sets"
"""What the brackets in the sentences are."""

_PUBLISHED = {"predictor": pl.String, "train": pl.Int64, "tau": pl.Float64, "source": pl.String}


def add_predictors(result: PredictorsResult, results: Results) -> None:
    """Add the tables and the figure of predictors to `results`."""
    results.add_table("predictors", result.means)
    results.add_table("predictors_runs", result.runs)
    results.add_table("predictors_left_out", result.left_out)
    results.add_table("predictors_published", pl.DataFrame(map(asdict, result.published), schema=_PUBLISHED))
    with style.house_style():
        results.add_figure("predictors", draw_predictors(result))


def predictor_sentences(result: PredictorsResult) -> tuple[str, ...]:
    """Return how well each predictor ranks, next to published figures, in sentences."""
    return (
        f"trained on {result.benchmark.selects.describe()} of random networks, judged on all other of the "
        f"{result.networks:,} networks",
        *(sentence for train in result.train for sentence in _of_size(result, train)),
        *(
            f"{row['predictor']} is left out at {row['train']:,} networks: {row['reason']}"
            for row in result.left_out.iter_rows(named=True)
        ),
    )


def _of_size(result: PredictorsResult, train: int) -> Iterator[str]:
    rows = result.means.filter(pl.col("train") == train)
    for (predictor,), group in rows.group_by("predictor", maintain_order=True):
        measured = {row["measure"]: row for row in group.iter_rows(named=True)}
        yield (
            f"{train:,} networks, {predictor}: tau {_interval(measured['tau'])}, weighted "
            f"{measured['weighted_tau']['value']:.3f}, precision at the top {100 * result.share:g} % "
            f"{_interval(measured['precision'])}, best true rank of the predicted {BEST} "
            f"{measured['best_rank']['value']:.1f}{_difference(result, measured['tau'])}"
        )
    by_source: dict[str, list[str]] = {}
    for figure in result.published:
        if figure.train == train:
            by_source.setdefault(figure.source, []).append(f"{figure.predictor} {figure.tau:.3f}")
    for source, taus in by_source.items():
        yield f"{train:,} networks, published tau: {', '.join(taus)} ({source}; its test set includes the training set)"


def _interval(row: dict[str, float]) -> str:
    return f"{row['value']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"


def _difference(result: PredictorsResult, tau: dict[str, float]) -> str:
    if tau["difference"] is None:
        return ""
    low, high = tau["difference_low"], tau["difference_high"]
    verdict = "higher" if low > 0 else "lower" if high < 0 else "no significant difference"
    return f"; tau minus that of {result.predictors[0]}: {tau['difference']:+.3f} [{low:+.3f}, {high:+.3f}], {verdict}"
