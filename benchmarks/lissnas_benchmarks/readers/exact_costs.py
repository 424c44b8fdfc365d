"""Exact parameters and FLOPs of the networks of NAS-Bench-201 and NATS-Bench, in the authors' counts.

Both follow from the architecture. The official files state those of another architecture in some runs.
"""

from collections.abc import Callable, Mapping, Sequence

from lissnas.spaces.published.cell201 import cell201
from lissnas.spaces.published.cell201_costs import Cell201Costs
from lissnas.spaces.published.channels import channels
from lissnas.spaces.published.channels_costs import channels_costs
from lissnas.spaces.space import Floats

OTHER_COST = 1e-3
"""Relative difference from which a stated cost is that of another architecture: those of two cells differ by 2 %."""

CostsOf = Callable[[Sequence[str], str], Mapping[str, Floats]]
"""Returns the parameters and FLOPs, in millions, of official strings on a data set."""

IMAGES = {"cifar10": (32, 10), "cifar10-valid": (32, 10), "cifar100": (32, 100), "ImageNet16-120": (16, 120)}
"""Pixels a side and number of classes of each data set."""


def cell_costs(strings: Sequence[str], dataset: str) -> Mapping[str, Floats]:
    """Return the parameters and FLOPs of cells, each float64 of shape (n,), in millions."""
    size, classes = IMAGES[dataset]
    costs, rows = Cell201Costs(size=size, classes=classes), cell201().read(strings)
    operations = costs.multiply_accumulates(rows) + classes  # one for the bias of each class
    return {"parameters": costs.parameters(rows) / 1e6, "flops": operations / 1e6}


def width_costs(strings: Sequence[str], dataset: str) -> Mapping[str, Floats]:
    """Return the parameters and FLOPs of choices of widths, each float64 of shape (n,), in millions."""
    size, classes = IMAGES[dataset]
    parameters, operations = channels_costs(channels().read(strings), size, classes)
    return {"parameters": parameters / 1e6, "flops": operations / 1e6}
