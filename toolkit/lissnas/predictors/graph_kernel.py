"""What a kernel sees of networks that are graphs: Weisfeiler-Lehman histograms, equal for isomorphic graphs.

They stand beside the genes, which tell what lies where: on NAS-Bench-101 the two together were better than either.

The weights are our own: one for each label, and one for all that is seen after each refinement.
"""

import numpy as np

from lissnas.predictors.choice_kernel import choice_components
from lissnas.predictors.distance_kernel import KernelComponent
from lissnas.predictors.weisfeiler_lehman import histograms
from lissnas.spaces.space import Floats, Rows, Space

STEPS = 2
"""How many times colors are refined: to see operations up to two edges away."""

BINS = 64
"""How many bins the refined colors are counted in."""

_UNIT = 0.1
"""How far apart two networks lie, before anything is learned, for one other label; a tenth of it for a color."""

_SPREAD = 1.0
"""The prior's standard deviation of each log weight."""


def kernel_components(space: Space) -> list[KernelComponent]:
    """Return the parts of the kernel of a space: over its genes, and over graphs where networks are given as such."""
    example = space.graphs(space.rows(np.zeros(1, dtype=np.int64)))
    return (
        choice_components(space)
        if example is None
        else [*choice_components(space), _graph_part(space, example.label_count)]
    )


def _graph_part(space: Space, kinds: int) -> KernelComponent:
    factors = [[("labels", _SPREAD), (f"label {label}", _SPREAD)] for label in range(1, kinds + 1)] + [
        [(f"refined {step}", _SPREAD)] for step in range(1, STEPS + 1) for _ in range(BINS)
    ]

    def features(rows: Rows) -> Floats:
        graphs = space.graphs(rows)
        assert graphs is not None
        return np.concatenate(histograms(graphs, STEPS, BINS), axis=1)

    return KernelComponent(features, np.array([_UNIT] * kinds + [_UNIT / 10] * (STEPS * BINS)), factors)
