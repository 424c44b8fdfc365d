"""Which cells of four nodes and six edges compute the same function, and the space of the different functions.

A node is the sum of its inputs; an edge carries nothing, its input, a convolution with weights of its own, or a pooling
without weights. Two cells compute the same if they are one formula up to the naming of weights, where sums may be taken
in any order, and operations on nothing give nothing. Whether two terms share a convolution or have one each matters:
c(x) + c(x) is not c(x) + c'(x). That pooling is linear is not used. This relation is our own choice; the one of the
benchmarks' official programs is coarser and finer at once.
"""

from collections.abc import Collection
from itertools import product

import numpy as np

from lissnas.errors import SettingError
from lissnas.spaces.categorical import CategoricalSpace
from lissnas.spaces.distinct import DistinctSpace
from lissnas.spaces.space import Indices

_EDGES = 6

_Sum = tuple[int, ...]
"""A node's value: the numbers of its terms, ascending, each as often as it is added."""


def distinct_cells(
    name: str, encoding: CategoricalSpace, none: str, skip: str, convolutions: Collection[str]
) -> DistinctSpace:
    """Return the space of the different functions of a cell space; the first cell stands for all that compute the same.

    Parameters
    ----------
    name
        Of the space that is returned.
    encoding
        The cells: an operation on each of the edges 0-1, 0-2, 1-2, 0-3, 1-3 and 2-3 of the nodes, in this order.
    none, skip
        The names of what carries nothing, and of what carries its input.
    convolutions
        The names of what has weights of its own; any other operation is a fixed function.
    """
    representatives = encoding.rows(first_of_each(encoding, none, skip, convolutions))
    return DistinctSpace(
        name,
        encoding,
        lambda rows: representatives[encoding.index(rows)],
        lambda rows: np.ones(len(rows), dtype=np.bool_),
    )


def first_of_each(encoding: CategoricalSpace, none: str, skip: str, convolutions: Collection[str]) -> Indices:
    """Return for each cell the place of the first that computes the same, shape (size,); see `distinct_cells`."""
    names = encoding.operations[0]
    if encoding.operations != (names,) * _EDGES:
        raise SettingError(f"{encoding.name} does not have the same operations on each of six edges")
    terms: dict[object, int] = {}

    def carried(operation: str, value: _Sum, shared: bool = False) -> _Sum:
        if operation == none or not value:
            return ()
        if operation == skip:
            return value
        return (terms.setdefault((operation, value, shared), len(terms)),)

    image: _Sum = (terms.setdefault("image", 0),)
    first: dict[_Sum, int] = {}
    places = np.empty(encoding.size, dtype=np.int64)
    for place, (to_1, to_2, from_1_to_2, to_3, from_1_to_3, from_2_to_3) in enumerate(product(names, repeat=_EDGES)):
        # Node 1 alone has two ways out, so that only the convolution into it can be in several terms.
        shared = to_1 in convolutions and none not in (from_1_to_2, from_1_to_3, from_2_to_3)
        node_1 = carried(to_1, image, shared)
        node_2 = tuple(sorted(carried(to_2, image) + carried(from_1_to_2, node_1)))
        node_3 = carried(to_3, image) + carried(from_1_to_3, node_1) + carried(from_2_to_3, node_2)
        places[place] = first.setdefault(tuple(sorted(node_3)), place)
    return places
