"""`ln.rank_agreement`: how well predicted scores rank the networks of a benchmark."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from lissnas.errors import SettingError
from lissnas.spaces.space import Floats
from lissnas.statistics import rank_correlation
from lissnas.statistics.rank_correlation import RankAgreement
from lissnas_benchmarks.benchmark import Benchmark

from lissnas_analyses.api.loading import as_benchmark
from lissnas_analyses.api.result import Result, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MEASURES = {
    "tau": "Kendall's tau-b",
    "weighted_tau": "weighted tau",
    "rho": "Spearman's rho",
    "precision": "precision at the top",
    "regret": "regret of the predicted best",
}


@dataclass(frozen=True, repr=False)
class Ranking(Result):
    """How well predicted scores rank the networks of a benchmark.

    Attributes
    ----------
    benchmark
        The benchmark whose reported scores are the truth.
    scores
        The predicted scores, shape (size of the space,); NaN where there is none.
    measures
        Every measure with its 95 % interval.
    """

    benchmark: Benchmark
    scores: Floats
    measures: RankAgreement

    def __str__(self) -> str:
        found = self.measures
        lines = [
            f"{self.benchmark.subject}: predicted scores of {found.networks:,} networks against "
            f"{self.benchmark.reports.describe()}"
        ]
        for name, words in _MEASURES.items():
            estimate = getattr(found, name)
            where = f" {100 * found.share:g} %" if name == "precision" else ""
            unit = f" {self.benchmark.unit}" if name == "regret" else ""
            lines.append(
                f"{words}{where}: {float(estimate.value):.3f} [{float(estimate.low):.3f}, "
                f"{float(estimate.high):.3f}]{unit}"
            )
        return "\n  ".join(lines)

    def frame(self) -> pl.DataFrame:
        """Return a row for every measure: measure, value, low, high."""
        estimates = {name: getattr(self.measures, name) for name in _MEASURES}
        return pl.DataFrame(
            [
                {"measure": name, "value": float(e.value), "low": float(e.low), "high": float(e.high)}
                for name, e in estimates.items()
            ]
        )

    def plot(self, *, axes: "Axes | None" = None) -> "Axes":
        """Draw the predicted against the reported scores, a dot a network, and return the axes."""
        from lissnas_analyses import style

        tau = self.measures.tau
        title = f"tau {float(tau.value):.2f} [{float(tau.low):.2f}, {float(tau.high):.2f}]"
        with style.house_style():
            axes = new_axes() if axes is None else axes
            color = style.SINGLE.color
            axes.plot(self.scores, self.benchmark.report, ".", color=color, markersize=2, alpha=0.4, rasterized=True)
            axes.set(xlabel="predicted score", ylabel=self.benchmark.quantity, title=title)
        return axes

    def save(self, path: str | Path) -> Path:
        """Write the measures to a CSV file, and return its path."""
        path = Path(path)
        self.frame().write_csv(path)
        return path


def rank_agreement(
    benchmark: Benchmark | str, scores: Floats, *, share: float = 0.05, draws: int = 1000, seed: int = 0
) -> Ranking:
    """Measure how well predicted scores rank the networks of a benchmark.

    Parameters
    ----------
    benchmark
        A benchmark, or the name of one. Its reported scores are the truth.
    scores
        Predicted scores in the order of the space's index, shape (size of the space,), more being better. Networks
        with NaN are left out.
    share
        The share of networks that counts as top, for the precision.
    draws
        Number of bootstrap draws behind the 95 % intervals.
    seed
        Seed of the bootstrap.

    Raises
    ------
    SettingError
        If the shape is wrong, fewer than two networks have both scores, or all scores are equal.

    Examples
    --------
    >>> import lissnas as ln
    >>> bench = ln.load("nas-bench-graph", dataset="cora")
    >>> agreement = ln.rank_agreement(bench, bench.selection, draws=100)
    >>> round(float(agreement.measures.tau.value), 2)
    0.55
    """
    opened = as_benchmark(benchmark)
    scores = np.asarray(scores, dtype=np.float64)
    if scores.shape != opened.report.shape:
        raise SettingError(
            f"scores have shape {scores.shape}, but {opened.name} has {opened.space.size:,} networks: give one score "
            "for each, in the order of the space's index"
        )
    found = rank_correlation.rank_agreement(opened.report, scores, np.random.default_rng(seed), draws, share)
    return Ranking(opened, scores, found)
