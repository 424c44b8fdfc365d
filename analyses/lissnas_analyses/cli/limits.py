"""Resource limits on the command line: 'latency<=5' is read from a benchmark's column of costs."""

import re

from lissnas.errors import SettingError, UnknownNameError
from lissnas.spaces.limited import Limit, LimitedSpace
from lissnas.spaces.space import Floats, Rows
from lissnas_benchmarks.benchmark import Benchmark
from lissnas_benchmarks.columns import Measure

_LIMIT = re.compile(r"\s*([\w-]+)\s*<=\s*(-?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?)\s*", re.ASCII)


def limited_space(benchmark: Benchmark, limits: tuple[str, ...]) -> LimitedSpace:
    """Return the networks of a study that meet all limits, each written as 'resource<=number'.

    Raises SettingError for a limit that is not written so or that no network meets, UnknownNameError for a resource
    that the benchmark has no column of.
    """
    return LimitedSpace(benchmark.space, *(_limit(benchmark, limit) for limit in limits))


def _limit(benchmark: Benchmark, written: str) -> Limit:
    match = _LIMIT.fullmatch(written)
    if match is None:
        raise SettingError(f"a limit is written as 'latency<=5', not as '{written}'")
    resource, at_most = match.group(1), float(match.group(2))
    costs = _costs(benchmark, resource)

    def cost(rows: Rows) -> Floats:
        return costs[benchmark.space.index(rows)]

    return Limit(resource, cost, at_most)


def _costs(benchmark: Benchmark, resource: str) -> Floats:
    """Return what each network of the study needs, the mean over seeds, after the most epochs of training."""
    columns = [
        column for column in benchmark.table.columns if column.dataset == benchmark.dataset and not column.quality
    ]
    found = [column for column in columns if column.metric == resource]
    if not found:
        raise UnknownNameError("resource", resource, {column.metric for column in columns})
    last = max(found, key=lambda column: column.epochs or 0)
    return benchmark.table.values(Measure(resource, last.split, epochs=last.epochs), benchmark.dataset)
