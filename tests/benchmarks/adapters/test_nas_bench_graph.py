"""NAS-Bench-Graph against the package that its authors published: its networks, and every one of its values."""

import itertools
from collections.abc import Callable

import nas_bench_graph
import numpy as np
import pytest
from lissnas.errors import ArchitectureError
from lissnas_benchmarks.columns import Measure
from lissnas_benchmarks.table import Table
from nas_bench_graph.architecture import Arch, gnn_list, gnn_list_proteins, link_list

_BENCHMARKS = {"nas-bench-graph": gnn_list, "nas-bench-graph-proteins": gnn_list_proteins}
_DATASETS = ("cora", "citeseer", "pubmed", "cs", "physics", "photo", "computers", "arxiv")


def _normal_form(link: list[int], operations: tuple[str, ...]) -> str:
    network = Arch(list(link), list(operations))
    network.move_skip_op()
    network.equalpart_sort()
    return "".join(map(str, network.link)) + ":" + ",".join(network.ops)


@pytest.fixture(scope="module", params=_BENCHMARKS)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def table(name: str, open_table: Callable[[str], Table]) -> Table:
    return open_table(name)


def test_the_space_has_the_size_that_the_authors_state(table: Table, name: str) -> None:
    assert table.space.size == {"nas-bench-graph": 26_206, "nas-bench-graph-proteins": 2_021}[name]


def test_every_row_is_the_network_that_the_package_makes_from_it(table: Table, name: str) -> None:
    operations = _BENCHMARKS[name]
    spellings = [
        spelling
        for spelling in itertools.product(range(9), *[range(len(operations))] * 4)
        if any(operations[choice] != "skip" for choice in spelling[1:])
    ]
    rows = np.array(spellings, dtype=np.uint8)
    expected = [_normal_form(link_list[link], tuple(operations[c] for c in choices)) for link, *choices in spellings]
    assert table.space.write(rows) == expected


@pytest.mark.parametrize("link", range(9))
def test_a_network_of_skips_alone_is_refused(table: Table, name: str, link: int) -> None:
    row = np.array([[link, *[_BENCHMARKS[name].index("skip")] * 4]], dtype=np.uint8)
    with pytest.raises(ArchitectureError, match="is not a network"):
        table.space.index(row)


def _keys(table: Table) -> list[int]:
    """Return the package's key of each network; both of its files write the nine operations as digits."""
    networks = [string.split(":") for string in table.space.write(table.space.all_rows())]
    return [Arch([int(parent) for parent in link], ops.split(",")).hash_arch() for link, ops in networks]


@pytest.mark.parametrize(
    ("metric", "split", "key", "factor"),
    [
        ("accuracy", "validation", "valid_perf", 100),
        ("accuracy", "test", "perf", 100),
        ("latency", "", "latency", 1000),
        ("parameters", "", "para", 1),
    ],
)
def test_every_value_equals_the_packages(table: Table, metric: str, split: str, key: str, factor: int) -> None:
    keys = _keys(table)
    for dataset in table.datasets:
        official = nas_bench_graph.light_read(dataset)
        expected = [official[network][key] * factor for network in keys]
        np.testing.assert_array_equal(table.values(Measure(metric, split), dataset), expected, err_msg=dataset)


def test_the_data_sets_are_the_packages(table: Table, name: str) -> None:
    assert table.datasets == {"nas-bench-graph": _DATASETS, "nas-bench-graph-proteins": ("proteins",)}[name]


def test_one_edit_is_one_changed_gene_of_some_row(table: Table) -> None:
    space = table.space
    rows = space.sample(8, np.random.default_rng(0))
    neighbors, source = space.neighbors(rows)
    everything = np.array(list(itertools.product(*map(range, space.choices))), dtype=np.uint8)
    valid = everything[(everything[:, 1:] != space.choices[1] - 1).any(axis=1)]
    place = space.index(valid)
    for at, center in enumerate(space.index(rows)):
        spellings = valid[place == center]
        near = (valid[:, None] != spellings).sum(axis=2).min(axis=1) <= 1
        expected = set(place[near].tolist()) - {int(center)}
        assert set(space.index(neighbors[source == at]).tolist()) == expected
