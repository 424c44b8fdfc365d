"""Recall of the true top 1 % by kernel shrinkage and others, on the six shared tables and on embedded ones.

Every method selects by one column, and the recall is by another. With each seed, all methods keep as many architectures
as LISSNAS with its defaults. "All labels" keeps the best by the complete selecting column, the limit of a method that
selects by it. `--own-budget` adds the kernel and boosted trees with as many evaluations as LISSNAS makes, and LISSNAS
with a model, which makes the same ones. `--trees 300 3000` adds boosted trees fitted to that many random architectures.
These, and kernel budgets above 150, use the first `--large-seeds` seeds. A smaller budget is an earlier round of the
run with a larger one where that has a round of this size.

The output is means over seeds with 95 % intervals: the recall, and for kernel shrinkage the number of seeds that state
an expected recall, and their means: expected by the score that selects / found by that score, expected by a new
measurement, and the mean absolute error of the first.
Where the reporting column is a mean over all training seeds, it includes the selecting seed; "others" excludes it.
`--runs runs.csv` keeps a row for each finished run and column, so that a program that is killed resumes.
Options: `--evaluations 20 60 150 --own-budget --trees 300 --tables c10 cora --seeds 50 --large-seeds 10
--first-seed 0`.
"""

import argparse
import csv
import json
import sys
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import lissnas as ln
import numpy as np
import polars as pl
from lissnas.evaluation.evaluator import TableEvaluator
from lissnas.predictors.expected_recall import ExpectedSubspace
from lissnas.shrinkers.kernel_shrinkage import KernelShrinkage
from lissnas.shrinkers.lissnas import Lissnas, LissnasWithModel
from lissnas.shrinkers.regression_shrinkage import RegressionShrinkage
from lissnas.shrinkers.shrink import Shrinker, Trace, shrink
from lissnas.spaces.published.cell201 import cell201
from lissnas.spaces.published.channel_macro import channel_macro
from lissnas.spaces.published.channels import channels
from lissnas.spaces.published.macro import macro
from lissnas.spaces.space import Floats, Space
from lissnas.statistics.quality import is_top
from lissnas.subspaces.subspace import ExplicitSubspace, Subspace

DATA = Path(__file__).parents[3] / "shared" / "data"

Problem = tuple[Space, Floats, dict[str, Floats]]
"""A space, the selecting column, and the reporting columns by name."""


def in_order(space: Space, strings: list[str], values: Floats) -> Floats:
    column = np.full(space.size, np.nan)
    column[space.index(space.read(strings))] = values
    return column


def nasbench201(dataset: str) -> Problem:
    frame, space = pl.read_parquet(DATA / "nasbench201.parquet"), cell201()
    cells = frame["arch"].to_list()
    selecting, reporting = (
        in_order(space, cells, frame[f"{dataset}_{split}200"].to_numpy()) for split in ("val", "test")
    )
    return space, selecting, {"test": reporting}


def seeds_of(name: str, space: Space, key: str) -> Problem:
    records = json.loads((DATA / name).read_text())
    seeds = np.array([record[key] for record in records.values()])
    names = list(records)
    reporting = {
        "mean": in_order(space, names, seeds.mean(axis=1)),
        "others": in_order(space, names, seeds[:, 1:].mean(axis=1)),
    }
    return space, in_order(space, names, seeds[:, 0]), reporting


def size_space() -> Problem:
    frame, space = pl.read_parquet(DATA / "nats_sss_cifar10.parquet"), channels()
    column = in_order(space, frame["channels"].to_list(), frame["cifar10_test_acc_90ep"].to_numpy())
    return space, column, {"same": column}


def embedded(name: str, dataset: str) -> Problem:
    benchmark = ln.load(name, dataset)
    return benchmark.space, benchmark.selection, {"report": benchmark.report}


GRAPH_DATASETS = ("cora", "citeseer", "pubmed", "cs", "physics", "photo", "computers", "arxiv")

PROBLEMS = {
    "c10": lambda: nasbench201("c10"),
    "c100": lambda: nasbench201("c100"),
    "in16": lambda: nasbench201("in16"),
    "macro": lambda: seeds_of("nas-bench-macro_cifar10.json", macro(), "test_acc"),
    "channel": lambda: seeds_of("channel_bench_macro_resnet.json", channel_macro(), "acc"),
    "size": size_space,
    "analog": lambda: embedded("analog-nasbench", "cifar10"),
    "digits": lambda: embedded("digits-cells", "digits"),
    "fashion": lambda: embedded("fashion-cells", "fashion-mnist"),
    **{name: partial(embedded, "nas-bench-graph", name) for name in GRAPH_DATASETS},
    "proteins": lambda: embedded("nas-bench-graph-proteins", "proteins"),
}

SHARED = ("c10", "c100", "in16", "macro", "channel", "size")


def interval(values: list[float]) -> str:
    if len(values) == 1:
        return f"{values[0]:.3f}        "
    return f"{np.mean(values):.3f} ± {1.96 * np.std(values, ddof=1) / len(values) ** 0.5:.3f}"


@dataclass(frozen=True)
class Run:
    """What a method kept with one seed. `stated` and `stated_report` are the two expected recalls, or NaN."""

    evaluations: int
    seconds: float
    stated: float
    stated_report: float
    recall: dict[str, float]


class Runs:
    """Finished runs by method and seed. If there is a file, it has them all, and a new program starts from it."""

    def __init__(self, table: str, file: Path | None) -> None:
        self.table, self.file = table, file
        self.found: dict[tuple[str, int], Run] = {}
        if file and file.exists():
            with file.open(newline="") as opened:
                for name, method, seed, column, recall, *numbers in csv.reader(opened):
                    if name == table:
                        evaluations, seconds, stated, stated_report = map(float, numbers)
                        new = Run(int(evaluations), seconds, stated, stated_report, {})
                        run = self.found.setdefault((method, int(seed)), new)
                        run.recall[column] = float(recall)

    def add(self, method: str, seed: int, run: Run) -> None:
        self.found[method, seed] = run
        if self.file:
            rows = [
                [self.table, method, seed, column, recall, run.evaluations, run.seconds, run.stated, run.stated_report]
                for column, recall in run.recall.items()
            ]
            with self.file.open("a", newline="") as opened:
                csv.writer(opened, lineterminator="\n").writerows(rows)


def measure(name: str, arguments: argparse.Namespace) -> None:
    space, selecting, reporting = PROBLEMS[name]()
    best = {report: is_top(column, 0.01) for report, column in {"select": selecting, **reporting}.items()}
    runs = Runs(name, arguments.runs)
    seeds_of_method: dict[str, list[int]] = {}

    def note(method: str, seed: int, evaluations: int, subspace: Subspace, seconds: float = float("nan")) -> None:
        recall = {report: float(marked[subspace.index].sum() / marked.sum()) for report, marked in best.items()}
        expected = float("nan"), float("nan")
        if isinstance(subspace, ExpectedSubspace):
            expected = subspace.expected_recall, subspace.expected_report_recall
        runs.add(method, seed, Run(evaluations, seconds, *expected, recall))

    def has(method: str, seed: int) -> bool:
        """Return whether there is such a run. From now on it is one of those to print."""
        seeds_of_method.setdefault(method, []).append(seed)
        return (method, seed) in runs.found

    def run(method: str, shrinker: Shrinker, seed: int) -> Trace:
        started = time.process_time()
        trace = shrink(space, TableEvaluator(space, selecting), shrinker, np.random.default_rng(seed))
        note(method, seed, trace.evaluations.count, trace.subspace, time.process_time() - started)
        return trace

    for seed in range(arguments.first_seed, arguments.first_seed + arguments.seeds):
        lissnas = shrink(space, TableEvaluator(space, selecting), Lissnas(), np.random.default_rng(seed))
        size, own = lissnas.subspace.size, lissnas.evaluations.count
        if size == space.size:
            print(f"{name}: LISSNAS keeps the full space with seed {seed}, which is left out", flush=True)
            continue
        if not has("LISSNAS", seed):
            note("LISSNAS", seed, own, lissnas.subspace)
        if not has("all labels", seed):
            with_score = np.flatnonzero(~np.isnan(selecting))
            best_labels = with_score[np.argsort(-selecting[with_score], kind="stable")[:size]]
            note("all labels", seed, len(with_score), ExplicitSubspace(space, np.sort(best_labels)))
        is_large = seed < arguments.first_seed + arguments.large_seeds
        for budget in sorted(arguments.evaluations, reverse=True):
            if (budget <= SMALL or is_large) and not has(f"kernel {budget}", seed):
                trace = run(f"kernel {budget}", KernelShrinkage(evaluations=budget, size=size), seed)
                for step in trace.rounds[1:]:
                    smaller = f"kernel {step.evaluations}"
                    if step.evaluations in arguments.evaluations and (smaller, seed) not in runs.found:
                        note(smaller, seed, step.evaluations, step.subspace)
        if not is_large:
            continue
        others: dict[str, Shrinker] = {
            f"trees {count}": RegressionShrinkage(evaluations=count, size=size) for count in arguments.trees
        }
        if arguments.own_budget:
            others["kernel, LISSNAS's"] = KernelShrinkage(evaluations=own, size=size)
            others["LISSNAS with gp"] = LissnasWithModel()
            others["trees, LISSNAS's"] = RegressionShrinkage(evaluations=own, size=size)
        for method, shrinker in others.items():
            if not has(method, seed):
                run(method, shrinker, seed)
    for method, seeds in seeds_of_method.items():
        print_method(name, method, [runs.found[method, seed] for seed in seeds], reporting)


def print_method(table: str, method: str, found: list[Run], reporting: dict[str, Floats]) -> None:
    """Print a line for each reporting column."""
    forecast = ""
    if method.startswith("kernel"):
        stated = [run for run in found if not np.isnan(run.stated)]
        forecast = f"  {len(stated)} state it"
        if stated:
            values = np.array([(run.stated, run.recall["select"], run.stated_report) for run in stated])
            forecast += " {:.3f} / {:.3f}, {:.3f}".format(*values.mean(axis=0))
            forecast += f", error {np.abs(values[:, 0] - values[:, 1]).mean():.3f}"
    seconds = [run.seconds for run in found if not np.isnan(run.seconds)]
    time_of_run = f", {np.mean(seconds):.2f} s" if seconds else ""
    for report in reporting:
        recall = interval([run.recall[report] for run in found])
        print(
            f"{table:10}{report:8}{method:19}{np.mean([run.evaluations for run in found]):6.0f} evaluations  "
            f"recall {recall}  ({len(found)} seeds{time_of_run}){forecast}",
            flush=True,
        )


SMALL = 150
"""Budgets above this use the first `--large-seeds` seeds."""

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--seeds", type=int, default=50)
parser.add_argument("--large-seeds", type=int, default=10)
parser.add_argument("--first-seed", type=int, default=0)
parser.add_argument("--evaluations", type=int, nargs="+", default=[20, 60, 150, 300])
parser.add_argument("--own-budget", action="store_true", help="also LISSNAS's own number of evaluations")
parser.add_argument(
    "--trees", type=int, nargs="+", default=[], help="also boosted trees fitted to N random networks", metavar="N"
)
parser.add_argument("--tables", nargs="+", choices=list(PROBLEMS), default=list(PROBLEMS))
parser.add_argument("--runs", type=Path, help="CSV file of finished runs, which are not repeated")
arguments = parser.parse_args()
for table in arguments.tables:
    if table in SHARED and not DATA.is_dir():
        sys.exit(f"skipped: the real tables are missing: {DATA} does not exist")
    measure(table, arguments)
