"""Print the facts on the page of the trained cells for a complete or partial table: `python data/facts.py TABLE`."""

import json
import sys

import numpy as np
import polars as pl
from lissnas.spaces.published.cell201 import cell201, distinct_cell201
from lissnas.spaces.space import Floats
from lissnas.statistics.rank_correlation import kendall_tau
from lissnas_benchmarks.columns import Measure
from lissnas_benchmarks.loading import load_table

path = sys.argv[1]
described = json.loads(pl.read_parquet_metadata(path)["lissnas"])
results = pl.read_parquet(path)
space = cell201()


def accuracies(seed: int, column: str, epoch: int = -1) -> Floats:
    """Return accuracies in percent, in index order; NaN where a cell was not trained with the seed."""
    trained = results.filter(pl.col("seed") == seed)
    correct = trained[column].to_numpy()
    part = column.partition("_")[0]
    values = np.full(space.size, np.nan)
    values[trained["index"].to_numpy()] = (
        100.0 / described["images"][part] * (correct if correct.ndim == 1 else correct[:, epoch])
    )
    return values


def tau(name: str, first: Floats, second: Floats, alike: bool = False) -> None:
    """Print Kendall's tau-b of the cells that have both; of two trainings alike, also the deviation of one."""
    both = ~np.isnan(first) & ~np.isnan(second)
    if both.sum() < 10:
        print(f"{name}: not yet trained")
        return
    found = kendall_tau(first[both], second[both], np.random.default_rng(0))
    deviation = f", deviation of one training {np.std((first - second)[both]) / np.sqrt(2):.2f} points" if alike else ""
    print(f"{name}: tau {found.value:.3f} [{found.low:.3f}, {found.high:.3f}], {both.sum():,} cells{deviation}")


print(f"{described['trainings']:,} of {described['trainings_in_all']:,} trainings, {described['cells']:,} cells")
print(f"{described['core_hours']} core hours, {results['seconds'].mean():.3f} s a training")
validation, test = accuracies(0, "validation_correct"), accuracies(0, "test_correct")
for name, values in (("validation", validation), ("test", test)):
    quantiles = np.nanquantile(values, [0, 0.05, 0.25, 0.5, 0.75, 0.95, 1])
    print(f"{name} accuracy, quantiles 0, 5, 25, 50, 75, 95, 100 %: {np.round(quantiles, 1)}")
best = int(np.nanargmax(validation))
print(f"best by validation: {space.write(space.rows(np.array([best])))[0]}, test {test[best]:.2f} %")
tau("validation and test", validation, test)
for epoch in (1, 3, 6):
    tau(f"validation after epoch {epoch} and test", accuracies(0, "validation_correct", epoch - 1), test)
for column in ("validation_correct", "test_correct"):
    for one, other in ((0, 1), (0, 2), (1, 2)):
        tau(f"{column}, seeds {one} and {other}", accuracies(one, column), accuracies(other, column), alike=True)

same = distinct_cell201().index(space.rows(np.arange(space.size)))
order = np.lexsort((np.arange(space.size), same))
order = order[~np.isnan(test[order])]
twins = order[:-1][same[order][:-1] == same[order][1:]], order[1:][same[order][:-1] == same[order][1:]]
tau("test accuracy of cells that compute the same", test[twins[0]], test[twins[1]], alike=True)
others = {
    "CIFAR-10 (analog-nasbench)": ("analog-nasbench", "cifar10", Measure("accuracy", "test")),
    "digits (digits-cells)": ("digits-cells", "digits", Measure("accuracy", "test", seeds=(0,))),
}
for name, (benchmark, dataset, measure) in others.items():
    if dataset != described["study"]["task"]:
        tau(f"test and {name}", test, load_table(benchmark).values(measure, dataset))
