"""Methods compared run by run: the results of each method against those of another method in the same run."""

import numpy as np
import polars as pl
from lissnas.statistics.repeated_runs import paired_difference


def paired(runs: pl.DataFrame, names: tuple[str, ...]) -> pl.DataFrame:
    """Return a row a method and figure: by how much its results exceed those of the first method in the same run.

    Parameters
    ----------
    runs
        A row a method, run and round, with a column for each figure; the last round is the result.
    names
        The names of the figures.

    Returns
    -------
    Columns method, reference, figure, difference, low, high (Student's 95 % interval), higher (the share of runs in
    which the method has the higher figure) and runs. No rows for a single method.
    """
    last = runs.sort("round").group_by("method", "run", maintain_order=True).last()
    reference, *others = runs["method"].unique(maintain_order=True).to_list()
    final = {method: last.filter(pl.col("method") == method).sort("run") for method in (reference, *others)}
    rows: list[dict[str, object]] = []
    for method in others:
        for name in names:
            first, second = (final[each][name].to_numpy().astype(np.float64) for each in (method, reference))
            estimate = paired_difference(first, second)
            rows.append(
                {"method": method, "reference": reference, "statistic": name, "difference": float(estimate.value)}
                | {"low": float(estimate.low), "high": float(estimate.high)}
                | {"higher": float((first > second).mean()), "runs": len(first)}
            )
    texts = dict.fromkeys(("method", "reference", "statistic"), pl.String())
    numbers = dict.fromkeys(("difference", "low", "high", "higher"), pl.Float64())
    return pl.DataFrame(rows, schema={**texts, **numbers, "runs": pl.Int64()})
