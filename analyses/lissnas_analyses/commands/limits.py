"""Resource limits on the command line: 'latency<=5' is read from a benchmark's column of costs."""

import re

from lissnas.errors import SettingError, UnknownNameError
from lissnas.limited import Limit, LimitedSpace
from lissnas.space import Floats, Rows
from lissnas_benchmarks.table import Measure

from lissnas_analyses.study import Study

_LIMIT = re.compile(r"\s*([\w-]+)\s*<=\s*(-?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?)\s*", re.ASCII)


def limited_space(study: Study, limits: tuple[str, ...]) -> LimitedSpace:
    """Return the networks of a study that meet all limits, each written as 'resource<=number'.

    Raises SettingError for a limit that is not written so or that no network meets, UnknownNameError for a resource
    that the benchmark has no column of.
    """
    return LimitedSpace(study.space, *(_limit(study, limit) for limit in limits))


def _limit(study: Study, written: str) -> Limit:
    match = _LIMIT.fullmatch(written)
    if match is None:
        raise SettingError(f"a limit is written as 'latency<=5', not as '{written}'")
    resource, at_most = match.group(1), float(match.group(2))
    costs = _costs(study, resource)

    def cost(rows: Rows) -> Floats:
        return costs[study.space.index(rows)]

    return Limit(resource, cost, at_most)


def _costs(study: Study, resource: str) -> Floats:
    """Return what each network of the study needs, the mean over seeds, after the most epochs of training."""
    columns = [column for column in study.table.columns if column.dataset == study.dataset and not column.quality]
    found = [column for column in columns if column.metric == resource]
    if not found:
        raise UnknownNameError("resource", resource, {column.metric for column in columns})
    last = max(found, key=lambda column: column.epochs or 0)
    return study.table.values(Measure(resource, last.split, epochs=last.epochs), study.dataset)
