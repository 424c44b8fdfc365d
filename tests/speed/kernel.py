"""Time of kernel shrinkage with 150 evaluations in four spaces and with 1,000 in three, and of one prediction.

`--parts 1000` measures a part: 150, 1000 or prediction.
"""

import argparse
import resource
import time

import numpy as np
from lissnas.predictors.distance_kernel import DistanceKernel
from lissnas.predictors.gaussian_process import fit_gaussian_process, normal_scores
from lissnas.predictors.graph_kernel import kernel_components
from lissnas.shrinkers.kernel_shrinkage import KernelShrinkage
from lissnas.shrinkers.shrink import shrink
from lissnas.spaces.categorical import CategoricalSpace
from lissnas.spaces.published.cell201 import cell201
from lissnas.spaces.space import Floats, Rows, Space
from threadpoolctl import threadpool_limits

RUNS = 3


def score(rows: Rows) -> Floats:
    values = rows.astype(np.float64)
    return (values * 0.9 ** np.arange(rows.shape[1])).sum(axis=1) + np.sin(values[:, 1:] * values[:, :-1]).sum(axis=1)


def seconds(run, *arguments) -> float:
    """Return the processor time of a call."""
    started = time.process_time()
    run(*arguments)
    return time.process_time() - started


def shrink_once(space: Space, seed: int, evaluations: int = 150) -> None:
    shrink(space, score, KernelShrinkage(evaluations), np.random.default_rng(seed))


PARTS = ("150", "1000", "prediction")
parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
parts = parser.parse_args().parts
threadpool_limits(1)
names = [str(choice) for choice in range(10)]
for choices, genes in ((5, 6), (10, 6), (4, 20), (7, 21)) if "150" in parts else ():
    space = CategoricalSpace("chain", [names[:choices]] * genes, "-".join(["{}"] * genes))
    shrink_once(space, 0)
    times = sorted(seconds(shrink_once, space, seed) for seed in range(RUNS if space.size < 10**6 else 1))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    cost = f"{times[len(times) // 2]:.2f} s of one core, peak memory {peak:.0f} MB"
    print(f"{choices}^{genes} = {space.size:.3g} networks: {cost}", flush=True)

for name, space in (
    ("5^6 networks", CategoricalSpace("chain", [names[:5]] * 6, "{}" * 6)),
    ("the 15,625 cells", cell201()),
    ("7^21 networks", CategoricalSpace("chain", [names[:7]] * 21, "{}" * 21)),
):
    if "1000" not in parts:
        break
    cost = seconds(shrink_once, space, 0, 1_000)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"1,000 evaluations of {name}: {cost:.1f} s of one core, peak memory {peak:.0f} MB", flush=True)

space = CategoricalSpace("chain", [names[:4]] * 20, "{}" * 20)
rng = np.random.default_rng(0)
rows = space.sample(150, rng)
process = fit_gaussian_process(DistanceKernel(kernel_components(space)), rows, normal_scores(score(rows)))
for count in (10_000, 100_000, 1_000_000) if "prediction" in parts else ():
    candidates = rng.integers(0, 4, (count, 20), dtype=np.uint8)
    print(f"{count:9,} candidates: {seconds(process.mean, candidates) / count * 1e6:.2f} microseconds each")
