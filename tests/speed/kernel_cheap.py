"""Recall of the true top 1 % of NAS-Bench-201 by few true evaluations with cheap scores, helpful and misleading.

Kernel shrinkage selects by validation accuracy, and the recall is by test accuracy. With each seed it keeps as many
architectures as LISSNAS. Each set of cheap scores is compared with no cheap scores in the same seeds: mean difference
and 95 % interval. The diagnosis uses the true accuracies of the runs without cheap scores. It prints the verdicts, and
how the first score ranks the better half. Options: `--datasets c10 c100 in16 --evaluations 50 --seeds 50
--scores one-shot everything`.
"""

import argparse
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl
from lissnas.evaluation.evaluator import Evaluator, TableEvaluator
from lissnas.predictors.cheap_score_diagnosis import diagnose_cheap_scores
from lissnas.shrinkers.kernel_shrinkage import KernelShrinkage
from lissnas.shrinkers.lissnas import Lissnas
from lissnas.shrinkers.shrink import Trace, shrink
from lissnas.shrinkers.two_fidelity_shrinkage import TwoFidelityShrinkage
from lissnas.spaces.published.cell201 import cell201
from lissnas.spaces.space import Floats
from lissnas.statistics.quality import is_top

DATA = Path(__file__).parents[3] / "shared" / "data"
SPACE = cell201()


def columns(name: str) -> dict[str, Floats]:
    """Return the columns of a table in the order of the index of the space, NaN where it has no value."""
    frame = pl.read_parquet(DATA / f"nasbench201{name}.parquet")
    index = SPACE.index(SPACE.read(frame["arch"].to_list()))
    values = {}
    for column in frame.select(pl.selectors.float()).columns:
        values[column] = np.full(SPACE.size, np.nan)
        values[column][index] = frame[column].to_numpy()
    return values


def sets_of_scores(truth: Floats) -> dict[str, list[Floats]]:
    rng = np.random.default_rng(0)
    supernets = list(columns("_supernet_scores").values())
    # The table has -1e8 where the computation failed.
    zero_cost = [np.where(scores <= -1e7, np.nan, scores) for scores in columns("_zero_cost").values()]
    best = np.flatnonzero(truth >= np.quantile(truth, 0.8))
    buried, shuffled = truth.copy(), truth.copy()
    shuffled[best] = rng.permutation(truth[best])
    buried[is_top(truth, 0.05)] = truth.min()
    everything = supernets + zero_cost
    return {
        "one-shot": supernets[:1],
        "supernets": supernets,
        "zero-cost": zero_cost,
        "everything": everything,
        "reversed": [-scores for scores in everything],
        "random": list(rng.normal(size=(3, SPACE.size))),
        "random-13": list(rng.normal(size=(13, SPACE.size))),
        "constant": [np.ones(SPACE.size)],
        "shuffled": [rng.permutation(scores) for scores in everything],
        "top-shuffled": [shuffled],
        "top-buried": [buried],
    }


def interval(values: Floats) -> str:
    return f"{values.mean():+.3f} ± {1.96 * values.std(ddof=1) / len(values) ** 0.5:.3f}"


def measure(dataset: str, evaluations: int, seeds: int, chosen: list[str]) -> None:
    tables = columns("")
    truth, judging = tables[f"{dataset}_val200"], tables[f"{dataset}_test200"]
    evaluator, marked = TableEvaluator(SPACE, truth), is_top(judging, 0.01)
    sizes = [shrink(SPACE, evaluator, Lissnas(), np.random.default_rng(seed)).subspace.size for seed in range(seeds)]

    def runs(cheap: tuple[Evaluator, ...]) -> list[Trace]:
        traces = []
        for seed, size in enumerate(sizes):
            shrinker = KernelShrinkage(evaluations=evaluations, size=size)
            if cheap:
                shrinker = TwoFidelityShrinkage(evaluations=evaluations, size=size, cheap=cheap)
            traces.append(shrink(SPACE, evaluator, shrinker, np.random.default_rng(seed)))
        return traces

    def recalls(traces: list[Trace]) -> Floats:
        return np.array([marked[trace.subspace.index].sum() / marked.sum() for trace in traces])

    plain = runs(())
    without = recalls(plain)
    print(f"{dataset:6}{evaluations:4} evaluations  {'none':13} recall {interval(without)}", flush=True)
    for name, scores in sets_of_scores(truth).items():
        if name in chosen or not chosen:
            cheap = tuple(TableEvaluator(SPACE, column) for column in scores)
            joined = recalls(runs(cheap))
            diagnoses = [
                diagnose_cheap_scores(
                    SPACE, trace.evaluations.rows, trace.evaluations.scores, cheap, np.random.default_rng(seed)
                )
                for seed, trace in enumerate(plain)
            ]
            verdicts = Counter(diagnosis.verdict for diagnosis in diagnoses)
            reversing = sum(bool(diagnosis.alone[0].high < 0) for diagnosis in diagnoses)
            tau = np.mean([diagnosis.alone[0].value for diagnosis in diagnoses])
            print(
                f"{dataset:6}{evaluations:4} evaluations  {name:13} recall {interval(joined)}"
                f"  difference {interval(joined - without)}  diagnosed {dict(verdicts)};"
                f" first score alone: tau {tau:+.2f}, below 0 in {reversing}",
                flush=True,
            )


parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--seeds", type=int, default=50)
parser.add_argument("--evaluations", type=int, default=50)
parser.add_argument("--datasets", nargs="+", choices=["c10", "c100", "in16"], default=["c10"])
parser.add_argument("--scores", nargs="+", default=[])
arguments = parser.parse_args()
if not DATA.is_dir():
    sys.exit(f"skipped: the real tables are missing: {DATA} does not exist")
for name in arguments.datasets:
    measure(name, arguments.evaluations, arguments.seeds, arguments.scores)
