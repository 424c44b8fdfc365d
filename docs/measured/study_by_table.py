"""Print the rows of docs/supernet-study.md that need no supernet, with the present methods: shrinking by the table.

python docs/measured/study_by_table.py

The generators are those of `lissnas supernet study`, so the rows are those that it would print.
"""

import lissnas as ln
import numpy as np
from lissnas.evaluation.evaluator import TableEvaluator
from lissnas.shrinkers.angle_based_shrinkage import AngleBasedShrinkage
from lissnas.shrinkers.kernel_shrinkage import KernelShrinkage
from lissnas.shrinkers.lissnas import Lissnas
from lissnas.shrinkers.shrink import Shrinker, Trace, shrink
from lissnas.statistics.quality import quality
from lissnas.statistics.repeated_runs import mean_over_runs
from lissnas.storage.random_streams import named_generator

SUPERNETS = 3
RUNS = 3
MEASURES = ("recall_1", "recall_5", "mean", "size")


def main() -> None:
    """Print a row for each method: means over the seeds of the supernets, with Student's intervals."""
    benchmark = ln.load("digits-cells")
    evaluator = TableEvaluator(benchmark.space, benchmark.selection)
    found: dict[str, list[list[float]]] = {}

    def run_with(method: str, shrinker: Shrinker, seed: int, run: int) -> Trace:
        trace = shrink(benchmark.space, evaluator, shrinker, named_generator(method, seed, run))
        kept = quality(trace.subspace, benchmark.report)
        values = [float(getattr(kept, name)) for name in MEASURES]
        found.setdefault(method, []).append([*values, float(trace.evaluations.count)])
        return trace

    for seed in range(SUPERNETS):
        for run in range(RUNS):
            trace = run_with("lissnas", Lissnas(), seed, run)
            size, evaluations = trace.subspace.size, trace.evaluations.count
            run_with("kernel", KernelShrinkage(size=size), seed, run)
            run_with("angle", AngleBasedShrinkage(evaluations=evaluations, size=size), seed, run)
    for method, rows in found.items():
        of_supernets = np.array(rows).reshape(SUPERNETS, RUNS, -1).mean(axis=1)
        cells = []
        for name, values in zip((*MEASURES, "evaluations"), of_supernets.T, strict=True):
            digits = 3 if name.startswith("recall") else 2
            estimate = mean_over_runs(values)
            interval = f"{estimate.value:.{digits}f} [{estimate.low:.{digits}f}, {estimate.high:.{digits}f}]"
            cells.append(f"{name} {interval if name not in ('size', 'evaluations') else f'{estimate.value:.0f}'}")
        print(f"{method}: {', '.join(cells)}")


if __name__ == "__main__":
    main()
