"""Collect the numbers of `lissnas claims` that are not in another table, from folders that `lissnas reproduce` wrote.

python docs/measured/claims.py results/{analog-nasbench,digits-cells,fashion-cells,nas-bench-graph}

The program writes claims.csv: one row for each benchmark and method, means over the runs with their 95 % intervals, and
differences to LISSNAS in the same run.
"""

import csv
import json
import sys
from pathlib import Path

import polars as pl

METHODS = ("lissnas", "lissnas-model", "kernel", "operation-pruning", "random-subset")

HEADING = [
    *("benchmark", "method", "recall of the top 1 %", "recall vs lissnas", "diversity", "diversity vs lissnas"),
    *("pockets", "architectures kept", "share of the space", "evaluations", "runs"),
]


def rows(folder: Path) -> list[list[str]]:
    """Return a row for each method, formatted."""
    benchmark = json.loads((folder / "manifest.json").read_text())["benchmark"]
    rounds, paired = (pl.read_parquet(folder / f"{name}.parquet") for name in ("shrinking", "paired"))
    found = []
    for method in METHODS:
        of_method = rounds.filter(pl.col("method") == method).sort("round")
        last = of_method.group_by("statistic", maintain_order=True).last()
        result = {row["statistic"]: row for row in last.iter_rows(named=True)}
        recall, diversity = (
            "{mean:.2f} [{low:.2f}, {high:.2f}]".format_map(result[name]) for name in ("recall_1", "diversity")
        )
        differences = {
            row["statistic"]: "{difference:+.2f} [{low:+.2f}, {high:+.2f}]".format_map(row)
            for row in paired.filter(pl.col("method") == method).iter_rows(named=True)
        }
        pockets, size, ratio, spent = (
            result[name]["mean"] for name in ("pockets", "size", "size_ratio", "evaluations")
        )
        found.append(
            [
                *(benchmark, method, recall, differences.get("recall_1", "")),
                *(diversity, differences.get("diversity", "")),
                *(f"{pockets:.1f}", f"{size:,.0f}", f"{ratio:.1%}", f"{spent:,.0f}", str(result["size"]["runs"])),
            ]
        )
    return found


def main() -> None:
    """Write claims.csv beside this program."""
    with (Path(__file__).parent / "claims.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADING)
        for folder in map(Path, sys.argv[1:]):
            writer.writerows(rows(folder))


if __name__ == "__main__":
    main()
