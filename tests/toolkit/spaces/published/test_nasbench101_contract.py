"""The cell of NAS-Bench-101: the contract of every space, official strings, and what is refused."""

from itertools import combinations, permutations

import numpy as np
import pytest
from lissnas.errors import ArchitectureError, SettingError
from lissnas.spaces.published.nasbench101 import OPERATIONS, NasBench101
from lissnas.spaces.space import Rows
from nasbench101_graphs import (
    IN,
    OUT,
    Graph,
    row_of,
    upper_triangle,
)


def test_indices_count_the_architectures_in_order(full: NasBench101) -> None:
    np.testing.assert_array_equal(full.index(full.all_rows()), np.arange(423_624))


def test_sources_of_neighbors_ascend(five: NasBench101) -> None:
    _neighbors, source = five.neighbors(five.all_rows()[::-1])
    assert (np.diff(source) >= 0).all()


def test_official_strings_read_back_as_the_same_rows(five: NasBench101) -> None:
    rows = five.all_rows()
    strings = five.write(rows)
    np.testing.assert_array_equal(five.read(strings), rows)
    assert len(set(strings)) == five.size


def test_a_graph_is_written_as_its_matrix_and_its_operations(five: NasBench101) -> None:
    assert five.write(five.all_rows()[[0, 1]]) == ["0100 input,output", f"010001000 input,{OPERATIONS[0]},output"]


def test_every_numbering_is_read_as_the_canonical_row(five: NasBench101) -> None:
    joined = ["0111001100010000 input,{},{},output".format(*names) for names in permutations(OPERATIONS[:2])]
    # The order of two vertices matters only if an edge joins them.
    assert len(np.unique(five.read(joined), axis=0)) == 2
    apart = ["0110000100010000 input,{},{},output".format(*names) for names in permutations(OPERATIONS[:2])]
    assert len(np.unique(five.read(apart), axis=0)) == 1


@pytest.mark.parametrize(
    "string",
    [
        "",
        "0100",
        "input,output",
        "0100  input,output",
        "0100 input,output ",
        "0100 INPUT,OUTPUT",
        "0100 output,input",
        "0100 input",
        "0200 input,output",
        "0110 input,output",
        "1100 input,output",
        "010 input,output",
        "010001000 input,output",
        "0100 input,maxpool3x3,output",
        "010001000 input,maxpool5x5,output",
        "٠١٠٠ input,output",
        "0" * 64 + " input," + "maxpool3x3," * 6 + "output",
    ],
)
def test_a_string_of_another_form_is_refused_with_an_example(five: NasBench101, string: str) -> None:
    with pytest.raises(ArchitectureError, match=r"is not written as .* for example '01"):
        five.read(["0100 input,output", string])


def _line(length: int) -> Graph:
    return Graph((1,) * length, frozenset(zip([IN, *range(length)], [*range(length), OUT], strict=True)))


@pytest.mark.parametrize(
    "graph",
    [
        pytest.param(Graph((), frozenset()), id="no edge"),
        pytest.param(Graph((1,), frozenset({(IN, 0)})), id="no path to the output"),
        pytest.param(Graph((1, 1), frozenset({(IN, 0), (1, OUT)})), id="a gap in the path"),
        pytest.param(Graph((1, 2, 3), frozenset(upper_triangle(3))), id="10 edges"),
        pytest.param(_line(4), id="6 vertices"),
    ],
)
def test_a_graph_outside_the_space_is_refused(five: NasBench101, graph: Graph) -> None:
    rows = np.array([row_of(_line(1)), row_of(graph)], dtype=np.uint8)
    with pytest.raises(ArchitectureError, match=r"row 1 .* no path leads from input to output, or"):
        five.index(rows)


def test_an_edge_at_a_vertex_without_an_operation_is_refused(five: NasBench101) -> None:
    row = row_of(_line(3))
    row[1] = 0
    with pytest.raises(ArchitectureError, match=r"row 0 .* an edge at a vertex without an operation"):
        five.index(np.array([row], dtype=np.uint8))


def test_graphs_that_prune_to_few_edges_are_in_the_space(full: NasBench101) -> None:
    # Ten of the twelve edges are on no path to the output.
    edges = {(IN, 0), (0, OUT)} | set(combinations(range(1, 5), 2)) | {(IN, v) for v in range(1, 5)}
    row = np.array([row_of(Graph((1, 2, 3, 1, 2), frozenset(edges)))], dtype=np.uint8)
    assert full.write(row) == [f"010001000 input,{OPERATIONS[0]},output"]


def _broken(rows: Rows) -> dict[str, object]:
    return {
        "too short": rows[:, :-1],
        "one row without a batch": rows[0],
        "wide integers": rows.astype(np.int64),
        "choices out of range": rows + np.uint8(100),
        "operation 4": np.where(np.arange(26) == 0, 4, rows).astype(np.uint8),
    }


@pytest.mark.parametrize("damage", _broken(np.zeros((2, 26), dtype=np.uint8)))
@pytest.mark.parametrize("use", ["index", "neighbors", "write", "mean_distance"])
def test_rows_that_break_the_contract_are_refused(five: NasBench101, use: str, damage: str) -> None:
    with pytest.raises(ArchitectureError, match="nas-bench-101"):
        getattr(five, use)(_broken(five.all_rows()[:2])[damage])


@pytest.mark.parametrize("index", [-1, 2532])
def test_an_index_outside_the_space_is_refused(five: NasBench101, index: int) -> None:
    with pytest.raises(ArchitectureError, match="0 to 2531"):
        five.rows(np.array([0, index]))


@pytest.mark.parametrize(("vertices", "edges"), [(1, 9), (8, 9), (7, 0), (7, 22)])
def test_a_space_of_another_size_is_refused(vertices: int, edges: int) -> None:
    with pytest.raises(SettingError, match=f"not up to {vertices} and {edges}"):
        NasBench101(vertices, edges)


def test_an_empty_batch_is_allowed(five: NasBench101) -> None:
    empty = five.rows(np.empty(0, dtype=np.int64))
    shapes = (
        five.index(empty).shape,
        five.neighbors(empty)[0].shape,
        five.distance(empty, empty).shape,
        five.distances(empty, five.all_rows()).shape,
        five.write(empty),
    )
    assert shapes == ((0,), (0, 26), (0,), (0, 2532), [])


def test_a_sample_has_no_architecture_twice(five: NasBench101) -> None:
    sample = five.sample(five.size, np.random.default_rng(3))
    assert sorted(five.index(sample)) == list(range(five.size))
