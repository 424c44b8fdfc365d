"""The order in which benchmarks number their architectures, where it is not the order of our index.

NAS-Bench-201 and NATS-Bench list all cells in the order of their operations and shuffle the list with Python's random
module, seed 88 (AutoDL-Projects, exps/NAS-Bench-201/main.py). The size space of NATS-Bench is in the order of its
widths. Both equal the lists in the official files.
"""

import random
from collections.abc import Callable
from functools import cache

import numpy as np

from lissnas.errors import SettingError
from lissnas.spaces.published.cell201 import EDGES, OPERATIONS
from lissnas.spaces.space import Indices, Space

_SEED = 88


def official_order(space: Space) -> Indices:
    """Return our index of each architecture, in the order of the benchmark's own numbering, int64 of shape (size,).

    Raises SettingError if no numbering of the space is known.

    Examples
    --------
    >>> from lissnas.spaces.published.cell201 import cell201
    >>> space = cell201()
    >>> space.write(space.rows(official_order(space)[:1]))
    ['|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|']
    """
    if space.name not in _ORDERS:
        raise SettingError(
            f"no official numbering of {space.name} is known, only of {', '.join(_ORDERS)}: name its architectures by "
            f"their official strings"
        )
    return _ORDERS[space.name]()


@cache
def _cells() -> Indices:
    order = list(range(len(OPERATIONS) ** len(EDGES)))  # our index counts the cells in the order of their operations
    random.Random(_SEED).shuffle(order)
    found = np.array(order, dtype=np.int64)
    found.flags.writeable = False
    return found


_ORDERS: dict[str, Callable[[], Indices]] = {"cell201": _cells, "channels": lambda: np.arange(8**5, dtype=np.int64)}
"""The numbering of each space, by the space's name."""
