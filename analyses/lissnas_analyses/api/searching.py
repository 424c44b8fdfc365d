"""`ln.search`: find one good network inside a shrunk space, or in a full one."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from lissnas.errors import SettingError
from lissnas.evaluation.evaluations import Evaluations
from lissnas.evaluation.evaluator import Evaluator
from lissnas.optimizers import search as searching
from lissnas.optimizers.search import Optimizer, SearchTrace
from lissnas.spaces.space import Rows, Space
from lissnas.subspaces.subspace import FullSpace, Subspace
from lissnas_benchmarks.benchmark import Benchmark

from lissnas_analyses.api.loading import as_benchmark
from lissnas_analyses.api.result import Result, new_axes
from lissnas_analyses.api.shrinking import ShrinkResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, repr=False)
class SearchResult(Result):
    """The outcome of a search.

    Attributes
    ----------
    subspace
        Where the optimizer searched.
    optimizer
        The optimizer with its settings.
    trace
        The run: every evaluation, and the best network after each.
    known
        Number of networks that were scored before the search, by a shrinker.
    seed
        The seed of the run.
    benchmark
        The benchmark that was searched; None for a space with a function.
    """

    subspace: Subspace
    optimizer: Optimizer
    trace: SearchTrace
    known: int
    seed: int
    benchmark: Benchmark | None

    @property
    def evaluations(self) -> Evaluations:
        """The architectures that were scored, and their scores, those of a shrinker included."""
        return self.trace.evaluations

    @property
    def best(self) -> Rows:
        """The best network by the scores that the optimizer saw, uint8 of shape (1, genes)."""
        return self.evaluations.best(1)

    @property
    def architecture(self) -> str:
        """The best network as its official string."""
        return self.subspace.space.write(self.best)[0]

    @property
    def score(self) -> float:
        """The score of the best network that the optimizer saw."""
        return float(self.evaluations.scores.max())

    @property
    def regret(self) -> float | None:
        """How far the best network is below the best of the full space by the reported scores; None without them."""
        if self.benchmark is None:
            return None
        reported = self.benchmark.report
        return float(np.nanmax(reported) - reported[self.benchmark.space.index(self.best)][0])

    def __str__(self) -> str:
        spent = self.evaluations.count - self.known
        before = f", after {self.known:,} by the shrinker" if self.known else ""
        lines = [
            f"{type(self.optimizer).__name__} scored {spent:,} networks{before}",
            f"best: {self.architecture}, score {self.score:.6g}",
        ]
        if self.benchmark is not None:
            lines.append(
                f"its {self.benchmark.reports.describe()} is {self.regret:.2f} {self.benchmark.unit} below the best of "
                f"{self.benchmark.name}"
            )
        return "\n  ".join(lines)

    def frame(self) -> pl.DataFrame:
        """Return a row for every evaluation, in order: evaluation, architecture, score, best (highest score so far).

        The first `known` rows are those of the shrinker. A network without a score has NaN.
        """
        index, scores = self.evaluations.history
        space = self.subspace.space
        best = np.maximum.accumulate(np.where(np.isnan(scores), -np.inf, scores))
        return pl.DataFrame(
            {
                "evaluation": np.arange(1, len(index) + 1),
                "architecture": space.write(space.rows(index)),
                "score": scores,
                "best": np.where(np.isinf(best), np.nan, best),
            }
        )

    def plot(self, *, axes: "Axes | None" = None) -> "Axes":
        """Draw the highest score so far against the number of evaluations, and return the axes."""
        from lissnas_analyses import style

        rows, name = self.frame(), type(self.optimizer).__name__
        with style.house_style():
            axes = new_axes() if axes is None else axes
            axes.plot(rows["evaluation"], rows["best"], drawstyle="steps-post", color=style.SINGLE.color, label=name)
            if self.known:
                axes.axvline(self.known, color="#777777", linewidth=0.8, linestyle=":")
                style.label(axes, "search begins", self.known, rows["best"][0], "#777777", (3, 0), "bottom")
            axes.set(xlabel="evaluations", ylabel="highest score so far", title=name)
        return axes

    def save(self, path: str | Path) -> Path:
        """Write `frame` to a CSV file, and return its path."""
        path = Path(path)
        self.frame().write_csv(path)
        return path


def search(
    target: ShrinkResult | Benchmark | str | Subspace | Space,
    optimizer: Optimizer | str = "regularized-evolution",
    *,
    evaluations: int,
    evaluator: Evaluator | None = None,
    seed: int = 0,
) -> SearchResult:
    """Search for one good network.

    Parameters
    ----------
    target
        A result of `ln.shrink`: the search stays inside its subspace, and knows what the shrinker scored. Or a
        benchmark, its name, a space or a subspace.
    optimizer
        An optimizer such as ``ln.RegularizedEvolution()``, or the name of one.
    evaluations
        Number of networks that the optimizer may score, beyond those that a shrinker scored.
    evaluator
        Scores a batch of architectures, as in `ln.shrink`. A space and a subspace need one.
    seed
        The same seed gives the same result.

    Returns
    -------
    SearchResult
        The best network, and every evaluation.

    Raises
    ------
    SettingError
        If a space has no evaluator, or `evaluations` is less than 1.
    UnknownNameError
        If there is no such benchmark or optimizer; the error suggests the nearest name.
    EvaluatorError
        If the evaluator fails.

    Examples
    --------
    >>> import lissnas as ln
    >>> space = ln.CategoricalSpace("five layers", ("abcd",) * 5, "{}{}{}{}{}")
    >>> best = ln.search(space, ln.LocalSearch(), evaluations=200, evaluator=lambda rows: rows.sum(axis=1))
    >>> best.architecture
    'ddddd'
    """
    if evaluations < 1:
        raise SettingError(f"evaluations must be at least 1, not {evaluations}")
    runner = searching.optimizer_class(optimizer)() if isinstance(optimizer, str) else optimizer
    benchmark: Benchmark | None = None
    if isinstance(target, ShrinkResult):
        subspace, benchmark = target.subspace, target.benchmark
        memory = target.evaluations.copy()
        if evaluator is not None:
            raise SettingError("a shrunk space is searched with the evaluator that shrank it: leave evaluator= out")
    else:
        if isinstance(target, Benchmark | str):
            benchmark = as_benchmark(target)
            subspace = FullSpace(benchmark.space)
            evaluator = evaluator or benchmark.evaluator
        else:
            subspace = FullSpace(target) if isinstance(target, Space) else target
        if evaluator is None:
            raise SettingError(f"{subspace.space.name} has no scores of its own: pass evaluator=, a function on rows")
        memory = Evaluations(subspace.space, evaluator)
    known = memory.count
    trace = searching.search(subspace, memory, runner, np.random.default_rng(seed), known + evaluations)
    return SearchResult(subspace, runner, trace, known, seed, benchmark)
