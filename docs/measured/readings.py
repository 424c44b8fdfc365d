"""Run LISSNAS with several readings of its paper's outline, for the table of its page.

python docs/measured/readings.py [FOLDER]

The outline leaves open how many seeds there are and how they are chosen, how large a sample is, how far neighbors are,
and how many rounds in a row without a higher mean end the run. The program writes readings.csv, one row for each
benchmark and reading: means over 20 runs. It keeps the finished runs in FOLDER (results/readings).
"""

import csv
import sys
from dataclasses import replace
from pathlib import Path

import polars as pl
from lissnas.shrinkers.lissnas import Lissnas
from lissnas_analyses.ablation.grid_points import AblationPoint
from lissnas_analyses.ablation.measure import ablate
from lissnas_analyses.grid.failed_runs import FAILED
from lissnas_benchmarks.benchmark import open_benchmark

BENCHMARKS = ("analog-nasbench", "digits-cells", "fashion-cells", "nas-bench-graph")

DEFAULT = Lissnas(confidence=0.95, quantile=0.01, seeds=30, radius=1, spread="rank", patience=3)

READINGS = {
    "default: patience 3, the 30 best, sample of 299, radius 1": DEFAULT,
    "patience 1": replace(DEFAULT, patience=1),
    "patience 2": replace(DEFAULT, patience=2),
    "10 seeds": replace(DEFAULT, seeds=10),
    "60 seeds": replace(DEFAULT, seeds=60),
    "seeds by distance": replace(DEFAULT, spread="distance"),
    "sample of 99": replace(DEFAULT, quantile=0.03),
    "sample of 598": replace(DEFAULT, quantile=0.005),
    "radius 2": replace(DEFAULT, radius=2),
    "measured radius": replace(DEFAULT, radius="measured"),
    "10 seeds by distance": replace(DEFAULT, seeds=10, spread="distance"),
    "10 seeds by distance, sample of 99, patience 1": replace(
        DEFAULT, seeds=10, spread="distance", quantile=0.03, patience=1
    ),
    "60 seeds, sample of 598": replace(DEFAULT, seeds=60, quantile=0.005),
}

RUNS = 20

SEED = 1000
"""The defaults were chosen with this seed; `lissnas compare` and `lissnas reproduce` use seed 0."""

HEADING = [
    *("benchmark", "reading", "recall of the top 1 %", "architectures kept", "evaluations", "pockets", "diversity"),
    "runs that kept the full space",
]


def rows(benchmark: str, folder: Path) -> list[list[str]]:
    """Return a row for each reading on a benchmark, formatted."""
    points = {reading: AblationPoint("lissnas", shrinker) for reading, shrinker in READINGS.items()}
    path = folder / f"{benchmark}.parquet"
    result = ablate(open_benchmark(benchmark), tuple(points.values()), RUNS, SEED, path=path)
    found = []
    for reading, point in points.items():
        runs = result.rows.filter(*(pl.col(name).eq_missing(value) for name, value in point.columns.items()))
        assert runs.height == RUNS, reading
        mean = runs.select(pl.col("recall_1", "size", "evaluations", "pockets", "diversity").mean()).row(0)
        recall, size, evaluations, pockets, diversity = mean
        kept = f"{recall:.2f} ± {runs['recall_1'].std() / RUNS**0.5:.2f}"
        numbers = [kept, f"{size:,.0f}", f"{evaluations:,.0f}", f"{pockets:.1f}", f"{diversity:.2f}"]
        found.append([benchmark, reading, *numbers, str(runs.filter(FAILED).height)])
    return found


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path("results/readings")
    folder.mkdir(parents=True, exist_ok=True)
    measured = [row for benchmark in BENCHMARKS for row in rows(benchmark, folder)]
    with (Path(__file__).parent / "readings.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADING)
        writer.writerows(measured)
