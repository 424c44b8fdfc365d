"""The stand-alone network of a cell: its size, its outputs, and its weights."""

import hashlib
import itertools

import numpy as np
import pytest
import torch
from lissnas.spaces.published.cell201 import EDGES, OPERATIONS, cell201
from lissnas.supernet.networks.cell_network import Cell, CellNetwork, Skeleton, used_edges

PLAIN = Skeleton()

NONE, SKIP, CONV1, CONV3, POOL = range(5)


def _network(row: list[int], skeleton: Skeleton = PLAIN) -> CellNetwork:
    return CellNetwork(np.array(row, dtype=np.uint8), skeleton, np.random.default_rng(0))


def _parameters(model: torch.nn.Module) -> int:
    return sum(weights.numel() for weights in model.parameters())


def test_the_official_skeleton_has_the_official_number_of_parameters() -> None:
    # NAS-Bench-201 publishes 1.531546 M for the cell with 3 x 3 convolutions only, and 0.073306 M for one without any.
    official = Skeleton(channels=16, stages=3, cells=5, inputs=3, residual=True)
    assert _parameters(_network([CONV3] * 6, official)) == 1_531_546
    assert _parameters(_network([SKIP] * 6, official)) == 73_306


def test_an_edge_is_used_if_a_path_without_none_leads_from_its_start_to_the_output() -> None:
    rows = cell201().rows(np.arange(cell201().size))
    paths = [
        path
        for length in (1, 2, 3)
        for path in itertools.permutations(range(6), length)
        if EDGES[path[-1]][1] == 3 and all(EDGES[a][1] == EDGES[b][0] for a, b in itertools.pairwise(path))
    ]
    expected = np.zeros(rows.shape, dtype=bool)
    for path in paths:
        expected[:, path[0]] |= (rows[:, list(path)] != NONE).all(axis=1)
    np.testing.assert_array_equal(used_edges(rows), expected)


def test_a_cell_of_skip_connections_sums_over_its_paths() -> None:
    # 0-3, 0-1-3, 0-2-3, 0-1-2-3
    inputs = torch.randn(2, 8, 4, 4)
    torch.testing.assert_close(Cell(np.full(6, SKIP), 8)(inputs), 4 * inputs)


def test_pooling_at_the_border_averages_existing_pixels_only() -> None:
    inputs = torch.arange(16.0).view(1, 1, 4, 4)
    pooled = Cell(np.array([NONE, NONE, NONE, POOL, NONE, NONE]), 1)(inputs)
    assert pooled[0, 0, 0, 0] == (0 + 1 + 4 + 5) / 4
    assert pooled[0, 0, 0, 1] == (0 + 1 + 2 + 4 + 5 + 6) / 6


@pytest.mark.parametrize("row", [[NONE] * 6, [CONV3, CONV3, CONV3, NONE, NONE, NONE]], ids=["none", "no way out"])
def test_a_cell_without_a_path_to_the_output_returns_zero(row: list[int]) -> None:
    assert not Cell(np.array(row), 8)(torch.randn(2, 8, 4, 4)).any()


def test_a_network_with_a_zero_cell_has_the_same_logits_for_every_image() -> None:
    logits = _network([NONE] * 6)(torch.randn(5, 1, 8, 8))
    assert (logits == logits[0]).all()


def test_the_weights_depend_on_the_generator_alone() -> None:
    torch.manual_seed(1)
    first = _network([CONV3, POOL, CONV1, SKIP, CONV3, CONV1]).state_dict()
    torch.manual_seed(2)
    second = _network([CONV3, POOL, CONV1, SKIP, CONV3, CONV1]).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_each_operation_has_its_own_module() -> None:
    assert OPERATIONS[CONV1] == "nor_conv_1x1"
    block = Cell(np.array([NONE, NONE, NONE, CONV1, NONE, NONE]), 8).edges["3"]
    assert block.convolution.kernel_size == (1, 1)  # type: ignore[union-attr]


def test_the_initial_weights_of_the_published_tables_are_drawn_to_the_bit() -> None:
    network = CellNetwork(np.array([3, 2, 0, 1, 4, 3], dtype=np.uint8), PLAIN, np.random.default_rng((0, 0, 12_345)))
    drawn = b"".join(weights.detach().numpy().tobytes() for weights in network.parameters())
    assert hashlib.sha256(drawn).hexdigest()[:16] == "051a1f4365dc7113"
