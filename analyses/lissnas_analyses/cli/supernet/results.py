"""What the commands on the run of a supernet answer: the stage, and what came out of it in numbers."""

from dataclasses import dataclass
from pathlib import Path

from lissnas_analyses.cli.json_command import CommandResult


@dataclass(frozen=True)
class Trained:
    """A supernet that is trained.

    Attributes
    ----------
    steps
        How many there were in all.
    loss
        Of the last one, in nats; null if an earlier call has made it.
    """

    steps: int
    loss: float | None


@dataclass(frozen=True)
class ScoredNetwork:
    """A network by what a supernet says of it.

    Attributes
    ----------
    architecture
        Official string.
    accuracy
        On the images held out, in %; null if it has none.
    flops, parameters
        Multiply-accumulates of the network alone for an image, and its parameters.
    """

    architecture: str
    accuracy: float | None
    flops: int
    parameters: int


@dataclass(frozen=True)
class RoundSummary:
    """A round of shrinking.

    Attributes
    ----------
    round
        From 1.
    networks_at_least, networks_at_most
        How many it made; the same where they were counted.
    mean_before, error_before, mean_after, error_after
        Mean accuracies and their standard errors, in %; null where means were not asked for.
    evaluations
        How many distinct networks were scored.
    kept
        Whether the loop went on with what was made.
    ended
        Why it did not; null if it did.
    """

    round: int
    networks_at_least: int
    networks_at_most: int
    mean_before: float | None
    error_before: float | None
    mean_after: float | None
    error_after: float | None
    evaluations: int
    kept: bool
    ended: str | None


@dataclass(frozen=True)
class ShrunkInRounds:
    """What the loop of training and shrinking left.

    Attributes
    ----------
    rounds
        All that were made.
    networks_at_least, networks_at_most
        How many are left; the same where they were counted.
    file
        The space that is left; null if it is the whole one.
    """

    rounds: tuple[RoundSummary, ...]
    networks_at_least: int
    networks_at_most: int
    file: Path | None


@dataclass(frozen=True)
class Searched:
    """A search.

    Attributes
    ----------
    best
        What it found.
    evaluations
        How many distinct networks were scored.
    """

    best: ScoredNetwork
    evaluations: int


@dataclass(frozen=True)
class Retrained:
    """A network that was trained on its own.

    Attributes
    ----------
    architecture
        Official string.
    top1, top5
        Of which share of the official validation images the class is the network's first, and among its first five, in
        per cent.
    images
        By how many it was judged.
    left_out
        How many more there are, which could not be read.
    """

    architecture: str
    top1: float
    top5: float
    images: int
    left_out: int


@dataclass(frozen=True)
class SupernetStageResult(CommandResult):
    """A stage of a run that is done.

    Attributes
    ----------
    stage
        "train", "evaluate", "shrink", "search" or "retrain".
    space, images
        Of which architectures the supernet is, and what it saw.
    findings
        What came out, in sentences.
    folder, files
        Of the stage, and what was written there.
    trained, evaluated, shrunk, searched, retrained
        What came out in numbers; null of other stages.
    """

    stage: str
    space: str
    images: str
    findings: tuple[str, ...]
    folder: Path
    files: tuple[str, ...]
    trained: Trained | None = None
    evaluated: tuple[ScoredNetwork, ...] | None = None
    shrunk: ShrunkInRounds | None = None
    searched: Searched | None = None
    retrained: Retrained | None = None
