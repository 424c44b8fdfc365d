"""Collect the numbers that the pages of the methods quote, from folders that `lissnas compare` wrote.

python docs/measured/collect.py results/analog-nasbench/comparison results/nas-bench-macro/comparison ...
"""

import csv
import json
import sys
from pathlib import Path

import polars as pl

HEADING = [
    *("method", "benchmark", "recall of the top 1 %", "architectures kept", "mean score (%)", "pockets"),
    *("shrinkage score", "evaluations"),
]


def collect(folder: Path) -> list[list[str]]:
    """Return a row for each method: its name, the benchmark, and the measures of its result with their intervals."""
    benchmark = json.loads((folder / "manifest.json").read_text())["benchmark"]
    rounds = pl.read_parquet(folder / "shrinking.parquet")
    rows = []
    for method in rounds["method"].unique(maintain_order=True):
        last = rounds.filter(pl.col("method") == method).sort("round").group_by("statistic", maintain_order=True).last()
        measures = {row["statistic"]: row for row in last.iter_rows(named=True)}
        recall, score = (
            "{mean:.2f} [{low:.2f}, {high:.2f}]".format_map(measures[name]) for name in ("recall_1", "shrinkage_score")
        )
        if measures["recall_1"]["failed"]:
            recall = "{mean:.2f}, median {median:.2f}; {failed} of {runs} runs failed".format_map(measures["recall_1"])
        size, mean, pockets, evaluations = (
            measures[name]["mean"] for name in ("size", "mean", "pockets", "evaluations")
        )
        rows.append(
            [method, benchmark, recall, f"{size:,.0f}", f"{mean:.2f}", f"{pockets:.1f}", score, f"{evaluations:,.0f}"]
        )
    return rows


if __name__ == "__main__":
    with (Path(__file__).parent / "shrinking.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADING)
        writer.writerows(row for folder in sys.argv[1:] for row in collect(Path(folder)))
