"""Recall of the true top 1 % by kernel shrinkage and others, on the six shared tables and on embedded ones.

Every method selects by one column, and the recall is by another. With each seed, all methods keep as many architectures
as LISSNAS with its defaults. "All labels" keeps the best by the complete selecting column, the limit of a method that
selects by it. LISSNAS with a model makes LISSNAS's evaluations; the boosted trees are fitted to as many random
architectures, and on graph networks also to 3,000. Budgets above 150, and these methods, use the first `--large-seeds`
seeds. A smaller budget is an earlier round of the run with a larger one where that has a round of this size.

The output is means over seeds with 95 % intervals: the recall, and for kernel shrinkage the number of seeds that state
an expected recall, and their means: expected by the score that selects / found by that score, expected by a new
measurement, and the mean absolute error of the first.
Where the reporting column is a mean over all training seeds, it includes the selecting seed; "others" excludes it.
Options: `--evaluations 20 60 150 --own-budget --tables c10 cora --seeds 50 --large-seeds 10 --first-seed 0`.
"""

import argparse
import json
import sys
import time
from functools import partial
from pathlib import Path

import lissnas as ln
import numpy as np
import polars as pl
from lissnas.evaluation.evaluator import TableEvaluator
from lissnas.shrinkers.expected_recall import ExpectedSubspace
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
    "digits": lambda: embedded("digits-cells", "digits"),
    "fashion": lambda: embedded("fashion-cells", "fashion-mnist"),
    **{name: partial(embedded, "nas-bench-graph", name) for name in GRAPH_DATASETS},
    "proteins": lambda: embedded("nas-bench-graph-proteins", "proteins"),
}

SHARED = ("c10", "c100", "in16", "macro", "channel", "size")


def interval(values: list[float]) -> str:
    return f"{np.mean(values):.3f} ± {1.96 * np.std(values, ddof=1) / len(values) ** 0.5:.3f}"


def measure(name: str, arguments: argparse.Namespace) -> None:
    space, selecting, reporting = PROBLEMS[name]()
    columns = {"select": selecting, **reporting}
    best = {report: is_top(column, 0.01) for report, column in columns.items()}
    recalls: dict[str, list[dict[str, float]]] = {}
    spent: dict[str, list[int]] = {}
    seconds: dict[str, list[float]] = {}
    expected: dict[str, list[tuple[float, float]]] = {}

    def note(method: str, evaluations: int, subspace: Subspace) -> None:
        spent.setdefault(method, []).append(evaluations)
        found = {report: float(marked[subspace.index].sum() / marked.sum()) for report, marked in best.items()}
        recalls.setdefault(method, []).append(found)
        if isinstance(subspace, ExpectedSubspace):
            expected.setdefault(method, []).append(
                (subspace.expected_recall, found["select"], subspace.expected_report_recall)
            )

    def run(method: str, shrinker: Shrinker, seed: int) -> Trace:
        started = time.process_time()
        trace = shrink(space, TableEvaluator(space, selecting), shrinker, np.random.default_rng(seed))
        seconds.setdefault(method, []).append(time.process_time() - started)
        note(method, trace.evaluations.count, trace.subspace)
        return trace

    small = [budget for budget in arguments.evaluations if budget <= SMALL]
    for seed in range(arguments.first_seed, arguments.first_seed + arguments.seeds):
        lissnas = run("LISSNAS", Lissnas(), seed)
        size, evaluations = lissnas.subspace.size, lissnas.evaluations.count
        with_score = np.flatnonzero(~np.isnan(selecting))
        best_labels = with_score[np.argsort(-selecting[with_score], kind="stable")[:size]]
        if size == space.size:
            print(f"{name}: LISSNAS keeps the full space with seed {seed}, which is left out", flush=True)
            for notes in (recalls, spent, seconds):
                notes["LISSNAS"].pop()
            continue
        note("all labels", len(with_score), ExplicitSubspace(space, np.sort(best_labels)))
        is_large = seed < arguments.first_seed + arguments.large_seeds
        budgets = small + [budget for budget in arguments.evaluations if budget > SMALL and is_large]
        rounds: dict[int, Subspace] = {}
        for budget in sorted(budgets, reverse=True):
            if budget in rounds:
                note(f"kernel {budget}", budget, rounds[budget])
            else:
                trace = run(f"kernel {budget}", KernelShrinkage(evaluations=budget, size=size), seed)
                rounds.update({step.evaluations: step.subspace for step in trace.rounds[1:]})
        if is_large and arguments.own_budget:
            run("kernel, LISSNAS's", KernelShrinkage(evaluations=evaluations, size=size), seed)
            run("LISSNAS with gp", LissnasWithModel(), seed)
            run("boosted trees", RegressionShrinkage(evaluations=evaluations, size=size), seed)
            if name in GRAPH_DATASETS:
                run("boosted trees 3000", RegressionShrinkage(evaluations=3000, size=size), seed)
    for method, found in recalls.items():
        for report in reporting:
            values = [recall[report] for recall in found]
            time_of_run = f", {np.mean(seconds[method]):.2f} s" if method in seconds else ""
            forecast = ""
            if method in expected:
                stated = np.array([run for run in expected[method] if not np.isnan(run[0])]).reshape(-1, 3)
                forecast = f"  {len(stated)} state it"
                if len(stated):
                    forecast += " {:.3f} / {:.3f}, {:.3f}".format(*stated.mean(axis=0))
                    forecast += f", error {np.abs(stated[:, 0] - stated[:, 1]).mean():.3f}"
            print(
                f"{name:10}{report:8}{method:19}{np.mean(spent[method]):6.0f} evaluations  recall {interval(values)}"
                f"  ({len(values)} seeds{time_of_run}){forecast}",
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
parser.add_argument("--tables", nargs="+", choices=list(PROBLEMS), default=list(PROBLEMS))
arguments = parser.parse_args()
for table in arguments.tables:
    if table in SHARED and not DATA.is_dir():
        sys.exit(f"skipped: the real tables are missing: {DATA} does not exist")
    measure(table, arguments)
