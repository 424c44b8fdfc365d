"""Draw the first figure of the page of each method: its recall against evaluations, beside LISSNAS and the kernel.

python docs/measured/method_figures.py results/overview results/cheap/*

The first folder is one that `lissnas compare` of several benchmarks wrote. The others are for the page of two
fidelities: each has two comparisons of one benchmark, in its folders `without` and `with` cheap scores.
"""

import json
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import polars as pl
from lissnas_analyses import style
from lissnas_analyses.comparison.across_benchmarks.draw_overview import draw_recall
from lissnas_analyses.comparison.across_benchmarks.overview import ALL_LABELS, Overview, read_overview

FIGURES = Path(__file__).parents[1] / "figures"

BUNDLED = ("analog-nasbench", "digits-cells", "fashion-cells", "nas-bench-graph")

BESIDE = ("lissnas", "kernel", "random-subset")
"""The methods in each figure: what a reader compares with, and chance."""

IN_README = (*BESIDE, "lissnas-model", "operation-pruning")
"""The methods whose page has the README's figure."""


CHEAP = "kernel(cheap scores)"
"""What the figure of two fidelities calls the kernel that also sees cheap scores."""


def main() -> None:
    """Draw the figure of each method that the README's figure does not have."""
    folder, *cheap = map(Path, sys.argv[1:])
    if cheap:
        tables = [[_with_cheap_scores(one, name) for one in cheap] for name in ("recall", "methods")]
        _save(read_overview(*tables), "two-fidelities")
    tables = [pl.read_parquet(folder / f"overview_{name}.parquet") for name in ("recall", "methods")]
    for method in json.loads((folder / "manifest.json").read_text())["methods"]:
        if method not in IN_README:
            curves, results = (_of_method(table, method) for table in tables)
            _save(read_overview([curves], [results]), method)


def _of_method(table: pl.DataFrame, method: str) -> pl.DataFrame:
    """Return the rows of a method and of those beside it, on the bundled benchmarks that it ran on."""
    ran = table.filter(pl.col("method") == method)["benchmark"].unique()
    return table.filter(
        pl.col("benchmark").is_in(BUNDLED)
        & pl.col("benchmark").is_in(ran.implode())
        & pl.col("method").is_in([method, *BESIDE, ALL_LABELS])
    )


def _with_cheap_scores(folder: Path, name: str) -> pl.DataFrame:
    """Return the rows of a benchmark without cheap scores, and those of the kernel with them."""
    rows, cheap = (pl.read_parquet(folder / part / f"{name}.parquet") for part in ("without", "with"))
    of_kernel = cheap.filter(pl.col("series") == "kernel")
    names = {"series": pl.lit(CHEAP), "method": pl.format(CHEAP[:-1] + ", {})", "budget")}
    return pl.concat([rows, of_kernel.with_columns(**names)])


def _save(overview: Overview, method: str) -> None:
    with style.house_style():
        figure = draw_recall(overview)
        style.fix_layout(figure)
        figure.savefig(FIGURES / f"recall-{method}.png", dpi=100)
        plt.close(figure)


if __name__ == "__main__":
    main()
