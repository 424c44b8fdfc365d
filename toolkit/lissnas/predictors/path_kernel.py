"""Kernel component for paths: what an input passes through on its ways to the output.

The accuracy of a cell depends less on where an operation is than on the paths that contain it: a convolution on every
path, the longest path, a path without any operation. The features are, for each operation, its total, smallest and
largest number on a path; the number of paths; and how often each sequence of operations is a path. White, Nolen and
Savani, "BANANAS", AAAI 2021, encode architectures by their paths; the counts and the weights are our own design.
"""

import numpy as np
from numpy.typing import NDArray

from lissnas.predictors.distance_kernel import KernelComponent
from lissnas.spaces.space import Floats, Paths, Rows, Space

_MAX_SEQUENCES = 128
"""Sequences are not features where more are possible than this (our own choice)."""

_REFERENCES = 2**15
"""Maximum number of architectures that define the standard deviations of the counts: evenly spaced ones, or random ones
where the space cannot be enumerated (our own choice). The features of a smaller space are computed once."""

_UNIT = 0.005
"""Prior kernel distance of two architectures whose count differs by 1.4 standard deviations, or whose paths differ by
one sequence (our own choice)."""

_SPREAD = 1.0
"""Prior standard deviation of the log weight of one feature, and of those of all features (our own choice)."""


def path_components(space: Space) -> list[KernelComponent]:
    """Return the kernel component of the paths of a space, or nothing if the space does not describe paths."""
    if space.enumerable:
        even = np.linspace(0, space.size - 1, min(space.size, _REFERENCES))
        paths = space.paths(space.rows(even.astype(np.int64)))
    else:
        paths = space.paths(space.sample(_REFERENCES, np.random.default_rng(0)))
    if paths is None:
        return []
    counts = _counts(paths)
    mean, deviation = counts.mean(axis=0), counts.std(axis=0)
    varies = deviation > 0
    mean, deviation = mean[varies], deviation[varies]
    occurring = np.unique(paths.operations[paths.operations > 0])
    has_sequences = (len(occurring) + 1) ** paths.operations.shape[2] <= _MAX_SEQUENCES
    occurs = _sequences(paths, occurring).any(axis=0) if has_sequences else np.empty(0, dtype=np.bool_)

    def compute(rows: Rows) -> Floats:
        paths = space.paths(rows)
        assert paths is not None
        standard = (_counts(paths)[:, varies] - mean) / deviation
        return np.hstack([standard, _sequences(paths, occurring)[:, occurs]]) if has_sequences else standard

    of_all = compute(space.all_rows()) if space.enumerable and space.size <= _REFERENCES else None

    def features(rows: Rows) -> Floats:
        return compute(rows) if of_all is None else of_all[space.index(rows)]

    names = [("count", number) for number in range(len(mean))]
    names += [("sequence", number) for number in range(np.count_nonzero(occurs))]
    factors = [[(f"path {kind}", _SPREAD), (f"path {kind} {number}", _SPREAD)] for kind, number in names]
    return [KernelComponent(features, np.full(len(names), _UNIT), factors)]


def _counts(paths: Paths) -> Floats:
    """Return the number of paths, then of each operation its total, smallest and largest number on a path."""
    columns = [paths.present.sum(axis=1)]
    for operations in [[operation] for operation in range(1, paths.operation_count + 1)] + [
        range(1, paths.operation_count + 1)
    ]:
        number = np.isin(paths.operations, operations).sum(axis=2)
        most = np.where(paths.present, number, 0)
        fewest = np.where(paths.present, number, paths.operations.shape[2]).min(axis=1)
        columns += [most.sum(axis=1), np.where(paths.present.any(axis=1), fewest, 0), most.max(axis=1)]
    return np.stack(columns, axis=1).astype(np.float64)


def _sequences(paths: Paths, occurring: NDArray[np.int64]) -> Floats:
    """Return how often each sequence of the operations that occur is a path, shape (n, sequences)."""
    base = len(occurring) + 1
    count = base ** paths.operations.shape[2]
    digit = np.zeros(paths.operation_count + 1, dtype=np.int64)
    digit[occurring] = np.arange(1, base)
    code = np.zeros(paths.present.shape, dtype=np.int64)
    for operation in np.moveaxis(digit[paths.operations], 2, 0):
        code = np.where(operation > 0, code * base + operation, code)
    offset = np.arange(len(code))[:, None] * (count + 1)
    flat = np.bincount((np.where(paths.present, code, count) + offset).ravel(), minlength=len(code) * (count + 1))
    return flat.reshape(len(code), count + 1)[:, :count].astype(np.float64)
