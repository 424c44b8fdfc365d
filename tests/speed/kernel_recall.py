"""Recall of the true top 1 % by kernel shrinkage, LISSNAS and operation pruning, on the six shared tables.

Every method selects by one column, and the recall is by another. With each seed, all methods keep as many architectures
as LISSNAS with its defaults. The output is means over seeds with 95 % intervals. Smaller budgets are earlier rounds of
the run with the largest budget. Where the reporting column is a mean over all training seeds, it includes the selecting
seed; "others" excludes it. Options: `--evaluations 60 150 --tables c10 size --seeds 50`.
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
from lissnas.statistics.quality import is_top
from lissnas.subspaces.subspace import Subspace

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
    space, selecting, reporting = PROBLEMS[name]()
    best = {report: is_top(column, 0.01) for report, column in reporting.items()}
    recalls: dict[tuple[str, str], list[float]] = {}
    spent: dict[str, list[int]] = {}
    seconds: dict[str, list[float]] = {}
    expected: dict[str, list[float]] = {}

    def note(method: str, evaluations: int, subspace: Subspace) -> None:
        spent.setdefault(method, []).append(evaluations)
        for report, marked in best.items():
            recalls.setdefault((method, report), []).append(float(marked[subspace.index].sum() / marked.sum()))
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
    for (method, report), values in recalls.items():
        cost = f"  {np.mean(seconds[method]):.2f} s" if method in seconds else ""
        forecast = f"  expected {np.mean(expected[method]):.3f}" if method in expected else ""
        print(
            f"{name:8}{report:8}{method:19}{np.mean(spent[method]):6.0f} evaluations  recall {interval(values)}"
            f"{cost}{forecast}",
            flush=True,
        )


parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--seeds", type=int, default=50)
parser.add_argument("--evaluations", type=int, nargs="+", default=[60, 100, 150, 300])
parser.add_argument("--tables", nargs="+", choices=list(PROBLEMS), default=list(PROBLEMS))
arguments = parser.parse_args()
if not DATA.is_dir():
    sys.exit(f"skipped: the real tables are missing: {DATA} does not exist")
for table in arguments.tables:
    measure(table, arguments.evaluations, arguments.seeds)
