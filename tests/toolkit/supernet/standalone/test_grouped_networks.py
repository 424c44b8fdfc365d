"""Networks together compute what each computes alone: logits, losses, gradients, and the weights after steps."""

import itertools
from collections.abc import Callable, Iterable, Iterator

import numpy as np
import pytest
import torch
from lissnas.spaces.published.cell201 import EDGES, cell201
from lissnas.spaces.space import Rows
from lissnas.supernet.networks.cell_network import CellNetwork, Skeleton
from lissnas.supernet.standalone.grouped_networks import GroupedNetworks
from torch import Tensor
from torch.nn import functional

PLAIN = Skeleton()
RESIDUAL = Skeleton(channels=4, stages=3, cells=2, inputs=3, residual=True)

SPACE = cell201()


PACKS = {
    "one": SPACE.rows(np.array([12_345])),
    "ordered": SPACE.rows(311 + 625 * np.arange(25)),
    "random": SPACE.rows(np.random.default_rng(0).integers(0, SPACE.size, 10)),
    "every operation on every edge": np.add.outer(range(5), range(6)).astype(np.uint8) % 5,
    "none everywhere": np.zeros((3, 6), dtype=np.uint8),
    "nothing comes out of some": np.array([[3, 3, 3, 0, 0, 0], [3, 3, 3, 3, 3, 3], [0, 0, 3, 0, 2, 4]], dtype=np.uint8),
    "convolutions of nodes without inputs": np.array([[0, 0, 3, 0, 3, 2], [0, 0, 0, 4, 3, 2]], dtype=np.uint8),
}


def _networks(rows: Rows, skeleton: Skeleton) -> list[CellNetwork]:
    return [CellNetwork(row, skeleton, np.random.default_rng((7, place))).double() for place, row in enumerate(rows)]


def _together(networks: list[CellNetwork]) -> GroupedNetworks:
    return GroupedNetworks(networks).double()


def _sgd(parameters: object) -> torch.optim.SGD:
    return torch.optim.SGD(parameters, 0.1, 0.9, nesterov=True, weight_decay=5e-4)  # type: ignore[arg-type]


def _side_by_side(
    networks: list[CellNetwork], grouped: GroupedNetworks, of: Callable[[Tensor], Tensor | None]
) -> Iterator[tuple[Tensor | None, Tensor]]:
    """Yield something of each parameter of the networks grouped, and the same of the networks apart, joined."""
    apart = [dict(network.named_parameters()) for network in networks]

    def joined(name: str, members: Iterable[int] = range(len(networks))) -> Tensor:
        return torch.cat([of(apart[member][name]) for member in members])  # type: ignore[misc]

    yield of(grouped.stem.weight), joined("stem.0.weight")
    yield of(grouped.stem_norm.norm.weight), joined("stem.1.weight")
    yield of(grouped.last_norm.norm.bias), joined("last_norm.bias")
    yield of(grouped.bias)[:, 0].flatten(), joined("classifier.bias")  # type: ignore[index]
    yield of(grouped.classifier).transpose(1, 2).flatten(0, 1), joined("classifier.weight")  # type: ignore[union-attr]
    for place, part in enumerate(grouped.body):
        for piece in getattr(part, "pieces", ()):
            if piece.takes_positive:
                edge = f"body.{place}.edges.{EDGES.index((piece.source, piece.target))}"
                block = piece.operation
                yield of(block.convolutions.weight), joined(f"{edge}.convolution.weight", piece.members)
                yield of(block.norms.norm.weight), joined(f"{edge}.norm.weight", piece.members)
                yield of(block.norms.norm.bias), joined(f"{edge}.norm.bias", piece.members)


@pytest.mark.parametrize("skeleton", [PLAIN, RESIDUAL], ids=["plain", "residual"])
@pytest.mark.parametrize("rows", PACKS.values(), ids=PACKS)
def test_networks_together_learn_what_each_learns_alone(rows: Rows, skeleton: Skeleton) -> None:
    draws = torch.Generator().manual_seed(0)
    networks = [CellNetwork(row, skeleton, np.random.default_rng((7, k))).double() for k, row in enumerate(rows)]
    grouped = GroupedNetworks(networks).double()
    optimizers = [
        torch.optim.SGD(model.parameters(), 0.1, 0.9, nesterov=True, weight_decay=5e-4)
        for model in (grouped, *networks)
    ]
    images = torch.randn(6, skeleton.inputs, 8, 8, generator=draws, dtype=torch.float64)
    for _ in range(3):
        images = torch.randn(images.shape, generator=draws, dtype=torch.float64)
        labels = torch.randint(0, 10, (6,), generator=draws)
        logits, alone = grouped(images), [network(images) for network in networks]
        torch.testing.assert_close(logits, torch.stack(alone))
        for optimizer in optimizers:
            optimizer.zero_grad()
        (functional.cross_entropy(logits.flatten(0, 1), labels.repeat(len(rows))) * len(rows)).backward()
        for answer in alone:
            functional.cross_entropy(answer, labels).backward()
        for weights in itertools.chain(grouped.parameters(), *(network.parameters() for network in networks)):
            if weights.grad is None:  # of what reaches no output, which together with others has a gradient of zero
                weights.grad = torch.zeros_like(weights)
        for found, expected in _side_by_side(networks, grouped, lambda weights: weights.grad):
            torch.testing.assert_close(found, expected)
        for optimizer in optimizers:
            optimizer.step()
        for found, expected in _side_by_side(networks, grouped, lambda weights: weights.detach()):
            torch.testing.assert_close(found, expected)
    for model in (grouped, *networks):
        model.eval()
    torch.testing.assert_close(grouped(images), torch.stack([network(images) for network in networks]))


def test_no_network_sees_another() -> None:
    rows = PACKS["random"]
    networks = [CellNetwork(row, PLAIN, np.random.default_rng(place)) for place, row in enumerate(rows)]
    grouped = GroupedNetworks(networks)
    logits = grouped(torch.randn(4, 1, 8, 8))
    logits[3].sum().backward()
    touched = grouped.stem.weight.grad.view(len(rows), -1).any(1)
    assert touched.tolist() == [place == 3 for place in range(len(rows))]
