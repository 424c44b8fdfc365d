"""The spaces of TransNAS-Bench-101: official strings, and which chains exist."""

import itertools
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from lissnas.errors import ArchitectureError
from lissnas.spaces.distinct import DistinctSpace
from lissnas.spaces.published.transnas import MICRO_EDGES, transnas_macro, transnas_micro


@pytest.fixture(scope="module")
def macro() -> DistinctSpace:
    return transnas_macro()


def test_a_cell_is_written_as_in_the_authors_readme() -> None:
    # "node1: Skip-Connect(node0); node2: None(node0) + Conv1x1(node1); node3: Conv3x3 of all three"
    operations = {(0, 1): 1, (0, 2): 0, (1, 2): 2, (0, 3): 3, (1, 3): 3, (2, 3): 3}
    row = np.array([[operations[edge] for edge in MICRO_EDGES]], dtype=np.uint8)
    assert transnas_micro().write(row) == ["64-41414-1_02_333"]


def test_all_4096_strings_of_cells_read_back() -> None:
    space = transnas_micro()
    np.testing.assert_array_equal(space.index(space.read(space.write(space.all_rows()))), np.arange(4096))


def test_the_operations_match_the_parameters_of_the_published_cells(shared_data: Path) -> None:
    frame = pl.read_parquet(shared_data / "transnas101_micro_class_scene.parquet")
    space = transnas_micro()
    cells = np.array([[int(digit) for digit in net.strip("()").split(",")] for net in frame["net"]], dtype=np.uint8)
    parameters = np.full(space.size, np.nan)
    parameters[space.index(cells)] = frame["params"].to_numpy()
    # An edge between inner nodes keeps the resolution, so a skip there has no weights.
    for gene in (MICRO_EDGES.index(edge) for edge in ((1, 2), (1, 3))):
        edited = np.full((4, len(MICRO_EDGES)), 3, dtype=np.uint8)
        edited[:, gene] = range(4)
        none, skip, small, large = parameters[space.index(edited)]
        assert skip == none
        # With the parameters of batch norm, a 3x3 has slightly less than nine times the parameters of a 1x1.
        assert (large - none) / (small - none) == pytest.approx(9, rel=0.03)


def test_the_edges_are_those_of_the_cells_without_unreachable_operations(shared_data: Path) -> None:
    # The file omits cells with an operation on no path from input to output.
    nets = pl.read_parquet(shared_data / "transnas101_micro_class_scene.parquet", columns=["net"])["net"]
    published = {tuple(int(digit) for digit in net.strip("()").split(",")) for net in nets}

    def all_on_paths(row: tuple[int, ...]) -> bool:
        present = {edge for edge, operation in zip(MICRO_EDGES, row, strict=True) if operation}
        paths = [path for length in (2, 3, 4) for path in itertools.combinations(range(4), length)]
        edges = [set(itertools.pairwise(path)) for path in paths if path[0] == 0 and path[-1] == 3]
        return present == set().union(*(steps for steps in edges if steps <= present))

    assert published == {row for row in itertools.product(range(4), repeat=6) if all_on_paths(row)}


def test_chains_have_4_to_6_modules_1_to_4_halvings_and_1_to_3_doublings(
    macro: DistinctSpace,
) -> None:
    expected = {
        f"64-{''.join(chain)}-basic"
        for length in (4, 5, 6)
        for chain in itertools.product("1234", repeat=length)
        if 1 <= sum(module in "34" for module in chain) <= 4 and 1 <= sum(module in "24" for module in chain) <= 3
    }
    assert set(macro.write(macro.all_rows())) == expected


def test_there_are_3256_chains(macro: DistinctSpace) -> None:
    assert macro.size == 3256


def test_all_strings_of_chains_read_back(macro: DistinctSpace) -> None:
    np.testing.assert_array_equal(macro.index(macro.read(macro.write(macro.all_rows()))), np.arange(3256))


@pytest.mark.parametrize("string", ["64-1234-basic", "64-2311-basic", "64-4111-basic", "64-12341-basic"])
def test_the_published_examples_are_chains(macro: DistinctSpace, string: str) -> None:
    assert macro.write(macro.read([string])) == [string]


@pytest.mark.parametrize(
    "string",
    [
        *("64-111-basic", "64-1111-basic", "64-2222-basic", "64-3333-basic", "64-4444-basic", "64-1234123-basic"),
        *("64-1204-basic", "64--basic", "32-1234-basic", "64-1234-", "64-41414-1_02_333", "64-1234-basic\n"),
    ],
)
def test_a_string_of_no_chain_is_refused(macro: DistinctSpace, string: str) -> None:
    with pytest.raises(ArchitectureError):
        macro.read([string])


def test_an_edit_replaces_a_module_or_adds_or_removes_the_last_one(macro: DistinctSpace) -> None:
    neighbors = macro.write(macro.neighbors(macro.read(["64-12341-basic"]))[0])
    replaced = [f"64-{'12341'[:place]}{module}{'12341'[place + 1 :]}-basic" for place in range(5) for module in "1234"]
    longer = [f"64-12341{module}-basic" for module in "1234"]
    everything = set(macro.write(macro.all_rows()))
    assert set(neighbors) == ({*replaced, *longer, "64-1234-basic"} & everything) - {"64-12341-basic"}


def test_every_chain_can_be_reached_from_every_other(macro: DistinctSpace) -> None:
    assert macro.distances(macro.all_rows()[:1], macro.all_rows()).max() < 20
