"""`ln.shrink`: shrink a benchmark, or any space with a function that scores its architectures."""

import warnings
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import polars as pl
from lissnas.errors import SettingError
from lissnas.evaluation.evaluations import Evaluations
from lissnas.evaluation.evaluator import Evaluator
from lissnas.shrinkers import shrink as shrinking
from lissnas.shrinkers.shrink import Shrinker, Trace, registered_name
from lissnas.spaces.space import Space
from lissnas.statistics.quality import Quality, quality
from lissnas.subspaces import subspace_file
from lissnas.subspaces.subspace import Subspace
from lissnas_benchmarks.benchmark import Benchmark

from lissnas_analyses.api.loading import as_benchmark
from lissnas_analyses.api.result import Result, new_axes
from lissnas_analyses.sentences import quality_sentences, shrinking_sentences

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class SameScoresWarning(UserWarning):
    """A benchmark selects and reports by the same column, so that its figures of quality are optimistic."""


@dataclass(frozen=True, repr=False)
class ShrinkResult(Result):
    """A shrunk space.

    Attributes
    ----------
    space
        The full space.
    shrinker
        The method with its settings.
    trace
        The run: the subspace after every round, and every evaluation.
    seed
        The seed of the run.
    benchmark
        The benchmark that was shrunk; None for a space with a function.
    quality
        How good the subspace is by the scores that the benchmark reports; None for a space with a function.
    """

    space: Space
    shrinker: Shrinker
    trace: Trace
    seed: int
    benchmark: Benchmark | None
    quality: Quality | None

    @property
    def subspace(self) -> Subspace:
        """The shrunk space."""
        return self.trace.subspace

    @property
    def evaluations(self) -> Evaluations:
        """The architectures that were scored, and their scores."""
        return self.trace.evaluations

    def __str__(self) -> str:
        name, roles, judged = self.space.name, "", tuple[str, ...]()
        if self.benchmark is not None and self.quality is not None:
            name, roles = self.benchmark.subject, self.benchmark.roles
            judged = quality_sentences(self.quality, self.benchmark.unit)
        method = registered_name(self.shrinker)
        return "\n  ".join(shrinking_sentences(name, method, self.trace, roles, (), judged))

    def frame(self) -> pl.DataFrame:
        """Return a row for every round: evaluations so far, size, and, on a benchmark, all of `Quality`.

        Round 0 is the full space. The size is the upper bound where it could not be counted.
        """
        last = len(self.trace.rounds) - 1
        rows: list[dict[str, Any]] = []
        for number, shrunk in enumerate(self.trace.rounds):
            evaluations = self.evaluations.count if number == last else shrunk.evaluations
            row = {"round": number, "evaluations": evaluations, "size": float(shrunk.subspace.size_bounds[1])}
            judged = {} if self.benchmark is None else asdict(quality(shrunk.subspace, self.benchmark.report))
            rows.append(row | {name: value for name, value in judged.items() if name != "size"})
        return pl.DataFrame(rows)

    def plot(self, statistic: str | None = None, *, axes: "Axes | None" = None) -> "Axes":
        """Draw a column of `frame` after every round; by default recall of the top 1 %, or else the size.

        Parameters
        ----------
        statistic
            A column of `frame`, such as "recall_1", "mean" or "size".
        axes
            Matplotlib axes to draw into; new ones by default.

        Raises
        ------
        SettingError
            If `frame` has no such column.
        """
        from lissnas_analyses import style
        from lissnas_analyses.comparison.draw import statistic_title

        rows = self.frame()
        statistic = statistic or ("size" if self.benchmark is None else "recall_1")
        if statistic not in rows.columns:
            raise SettingError(f"'{statistic}' is no column of the frame; choose one of {', '.join(rows.columns)}")
        method = type(self.shrinker).__name__
        with style.house_style():
            axes = new_axes() if axes is None else axes
            axes.plot(rows["evaluations"], rows[statistic], marker="o", color=style.SINGLE.color, label=method)
            axes.set(xlabel="evaluations", ylabel=statistic_title(statistic), title=method)
            if statistic == "size":
                axes.set_yscale("log")
        return axes

    def save(self, path: str | Path) -> Path:
        """Write the subspace with its provenance to a Parquet file, and return its path.

        `ln.load_subspace` reads it.
        """
        path = Path(path)
        provenance: dict[str, Any] = {
            "method": registered_name(self.shrinker),
            "settings": asdict(cast(Any, self.shrinker)),
            "seed": self.seed,
            "evaluations": self.evaluations.count,
        }
        if self.benchmark is not None:
            provenance |= {
                "benchmark": self.benchmark.name,
                "dataset": self.benchmark.dataset,
                "selected_by": self.benchmark.selects.describe(),
            }
        subspace_file.save(self.subspace, path, provenance)
        return path


def shrink(
    target: Benchmark | str | Space,
    method: Shrinker | str = "lissnas",
    *,
    evaluator: Evaluator | None = None,
    seed: int = 0,
    journal: str | Path | None = None,
) -> ShrinkResult:
    """Shrink a search space.

    Parameters
    ----------
    target
        A benchmark, the name of one, or a space.
    method
        A shrinker such as ``ln.Lissnas(seeds=50)``, or the name of one.
    evaluator
        Scores a batch of architectures: takes rows, uint8 of shape (n, genes), and returns n scores, more being better.
        A space needs one; a benchmark has its own, which this one replaces.
    seed
        The same seed gives the same result.
    journal
        A file that keeps every score. The same call continues from it after it was stopped.

    Returns
    -------
    ShrinkResult
        The shrunk space, and, for a benchmark, its quality.

    Raises
    ------
    SettingError
        If a space has no evaluator, or the settings of the method cannot be met.
    UnknownNameError
        If there is no such benchmark or method; the error suggests the nearest name.
    EvaluatorError
        If the evaluator fails, or gives every architecture the same score.

    Warns
    -----
    SameScoresWarning
        If the benchmark selects and reports by the same column.

    Examples
    --------
    >>> import lissnas as ln
    >>> space = ln.CategoricalSpace("five layers", ("abcd",) * 5, "{}{}{}{}{}")
    >>> run = ln.shrink(space, ln.KernelShrinkage(evaluations=60, size=50), evaluator=lambda rows: rows.sum(axis=1))
    >>> run.subspace.size
    50
    """
    shrinker = shrinking.shrinker_class(method)() if isinstance(method, str) else method
    benchmark = None if isinstance(target, Space) else as_benchmark(target)
    if benchmark is None:
        space = cast(Space, target)
        if evaluator is None:
            raise SettingError(f"{space.name} has no scores of its own: pass evaluator=, a function on rows")
    else:
        space = benchmark.space
        if evaluator is None:
            evaluator = benchmark.evaluator
            if benchmark.selects == benchmark.reports:
                warnings.warn(
                    f"{benchmark.name}: the method sees the same {benchmark.reports.describe()} that it is judged by, "
                    "since the benchmark has no other; its recall is optimistic",
                    SameScoresWarning,
                    stacklevel=2,
                )
    rng = np.random.default_rng(seed)
    trace = shrinking.shrink(space, evaluator, shrinker, rng, journal=None if journal is None else Path(journal))
    judged = None if benchmark is None else quality(trace.subspace, benchmark.report)
    return ShrinkResult(space, shrinker, trace, seed, benchmark, judged)


def load_subspace(path: str | Path, space: Space | Benchmark) -> Subspace:
    """Return a subspace that was saved.

    Parameters
    ----------
    path
        A file that `ShrinkResult.save` or ``lissnas shrink`` wrote.
    space
        The space that it is part of, or a benchmark on that space.

    Raises
    ------
    LissnasError
        If the file is damaged, or is a subspace of another space.

    Examples
    --------
    >>> import lissnas as ln
    >>> space = ln.CategoricalSpace("five layers", ("abcd",) * 5, "{}{}{}{}{}")
    >>> run = ln.shrink(space, ln.RandomSubset(size=10), evaluator=lambda rows: rows.sum(axis=1))
    >>> ln.load_subspace(run.save("ten.parquet"), space).size
    10
    """
    return subspace_file.load(Path(path), space.space if isinstance(space, Benchmark) else space)[0]
