"""Column and Measure: what a table's columns measure, and which of them answer a question."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """One measurement of every architecture.

    Attributes
    ----------
    metric
        What was measured: "accuracy", "latency", ...
    dataset
        On which data.
    split
        On which part of it: "validation", "test"; "" where that means nothing.
    unit
        "%", "ms", "M", ...
    epochs
        After how many epochs of training; None where the source does not say.
    seed
        Of which training run; None where the source gives one value only.
    quality
        Whether more is better, so that networks may be ranked by it.
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
    """Which columns answer a question.

    Attributes
    ----------
    metric, split
        As in `Column`.
    seeds
        The mean over these training runs, or over all that an architecture has if None.
    epochs
        After how many epochs; None where the benchmark has one number only.
    """

    metric: str
    split: str
    seeds: tuple[int, ...] | None = None
    epochs: int | None = None

    def describe(self) -> str:
        """Return the measure in words: 'test accuracy, mean of seeds 1, 2'."""
        if self.seeds is None:
            seeds = ""
        elif len(self.seeds) == 1:
            seeds = f", seed {self.seeds[0]}"
        else:
            seeds = f", mean of seeds {', '.join(map(str, self.seeds))}"
        epochs = "" if self.epochs is None else f" after {self.epochs} epochs"
        return f"{self.split} {self.metric}{epochs}{seeds}".strip()
