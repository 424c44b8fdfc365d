"""The cell of NAS-Bench-101 against plain loops over graphs: which are the same, which are one edit apart."""

import json
import os
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import chain, combinations, permutations, product
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lissnas.errors import ArchitectureError, SettingError
from lissnas.locality.exact_locality import pair_locality
from lissnas.locality.landscape import Landscape
from lissnas.locality.random_walks import walk_autocorrelation
from lissnas.spaces.graph_codes import EDGES, canonical, pack, prune, unpack
from lissnas.spaces.published.nasbench101 import OPERATIONS, NasBench101, nasbench101
from lissnas.spaces.space import Rows

IN, OUT = "input", "output"


# Graphs in the plainest Python


@dataclass(frozen=True)
class Graph:
    """Inner vertices 0, 1, ... with their operations; edges between them, from IN and to OUT; not always acyclic."""

    operations: tuple[int, ...]
    edges: frozenset[tuple[object, object]]


def _reached(edges: frozenset, start: object) -> set:
    reached, queue = {start}, deque([start])
    while queue:
        vertex = queue.popleft()
        for a, b in edges:
            if a == vertex and b not in reached:
                reached.add(b)
                queue.append(b)
    return reached


def _pruned(graph: Graph) -> Graph | None:
    backwards = frozenset((b, a) for a, b in graph.edges)
    kept = _reached(graph.edges, IN) & _reached(backwards, OUT)
    if OUT not in kept:
        return None
    inner = [vertex for vertex in range(len(graph.operations)) if vertex in kept]
    new = {IN: IN, OUT: OUT} | {vertex: place for place, vertex in enumerate(inner)}
    edges = frozenset((new[a], new[b]) for a, b in graph.edges if a in kept and b in kept)
    return Graph(tuple(graph.operations[vertex] for vertex in inner), edges)


def _is_acyclic(graph: Graph) -> bool:
    return not any(a in _reached(graph.edges, b) for a, b in graph.edges)


@cache
def _key(graph: Graph) -> tuple:
    """Return what isomorphic graphs, and no others, have in common: the least of all ways to number the vertices."""
    ways = []
    for order in permutations(range(len(graph.operations))):
        new = {IN: -1, OUT: 9} | {vertex: place for place, vertex in enumerate(order)}
        ways.append((tuple(graph.operations[v] for v in order), sorted((new[a], new[b]) for a, b in graph.edges)))
    operations, edges = min(ways)
    return operations, tuple(edges)


def _row(graph: Graph, places: tuple[int, ...] = (1, 2, 3, 4, 5)) -> list[int]:
    """Write a graph whose edges lead from lower to higher vertices as genes, its vertices at these places."""
    new = {IN: 0, OUT: 6} | dict(enumerate(places))
    operations = [0] * 5
    for vertex, operation in enumerate(graph.operations):
        operations[new[vertex] - 1] = operation
    edges = {(new[a], new[b]) for a, b in graph.edges}
    return operations + [int(edge in edges) for edge in EDGES]


def _graph(row: list[int]) -> Graph:
    names = {0: IN, 6: OUT} | {vertex: vertex - 1 for vertex in range(1, 6)}
    edges = frozenset((names[a], names[b]) for (a, b), gene in zip(EDGES, row[5:], strict=True) if gene)
    return Graph(tuple(gene for gene in row[:5] if gene), edges)


def _upper_triangle(inner: int) -> list[tuple[object, object]]:
    return list(combinations([IN, *range(inner), OUT], 2))


def _labeled(max_inner: int) -> Iterator[Graph]:
    """Yield every graph of so many vertices whose edges lead from lower to higher ones."""
    for inner in range(max_inner + 1):
        possible = _upper_triangle(inner)
        for chosen in product((0, 1), repeat=len(possible)):
            edges = frozenset(edge for edge, there in zip(possible, chosen, strict=True) if there)
            for operations in product((1, 2, 3), repeat=inner):
                yield Graph(operations, edges)


def _edited(graph: Graph, max_inner: int) -> Iterator[Graph]:
    """Yield all that one edit makes of a graph, within 9 edges and so many vertices."""
    inner = len(graph.operations)
    for vertex, operation in product(range(inner), (1, 2, 3)):
        yield Graph((*graph.operations[:vertex], operation, *graph.operations[vertex + 1 :]), graph.edges)
    for edge in graph.edges:
        cut = _pruned(Graph(graph.operations, graph.edges - {edge}))
        if cut is not None and len(cut.operations) >= inner - 1:
            yield cut
    for edge in product([IN, *range(inner)], [*range(inner), OUT]):
        yield Graph(graph.operations, graph.edges | {edge})
    if inner == max_inner:
        return
    # A vertex that one edge cuts off has no other edge on that side.
    before, after = [IN, *range(inner)], [*range(inner), OUT]
    ends = chain(
        (([a], list(bs)) for a in before for count in range(1, 8) for bs in combinations(after, count)),
        ((list(starts), [b]) for b in after for count in range(1, 8) for starts in combinations(before, count)),
    )
    for starts, stops in ends:
        if len(graph.edges) + len(starts) + len(stops) <= 9:
            new = {(a, inner) for a in starts} | {(inner, b) for b in stops}
            for operation in (1, 2, 3):
                yield Graph((*graph.operations, operation), graph.edges | new)


def _neighbor_keys(graph: Graph, max_inner: int) -> set[tuple]:
    found = {_key(other) for other in _edited(graph, max_inner) if len(other.edges) <= 9 and _is_acyclic(other)}
    return found - {_key(graph)}


@pytest.fixture(scope="module")
def five() -> NasBench101:
    return nasbench101(5)


@pytest.fixture(scope="module")
def four() -> NasBench101:
    return nasbench101(4)


@pytest.fixture(scope="module")
def full() -> NasBench101:
    return nasbench101()


# Which graphs are the same


@pytest.fixture(scope="module")
def labeled_five() -> list[tuple[Graph, Graph]]:
    """Every labeled graph of at most 5 vertices that has a path and, pruned, at most 9 edges; and what is left."""
    pairs = [(graph, _pruned(graph)) for graph in _labeled(3)]
    return [(graph, pruned) for graph, pruned in pairs if pruned is not None and len(pruned.edges) <= 9]


@pytest.mark.parametrize("places", [(1, 2, 3), (3, 4, 5), (1, 3, 5)])
def test_two_graphs_have_one_place_if_and_only_if_they_are_isomorphic(
    five: NasBench101, labeled_five: list[tuple[Graph, Graph]], places: tuple[int, ...]
) -> None:
    index = five.index(np.array([_row(graph, places) for graph, _pruned in labeled_five], dtype=np.uint8))
    keys = [_key(pruned) for _graph, pruned in labeled_five]
    assert len(set(keys)) == len(set(index)) == len(set(zip(keys, index, strict=True))) == five.size == 2532


def test_canonical_rows_are_pruned_and_number_their_vertices_without_gaps(five: NasBench101) -> None:
    for row in five.all_rows().tolist():
        graph = _graph(row)
        assert _pruned(graph) == graph
        assert all(row[: len(graph.operations)])


def test_a_canonical_row_is_the_greatest_of_its_network(
    five: NasBench101, labeled_five: list[tuple[Graph, Graph]]
) -> None:
    rows = [_row(pruned) for _graph, pruned in labeled_five]
    greatest: dict[tuple, list[int]] = {}
    for row, (_unpruned, pruned) in zip(rows, labeled_five, strict=True):
        greatest[_key(pruned)] = max(row, greatest.get(_key(pruned), row))
    assert five.all_rows().tolist() == sorted(greatest.values())


def test_the_spaces_up_to_4_and_5_vertices_are_part_of_the_whole(four: NasBench101, full: NasBench101) -> None:
    np.testing.assert_array_equal(four.all_rows(), full.rows(full.index(four.all_rows())))


@pytest.mark.parametrize(("vertices", "count"), [(2, 1), (3, 7), (4, 91), (5, 2532), (6, 64_542), (7, 423_624)])
def test_there_are_as_many_graphs_as_published(vertices: int, count: int) -> None:
    assert nasbench101(vertices).size == count


@pytest.mark.skipif("LISSNAS_SLOW_TESTS" not in os.environ, reason="half a minute: set LISSNAS_SLOW_TESTS to run it")
def test_the_whole_space_is_every_labeled_graph_in_canonical_form(full: NasBench101) -> None:
    # Without the detour over shapes: every upper triangular matrix of at most 9 edges with every choice of operations.
    edges = np.arange(1 << 21, dtype=np.int32)
    edges = edges[np.bitwise_count(edges) <= 9]
    labelings = np.array(list(product((1, 2, 3), repeat=5)), dtype=np.uint8)
    labels = pack(np.hstack([labelings, np.zeros((len(labelings), 21), dtype=np.uint8)]))
    found = [np.unique(canonical(np.unique(prune(edges | label)))) for label in labels]
    codes = np.unique(np.concatenate(found))
    np.testing.assert_array_equal(unpack(codes[codes > 0]), full.all_rows())


def _random_graph(draw: st.DrawFn) -> Graph:
    inner = draw(st.integers(0, 5))
    possible = _upper_triangle(inner)
    edges = draw(st.sets(st.sampled_from(possible), max_size=9))
    operations = tuple(draw(st.lists(st.integers(1, 3), min_size=inner, max_size=inner)))
    # Any path at all makes it a network.
    return Graph(operations, frozenset(edges | {(IN, OUT)} if len(edges) < 9 else edges))


@st.composite
def _some_graph(draw: st.DrawFn) -> Graph:
    return _random_graph(draw)


@st.composite
def _renumbered_pair(draw: st.DrawFn) -> tuple[Graph, Graph]:
    """Draw a graph and the same with its vertices in another order that its edges allow."""
    graph = _random_graph(draw)
    inner = len(graph.operations)
    order: list[int] = []
    while len(order) < inner:
        free = [v for v in range(inner) if v not in order and all(a in (IN, *order) for a, b in graph.edges if b == v)]
        order.append(draw(st.sampled_from(free)))
    new = {IN: IN, OUT: OUT} | {vertex: place for place, vertex in enumerate(order)}
    edges = frozenset((new[a], new[b]) for a, b in graph.edges)
    return graph, Graph(tuple(graph.operations[vertex] for vertex in order), edges)


def _canonical(*graphs: Graph) -> np.ndarray:
    return canonical(prune(pack(np.array([_row(graph) for graph in graphs], dtype=np.uint8))))


@given(_renumbered_pair())
def test_the_canonical_form_does_not_depend_on_the_numbering(pair: tuple[Graph, Graph]) -> None:
    first, second = _canonical(*pair)
    assert first == second


@given(_some_graph())
def test_the_canonical_form_is_the_pruned_graph(graph: Graph) -> None:
    [code] = _canonical(graph)
    pruned = _pruned(graph)
    if pruned is None:
        assert code == 0
    else:
        assert _key(_graph(unpack(np.array([code]))[0].tolist())) == _key(pruned)


@given(_some_graph(), _some_graph())
def test_different_graphs_have_different_canonical_forms(a: Graph, b: Graph) -> None:
    first, second = _canonical(a, b)
    pruned = [_pruned(graph) and _key(_pruned(graph)) for graph in (a, b)]
    assert (first == second) == (pruned[0] == pruned[1])


@given(_some_graph())
def test_a_row_is_its_code_unpacked(graph: Graph) -> None:
    row = np.array([_row(graph)], dtype=np.uint8)
    np.testing.assert_array_equal(unpack(pack(row)), row)


# Real graphs


def _strings(frame: pl.DataFrame) -> list[str]:
    names = {-1: IN, -2: OUT} | dict(enumerate(OPERATIONS))
    strings = []
    for matrix, operations in frame.select("matrix", "ops").iter_rows():
        digits = "".join(str(digit) for line in json.loads(matrix) for digit in line)
        strings.append(f"{digits} {','.join(names.get(name, name) for name in json.loads(operations))}")
    return strings


def test_the_real_graphs_of_at_most_5_vertices_are_the_whole_space(shared_data: Path, five: NasBench101) -> None:
    frame = pl.read_parquet(shared_data / "nasbench101_5v_4epochs.parquet").unique("hash")
    index = five.index(five.read(_strings(frame)))
    np.testing.assert_array_equal(np.sort(index), np.arange(2532))


def test_graphs_of_different_official_hash_are_different(shared_data: Path, full: NasBench101) -> None:
    frame = pl.read_parquet(shared_data / "nasbench101_subset_108epochs.parquet")
    assert frame["graph_hash"].n_unique() == frame.height
    assert len(np.unique(full.index(full.read(_strings(frame))))) == frame.height


# Neighbors and distance


def _found_keys(space: NasBench101, place: int) -> list[tuple]:
    neighbors, _source = space.neighbors(space.rows(np.array([place])))
    return [_key(_graph(row)) for row in neighbors.tolist()]


def test_neighbors_are_what_one_edit_makes_of_a_graph(five: NasBench101) -> None:
    rows = five.all_rows()
    keys = [_key(_graph(row)) for row in rows.tolist()]
    neighbors, source = five.neighbors(rows)
    found: list[list[tuple]] = [[] for _ in keys]
    for place, other in zip(source.tolist(), five.index(neighbors).tolist(), strict=True):
        found[place].append(keys[other])
    expected = [_neighbor_keys(_graph(row), max_inner=3) for row in rows.tolist()]
    assert [sorted(one) for one in found] == [sorted(one) for one in expected]


def test_neighbors_of_graphs_of_7_vertices_too(full: NasBench101) -> None:
    for place in np.random.default_rng(0).choice(full.size, 20, replace=False).tolist():
        [row] = full.rows(np.array([place])).tolist()
        assert sorted(_found_keys(full, place)) == sorted(_neighbor_keys(_graph(row), max_inner=5))


def test_every_network_can_be_reached_from_every_other(full: NasBench101) -> None:
    distances = full.graph.distances(np.array([0]))
    assert distances.max() == 10


def _distances(space: NasBench101) -> np.ndarray:
    keys = [_key(_graph(row)) for row in space.all_rows().tolist()]
    joined = [[keys.index(key) for key in _neighbor_keys(_graph(row), 2)] for row in space.all_rows().tolist()]
    distances = np.full((len(keys), len(keys)), -1)
    for start in range(len(keys)):
        distances[start, start], queue = 0, deque([start])
        while queue:
            node = queue.popleft()
            for other in joined[node]:
                if distances[start, other] < 0:
                    distances[start, other] = distances[start, node] + 1
                    queue.append(other)
    return distances


@pytest.fixture(scope="module")
def distances(four: NasBench101) -> np.ndarray:
    return _distances(four)


def test_distance_is_the_smallest_number_of_edits(four: NasBench101, distances: np.ndarray) -> None:
    rows = four.all_rows()
    a, b = (grid.ravel() for grid in np.indices(distances.shape))
    np.testing.assert_array_equal(four.distance(rows[a], rows[b]), distances[a, b])


def test_distances_of_two_batches_are_those_of_their_pairs(four: NasBench101, distances: np.ndarray) -> None:
    a, b = np.arange(four.size)[::2], np.arange(four.size)[::-1]
    np.testing.assert_array_equal(four.distances(four.rows(a), four.rows(b)), distances[np.ix_(a, b)])


def test_mean_distance_is_the_mean_over_all_pairs(four: NasBench101, distances: np.ndarray) -> None:
    chosen = np.random.default_rng(2).permutation(four.size)[:9]
    pairs = [distances[a, b] for a, b in combinations(chosen, 2)]
    assert four.mean_distance(four.rows(chosen)) == pytest.approx(np.mean(pairs))


def test_fewer_than_two_architectures_have_no_mean_distance(four: NasBench101) -> None:
    assert np.isnan(four.mean_distance(four.all_rows()[:1]))


def test_shell_sums_match_a_double_loop(four: NasBench101, distances: np.ndarray) -> None:
    rng = np.random.default_rng(1)
    columns, scores = rng.normal(size=(four.size, 2)), rng.normal(90, 2, four.size)
    scores[::4] = np.nan
    found = four.shell_sums(columns, scores)
    gaps = np.nan_to_num(np.abs(scores[:, None] - scores))
    shells = [distances == distance for distance in range(distances.max() + 1)]
    # Sums are taken in float32, up to 40 of size 1 or 90.
    np.testing.assert_allclose(found.sums, [shell @ columns for shell in shells], atol=1e-4)
    np.testing.assert_allclose(found.differences, [(shell * gaps).sum(axis=1) for shell in shells], atol=2e-3)


@pytest.mark.parametrize("largest_distance", [1, 2, 3])
def test_near_shell_sums_are_the_first_shell_sums(four: NasBench101, largest_distance: int) -> None:
    rng = np.random.default_rng(1)
    columns, scores = rng.normal(size=(four.size, 2)), rng.normal(90, 2, four.size)
    scores[::4] = np.nan
    near, all_ = four.near_shell_sums(columns, scores, largest_distance), four.shell_sums(columns, scores)
    np.testing.assert_allclose(near.sums, all_.sums[: largest_distance + 1], atol=1e-4)
    np.testing.assert_allclose(near.differences, all_.differences[: largest_distance + 1], atol=2e-3)


def test_locality_up_to_distance_2_is_the_begin_of_all_locality(five: NasBench101) -> None:
    scores = np.random.default_rng(0).normal(90, 2, five.size)
    near, all_ = pair_locality(five, scores, largest_distance=2), pair_locality(five, scores)
    np.testing.assert_array_equal(near.pairs, all_.pairs[:2])
    np.testing.assert_allclose(near.correlation.value, all_.correlation.value[:2], atol=1e-5)
    np.testing.assert_allclose(near.top_rate.high, all_.top_rate.high[:, :2], atol=1e-5)


@pytest.mark.parametrize("largest_distance", [0, -1])
def test_a_largest_distance_without_pairs_is_refused(four: NasBench101, largest_distance: int) -> None:
    with pytest.raises(SettingError, match=f"cannot be {largest_distance}"):
        pair_locality(four, np.arange(91.0), largest_distance=largest_distance)


def test_one_step_of_a_walk_starts_from_all_neighbors(five: NasBench101) -> None:
    scores = np.random.default_rng(0).normal(90, 2, five.size)
    walked = walk_autocorrelation(Landscape(five, scores), 1).value[1]
    assert walked == pytest.approx(pair_locality(five, scores, largest_distance=1).correlation.value[0])


# The contract of every space


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


def test_any_numbering_is_read_as_the_canonical_row(five: NasBench101) -> None:
    both = ["0111001100010000 input,{},{},output".format(*names) for names in permutations(OPERATIONS[:2])]
    # Of two vertices that are joined, the order matters; of two that are not, it does not.
    assert len(np.unique(five.read(both), axis=0)) == 2
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
        pytest.param(Graph((1,), frozenset({(IN, 0)})), id="no way to the output"),
        pytest.param(Graph((1, 1), frozenset({(IN, 0), (1, OUT)})), id="a gap in the way"),
        pytest.param(Graph((1, 2, 3), frozenset(_upper_triangle(3))), id="10 edges"),
        pytest.param(_line(4), id="6 vertices"),
    ],
)
def test_a_graph_outside_the_space_is_refused(five: NasBench101, graph: Graph) -> None:
    rows = np.array([_row(_line(1)), _row(graph)], dtype=np.uint8)
    with pytest.raises(ArchitectureError, match=r"row 1 .* no path leads from input to output, or"):
        five.index(rows)


def test_an_edge_at_a_vertex_without_an_operation_is_refused(five: NasBench101) -> None:
    row = _row(_line(3))
    row[1] = 0
    with pytest.raises(ArchitectureError, match=r"row 0 .* an edge at a vertex without an operation"):
        five.index(np.array([row], dtype=np.uint8))


def test_graphs_that_prune_to_few_edges_are_in_the_space(full: NasBench101) -> None:
    # Twelve edges; ten of them lead nowhere.
    edges = {(IN, 0), (0, OUT)} | set(combinations(range(1, 5), 2)) | {(IN, v) for v in range(1, 5)}
    row = np.array([_row(Graph((1, 2, 3, 1, 2), frozenset(edges)))], dtype=np.uint8)
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


def test_an_empty_batch_is_a_batch(five: NasBench101) -> None:
    none = five.rows(np.empty(0, dtype=np.int64))
    shapes = (
        five.index(none).shape,
        five.neighbors(none)[0].shape,
        five.distance(none, none).shape,
        five.distances(none, five.all_rows()).shape,
        five.write(none),
    )
    assert shapes == ((0,), (0, 26), (0,), (0, 2532), [])


def test_a_sample_holds_no_architecture_twice(five: NasBench101) -> None:
    sample = five.sample(five.size, np.random.default_rng(3))
    assert sorted(five.index(sample)) == list(range(five.size))
