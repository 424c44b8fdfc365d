"""Kernel component for graphs: Weisfeiler-Lehman histograms, which are equal for isomorphic graphs.

The kernel has both histograms and genes, which say where an operation is: on NAS-Bench-101 both together were better
than either. The weights are our own design: one for each label, and one for each refinement.
"""

import numpy as np

from lissnas.predictors.choice_kernel import choice_components
from lissnas.predictors.distance_kernel import KernelComponent
from lissnas.predictors.path_kernel import path_components
from lissnas.predictors.weisfeiler_lehman import histograms
from lissnas.spaces.space import Floats, Rows, Space

STEPS = 2
"""Number of refinements of the colors: a color covers operations up to two edges away."""

BINS = 64
"""Number of bins of the histogram of refined colors."""

_UNIT = 0.01
"""Prior kernel distance of two graphs that differ in one label; a tenth of it for a color (our own choice)."""

_SPREAD = 1.0
"""Prior standard deviation of each log weight (our own choice)."""


def kernel_components(space: Space) -> list[KernelComponent]:
    """Return all kernel components of a space: those of its genes, and of its paths and graphs if it has them."""
    components = [*choice_components(space), *path_components(space)]
    example = space.graphs(space.rows(np.zeros(1, dtype=np.int64)))
    return components if example is None else [*components, _graph_component(space, example.label_count)]


def _graph_component(space: Space, kinds: int) -> KernelComponent:
    factors = [[("labels", _SPREAD), (f"label {label}", _SPREAD)] for label in range(1, kinds + 1)] + [
        [(f"refined {step}", _SPREAD)] for step in range(1, STEPS + 1) for _ in range(BINS)
    ]

    def features(rows: Rows) -> Floats:
        graphs = space.graphs(rows)
        assert graphs is not None
        return np.concatenate(histograms(graphs, STEPS, BINS), axis=1)

    return KernelComponent(features, np.array([_UNIT] * kinds + [_UNIT / 10] * (STEPS * BINS)), factors)
