"""How the zero-cost scores of `lissnas score` rank, and how they agree with published ones.

lissnas score cell201 --out digits.parquet
lissnas score cell201 --images noise --sample 80 --out noise.parquet
python docs/measured/zero_cost.py digits.parquet noise.parquet

The first table is of small networks on digits: Kendall's tau of each score with the test accuracy of the same networks
after training ("digits-cells"), and on NAS-Bench-201. The second table is of the published networks: Spearman's rho of
each score with a published one, and tau of both with the accuracy. It needs the tables of ../shared/data.
"""

import sys
from pathlib import Path

import numpy as np
import polars as pl
from lissnas.spaces.published.cell201 import cell201
from lissnas.spaces.space import Floats
from lissnas.statistics.rank_correlation import kendall_tau
from lissnas_benchmarks.benchmark import open_benchmark
from lissnas_benchmarks.predictor_file import PredictedScores, read_predictors
from scipy.stats import spearmanr

SHARED = Path(__file__).parents[3] / "shared" / "data"
SPACE = cell201()
FAILED = -1e7
"""Published scores below this mark a failed computation."""

PUBLISHED = {"jacob_cov": "jacov"}
"""Names of scores that the published table calls differently."""

ACCURACIES = {"CIFAR-10": "c10_test200", "CIFAR-100": "c100_test200", "ImageNet16-120": "in16_test200"}


def shared(name: str) -> dict[str, Floats]:
    """Return the columns of a shared table in the order of the space's index, or nothing if it is missing."""
    path = SHARED / name
    if not path.exists():
        return {}
    frame = pl.read_parquet(path)
    index = SPACE.index(SPACE.read(frame["arch"].to_list()))
    values = {}
    for column in frame.select(pl.selectors.float()).columns:
        values[column] = np.full(SPACE.size, np.nan)
        values[column][index] = frame[column].to_numpy()
    return values


def tau(first: Floats, second: Floats) -> str:
    """Return Kendall's tau of the cells that have both, with its 95 % interval."""
    both = ~np.isnan(first) & ~np.isnan(second)
    found = kendall_tau(first[both], second[both], np.random.default_rng(0), draws=200)
    return f"{found.value:+.3f} [{found.low:+.3f}, {found.high:+.3f}]"


def on_trained_cells(scores: list[PredictedScores]) -> None:
    """Print tau of every score with the accuracies of all cells."""
    truths = {name: open_benchmark(name).report for name in ("digits-cells", "fashion-cells")}
    table = shared("nasbench201.parquet")
    truths |= {name: table[column] for name, column in ACCURACIES.items() if table}
    print(f"{'small networks':15}" + "".join(f"{name:24}" for name in truths))
    for score in scores:
        print(f"{score.name:15}" + "".join(f"{tau(score.scores, truth):24}" for truth in truths.values()), flush=True)


def beside_published(scores: list[PredictedScores]) -> None:
    """Print how our scores agree with published ones, on the cells that have both."""
    accuracy = shared("nasbench201.parquet")["c10_test200"]
    for score in scores:
        name = f"zc_{PUBLISHED.get(score.name, score.name)}"
        published = shared("nasbench201_zero_cost.parquet").get(name)
        if published is None:
            print(f"{score.name:15} tau {tau(score.scores, accuracy)}")
            continue
        published = np.where(published < FAILED, np.nan, published)
        both = ~np.isnan(score.scores) & ~np.isnan(published)
        ours, theirs = np.where(both, score.scores, np.nan), np.where(both, published, np.nan)
        rho = spearmanr(ours[both], theirs[both]).statistic
        print(
            f"{score.name:15} rho {rho:+.3f} with {name}, {both.sum()} cells; tau {tau(ours, accuracy)}, published "
            f"{tau(theirs, accuracy)}",
            flush=True,
        )


if __name__ == "__main__":
    on_trained_cells(read_predictors(sys.argv[1], SPACE))
    if shared("nasbench201_zero_cost.parquet"):
        beside_published(read_predictors(sys.argv[2], SPACE))
    else:
        print(f"skipped: the published scores are missing: {SHARED} does not exist")
