"""Methods compared run by run: each run's results beside those of another method in the same run."""

from string import ascii_lowercase

import numpy as np
import polars as pl
from lissnas.statistics.repeated_runs import paired_difference
from lissnas_benchmarks.benchmark import Benchmark
from matplotlib.figure import Figure

from lissnas_analyses import style

_DRAWN = {
    "recall_1": "recall of the top 1 %",
    "mean": "mean",
    "best": "best kept",
    "best_of_10": "expected best of 10",
    "shrinkage_score": "shrinkage score",
    "diversity": "diversity",
}
"""Which figures are drawn, and how they are called."""


def paired(runs: pl.DataFrame, names: tuple[str, ...]) -> pl.DataFrame:
    """Return a row a method and figure: by how much its results exceed those of the first method, run by run.

    Parameters
    ----------
    runs
        A row a method, run and round, with a column for each figure; the last round is the result.
    names
        Of the figures.

    Returns
    -------
    Columns method, reference, figure, difference, low, high (Student's 95 % interval), higher (the share of runs in
    which the method's is higher) and runs. Nothing for a single method.
    """
    last = runs.sort("round").group_by("method", "run", maintain_order=True).last()
    reference, *others = runs["method"].unique(maintain_order=True).to_list()
    final = {method: last.filter(pl.col("method") == method).sort("run") for method in (reference, *others)}
    rows: list[dict[str, object]] = []
    for method in others:
        for name in names:
            first, second = (final[which][name].to_numpy().astype(np.float64) for which in (method, reference))
            found = paired_difference(first, second)
            rows.append(
                {"method": method, "reference": reference, "figure": name, "difference": float(found.value)}
                | {"low": float(found.low), "high": float(found.high)}
                | {"higher": float((first > second).mean()), "runs": len(first)}
            )
    texts = dict.fromkeys(("method", "reference", "figure"), pl.String())
    numbers = dict.fromkeys(("difference", "low", "high", "higher"), pl.Float64())
    return pl.DataFrame(rows, schema={**texts, **numbers, "runs": pl.Int64()})


def draw_paired(found: pl.DataFrame, benchmark: Benchmark) -> Figure:
    """Draw by how much each method differs from the first, figure by figure."""
    methods = found["method"].unique(maintain_order=True).to_list()
    height = 1.2 + 0.28 * len(methods)
    figure, panels = style.new_figure(2, 3, width=3.4, height=height)
    for letter, (name, title), axes in zip(ascii_lowercase, _DRAWN.items(), panels, strict=False):
        rows = found.filter(pl.col("figure") == name)
        for place, (method, value, low, high) in enumerate(
            rows.select("method", "difference", "low", "high").iter_rows()
        ):
            look = style.line_style(method)
            axes.plot([low, high], [place, place], color=look.color, linewidth=1.5)
            axes.plot([value], [place], look.marker, color=look.color)
        axes.axvline(0, color=style.WHOLE_SPACE.color, linewidth=0.8)
        unit = f" ({benchmark.unit})" if name in ("mean", "best", "best_of_10") else ""
        axes.set(title=f"{letter}  {title}{unit}", yticks=range(len(methods)), ylim=(len(methods) - 0.5, -0.5))
        axes.set_yticklabels(methods if axes in (panels[0], panels[3]) else [])
    reference, runs = found["reference"][0], found["runs"][0]
    style.caption(
        figure,
        f"Against {reference} in {benchmark.name}, run by run",
        f"{benchmark.source}; {benchmark.roles}. "
        f"Mean over {runs} runs of what a method has more than {reference} has in "
        "the same run, with its 95 % interval (Student's, of paired differences).",
    )
    return figure
