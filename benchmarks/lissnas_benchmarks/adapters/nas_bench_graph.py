"""NAS-Bench-Graph: graph neural networks of four layers on nine data sets, with latency and parameters."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from lissnas.errors import ArchitectureError
from lissnas.spaces.categorical import CategoricalSpace
from lissnas.spaces.distinct import DistinctSpace
from lissnas.spaces.space import Floats, Paths, Rows
from numpy.typing import NDArray

from lissnas_benchmarks.adapter import Import, OfficialFile, TableAdapter
from lissnas_benchmarks.columns import Column, Measure
from lissnas_benchmarks.errors import BenchmarkFileError
from lissnas_benchmarks.readers.pickles.pickle_allowlist import short_text
from lissnas_benchmarks.readers.pickles.safe_pickle import load_pickle

_LAYERS = 4

_COLUMNS = {
    "valid_perf": ("accuracy", "validation", "%", 100.0, True),
    "perf": ("accuracy", "test", "%", 100.0, True),
    "latency": ("latency", "", "ms", 1000.0, False),
    "para": ("parameters", "", "M", 1.0, False),
}
"""For each key of the package: our metric, split and unit, the factor to that unit, and whether higher is better."""

_INTERCHANGEABLE: dict[tuple[int, ...], tuple[int, ...]] = {
    (0, 0, 0, 0): (0, 1, 2, 3),
    (0, 0, 0, 1): (1, 2),
    (0, 0, 1, 1): (2, 3),
    (0, 1, 1, 1): (1, 2, 3),
    (0, 1, 2, 2): (2, 3),
}
"""For each link pattern the layers that can be exchanged without changing the network, in the package's order."""

_TWO_CHAINS = (0, 0, 1, 2)
"""The pattern of two chains of two layers; the chains can be exchanged."""


@dataclass(frozen=True)
class _Encoding:
    """The package's encoding: a link pattern, then the operation of each layer; a key has their numbers as digits."""

    links: Sequence[tuple[int, ...]]
    operations: Sequence[str]

    def space(self, name: str) -> DistinctSpace:
        patterns = ["".join(map(str, link)) for link in self.links]
        rows = CategoricalSpace(name, (patterns, *[self.operations] * _LAYERS), "{}:" + ",".join(["{}"] * _LAYERS))
        return DistinctSpace(
            name, rows, self.representative, lambda rows: (rows[:, 1:] != self._skip).any(axis=1), self.paths
        )

    @property
    def _skip(self) -> int:
        return self.operations.index("skip")

    def paths(self, rows: Rows) -> Paths:
        """Return the operations on each path from the input to a layer that is an output; skip is no operation."""
        operations = np.zeros((len(rows), _LAYERS, _LAYERS), dtype=np.int64)
        present = np.zeros((len(rows), _LAYERS), dtype=np.bool_)
        for pattern, link in enumerate(self.links):
            case = rows[:, 0] == pattern
            outputs = [layer for layer in range(1, _LAYERS + 1) if layer not in link]
            present[case, : len(outputs)] = True
            for place, output in enumerate(outputs):
                layers = _layers_to(output, link)
                operations[np.ix_(case, [place], range(len(layers)))] = rows[case][:, None, layers].astype(np.int64) + 1
        operations[operations == self._skip + 1] = 0
        return Paths(operations, present, len(self.operations))

    def representative(self, rows: Rows) -> Rows:
        """Return the package's normal form of rows: skips moved to the input, exchangeable layers sorted."""
        result = rows.copy()
        for pattern, link in enumerate(self.links):
            for skips in itertools.product((False, True), repeat=_LAYERS):
                case = (rows[:, 0] == pattern) & ((rows[:, 1:] == self._skip) == skips).all(axis=1)
                moved_link, order = _move_skips(link, skips)
                result[case, 0] = self.links.index(moved_link)
                result[case, 1:] = rows[case, 1:][:, order]
        for pattern, link in enumerate(self.links):
            case = result[:, 0] == pattern
            layers = result[case, 1:]
            places = _INTERCHANGEABLE.get(link, ())
            layers[:, places] = np.sort(layers[:, places], axis=1)
            if link == _TWO_CHAINS:
                first, second, first_end, second_end = layers.astype(np.int64).T
                exchange = (first > second) | ((first == second) & (first_end > second_end))
                layers[exchange] = layers[exchange][:, (1, 0, 3, 2)]
            result[case, 1:] = layers
        return result


def _layers_to(layer: int, link: tuple[int, ...]) -> list[int]:
    """Return the layers from the input to a layer, both counted from 1; 0 is the input."""
    return [*_layers_to(link[layer - 1], link), layer] if layer else []


def _move_skips(link: tuple[int, ...], skips: tuple[bool, ...]) -> tuple[tuple[int, ...], list[int]]:
    """Return the pattern to which the package moves skips, and the original layer at each position."""
    from nas_bench_graph.architecture import Arch

    labels = ["skip" if skip else str(layer) for layer, skip in enumerate(skips)]
    normal = Arch(list(link), labels)
    normal.move_skip_op()
    skipped = iter(layer for layer, skip in enumerate(skips) if skip)
    return tuple(normal.link), [next(skipped) if label == "skip" else int(label) for label in normal.ops]


def _encoding(operations: str) -> _Encoding:
    from nas_bench_graph import architecture

    return _Encoding([tuple(link) for link in architecture.link_list], getattr(architecture, operations))


def _reader(
    space: Callable[[], DistinctSpace], datasets: tuple[str, ...]
) -> Callable[[Import], Mapping[Column, Floats]]:
    def read(source: Import) -> Mapping[Column, Floats]:
        searched = space()
        digits = _encoding("gnn_list").operations
        operations = _encoding("gnn_list_proteins").operations if searched.choices[1] < len(digits) else digits
        gene = np.full(10, 255, dtype=np.uint8)
        gene[: len(digits)] = [operations.index(name) if name in operations else 255 for name in digits]
        columns: dict[Column, Floats] = {}
        for dataset, path in zip(datasets, source.files, strict=True):
            name = f"light/{dataset}.bench"
            networks = _checked(load_pickle(path.read_bytes(), name), name)
            keys = np.array(list(networks), dtype=np.int64)
            if len(keys) != searched.size:
                raise BenchmarkFileError(f"{name}: {len(keys)} architectures instead of {searched.size}")
            try:
                index = searched.index(_rows(keys, gene))
            except ArchitectureError as error:
                raise BenchmarkFileError(f"{name}: {error}") from error
            for key, (metric, split, unit, factor, quality) in _COLUMNS.items():
                values = np.full(searched.size, np.nan)
                values[index] = [float(network[key]) * factor for network in networks.values()]
                columns[Column(metric, dataset, split, unit, quality=quality)] = values
        return columns

    return read


def _checked(networks: Any, name: str) -> dict[int, dict[str, float]]:
    """Return the content of a file; raises BenchmarkFileError unless it has measurements by architecture number."""
    if type(networks) is not dict:
        raise BenchmarkFileError(f"{name}: contains {short_text(networks)}, not a dictionary of architectures")
    for number, network in networks.items():
        if type(number) is not int or not 0 <= number < 10 ** (_LAYERS + 1):
            raise BenchmarkFileError(f"{name}: {short_text(number)} is not the number of an architecture")
        if type(network) is not dict or not all(type(network.get(key)) in (int, float) for key in _COLUMNS):
            raise BenchmarkFileError(f"{name}: architecture {number} lacks one of the numbers {', '.join(_COLUMNS)}")
    return networks


def _rows(keys: NDArray[np.int64], gene: Rows) -> Rows:
    """Return the rows of keys, whose decimal digits are the pattern and the operation of each layer."""
    digits = keys[:, None] // 10 ** np.arange(_LAYERS, -1, -1) % 10
    rows = digits.astype(np.uint8)
    rows[:, 1:] = gene[digits[:, 1:]]
    return rows


@cache  # finding the distinct networks and their neighbors takes a second; all data sets have the same
def _space() -> DistinctSpace:
    return _encoding("gnn_list").space("nas-bench-graph")


@cache
def _proteins_space() -> DistinctSpace:
    return _encoding("gnn_list_proteins").space("nas-bench-graph-proteins")


_SHA256 = {
    "cora": "5e69b2f9bb08d8927d9ffd4921f8494a3cea349c9c3a461334cb9dc9e11701a8",
    "citeseer": "99c7f79b73372636305bf73fb32a58b63c57bd1871a152dd62ec72d984c8c50f",
    "pubmed": "10b4dcf6cfd3a24f6059f7d541a4a872960b4adac0b3dba26abed1bb9a3d904d",
    "cs": "71ae8469930517160b024f52db6000a4897f1aff5d765beb27bb60952ed5bd31",
    "physics": "1e309bafee0b832c8b84fa3c039c36992bc0a910238b128f26b7e9190d7f2aea",
    "photo": "5511b4dc3f63fa988792177227db7901290fb9b27fc6c02e3036b29e134ed6df",
    "computers": "fdb3dc0cf405d62322f0ab9614b2083c2a5e6576c2f43e4f2214be64bc62b1b3",
    "arxiv": "7ee21a7653297a806c0ed1be3efe6ecc06acc84e48e942da0bfde0e5d287debe",
    "proteins": "b9e7fb0902bda44fec32c948e5fde822fb22d38d674c52e43ace5197378f2d21",
}

_DATASETS = tuple(dataset for dataset in _SHA256 if dataset != "proteins")


_BIBTEX = """\
@inproceedings{qin2022nasbenchgraph,
  title         = {{NAS-Bench-Graph}: Benchmarking Graph Neural Architecture Search},
  author        = {Qin, Yijian and Zhang, Ziwei and Wang, Xin and Zhang, Zeyang and Zhu, Wenwu},
  booktitle     = {Advances in Neural Information Processing Systems (NeurIPS), Datasets and Benchmarks Track},
  year          = {2022},
  eprint        = {2206.09166},
  archivePrefix = {arXiv},
}
"""


def _benchmark(name: str, title: str, space: Callable[[], DistinctSpace], datasets: tuple[str, ...]) -> TableAdapter:
    return TableAdapter(
        name=name,
        title=title,
        page="https://github.com/THUMNLab/NAS-Bench-Graph",
        license="Apache-2.0",
        paper="Qin et al., NAS-Bench-Graph: Benchmarking Graph Neural Architecture Search, NeurIPS 2022",
        bibtex=_BIBTEX,
        space=space,
        files=tuple(OfficialFile(f"light/{dataset}.bench", _SHA256[dataset]) for dataset in datasets),
        read=_reader(space, datasets),
        selects=Measure("accuracy", "validation"),
        reports=Measure("accuracy", "test"),
        package=("nas_bench_graph", "nas-bench-graph==1.4.0"),
        caveats=(
            "architectures that the package treats as equal are one; its rule also moves skip layers to the input",
            "proteins was run with 5 of the 9 operations: it is a benchmark of its own, nas-bench-graph-proteins",
        ),
    )


ADAPTER = _benchmark(
    "nas-bench-graph", "accuracy of 26,206 graph neural networks on eight data sets, with latency", _space, _DATASETS
)

PROTEINS = _benchmark(
    "nas-bench-graph-proteins",
    "score of 2,021 graph neural networks on proteins, with latency",
    _proteins_space,
    ("proteins",),
)
