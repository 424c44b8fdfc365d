"""Recall of the true top 1 % by few true evaluations with cheap scores, helpful and misleading.

Kernel shrinkage selects by validation accuracy, and the recall is by test accuracy. With each seed it keeps as many
architectures as LISSNAS. Each set of cheap scores is compared with no cheap scores in the same seeds: mean difference
and 95 % interval. A set is protected if its interval is above -.01. Smaller budgets are earlier rounds of the run with
the largest one. Options: `--tables c10 digits cora --evaluations 20 60 150 --seeds 100 --scores transfer reversed`;
`--first 10 --batch 5` are settings of the method, for small budgets; `--zero-cost FILE:COLUMN ...` adds scores of a
file of `lissnas score`; `--diagnose` prints the verdicts on each set from the true accuracies of the runs without cheap
scores, and how its first score ranks the better half. `--runs runs.csv` keeps a row for each finished run and budget,
so that a program that is killed resumes.
"""

import argparse
import csv
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
from lissnas.evaluation.evaluator import Evaluator, TableEvaluator
from lissnas.predictors.cheap_score_diagnosis import diagnose_cheap_scores
from lissnas.shrinkers.kernel_shrinkage import KernelShrinkage
from lissnas.shrinkers.lissnas import Lissnas
from lissnas.shrinkers.shrink import Trace, shrink
from lissnas.shrinkers.two_fidelity_shrinkage import with_cheap_scores
from lissnas.spaces.published.cell201 import cell201
from lissnas.spaces.space import Floats, Space
from lissnas.statistics.quality import is_top
from lissnas_benchmarks.benchmark import open_benchmark
from lissnas_benchmarks.predictor_file import read_predictors

DATA = Path(__file__).parents[3] / "shared" / "data"

PROTECTED = -0.01
"""The interval of the difference must be above this."""

Problem = tuple[Space, Floats, Floats, list[Floats]]
"""A space, the selecting and the reporting scores, and the scores of other data sets."""


def shared(name: str) -> list[tuple[str, Floats]]:
    """Return the columns of a shared table in the order of the index of the space, NaN where it has no value."""
    frame, space, values = pl.read_parquet(DATA / f"nasbench201{name}.parquet"), cell201(), []
    index = space.index(space.read(frame["arch"].to_list()))
    for column in frame.select(pl.selectors.float()).columns:
        scores = np.full(space.size, np.nan)
        scores[index] = np.where(frame[column] <= -1e7, np.nan, frame[column])  # -1e8 is a failed computation
        values.append((column, scores))
    return values


def nasbench201(dataset: str) -> Problem:
    table = dict(shared(""))
    others = [open_benchmark(name).selection for name in ("digits-cells", "fashion-cells")]
    return cell201(), table[f"{dataset}_val200"], table[f"{dataset}_test200"], others


def embedded(name: str, dataset: str | None, *others: tuple[str, str | None]) -> Problem:
    benchmark = open_benchmark(name, dataset)
    transferred = [open_benchmark(*other).selection for other in others]
    return benchmark.space, benchmark.selection, benchmark.report, transferred


PROBLEMS: dict[str, Callable[[], Problem]] = {
    "c10": lambda: nasbench201("c10"),
    "c100": lambda: nasbench201("c100"),
    "in16": lambda: nasbench201("in16"),
    "analog": lambda: embedded("analog-nasbench", None, ("digits-cells", None), ("fashion-cells", None)),
    "digits": lambda: embedded("digits-cells", None, ("fashion-cells", None)),
    "fashion": lambda: embedded("fashion-cells", None, ("digits-cells", None)),
    "cora": lambda: embedded("nas-bench-graph", "cora", ("nas-bench-graph", "pubmed")),
    "pubmed": lambda: embedded("nas-bench-graph", "pubmed", ("nas-bench-graph", "citeseer")),
}


def sets_of_scores(table: str, problem: Problem, zero_cost: list[str]) -> dict[str, list[Floats]]:
    """Return the sets of cheap scores of a table by name."""
    space, truth, _judging, transfer = problem
    rng = np.random.default_rng(0)
    best = np.flatnonzero(truth >= np.quantile(truth[~np.isnan(truth)], 0.8))
    buried, shuffled = truth.copy(), truth.copy()
    shuffled[best] = rng.permutation(truth[best])
    buried[is_top(truth, 0.05)] = np.nanmin(truth)
    sets = {
        "transfer": transfer,
        "reversed": [-scores for scores in transfer],
        "random": list(rng.normal(size=(3, space.size))),
        "random-13": list(rng.normal(size=(13, space.size))),
        "constant": [np.ones(space.size)],
        "shuffled": [rng.permutation(scores) for scores in transfer],
        "top-shuffled": [shuffled],
        "top-buried": [buried],
    }
    if zero_cost and space.name == "cell201":
        sets["zero-cost"] = [found.scores for source in zero_cost for found in read_predictors(source, space)]
    if table == "c10":
        supernets, published = ([scores for _, scores in shared(name)] for name in ("_supernet_scores", "_zero_cost"))
        sets |= {"one-shot": supernets[:1], "supernets": supernets, "everything": supernets + published}
    return sets


def interval(values: Floats) -> str:
    return f"{values.mean():+.3f} ± {1.96 * values.std(ddof=1) / len(values) ** 0.5:.3f}"


def measure(table: str, options: argparse.Namespace) -> None:
    """Print the recall of a table without cheap scores and with each set."""
    problem = space, truth, judging, _others = PROBLEMS[table]()
    budgets, seeds = options.evaluations, options.seeds
    evaluator, marked = TableEvaluator(space, truth), is_top(judging, 0.01)
    sizes = [shrink(space, evaluator, Lissnas(), np.random.default_rng(seed)).subspace.size for seed in range(seeds)]

    def run(seed: int, cheap: tuple[Evaluator, ...]) -> Trace:
        settings = {"evaluations": max(budgets), "first": options.first, "batch": options.batch}
        shrinker = with_cheap_scores(KernelShrinkage(size=sizes[seed], **settings), cheap)
        return shrink(space, evaluator, shrinker, np.random.default_rng(seed))

    def recalls(name: str, cheap: tuple[Evaluator, ...]) -> dict[int, Floats]:
        """Return the recall of each seed, by budget."""
        key = [table, name, options.first, options.batch, max(budgets)]
        finished = read_runs(options.runs, key)
        for seed in range(seeds):
            if all((seed, budget) in finished for budget in budgets):
                continue
            trace = run(seed, cheap)
            for budget in budgets:
                kept = next(step for step in reversed(trace.rounds) if step.evaluations <= budget).subspace
                finished[seed, budget] = float(marked[kept.index].sum() / marked.sum())
                if options.runs:
                    with options.runs.open("a", newline="") as file:
                        row = [*key, seed, budget, finished[seed, budget]]
                        csv.writer(file, lineterminator="\n").writerow(row)
        return {budget: np.array([finished[seed, budget] for seed in range(seeds)]) for budget in budgets}

    without = recalls("none", ())
    for budget in budgets:
        print(f"{table:8}{budget:4} evaluations  {'none':13} recall {interval(without[budget])}", flush=True)
    plain = [run(seed, ()) for seed in range(seeds)] if options.diagnose else []
    for name, scores in sets_of_scores(table, problem, options.zero_cost).items():
        if options.scores and name not in options.scores:
            continue
        cheap = tuple(TableEvaluator(space, column) for column in scores)
        joined = recalls(name, cheap)
        for budget in budgets:
            difference = joined[budget] - without[budget]
            low = difference.mean() - 1.96 * difference.std(ddof=1) / len(difference) ** 0.5
            print(
                f"{table:8}{budget:4} evaluations  {name:13} recall {interval(joined[budget])}  difference "
                f"{interval(difference)}  {'protected' if low > PROTECTED else 'not protected'}",
                flush=True,
            )
        if options.diagnose:
            print_diagnoses(space, plain, cheap)


def read_runs(path: Path | None, key: list[str | int]) -> dict[tuple[int, int], float]:
    """Return the recall of the finished runs of a set of scores by seed and budget."""
    if not path or not path.exists():
        return {}
    with path.open(newline="") as file:
        rows = [row for row in csv.reader(file) if row[:5] == list(map(str, key))]
    return {(int(seed), int(budget)): float(recall) for *_, seed, budget, recall in rows}


def print_diagnoses(space: Space, traces: list[Trace], cheap: tuple[Evaluator, ...]) -> None:
    """Print the verdicts on a set of cheap scores from the true accuracies of some runs."""
    diagnoses = [
        diagnose_cheap_scores(
            space, trace.evaluations.rows, trace.evaluations.scores, cheap, np.random.default_rng(seed)
        )
        for seed, trace in enumerate(traces)
    ]
    verdicts = Counter(diagnosis.verdict for diagnosis in diagnoses)
    reversing = sum(bool(diagnosis.alone[0].high < 0) for diagnosis in diagnoses)
    tau = np.mean([diagnosis.alone[0].value for diagnosis in diagnoses])
    print(f"    diagnosed {dict(verdicts)}; first score alone: tau {tau:+.2f}, below 0 in {reversing}", flush=True)


parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--seeds", type=int, default=50)
parser.add_argument("--evaluations", type=int, nargs="+", default=[50])
parser.add_argument("--tables", nargs="+", choices=list(PROBLEMS), default=["c10"])
parser.add_argument("--scores", nargs="+", default=[])
parser.add_argument("--first", type=int, default=20)
parser.add_argument("--batch", type=int, default=10)
parser.add_argument("--zero-cost", nargs="+", default=[])
parser.add_argument("--diagnose", action="store_true")
parser.add_argument("--runs", type=Path, help="CSV file of finished runs, which are not repeated")
arguments = parser.parse_args()
for table in arguments.tables:
    if table in ("c10", "c100", "in16") and not DATA.is_dir():
        print(f"{table}: skipped: the real tables are missing: {DATA} does not exist")
        continue
    measure(table, arguments)
