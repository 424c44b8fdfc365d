"""Recall of the true top 1 % by kernel shrinkage, beside LISSNAS and operation pruning, on the six shared tables.

Every method selects by one column and is judged by another; in each seed all keep as many networks as LISSNAS does with
its defaults. Means over seeds and 95 % intervals of the mean. `--evaluations 60 150 --tables c10 size --seeds 50`.
Smaller budgets are read off the rounds of the largest, which begins as they do.
Where the judging column is a mean over all training seeds, the selecting one is part of it; "others" leaves it out.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl
from lissnas.evaluation.evaluator import TableEvaluator
from lissnas.shrinkers.kernel_shrinkage import ExpectedSubspace, KernelShrinkage
from lissnas.shrinkers.lissnas import Lissnas
from lissnas.shrinkers.operation_pruning import OperationPruning
from lissnas.shrinkers.shrink import Shrinker, Trace, shrink
from lissnas.spaces.published.cell201 import cell201
from lissnas.spaces.published.channel_macro import channel_macro
from lissnas.spaces.published.channels import channels
from lissnas.spaces.published.macro import macro
from lissnas.spaces.space import Floats, Space
from lissnas.statistics.quality import top
from lissnas.subspaces.subspace import Subspace

DATA = Path(__file__).parents[3] / "shared" / "data"

Problem = tuple[Space, Floats, dict[str, Floats]]
"""A space, the column that selects, and the columns that judge."""


def in_order(space: Space, strings: list[str], values: Floats) -> Floats:
    column = np.full(space.size, np.nan)
    column[space.index(space.read(strings))] = values
    return column


def nasbench201(dataset: str) -> Problem:
    frame, space = pl.read_parquet(DATA / "nasbench201.parquet"), cell201()
    cells = frame["arch"].to_list()
    selecting, judging = (
        in_order(space, cells, frame[f"{dataset}_{split}200"].to_numpy()) for split in ("val", "test")
    )
    return space, selecting, {"test": judging}


def seeds_of(name: str, space: Space, key: str) -> Problem:
    records = json.loads((DATA / name).read_text())
    seeds = np.array([record[key] for record in records.values()])
    names = list(records)
    judging = {
        "mean": in_order(space, names, seeds.mean(axis=1)),
        "others": in_order(space, names, seeds[:, 1:].mean(axis=1)),
    }
    return space, in_order(space, names, seeds[:, 0]), judging


def size_space() -> Problem:
    frame, space = pl.read_parquet(DATA / "nats_sss_cifar10.parquet"), channels()
    column = in_order(space, frame["channels"].to_list(), frame["cifar10_test_acc_90ep"].to_numpy())
    return space, column, {"same": column}


PROBLEMS = {
    "c10": lambda: nasbench201("c10"),
    "c100": lambda: nasbench201("c100"),
    "in16": lambda: nasbench201("in16"),
    "macro": lambda: seeds_of("nas-bench-macro_cifar10.json", macro(), "test_acc"),
    "channel": lambda: seeds_of("channel_bench_macro_resnet.json", channel_macro(), "acc"),
    "size": size_space,
}


def interval(values: list[float]) -> str:
    return f"{np.mean(values):.3f} ± {1.96 * np.std(values, ddof=1) / len(values) ** 0.5:.3f}"


def measure(name: str, budgets: list[int], seeds: int) -> None:
    space, selecting, judging = PROBLEMS[name]()
    best = {judge: top(column, 0.01) for judge, column in judging.items()}
    recalls: dict[tuple[str, str], list[float]] = {}
    spent: dict[str, list[int]] = {}
    seconds: dict[str, list[float]] = {}
    expected: dict[str, list[float]] = {}

    def note(method: str, evaluations: int, subspace: Subspace) -> None:
        spent.setdefault(method, []).append(evaluations)
        for judge, marked in best.items():
            recalls.setdefault((method, judge), []).append(float(marked[subspace.index].sum() / marked.sum()))
        if isinstance(subspace, ExpectedSubspace):
            expected.setdefault(method, []).append(subspace.expected_recall)

    def run(method: str, shrinker: Shrinker, seed: int) -> Trace:
        started = time.process_time()
        trace = shrink(space, TableEvaluator(space, selecting), shrinker, np.random.default_rng(seed))
        seconds.setdefault(method, []).append(time.process_time() - started)
        note(method, trace.evaluations.count, trace.subspace)
        return trace

    for seed in range(seeds):
        lissnas = run("LISSNAS", Lissnas(), seed)
        size, evaluations = lissnas.subspace.size, lissnas.evaluations.count
        run("operation pruning", OperationPruning(evaluations=evaluations, size=size), seed)
        kernel = run(f"kernel {max(budgets)}", KernelShrinkage(evaluations=max(budgets), size=size), seed)
        for step in kernel.rounds[1:-1]:
            if step.evaluations in budgets:
                note(f"kernel {step.evaluations}", step.evaluations, step.subspace)
    for (method, judge), values in recalls.items():
        cost = f"  {np.mean(seconds[method]):.2f} s" if method in seconds else ""
        own = f"  expected {np.mean(expected[method]):.3f}" if method in expected else ""
        print(
            f"{name:8}{judge:8}{method:19}{np.mean(spent[method]):6.0f} evaluations  recall {interval(values)}"
            f"{cost}{own}",
            flush=True,
        )


parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--seeds", type=int, default=50)
parser.add_argument("--evaluations", type=int, nargs="+", default=[60, 100, 150, 300])
parser.add_argument("--tables", nargs="+", choices=list(PROBLEMS), default=list(PROBLEMS))
arguments = parser.parse_args()
if not DATA.is_dir():
    sys.exit(f"skipped: the real tables are not here: {DATA} is missing")
for table in arguments.tables:
    measure(table, arguments.evaluations, arguments.seeds)
