"""`ln.measure_locality`: how alike similar networks of a benchmark perform."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
from lissnas.errors import SettingError
from lissnas_benchmarks.benchmark import Benchmark

from lissnas_analyses.api.loading import as_benchmark
from lissnas_analyses.api.result import Result, new_axes
from lissnas_analyses.locality.measure import LocalityResult, measure

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, repr=False)
class Locality(Result):
    """The locality of a benchmark.

    Attributes
    ----------
    benchmark
        The benchmark.
    numbers
        Every figure behind the sentences, as Polars frames.
    """

    benchmark: Benchmark
    numbers: LocalityResult

    def __str__(self) -> str:
        from lissnas_analyses.locality.describe import locality_sentences

        return "\n  ".join([str(self.benchmark), *locality_sentences(self.numbers)])

    def frame(self) -> pl.DataFrame:
        """Return a row for every measure and edit distance: measure, distance, pairs, value, low, high, base."""
        return self.numbers.by_distance

    def plot(self, measure: str = "correlation", *, axes: "Axes | None" = None) -> "Axes":
        """Draw a measure against edit distance, with its 95 % interval, and return the axes.

        Parameters
        ----------
        measure
            A measure of `frame`: "correlation", "difference", "P(top 1 %)", "P(top 5 %)" or "P(top 10 %)".
        axes
            Matplotlib axes to draw into; new ones by default.

        Raises
        ------
        SettingError
            If there is no such measure.
        """
        from lissnas_analyses import style

        rows = self.frame().filter(pl.col("measure") == measure)
        if rows.is_empty():
            known = ", ".join(self.frame()["measure"].unique(maintain_order=True))
            raise SettingError(f"'{measure}' is no measure of locality; choose one of {known}")
        x, value, low, high = (rows[column].to_numpy() for column in ("distance", "value", "low", "high"))
        with style.house_style():
            axes = new_axes() if axes is None else axes
            style.draw_with_interval(axes, x, value, low, high, style.SINGLE, measure)
            axes.axhline(rows["base"][0], color=style.FULL_SPACE.color, linewidth=0.8)
            axes.set(xlabel="edit distance", ylabel=measure, title=self.benchmark.name, xticks=x.tolist())
        return axes

    def save(self, path: str | Path) -> Path:
        """Write figures, numbers and manifest to a folder, as ``lissnas locality`` does, and return the folder."""
        from lissnas_analyses.locality.describe import add_locality, locality_sentences
        from lissnas_analyses.results.folder import Results, benchmark_entries

        results = Results(Path(path), "locality")
        add_locality(self.numbers, self.benchmark, results)
        results.save(benchmark_entries(self.benchmark), {}, locality_sentences(self.numbers))
        return results.folder


def measure_locality(benchmark: Benchmark | str) -> Locality:
    """Measure the locality of a benchmark exactly, over all its networks.

    Parameters
    ----------
    benchmark
        A benchmark, or the name of one.

    Returns
    -------
    Locality
        Correlation and difference of pairs by edit distance, random walks, local optima and basins.

    Raises
    ------
    UnknownNameError
        If there is no such benchmark; the error suggests the nearest name.

    Examples
    --------
    >>> import lissnas as ln
    >>> locality = ln.measure_locality("nas-bench-graph-proteins")
    >>> locality.frame().columns
    ['measure', 'distance', 'pairs', 'value', 'low', 'high', 'base']
    """
    opened = as_benchmark(benchmark)
    return Locality(opened, measure(opened))
