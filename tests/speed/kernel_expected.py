"""How far the expected recall of kernel shrinkage is from the recall that it finds, over the tables and seeds of a run.

`kernel_expected.py runs.csv` reads the file that `kernel_recall.py --runs runs.csv` writes. For each budget it prints
the mean absolute error, a mean over tables; the largest error of nine in ten runs; and the share of runs with at most
that error on a table when the other tables set it. Then it corrects the expected recall, by the mean error and by a
straight line of the other tables, and prints the mean absolute errors that remain.
"""

import csv
import sys
from collections import defaultdict

import numpy as np
from lissnas.spaces.space import Floats

SHARE = 0.9
"""Share of the runs that the largest error is of."""

Found = dict[str, Floats]
"""The expected and the found recall of each run, shape (runs, 2), by table."""


def read(path: str) -> dict[str, Found]:
    """Return what was expected and found by method. Runs that say that the evaluations are too few are left out."""
    found: dict[str, dict[str, list[tuple[float, float]]]] = defaultdict(lambda: defaultdict(list))
    with open(path, newline="") as file:
        for table, method, _seed, column, recall, _evaluations, _seconds, stated, _report in csv.reader(file):
            if method.startswith("kernel") and column == "select" and stated != "nan":
                found[method][table].append((float(stated), float(recall)))
    return {method: {table: np.array(runs) for table, runs in tables.items()} for method, tables in found.items()}


def line(expected: Floats, found: Floats, weights: Floats) -> Floats:
    """Return the intercept and the slope of the found recall given the expected one."""
    root = np.sqrt(weights)
    columns = np.stack([np.ones_like(expected), expected], axis=1)
    return np.linalg.lstsq(columns * root[:, None], found * root, rcond=None)[0]


def main() -> None:
    """Print a line for each budget."""
    for method, tables in read(sys.argv[1]).items():
        errors = {table: runs[:, 0] - runs[:, 1] for table, runs in tables.items()}
        largest = np.quantile(np.abs(np.concatenate(list(errors.values()))), SHARE)
        inside, shifted, on_line = [], [], []
        for left_out, (expected, found) in ((table, runs.T) for table, runs in tables.items() if len(tables) > 2):
            others = {table: runs for table, runs in tables.items() if table != left_out}
            weights = np.concatenate([np.full(len(runs), 1 / len(runs)) for runs in others.values()])
            joined = np.concatenate(list(others.values()))
            error = joined[:, 0] - joined[:, 1]
            inside.append(np.mean(np.abs(expected - found) <= np.quantile(np.abs(error), SHARE)))
            shifted.append(np.abs(expected - np.average(error, weights=weights) - found).mean())
            intercept, slope = line(*joined.T, weights)
            on_line.append(np.abs(intercept + slope * expected - found).mean())
        mean = np.mean([np.abs(error).mean() for error in errors.values()])
        print(
            f"{method:20}{len(tables)} tables, {sum(map(len, errors.values()))} runs: error {mean:.3f}, of nine in ten "
            f"runs at most {largest:.3f}"
            + (f", left out {np.mean(inside):.2f}; {np.mean(shifted):.3f} by the mean error" if inside else "")
            + (f", {np.mean(on_line):.3f} by a line" if inside else "")
        )
        print("    " + ", ".join(f"{table} {error.mean():+.2f}" for table, error in errors.items()))


if __name__ == "__main__":
    main()
