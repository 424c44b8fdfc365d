"""Stand-alone training of 25 cells at once, beside the same 25 one by one: seconds of one core, and the ratio."""

import time

import numpy as np
import torch
from lissnas.spaces.published.cell201 import cell201
from lissnas.supernet.images.small_tasks import digits
from lissnas.supernet.networks.cell_network import CellNetwork, Skeleton
from lissnas.supernet.standalone.cell_packs import Pack
from lissnas.supernet.standalone.grouped_networks import GroupedNetworks
from lissnas.supernet.standalone.grouped_training import StandaloneRecipe, train

TASK = digits()

PACKS, EPOCHS, ALONE_OF_A_PACK = (57, 203, 311, 478, 592), 1, 5


class OneNetwork(torch.nn.Module):
    """A single network whose logits have the axis of networks that the training expects."""

    def __init__(self, network: CellNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.network(images)[None]


def network_of(place: int) -> CellNetwork:
    """Return a cell's network as the table begins with it."""
    return CellNetwork(cell201().rows(np.array([place]))[0], Skeleton(), np.random.default_rng((0, 0, place)))


def seconds(model: torch.nn.Module) -> float:
    """Return what one core needs to train a model."""
    started = time.process_time()
    train(model, TASK, StandaloneRecipe(epochs=EPOCHS), np.random.default_rng(0))
    return time.process_time() - started


torch.set_num_threads(1)
seconds(OneNetwork(network_of(0)))  # the first call of each operation takes longer
together, alone = 0.0, 0.0
for number in PACKS:
    places = Pack(0, number).index.tolist()
    together += seconds(GroupedNetworks([network_of(place) for place in places])) / len(places)
    chosen = places[:: len(places) // ALONE_OF_A_PACK]
    alone += sum(seconds(OneNetwork(network_of(place))) for place in chosen) / len(chosen)
print(f"together:   {together / len(PACKS):.3f} s a network, {EPOCHS} epochs of digits, in packs of 25")
print(f"one by one: {alone / len(PACKS):.3f} s a network, {ALONE_OF_A_PACK} of each pack")
print(f"{alone / together:.1f} times faster")
