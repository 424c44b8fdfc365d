"""FLOPs and parameters of the networks of `channels`, the size space of NATS-Bench.

The published FLOPs count a multiply-accumulate as one, ignore pooling and batch norm, and include one operation for
the bias of each class. Dong, Liu, Musial and Gabrys, TPAMI 2021; the network is that of the authors' program.
"""

import numpy as np

from lissnas.spaces.published.channels import WIDTHS
from lissnas.spaces.space import Indices, Rows

_CONVOLUTIONS = 2, 3
"""The cell's 3x3 convolutions: from its input to its width, and from its width to its width."""


def channels_costs(rows: Rows, size: int = 32, classes: int = 10, inputs: int = 3) -> tuple[Indices, Indices]:
    """Return the parameters and the multiply-accumulates of each network on one image, int64 of shape (n,) each.

    Parameters
    ----------
    rows
        Networks of `channels`, shape (n, 5).
    size, classes, inputs
        The images' pixels a side, the number of classes and of the images' channels; by default those of CIFAR-10.

    Examples
    --------
    The network 8:8:8:8:8 on CIFAR-10:

    >>> [[int(count)] for count in np.concatenate(channels_costs(np.zeros((1, 5), dtype=np.uint8)))]
    [[11714], [4481114]]
    """
    widths = np.array(WIDTHS, dtype=np.int64)[rows].T
    before = widths[0]
    weights = 9 * inputs * before
    parameters, operations = weights + 2 * before, weights * size**2
    for layer, width in enumerate(widths):
        if layer % 2:  # a residual block that halves the size, with a shortcut without batch norm
            size //= 2
            weights, norms = 9 * (before + width) * width + before * width, 4 * width
        else:  # the cell of five 3x3 convolutions and a skip connection
            wider = before != width
            from_input, inside = _CONVOLUTIONS
            weights = 9 * (from_input * before + inside * width) * width + wider * before * width
            norms = 2 * width * (from_input + inside + wider)
        parameters, operations = parameters + weights + norms, operations + weights * size**2
        before = width
    last = (before + 1) * classes
    return parameters + 2 * before + last, operations + last
