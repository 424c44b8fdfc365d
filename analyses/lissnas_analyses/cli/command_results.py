"""The kinds of answers of the commands on tables; docs/json.md describes each."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lissnas.statistics.quality import Quality
from lissnas_benchmarks.benchmark import Benchmark

from lissnas_analyses.cli.json_command import CommandResult
from lissnas_analyses.cli.terminal import say
from lissnas_analyses.results.folder import Results


@dataclass(frozen=True)
class AnalysisResult(CommandResult):
    """A study of one benchmark that left a folder.

    Attributes
    ----------
    benchmark, dataset
        What was studied.
    networks
        How many networks the space has.
    selected_by, reported_by
        What a method may see, and what its result is judged by.
    findings
        What came out, in sentences.
    folder, files
        Where the figures and numbers are.
    """

    benchmark: str
    dataset: str
    networks: int
    selected_by: str
    reported_by: str
    findings: tuple[str, ...]
    folder: Path
    files: tuple[str, ...]


@dataclass(frozen=True)
class LandscapeResult(CommandResult):
    """The landscapes of a benchmark: what came out, in sentences, and where the figures and numbers are."""

    benchmark: str
    findings: tuple[str, ...]
    folder: Path
    files: tuple[str, ...]


@dataclass(frozen=True)
class AblationGridResult(CommandResult):
    """A grid: how many rows were computed now, how many are in the file, and how long it took, in seconds."""

    analysis: AnalysisResult
    computed_rows: int
    stored_rows: int
    seconds: float


@dataclass(frozen=True)
class MissingBenchmark:
    """A benchmark that is not here, and what to do."""

    benchmark: str
    remedy: str


@dataclass(frozen=True)
class ReproductionResult(CommandResult):
    """Every benchmark of the main job, studied or left out."""

    analyses: tuple[AnalysisResult, ...]
    missing: tuple[MissingBenchmark, ...]


@dataclass(frozen=True)
class PredictedQuality:
    """Samples of what is kept and of the space, predicted by what selected: optimistic.

    Attributes
    ----------
    subspace_samples, space_samples
        How many networks of each.
    mean, best, space_mean, space_best
        Of their predictions, in the surrogate's unit.
    share_above_space_q99
        Which share of what is kept is predicted above 99 % of the space.
    """

    subspace_samples: int
    space_samples: int
    mean: float
    best: float
    space_mean: float
    space_best: float
    share_above_space_q99: float


@dataclass(frozen=True)
class ShrinkageResult(CommandResult):
    """A space that was shrunk and saved.

    Attributes
    ----------
    benchmark, dataset, method, settings
        What was shrunk, and how; no data set where a surrogate predicts.
    selected_by, reported_by
        What the method saw, and what its result is judged by.
    networks, size_at_least, size_at_most
        How many networks there were and are; the last two are equal where they were counted.
    limits
        The resource limits that all of them meet.
    rounds, evaluations
        What the method did and spent.
    notes
        What it had to tell.
    quality, predicted
        Figures of what is kept, by what is reported; the second in the place of the first where networks are predicted.
    file
        The subspace, to be loaded again.
    """

    benchmark: str
    dataset: str | None
    method: str
    settings: dict[str, Any]
    selected_by: str
    reported_by: str
    networks: int
    size_at_least: int
    size_at_most: int
    limits: tuple[str, ...]
    rounds: int
    evaluations: int
    notes: tuple[str, ...]
    quality: Quality | None
    predicted: PredictedQuality | None
    file: Path


@dataclass(frozen=True)
class DrawingResult(CommandResult):
    """Architectures that were drawn.

    Attributes
    ----------
    architectures
        Their official strings.
    notes
        What is known of each, "" if nothing is.
    edit_distance
        Of two; None of any other number.
    folder, files
        Where the figure is.
    """

    benchmark: str
    architectures: tuple[str, ...]
    notes: tuple[str, ...]
    edit_distance: int | None
    folder: Path
    files: tuple[str, ...]


@dataclass(frozen=True)
class ReportResult(CommandResult):
    """A report that was written: its file, its size in bytes, and of which folders of results."""

    file: Path
    bytes: int
    results: tuple[Path, ...]


@dataclass(frozen=True)
class BenchmarkEntry:
    """A benchmark of the catalog.

    Attributes
    ----------
    name, title, license, paper, page
        As the benchmark says of itself.
    package
        The requirement that brings its data, if one does.
    predicts
        Whether it predicts networks in place of listing them.
    ready
        Whether its data is here.
    networks, datasets
        What it holds; None and nothing while its data is not here.
    caveats
        What a user must know before believing a number.
    remedy
        How to get it; "" if it is here.
    """

    name: str
    title: str
    license: str
    paper: str
    page: str
    package: str | None
    predicts: bool
    ready: bool
    networks: int | None
    datasets: tuple[str, ...]
    caveats: tuple[str, ...]
    remedy: str


@dataclass(frozen=True)
class BenchmarkListResult(CommandResult):
    """The catalog."""

    benchmarks: tuple[BenchmarkEntry, ...]


@dataclass(frozen=True)
class ImportResult(CommandResult):
    """A benchmark that was asked for.

    Attributes
    ----------
    benchmark
        Its name.
    path
        Where its table or models are; None where it is read from an installed package when first opened, or is not
        here.
    remedy
        What to do about it if it is not here, else "".
    """

    benchmark: str
    path: Path | None
    remedy: str


@dataclass(frozen=True)
class CachedBenchmark:
    """What the cache holds of a benchmark: columns and curves of a table or members of ensembles, and bytes."""

    benchmark: str
    columns: int | None
    curves: int | None
    ensemble_sizes: dict[str, int] | None
    bytes: int


@dataclass(frozen=True)
class CacheResult(CommandResult):
    """What is in the cache; of `data check`, all of it read and found whole."""

    folder: Path
    benchmarks: tuple[CachedBenchmark, ...]


def print_analysis(opened: Benchmark, findings: tuple[str, ...], results: Results) -> AnalysisResult:
    """Print what was studied, what was found, and where it is."""
    name, dataset, selects, reports = opened.adapter.name, opened.dataset, opened.selects, opened.reports
    say(f", {dataset}: {opened.space.size:,} networks; {opened.roles}", bold=name)
    for sentence in findings:
        say(sentence, indent=2)
    say(f"figures, numbers and manifest: {results.folder}/", indent=2)
    described = selects.describe(), reports.describe()
    return AnalysisResult(name, dataset, opened.space.size, *described, findings, results.folder, tuple(results.files))
