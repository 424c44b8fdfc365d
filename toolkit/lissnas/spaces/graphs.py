"""Graphs: a batch of directed graphs with labeled vertices, as the kernels of graph spaces see networks."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Graphs:
    """A batch of labeled graphs of at most so many vertices and edges.

    Attributes
    ----------
    labels
        The label of each vertex, shape (n, vertices), from 1 on; 0 where a graph has no such vertex.
    sources, targets
        The vertices that each edge leaves and enters, each of shape (n, edges).
    present
        Which of the edges a graph has, shape (n, edges).
    kinds
        The largest label that any graph of the space may have.
    """

    labels: NDArray[np.int64]
    sources: NDArray[np.int64]
    targets: NDArray[np.int64]
    present: NDArray[np.bool_]
    kinds: int
