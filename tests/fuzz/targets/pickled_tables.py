"""The adapters that read one pickled table, on spaces of a few architectures."""

import io
import itertools
import pickle
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import mutations
import numpy as np
from lissnas_benchmarks.adapters import hw_nas_bench, nas_bench_graph
from lissnas_benchmarks.adapters.cells201 import analog_nasbench

from targets.pickles import pickled
from targets.target import Target, imported, patched, small_space

_FOUR_CELLS = small_space(
    *(("none", "skip_connect"),) * 2, *(("none",),) * 4, pattern="|{}~0|+|{}~0|{}~1|+|{}~0|{}~1|{}~2|"
)


def _hw_seeds() -> list[bytes]:
    values = np.arange(_FOUR_CELLS.size) / 7
    strings = [{"arch_str": string} for string in _FOUR_CELLS.write(_FOUR_CELLS.all_rows())]
    of_sets = {
        dataset: {metric: form(values) for metric in hw_nas_bench._METRICS} | {"config": strings}
        for dataset, form in zip(hw_nas_bench._DATASETS, (list, np.array, np.ndarray.tolist), strict=True)
    }
    blocks = {metric: {"Skip_a": 0.5, "Conv_b": np.float64(1)} for metric in hw_nas_bench._METRICS}
    return [pickled({"nasbench201": of_sets, "fbnet": blocks}, 3)]


def _read_hw(path: Path) -> object:
    with patch.object(hw_nas_bench, "cell201", lambda: _FOUR_CELLS):
        hw_nas_bench.read_fbnet(path)
        return imported(hw_nas_bench.ADAPTER.read)(path)


class _Written:
    """Pickles as an object of a class that is not here: a call of a name, then a state."""

    def __init__(self, name: str, **state: Any) -> None:
        self.name, self.state = name, state


class _AnalogPickler(pickle._Pickler):  # type: ignore[name-defined]
    def save(self, part: Any, save_persistent_id: bool = True) -> None:
        if not isinstance(part, _Written):
            super().save(part, save_persistent_id)
            return
        self.write(f"canalognasbench.data\n{part.name}\n)\x81".encode("latin1"))
        super().save(part.state)
        self.write(b"b")


def _analog_seeds() -> list[bytes]:
    cells = {}
    for digits in itertools.product((0, 1), (0, 1), *[(1,)] * 4):
        drift = _Written("DriftMeasurement", value=80.5, uncertainty=0.25)
        of_cell: dict[str, Any] = dict.fromkeys(analog_nasbench._ACCURACIES.values(), 90.0)
        cells[digits] = _Written("Architecture", **of_cell, **dict.fromkeys(analog_nasbench._DRIFTS.values(), drift))
    target = io.BytesIO()
    _AnalogPickler(target, 2).dump(cells)
    return [target.getvalue()]


def _links() -> list[list[int]]:
    from nas_bench_graph.architecture import link_list

    return list(link_list)


@cache
def _graph() -> Any:
    return nas_bench_graph._Encoding([tuple(link) for link in _links()], ["gcn", "skip"]).space("small")


def _graph_seeds() -> list[bytes]:
    space = _graph()
    digits = space.rows(np.arange(space.size)).astype(np.int64)
    digits[:, 1:] = np.array([1, 8])[digits[:, 1:]]  # the package's numbers of "gcn" and "skip"
    keys = (digits * 10 ** np.arange(4, -1, -1)).sum(axis=1).tolist()
    network = {"valid_perf": np.float64(0.5), "perf": np.float64(0.25), "latency": 0.001, "para": 1.5}
    return [pickled({key: dict(network) for key in keys}, 3)]


def _read_graph(path: Path) -> object:
    encoding = nas_bench_graph._encoding
    names = {"gnn_list": "gnn_list", "gnn_list_proteins": "gnn_list"}

    def package(operations: str) -> Any:
        if operations == "gnn_list_proteins":
            return nas_bench_graph._Encoding(_links(), ["gcn", "skip"])
        return encoding(names[operations])

    with patch.object(nas_bench_graph, "_encoding", package):
        return imported(nas_bench_graph._reader(_graph, ("cora",)))(path)


TARGETS = (
    Target(
        "AnalogNAS-Bench pickle",
        _analog_seeds,
        patched(analog_nasbench, "cell201", lambda: _FOUR_CELLS, imported(analog_nasbench.ADAPTER.read)),
        mutations.pickles,
    ),
    Target("NAS-Bench-Graph pickle", _graph_seeds, _read_graph, mutations.pickles),
    Target("HW-NAS-Bench pickle", _hw_seeds, _read_hw, mutations.pickles),
)
