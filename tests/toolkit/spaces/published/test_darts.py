"""The cells of DARTS: size, genotypes, and edits compared with their definition in plain loops."""

import itertools
import math
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lissnas.errors import ArchitectureError, SettingError
from lissnas.shrinkers.lissnas import Lissnas
from lissnas.shrinkers.shrink import shrink
from lissnas.spaces.published.darts import OPERATIONS, DartsSpace, darts, input_pairs
from lissnas.spaces.space import Floats, Rows
from lissnas.subspaces.pockets import pockets
from lissnas.subspaces.subspace import ExplicitSubspace
from lissnas.subspaces.subspace_file import load, save

Node: TypeAlias = frozenset[tuple[int, int]]
"""The two edges of a node, each (input, operation)."""

SPACE = darts()

# The genotype published with DARTS (second order), with its lists in the published order.
DARTS_V2 = (
    "Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 1), "
    "('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), ('dil_conv_3x3', 2)], normal_concat=[2, 3, 4, 5], "
    "reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 1), ('max_pool_3x3', 0), "
    "('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)], reduce_concat=[2, 3, 4, 5])"
)

ROWS = st.tuples(*(st.integers(0, count - 1) for count in SPACE.choices)).map(lambda row: np.array([row], np.uint8))


def _nodes(space: DartsSpace, rows: Rows) -> list[tuple[Node, ...]]:
    inputs, operations = space.edges(rows)
    edges = [list(zip(a, x, strict=True)) for a, x in zip(inputs.tolist(), operations.tolist(), strict=True)]
    return [tuple(frozenset(row[place : place + 2]) for place in range(0, len(row), 2)) for row in edges]


def _edited(node: Node, number: int, operations: int) -> Iterator[Node]:
    """Yield the nodes one edit away: another operation, or another input of one edge."""
    for edge in node:
        [other] = node - {edge}
        for operation in set(range(operations)) - {edge[1]}:
            yield frozenset({(edge[0], operation), other})
        for source in set(range(number + 2)) - {edge[0], other[0]}:
            yield frozenset({(source, edge[1]), other})


# They cover every number of inputs except the largest, which has its own test.
SMALL = [
    DartsSpace("three nodes", cells=("normal",), nodes=3, operations=("a", "b")),
    DartsSpace("two cells", cells=("normal", "reduce"), nodes=2, operations=("a", "b")),
    DartsSpace("one node", cells=("normal",), nodes=1, operations=("a", "b", "c")),
]


@pytest.fixture(scope="module", params=SMALL, ids=lambda space: space.name)
def small(request: pytest.FixtureRequest) -> DartsSpace:
    return request.param


@pytest.fixture(scope="module")
def one_edit(small: DartsSpace) -> list[set[int]]:
    """For each architecture the places of the architectures one edit away."""
    networks = _nodes(small, small.all_rows())
    place = {network: index for index, network in enumerate(networks)}
    per_cell = small.genes // 3 if small.name != "two cells" else small.genes // 6
    return [
        {
            place[(*network[:at], changed, *network[at + 1 :])]
            for at, node in enumerate(network)
            for changed in _edited(node, at % per_cell, len(small.operations))
        }
        for network in networks
    ]


def _shortest_paths(one_edit: list[set[int]], start: int) -> np.ndarray:
    distance, queue = np.full(len(one_edit), -1), deque([start])
    distance[start] = 0
    while queue:
        node = queue.popleft()
        for other in one_edit[node]:
            if distance[other] < 0:
                distance[other] = distance[node] + 1
                queue.append(other)
    return distance


# Size and rows


def test_the_size_is_the_square_of_the_product_over_nodes() -> None:
    assert SPACE.size == math.prod(math.comb(inputs, 2) * 7**2 for inputs in range(2, 6)) ** 2


def test_the_size_is_the_published_one() -> None:
    assert f"{SPACE.size:.2g}" == "1.1e+18"


def test_different_rows_are_different_networks(small: DartsSpace) -> None:
    assert len(set(_nodes(small, small.all_rows()))) == small.size


def test_pairs_of_inputs_are_all_pairs_with_the_lower_first() -> None:
    for node in range(4):
        assert sorted(input_pairs(node)) == list(itertools.combinations(range(node + 2), 2))


@pytest.mark.parametrize("index", [0, 1, SPACE.size // 2, SPACE.size - 1])
def test_the_largest_index_is_read_back(index: int) -> None:
    assert SPACE.index(SPACE.rows(np.array([index]))).tolist() == [index]


@given(ROWS)
def test_the_index_of_a_row_leads_back_to_it(row: Rows) -> None:
    np.testing.assert_array_equal(SPACE.rows(SPACE.index(row)), row)


def test_a_sample_is_spread_over_the_full_space() -> None:
    index = SPACE.index(SPACE.sample(10_000, np.random.default_rng(0)))
    tenths = np.bincount(index // (SPACE.size // 10 + 1), minlength=10)
    # Ten standard errors of a binomial share.
    assert len(np.unique(index)) == 10_000
    np.testing.assert_allclose(tenths, 1000, atol=300)


def test_sums_over_the_full_space_are_refused() -> None:
    with pytest.raises(SettingError, match="more than the"):
        SPACE.shell_sums(np.empty((0, 1)), np.empty(0))


# Edits


def test_neighbors_are_the_architectures_one_edit_away(small: DartsSpace, one_edit: list[set[int]]) -> None:
    neighbors, source = small.neighbors(small.all_rows())
    index = small.index(neighbors)
    result = [index[source == place] for place in range(small.size)]
    assert [set(places.tolist()) for places in result] == one_edit
    assert [len(places) for places in result] == [len(places) for places in one_edit]


def test_distance_is_the_shortest_path_of_edits(small: DartsSpace, one_edit: list[set[int]]) -> None:
    starts = np.random.default_rng(0).permutation(small.size)[:60]
    expected = np.array([_shortest_paths(one_edit, start) for start in starts])
    rows = small.all_rows()
    np.testing.assert_array_equal(small.distances(rows[starts], rows), expected)
    a, b = (part.ravel() for part in np.meshgrid(starts, np.arange(small.size), indexing="ij"))
    np.testing.assert_array_equal(small.distance(rows[a], rows[b]), expected.ravel())


def test_distance_of_the_last_node_is_the_shortest_path_of_edits() -> None:
    # Only the node with five inputs changes.
    space = DartsSpace("four nodes", cells=("normal",), operations=("a", "b", "c"))
    states = [
        frozenset({(low, x), (high, y)})
        for low, high in input_pairs(3)
        for x, y in itertools.product(range(3), repeat=2)
    ]
    one_edit = [{states.index(changed) for changed in _edited(state, 3, 3)} for state in states]
    rows = space.rows(np.arange(len(states)))
    expected = [_shortest_paths(one_edit, start) for start in range(len(states))]
    np.testing.assert_array_equal(space.distances(rows, rows), expected)
    assert [node[-1] for node in _nodes(space, rows)] == states


def test_shell_sums_match_a_double_loop() -> None:
    space = DartsSpace("two nodes", cells=("normal",), nodes=2, operations=("a", "b"))
    rows, rng = space.all_rows(), np.random.default_rng(0)
    columns, scores = rng.normal(size=(space.size, 2)), rng.normal(90, 2, space.size)
    between = space.distances(rows, rows)
    result = space.shell_sums(columns, scores)
    for distance in range(between.max() + 1):
        shell = between == distance
        # Sums are float32.
        np.testing.assert_allclose(result.sums[distance], shell @ columns, atol=1e-4)
        gaps = np.abs(scores[:, None] - scores) * shell
        np.testing.assert_allclose(result.differences[distance], gaps.sum(axis=1), atol=1e-3)


def test_a_full_architecture_has_96_neighbors_by_operation_and_24_by_input() -> None:
    rows = SPACE.sample(50, np.random.default_rng(1))
    neighbors, source = SPACE.neighbors(rows)
    same_inputs = (SPACE.edges(neighbors)[0] == SPACE.edges(rows)[0][source]).all(axis=1)
    assert set(np.bincount(source, same_inputs)) == {96}
    assert set(np.bincount(source, ~same_inputs)) == {24}


def test_an_operation_moves_with_its_edge_past_the_other_edge() -> None:
    [before, after] = SPACE.read(
        [
            DARTS_V2.replace("('skip_connect', 0), ('dil_conv_3x3', 2)]", f"('skip_connect', {source}), {other}]")
            for source, other in ((0, "('dil_conv_3x3', 2)"), (3, "('dil_conv_3x3', 2)"))
        ]
    )
    assert after[9:12].tolist() == [5, OPERATIONS.index("dil_conv_3x3"), OPERATIONS.index("skip_connect")]
    assert SPACE.distance(before[None], after[None]).tolist() == [1]


@given(ROWS, st.data())
def test_a_walk_of_edits_is_never_shorter_than_the_distance(row: Rows, data: st.DataObject) -> None:
    walked, steps = row, data.draw(st.integers(0, 6))
    for _ in range(steps):
        walked = SPACE.neighbors(walked)[0][[data.draw(st.integers(0, 119))]]
    assert SPACE.distance(row, walked)[0] <= steps


@given(ROWS, ROWS, ROWS)
def test_distance_is_a_metric(a: Rows, b: Rows, c: Rows) -> None:
    [ab], [ba], [bc], [ac] = (SPACE.distance(x, y).astype(int) for x, y in ((a, b), (b, a), (b, c), (a, c)))
    assert (ab == 0) == bool((a == b).all())
    assert ab == ba
    assert ac <= ab + bc


@given(ROWS, ROWS)
def test_some_neighbor_is_nearer_to_any_other_architecture(a: Rows, b: Rows) -> None:
    steps = SPACE.distance(a, b)[0]
    for remaining in range(steps, 0, -1):
        neighbors, _source = SPACE.neighbors(a)
        towards = SPACE.distances(neighbors, b)[:, 0]
        a = neighbors[[int(towards.argmin())]]
        assert towards.min() == remaining - 1


def test_mean_distance_is_the_mean_over_all_pairs() -> None:
    rows = SPACE.sample(40, np.random.default_rng(2))
    pairs = SPACE.distances(rows, rows).astype(float)[np.triu_indices(40, 1)]
    assert SPACE.mean_distance(rows) == pytest.approx(pairs.mean())


# Genotypes


@given(ROWS)
def test_genotypes_read_back_as_the_same_row(row: Rows) -> None:
    np.testing.assert_array_equal(SPACE.read(SPACE.write(row)), row)


def test_genotypes_are_python_expressions() -> None:
    [genotype] = SPACE.write(SPACE.sample(1, np.random.default_rng(3)))
    fields = eval(genotype, {"Genotype": dict, "range": range})  # the string is our own, and this is a test
    assert list(fields) == ["normal", "normal_concat", "reduce", "reduce_concat"]
    assert genotype == f"Genotype({', '.join(f'{name}={value!r}' for name, value in fields.items())})"


def test_a_published_genotype_is_read_in_any_order_of_its_edges() -> None:
    swapped = DARTS_V2.replace("('skip_connect', 0), ('dil_conv_3x3', 2)", "('dil_conv_3x3', 2), ('skip_connect', 0)")
    assert swapped != DARTS_V2
    np.testing.assert_array_equal(SPACE.read([swapped]), SPACE.read([DARTS_V2]))


@pytest.mark.parametrize(
    "written",
    [
        DARTS_V2.replace("[2, 3, 4, 5]", "range(2, 6)"),
        DARTS_V2.replace("[2, 3, 4, 5]", "(2, 3, 4, 5)"),
        DARTS_V2.replace("'", '"'),
        DARTS_V2.replace(" ", ""),
        DARTS_V2.replace(", ", ",\n  ").replace("=", " = "),
    ],
)
def test_a_genotype_is_read_with_any_spaces(written: str) -> None:
    np.testing.assert_array_equal(SPACE.read([written]), SPACE.read([DARTS_V2]))


@pytest.mark.parametrize(
    ("was", "now", "message"),
    [
        ("('dil_conv_3x3', 2)]", "('dil_conv_3x3', 0)]", "node 5 of normal takes inputs 0 and 0"),
        ("('dil_conv_3x3', 2)]", "('dil_conv_3x3', 5)]", "node 5 of normal takes inputs 0 and 5, .* of 0 to 4"),
        ("reduce=[('max_pool_3x3', 0)", "reduce=[('max_pool_3x3', 2)", "node 2 of reduce .* of 0 to 1"),
        ("skip_connect", "none", "is not written as"),
        ("[2, 3, 4, 5]", "range(1, 6)", "is not written as"),
        ("[2, 3, 4, 5]", "[2, 3, 4]", "is not written as"),
        ("'skip_connect', 0", "'skip_connect', -1", "is not written as"),
        ("'skip_connect', 0", "'skip_connect', " + "9" * 5000, "is not written as"),
        ("'skip_connect', 0", "__import__('os').system('true')", "is not written as"),
        ("'sep_conv_3x3', 1", "'sep_conv_3x3', ١", "is not written as"),
        ("Genotype(", "eval(", "is not written as"),
        ("(", "((", "is not written as"),
        ("])", "]) ", "is not written as"),
        (DARTS_V2, "", "is not written as"),
        (DARTS_V2, "[" * 100_000, "is not written as"),
    ],
)
def test_a_genotype_of_another_space_is_refused(was: str, now: str, message: str) -> None:
    assert was in DARTS_V2
    with pytest.raises(ArchitectureError, match=message) as raised:
        SPACE.read([DARTS_V2.replace(was, now)])
    assert len(str(raised.value)) < 1000


# Shrinking


def _convolutions(rows: Rows) -> Floats:
    """Return a score that edits raise step by step: the number of separable convolutions."""
    return np.isin(SPACE.edges(rows)[1], (3, 4)).sum(axis=1).astype(float)


def test_lissnas_shrinks_the_space_to_better_networks() -> None:
    trace = shrink(SPACE, _convolutions, Lissnas(), np.random.default_rng(0))
    subspace = trace.subspace
    assert len(trace.rounds) > 2
    assert subspace.size < 30 * 121 + 1
    selected = _convolutions(subspace.sample(300, np.random.default_rng(1)))
    # A random network has 16 * 2 / 7 = 4.6 of them on average.
    assert selected.mean() > 12


def test_a_subspace_of_large_indices_is_sampled_and_saved_and_has_pockets(tmp_path: Path) -> None:
    centers = SPACE.rows(np.array([0, SPACE.size - 1]))
    subspace = ExplicitSubspace(SPACE, SPACE.index(np.concatenate([centers, SPACE.neighbors(centers)[0]])))
    assert np.bincount(pockets(subspace)).tolist() == [121, 121]
    assert subspace.contains(subspace.sample(242, np.random.default_rng(0))).all()
    save(subspace, tmp_path / "selected.parquet", {})
    np.testing.assert_array_equal(load(tmp_path / "selected.parquet", SPACE)[0].index, subspace.index)
