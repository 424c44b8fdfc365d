"""Summaries of the rows of an ablation: means, the influence of every two settings, and mean ranks."""

from itertools import combinations
from typing import Any

import numpy as np
import polars as pl
from lissnas.spaces.space import Floats
from lissnas.statistics.repeated_runs import estimate_of_mean, mean_over_runs, mean_ranks

from lissnas_analyses.grid.failed_runs import FAILED
from lissnas_analyses.grid.row_store import SETTING_PREFIX

POINT_COLUMNS: dict[str, pl.DataType] = {"method": pl.String(), "epochs": pl.Int64(), "noise_tau": pl.Float64()}
"""The columns that tell grid points apart, besides those of the settings."""

CONDITIONS = ("epochs", "noise_tau")
"""The columns that say how good the scores are that every method sees."""

_NO_SECOND = {"second": "", "second_value": ""}

_SENSITIVE = 4
"""Number of settings of a method, those with the most values, of which every two are combined."""

_SHARES = ("recall_1", "recall_5", "size_ratio")
"""The statistics that are between 0 and 1; their intervals end there."""


def point_columns(rows: pl.DataFrame) -> list[str]:
    """Return the columns that tell one grid point from another."""
    return [*POINT_COLUMNS, *(name for name in rows.columns if name.startswith(SETTING_PREFIX))]


def varied_columns(rows: pl.DataFrame, *, settings_only: bool = False) -> list[str]:
    """Return the settings, and unless `settings_only` the conditions, that have more than one value."""
    names = [name for name in rows.columns if name.startswith(SETTING_PREFIX)]
    if not settings_only:
        names = [*(name for name in rows.columns if name in CONDITIONS), *names]
    return [name for name in names if rows[name].n_unique() > 1]


def column_label(name: str) -> str:
    """Return the name of a column as words."""
    return name.removeprefix(SETTING_PREFIX).replace("_", " ")


def value_label(value: Any) -> str:
    """Return the value of a setting as text."""
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def mean_statistics(rows: pl.DataFrame) -> pl.DataFrame:
    """Return one row per grid point and statistic: its mean over the runs, the interval of the mean, and the failures.

    Columns mean, low, high, runs, and failed: the number of runs that kept the full space.
    """
    point = point_columns(rows)
    statistics = [name for name in rows.columns if name not in (*point, "seed", "run")]
    long = rows.with_columns(pl.col(statistics).cast(pl.Float64)).unpivot(
        statistics, index=point, variable_name="statistic"
    )
    value = pl.col("value")
    means = long.group_by([*point, "statistic"], maintain_order=True).agg(
        mean=value.mean(),
        spread=pl.when(value.max() > value.min()).then(value.std()).when(pl.len() > 1).then(0.0),
        skewness=value.skew(bias=False),
        runs=pl.len(),
    )
    moments = (means[name].cast(pl.Float64).to_numpy() for name in ("mean", "spread", "skewness", "runs"))
    mean, spread, skewness, runs = moments
    estimate = estimate_of_mean(mean, spread, np.nan_to_num(skewness), runs)
    share = pl.col("statistic").is_in(_SHARES)
    return (
        means.drop("spread", "skewness")
        .with_columns(low=pl.Series(estimate.low), high=pl.Series(estimate.high))
        .with_columns(
            low=pl.when(share).then(pl.col("low").clip(lower_bound=0)).otherwise("low"),
            high=pl.when(share).then(pl.col("high").clip(upper_bound=1)).otherwise("high"),
        )
        .join(rows.group_by(point).agg(failed=FAILED.sum()), on=point, nulls_equal=True, maintain_order="left")
    )


def sensitivity(rows: pl.DataFrame) -> pl.DataFrame:
    """Return how recall depends on every two settings of a method; noise and epochs count as settings.

    One row per method and two values: the recall of the top 1 %, averaged over everything else that varies, its mean
    over the runs and the 95 % interval. If only one setting of a method varies, the second one is empty.
    """
    averages: list[dict[str, Any]] = []
    for method in rows["method"].unique(maintain_order=True):
        of_method = rows.filter(pl.col("method") == method)
        varied = sorted(varied_columns(of_method), key=lambda name: -of_method[name].n_unique())[:_SENSITIVE]
        pairs: list[tuple[str, ...]] = [*combinations(varied, 2)]
        for pair in pairs or [(name,) for name in varied]:
            for values, group in of_method.group_by(pair, maintain_order=True):
                by_run = group.group_by("run", maintain_order=True).agg(pl.col("recall_1").mean())["recall_1"]
                recall = mean_over_runs(by_run.to_numpy())
                settings = {"first": pair[0], "first_value": value_label(values[0])}
                settings |= (
                    {"second": pair[1], "second_value": value_label(values[1])} if len(pair) == 2 else _NO_SECOND
                )
                mean, low, high = (float(value) for value in (recall.value, recall.low, recall.high))
                averages.append({"method": method} | settings | {"recall_1": mean, "low": low, "high": high})
    return pl.DataFrame(averages, infer_schema_length=None)


def mean_ranks_by_recall(rows: pl.DataFrame, runs: int) -> pl.DataFrame:
    """Return the mean rank of each method and of each configuration by recall of the top 1 %, with its interval.

    A configuration is a method with its settings. The recall of a method in a run is the mean over its configurations.
    Columns kind ("method" or "configuration"), name, mean_rank, low, high.
    """
    settings = [name for name in point_columns(rows) if name not in CONDITIONS]
    by_configuration = rows.with_columns(name=_configurations(rows, settings))
    by_method = rows.group_by(["method", *CONDITIONS, "run"]).agg(pl.col("recall_1").mean())
    frames = []
    for kind, frame in (("method", by_method.rename({"method": "name"})), ("configuration", by_configuration)):
        frame = frame.sort("run", *CONDITIONS, "name", nulls_last=True)
        names = frame["name"].unique().sort()
        if len(names) < 2:
            continue
        recalls: Floats = frame["recall_1"].to_numpy().reshape(runs, -1, len(names))
        ranks = mean_ranks(recalls)
        columns = {"mean_rank": ranks.value, "low": ranks.low, "high": ranks.high}
        frames.append(pl.DataFrame({"kind": [kind] * len(names), "name": names} | columns).sort("mean_rank", "name"))
    return pl.concat(frames) if frames else pl.DataFrame()


def _configurations(rows: pl.DataFrame, settings: list[str]) -> pl.Series:
    """Return the name of the configuration of each row: its method, and the settings that vary for that method."""
    distinct = rows.select(settings).unique(maintain_order=True)
    varied = {
        method: varied_columns(part, settings_only=True)
        for (method,), part in distinct.group_by(["method"], maintain_order=True)
    }
    names = [
        ", ".join(
            [row["method"], *(f"{column_label(name)} {value_label(row[name])}" for name in varied[row["method"]])]
        )
        for row in distinct.iter_rows(named=True)
    ]
    return rows.join(
        distinct.with_columns(name=pl.Series(names)), on=settings, nulls_equal=True, maintain_order="left"
    )["name"]
