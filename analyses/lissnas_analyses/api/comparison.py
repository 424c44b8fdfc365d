"""`ln.compare`: shrinking methods side by side on one or several benchmarks."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
from lissnas.errors import SettingError
from lissnas.shrinkers.shrink import Shrinker
from lissnas_benchmarks.benchmark import Benchmark

from lissnas_analyses.api.loading import as_benchmark
from lissnas_analyses.api.result import Result, new_axes
from lissnas_analyses.comparison import measure
from lissnas_analyses.comparison.measure import METHODS, ComparisonResult
from lissnas_analyses.grid.workers import workers as start_workers

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SHORT_NAMES = {"recall": "recall_1", "lift": "lift_1"}
"""Short names of statistics that `Comparison.plot` takes: those of the top 1 %."""


@dataclass(frozen=True, repr=False)
class Comparison(Result):
    """Shrinking methods side by side.

    Attributes
    ----------
    results
        The numbers of each benchmark.
    """

    results: tuple[ComparisonResult, ...]

    def __str__(self) -> str:
        from lissnas_analyses.comparison.across_benchmarks.overview import optimism, overview, verdicts
        from lissnas_analyses.comparison.across_benchmarks.tables import benchmark_table, method_table
        from lissnas_analyses.comparison.describe import budget_sentence
        from lissnas_analyses.sentences import TABLE_WIDTH

        lines = []
        for result in self.results:
            table = method_table(result, TABLE_WIDTH - 2)
            lines += [str(result.benchmark), *(f"  {line}" for line in (*table, budget_sentence(result)))]
        if len(self.results) > 1:
            shown = overview(self.results)
            lines += [*benchmark_table(shown, TABLE_WIDTH), *verdicts(shown), *optimism(shown)]
        return "\n".join(lines)

    def frame(self) -> pl.DataFrame:
        """Return a row for every benchmark, method and statistic of the result, over all runs.

        Columns: benchmark, dataset, method, statistic, mean, low, high (the 95 % interval of the mean), median, runs,
        failed (the number of runs that kept the full space).
        """
        frames = []
        for result in self.results:
            last = result.rounds.filter(pl.col("round") == pl.col("round").max().over("method"))
            frames.append(
                last.select(
                    pl.lit(result.benchmark.name).alias("benchmark"),
                    pl.lit(result.benchmark.dataset).alias("dataset"),
                    "method",
                    "statistic",
                    "mean",
                    "low",
                    "high",
                    "median",
                    "runs",
                    "failed",
                )
            )
        return pl.concat(frames)

    def plot(self, statistic: str = "recall", *, axes: "Axes | None" = None) -> "Axes":
        """Draw a statistic of every method on every benchmark, with its 95 % interval, and return the axes.

        Parameters
        ----------
        statistic
            A statistic of `frame`, such as "recall_5", "size" or "evaluations"; "recall" is that of the top 1 %.
        axes
            Matplotlib axes to draw into; new ones by default.

        Raises
        ------
        SettingError
            If there is no such statistic.
        """
        from lissnas_analyses import style
        from lissnas_analyses.comparison.draw import statistic_title

        name = _SHORT_NAMES.get(statistic, statistic)
        rows = self.frame().filter(pl.col("statistic") == name)
        if rows.is_empty():
            known = ", ".join(self.frame()["statistic"].unique(maintain_order=True))
            raise SettingError(f"'{statistic}' is not a statistic of a comparison; choose one of {known}")
        labels = [result.benchmark.subject.replace(", ", "\n") for result in self.results]
        methods = rows["method"].unique(maintain_order=True).to_list()
        with style.house_style():
            axes = new_axes(6, 1.2 + 0.8 * len(labels)) if axes is None else axes
            for number, method in enumerate(methods):
                line = style.line_style(method)
                of_method = rows.filter(pl.col("method") == method)
                shift = (number - (len(methods) - 1) / 2) * 0.6 / len(methods)
                places = [place + shift for place in range(len(labels))]
                axes.hlines(places, of_method["low"], of_method["high"], color=line.color)
                axes.plot(of_method["mean"], places, line.marker, color=line.color, label=method)
            axes.set(xlabel=statistic_title(name), yticks=range(len(labels)), yticklabels=labels)
            axes.set_ylim(len(labels) - 0.5, -0.5)
            axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3, fontsize="small")
        return axes

    def save(self, path: str | Path) -> Path:
        """Write figures, numbers and manifest to a folder, as ``lissnas compare`` does, and return the folder.

        Several benchmarks have a folder each in it.
        """
        from lissnas_analyses.comparison.describe import add_comparison, comparison_sentences
        from lissnas_analyses.results.folder import Results, benchmark_entries

        for result in self.results:
            name = result.benchmark.name
            datasets = [other.benchmark.dataset for other in self.results if other.benchmark.name == name]
            folder = name if len(datasets) == 1 else f"{name}-{result.benchmark.dataset}"
            results = Results(Path(path) / folder if len(self.results) > 1 else Path(path), "compare")
            add_comparison(result, results)
            settings = {"seed": result.seed, "runs": result.number_of_runs, "methods": result.settings}
            entries = benchmark_entries(result.benchmark, methods=result.registered_methods)
            results.save(entries, settings, comparison_sentences(result))
        return Path(path)


def compare(
    benchmarks: Benchmark | str | Sequence[Benchmark | str],
    methods: Sequence[Shrinker | str] = METHODS,
    *,
    evaluations: int | Sequence[int] = (),
    size: int | None = None,
    runs: int = 20,
    seed: int = 0,
    workers: int = 1,
) -> Comparison:
    """Shrink benchmarks with several methods, and judge what each keeps.

    In each run LISSNAS decides the number of architectures kept and the evaluations, and a method that you name gets
    the same. A shrinker keeps its own settings.

    Parameters
    ----------
    benchmarks
        A benchmark, its name, or several of these.
    methods
        Names that `ln.shrinker_names()` lists, alone or with settings as in ``"lissnas:seeds=50"``; or shrinkers such
        as ``ln.Lissnas(seeds=50)``. The first one is the reference of the paired differences.
    evaluations
        Budgets of the methods by name, one or several; by default the evaluations of LISSNAS in the same run.
    size
        Architectures that a method by name keeps; by default as many as LISSNAS in the same run.
    runs
        Number of runs, each with its own random numbers.
    seed
        The same seed gives the same result, for any number of workers.
    workers
        Number of processes. With more than one, run a program from a file under ``if __name__ == "__main__":``.

    Returns
    -------
    Comparison
        Means over the runs with 95 % intervals, and differences run by run.

    Raises
    ------
    UnknownNameError
        If there is no such benchmark or method; the error suggests the nearest name.
    SettingError
        If there is no benchmark, a method refuses its settings, or a number is below 1.

    Examples
    --------
    >>> import lissnas as ln
    >>> comparison = ln.compare("nas-bench-graph-proteins", ["lissnas", ln.Lissnas(seeds=50)], runs=2)
    >>> comparison.frame()["method"].unique(maintain_order=True).to_list()
    ['lissnas', 'lissnas(seeds=50)']
    """
    several = [benchmarks] if isinstance(benchmarks, Benchmark | str) else list(benchmarks)
    if not several or not methods:
        raise SettingError("nothing to compare: name at least one benchmark and one method")
    opened = [as_benchmark(benchmark).reduced_to_scored() for benchmark in several]
    budgets = (evaluations,) if isinstance(evaluations, int) else tuple(evaluations)
    with start_workers(workers) as started:
        results = tuple(
            measure.compare(one, methods, runs, seed, evaluations=budgets, size=size, workers=started) for one in opened
        )
    return Comparison(results)
