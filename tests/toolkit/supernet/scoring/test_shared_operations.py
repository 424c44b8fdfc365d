"""Paths that are scored together share operations and pixels, and have the scores of paths that are scored alone."""

import numpy as np
import pytest
import tiny_training as tiny
import torch
from lissnas.supernet.networks.cell_network import Skeleton
from lissnas.supernet.networks.cell_supernet import CellSupernet
from lissnas.supernet.networks.chain_network import ChainNetwork
from lissnas.supernet.networks.single_path_supernet import single_path_supernet
from lissnas.supernet.networks.supernet import Supernet
from lissnas.supernet.scoring.batch_norm_recalibration import recalibrate_batch_norms
from lissnas.supernet.scoring.resident_batches import ResidentBatches
from lissnas.supernet.scoring.shared_operations import SharedOperations

BATCHES = tiny.digits().images[:150].split(50)


def _cells() -> Supernet:
    return CellSupernet(Skeleton(channels=4), np.random.default_rng(0))


def _chain() -> Supernet:
    return ChainNetwork(tiny.chain(), np.random.default_rng(0))


def _single_path() -> Supernet:
    return single_path_supernet(_cells(), np.array([3, 3, 2, 4, 1, 3], dtype=np.uint8), np.random.default_rng(1))


@pytest.mark.parametrize("make", [_cells, _chain, _single_path])
@torch.no_grad()
def test_logits_of_shared_operations_have_the_bits_of_each_path_alone(make: type[Supernet]) -> None:
    """The cells include one that yields zeros, one given twice, and two that differ only in an edge without effect."""
    network = make().eval()
    paths = network.space.sample(min(12, network.space.size), np.random.default_rng(0)).tolist()
    if isinstance(network, CellSupernet):
        paths += [[0] * 6, paths[0], [3, 0, 0, 1, 0, 0], [3, 3, 0, 1, 0, 0]]
    before = {name: values.clone() for name, values in network.state_dict().items()}
    expected = []
    for path in paths:
        recalibrate_batch_norms(network, BATCHES[:2], lambda images, path=path: network(images, path))
        expected.append(network(BATCHES[2], path))
    network.load_state_dict(before)
    together = SharedOperations(network, paths)
    with together.borrowed_norms():
        for number, images in enumerate(BATCHES[:2]):
            together.recalibrate(number, images)
        found = {path: logits for same, logits in together.outputs(BATCHES[2]) for path in same}
    for number, logits in enumerate(expected):
        assert torch.equal(found[number], logits), paths[number]
    assert all(torch.equal(values, before[name]) for name, values in network.state_dict().items())


def test_paths_share_what_they_start_with() -> None:
    """A chain of n layers has a stem, a head, a classifier, and one operation for each different beginning."""
    network = _chain()
    rows = network.space.all_rows().tolist()
    beginnings = {tuple(row[:length]) for row in rows for length in range(1, len(row) + 1)}
    assert len(SharedOperations(network, rows)) == 1 + len(beginnings) + 2 * len(rows)
    cells = _cells()
    some = sorted(cells.space.sample(300, np.random.default_rng(0)).tolist())
    alone = sum(len(SharedOperations(cells, [path])) for path in some)
    assert len(SharedOperations(cells, some)) < 0.7 * alone


class _CountedBatches:
    """Batches, and the number of their iterations."""

    iterations = 0

    def __iter__(self):  # type: ignore[no-untyped-def]
        self.iterations += 1
        yield from BATCHES


def test_resident_batches_are_read_once_if_they_fit() -> None:
    size = sum(each.nbytes for each in BATCHES)
    for limit, iterations in ((size, 2), (size - 1, 4), (None, 4)):
        batches = _CountedBatches()
        resident = ResidentBatches(batches, torch.device("cpu"), limit)
        next(iter(resident))  # an incomplete iteration keeps nothing
        for _ in range(3):
            assert all(torch.equal(one, other) for one, other in zip(resident, BATCHES, strict=True))
        assert batches.iterations == iterations
