"""Column and Measure: what a table's columns measure, and which of them answer a question."""

from dataclasses import dataclass

import numpy as np
from lissnas.spaces.space import Floats


@dataclass(frozen=True)
class Column:
    """One measurement of every architecture.

    Attributes
    ----------
    metric
        What was measured: "accuracy", "latency", ...
    dataset
        The data set.
    split
        The split: "validation", "test"; "" for a metric without splits.
    unit
        "%", "ms", "M", ...; "" for a metric without a unit.
    epochs
        Number of epochs of training; None if the source does not say.
    seed
        Seed or number of the training run; None if the source has one value only.
    quality
        Whether higher is better, so that architectures may be ranked by it.
    """

    metric: str
    dataset: str
    split: str
    unit: str
    epochs: int | None = None
    seed: int | None = None
    quality: bool = True

    @property
    def name(self) -> str:
        """The column's name in the file."""
        parts = (self.metric, self.dataset, self.split, self.epochs, self.seed)
        return "/".join(str(part) for part in parts if part not in ("", None))


@dataclass(frozen=True)
class Measure:
    """The columns that are averaged for a score: a metric on a split, after some epochs, over some seeds.

    Attributes
    ----------
    metric, split
        As in `Column`.
    seeds
        The training runs to average; None for all runs that an architecture has.
    epochs
        Number of epochs of training; None if the benchmark has one value only.
    every_seed
        What an architecture gets that lacks one of the seeds: NaN (True), or the mean over those that it has (False).
        None: NaN if `seeds` names them, and the mean if it does not.
    """

    metric: str
    split: str
    seeds: tuple[int, ...] | None = None
    epochs: int | None = None
    every_seed: bool | None = None

    @property
    def needs_every_seed(self) -> bool:
        """Whether an architecture that lacks one of the seeds is NaN."""
        return self.seeds is not None if self.every_seed is None else self.every_seed

    def describe(self) -> str:
        """Return the measure in words: "test accuracy, mean of seeds 1, 2"."""
        if self.seeds is None:
            seeds = ", mean of all seeds, without architectures that lack one" if self.every_seed else ""
        elif len(self.seeds) == 1:
            seeds = f", seed {self.seeds[0]}"
        else:
            available = "" if self.needs_every_seed else "those present of "
            seeds = f", mean of {available}seeds {', '.join(map(str, self.seeds))}"
        epochs = "" if self.epochs is None else f" after {self.epochs} epochs"
        return f"{self.split} {self.metric}{epochs}{seeds}".strip()


def percentage_fault(column: Column, values: Floats) -> tuple[int, str] | None:
    """Return the first row whose value cannot be in %, and why; None if all can be or the column has another unit.

    Accuracies that are all at most 1 are refused too: they are fractions, and nobody can tell 0.94 % from 94 %.
    """
    if column.unit != "%" or not len(values) or np.isnan(values).all():
        return None
    outside = (values < 0) | (values > 100)
    if outside.any():
        return int(outside.argmax()), "but its unit is %: 0 to 100"
    largest = int(np.nanargmax(values))
    if column.quality and 0 < values[largest] <= 1:
        return largest, "the largest of all, but its unit is %: multiply fractions by 100, or declare another unit"
    return None
