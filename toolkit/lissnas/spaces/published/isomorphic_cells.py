"""Isomorphic cells: which cells of four nodes and six edges compute the same function.

A node is the sum of its inputs. An edge carries zero, its input, a convolution with its own weights, or a pooling
without weights. Two cells are isomorphic if they are the same formula up to the names of the weights and the order of
sums, where an operation on zero gives zero. Two terms with a shared convolution differ from two terms with one each:
c(x) + c(x) is not c(x) + c'(x). We do not use that pooling is linear. This relation is our own choice; that of the
benchmarks' official programs merges some cells that we keep apart, and separates some that we merge.
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
"""The value of a node: the numbers of its terms, ascending, repeated as often as they are added."""


def distinct_cells(
    name: str, encoding: CategoricalSpace, none: str, skip: str, convolutions: Collection[str]
) -> DistinctSpace:
    """Return the space of the different functions of a cell space; the first of isomorphic cells represents them.

    Parameters
    ----------
    name
        Name of the new space.
    encoding
        The cells: an operation on each of the edges 0-1, 0-2, 1-2, 0-3, 1-3 and 2-3, in this order.
    none, skip
        Names of the operations that return zero and their input.
    convolutions
        Names of the operations with weights; all others are fixed functions.
    """
    representatives = encoding.rows(first_of_each(encoding, none, skip, convolutions))
    return DistinctSpace(
        name,
        encoding,
        lambda rows: representatives[encoding.index(rows)],
        lambda rows: np.ones(len(rows), dtype=np.bool_),
    )


def first_of_each(encoding: CategoricalSpace, none: str, skip: str, convolutions: Collection[str]) -> Indices:
    """Return for each cell the place of the first isomorphic cell, shape (size,); see `distinct_cells`."""
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
        # Only node 1 has two outgoing edges, so only the convolution into it can occur in several terms.

        shared = to_1 in convolutions and none not in (from_1_to_2, from_1_to_3, from_2_to_3)
        node_1 = carried(to_1, image, shared)
        node_2 = tuple(sorted(carried(to_2, image) + carried(from_1_to_2, node_1)))
        node_3 = carried(to_3, image) + carried(from_1_to_3, node_1) + carried(from_2_to_3, node_2)
        places[place] = first.setdefault(tuple(sorted(node_3)), place)
    return places
