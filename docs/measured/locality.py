"""Measure the locality of every benchmark that is ready, for the tables of the documentation.

python docs/measured/locality.py [FOLDER]

FOLDER has published values of benchmarks with large official files, reshaped to one small file each
(nasbench201.parquet, ...). A benchmark whose data is missing is skipped, with a message.
"""

import csv
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from lissnas.locality.exact_locality import pair_locality
from lissnas.locality.fitness_distance_correlation import fitness_distance_correlation
from lissnas.locality.landscape import Landscape
from lissnas.spaces.published.cell201 import cell201
from lissnas.spaces.published.channels import channels
from lissnas.spaces.published.nasbench101 import OPERATIONS, nasbench101
from lissnas.spaces.published.transnas import transnas_micro
from lissnas.spaces.space import Floats, Space
from lissnas_benchmarks.benchmark import open_benchmark
from lissnas_benchmarks.catalog import benchmark_names
from lissnas_benchmarks.loading import is_ready, load_table

COMPLETE = (
    *("analog-nasbench", "digits-cells", "fashion-cells", "nas-bench-graph", "nas-bench-graph-proteins"),
    *("nas-bench-macro", "channel-bench-macro"),
)
HEADING = [
    *("benchmark", "scores", "architectures", "P(top 1 %) of a neighbor", "in the full space"),
    *("correlation of neighbors", "fitness-distance correlation", "local optima"),
]


@dataclass(frozen=True)
class Scored:
    """Scores of one benchmark for all architectures of its space; NaN where missing."""

    benchmark: str
    what: str
    space: Space
    scores: Floats


def from_catalog() -> Iterator[Scored]:
    """Yield every data set of the benchmarks that are ready."""
    for name in COMPLETE:
        if not is_ready(name):
            print(f"{name}: skipped, because its data is missing; get it with 'lissnas data get {name}'")
            continue
        for dataset in load_table(name).datasets:
            if f"{name}-{dataset}" not in benchmark_names():
                opened = open_benchmark(name, dataset)
                yield Scored(name, f"{dataset}, {opened.reports.describe()}", opened.space, opened.report)


def from_folder(folder: Path) -> Iterator[Scored]:
    """Yield the scores of the reshaped tables."""
    cells = cell201()
    table = pl.read_parquet(folder / "nasbench201.parquet")
    index = cells.index(cells.read(table["arch"].to_list()))
    for column, dataset in (("c10", "cifar10"), ("c100", "cifar100"), ("in16", "ImageNet16-120")):
        scores = _at(cells, index, table[f"{column}_test200"].to_numpy())
        yield Scored("nas-bench-201", f"{dataset}, test accuracy, mean of the seeds", cells, scores)
    sizes = channels()
    table = pl.read_parquet(folder / "nats_sss_cifar10.parquet")
    index = sizes.index(sizes.read(table["channels"].to_list()))
    scores = _at(sizes, index, table["cifar10_test_acc_90ep"].to_numpy())
    yield Scored("nats-bench-size", "cifar10, test accuracy after 90 epochs", sizes, scores)
    graphs = nasbench101(5)
    table = pl.read_parquet(folder / "nasbench101_5v_4epochs.parquet").filter(pl.col("space") == "5V9E")
    index = graphs.index(graphs.read([_graph(matrix, ops) for matrix, ops in table["matrix", "ops"].iter_rows()]))
    scores = _at(graphs, index, 100 * table["test_acc"].to_numpy())
    yield Scored("nas-bench-101", "cifar10, test accuracy after 4 epochs, a part of the space", graphs, scores)
    micro = transnas_micro()
    table = pl.read_parquet(folder / "transnas101_micro_class_scene.parquet")
    rows = np.array([[int(digit) for digit in net.strip("()").split(",")] for net in table["net"]], dtype=np.uint8)
    scores = _at(micro, micro.index(rows), table["val_accs"].to_numpy())
    yield Scored("transnas-bench-101-micro", "class_scene, validation accuracy, a part of the space", micro, scores)


def _graph(matrix: str, operations: str) -> str:
    """Return the official string of a graph; operations are numbered from 0, input is -1 and output -2."""
    names = [OPERATIONS[number] for number in json.loads(operations)[1:-1]]
    bits = "".join(str(bit) for line in json.loads(matrix) for bit in line)
    return f"{bits} {','.join(['input', *names, 'output'])}"


def _at(space: Space, index: np.ndarray, values: np.ndarray) -> Floats:
    """Return the scores of the full space; NaN everywhere but at `index`."""
    scores = np.full(space.size, np.nan)
    scores[index] = values
    return scores


def row(scored: Scored) -> list[str]:
    """Return the row of one benchmark, formatted."""
    space, scores = scored.space, scored.scores
    near = pair_locality(space, scores, (0.01,), 1)
    rate, correlation = near.top_rate, near.correlation
    distance = fitness_distance_correlation(space, scores)
    optima = len(Landscape(space, scores).local_optima())
    return [
        scored.benchmark,
        scored.what,
        f"{int(np.count_nonzero(~np.isnan(scores))):,}",
        f"{rate.value[0, 0]:.2f} [{rate.low[0, 0]:.2f}, {rate.high[0, 0]:.2f}]",
        f"{near.base_rate[0]:.2f}",
        f"{correlation.value[0]:.2f} [{correlation.low[0]:.2f}, {correlation.high[0]:.2f}]",
        f"{float(distance.value):+.2f}",
        f"{optima:,}",
    ]


if __name__ == "__main__":
    measured = [*from_catalog(), *(from_folder(Path(sys.argv[1])) if len(sys.argv) > 1 else ())]
    with (Path(__file__).parent / "locality.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADING)
        for scored in measured:
            writer.writerow(row(scored))
