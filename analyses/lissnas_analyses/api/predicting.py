"""`ln.measure_predictors`: how well models that learn from a few networks rank all others."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from lissnas.predictors.predictor import Prediction, Predictor
from lissnas.spaces.space import Floats, Rows, Space
from lissnas_benchmarks.benchmark import Benchmark

from lissnas_analyses.api.loading import as_benchmark
from lissnas_analyses.api.result import Result, new_axes
from lissnas_analyses.prediction import measure
from lissnas_analyses.prediction.measure import PredictorsResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, repr=False)
class PredictorComparison(Result):
    """How well predictors rank the networks of a benchmark that they did not learn from.

    Attributes
    ----------
    result
        All numbers: each run, the means, the predictors that were left out, and published figures.
    """

    result: PredictorsResult

    def __str__(self) -> str:
        from lissnas_analyses.prediction.describe import predictor_sentences

        return "\n  ".join([str(self.result.benchmark), *predictor_sentences(self.result)])

    def frame(self) -> pl.DataFrame:
        """Return a row for every predictor, number of training networks and measure.

        Columns: predictor, train, measure, runs, value, low, high (the 95 % interval of the mean), and difference with
        its interval: the paired difference to the first predictor.
        """
        return self.result.means

    def plot(self, measured: str = "tau", *, axes: "Axes | None" = None) -> "Axes":
        """Draw a measure of every predictor against the number of training networks, and return the axes.

        Parameters
        ----------
        measured
            "tau", "weighted_tau", "precision" or "best_rank".
        axes
            Matplotlib axes to draw into; new ones by default.
        """
        from lissnas_analyses import style
        from lissnas_analyses.prediction.draw import draw_measure

        with style.house_style():
            axes = new_axes() if axes is None else axes
            draw_measure(axes, self.result, measured)
            axes.set(xlabel="training networks", ylabel=measured.replace("_", " "), title=self.result.benchmark.name)
            axes.legend(fontsize=7)
        return axes

    def save(self, path: str | Path) -> Path:
        """Write `frame` to a CSV file, and return its path."""
        path = Path(path)
        self.frame().write_csv(path)
        return path


def measure_predictors(
    benchmark: Benchmark | str,
    predictors: Sequence[str | Predictor | Callable[[Space, Rows, Floats, np.random.Generator], Prediction]],
    *,
    train: Sequence[int] = measure.TRAIN,
    runs: int = measure.RUNS,
    share: float = measure.SHARE,
    seed: int = 0,
) -> PredictorComparison:
    """Measure how well predictors that learn from a few random networks rank all others.

    Parameters
    ----------
    benchmark
        A benchmark, or the name of one. Predictors learn from its selection scores, and its report scores judge them.
    predictors
        Names such as "gp", predictors such as ``ln.ExtraTrees(trees=500)``, or functions with the arguments of
        `Predictor.fit`: a space, rows, scores and a random generator. They return a function that predicts rows.
    train
        Numbers of training networks.
    runs
        Number of random training sets, the same for every predictor.
    share
        Share of the networks that counts as top, for the precision.
    seed
        Seed of the training sets.

    Returns
    -------
    PredictorComparison
        Kendall's tau, weighted tau, the precision at the top and the best true rank of the predicted ten, each as the
        mean over the runs with its 95 % interval. A predictor that fails is left out with its reason.

    Raises
    ------
    SettingError
        If a setting is impossible, or every predictor fails.
    UnknownNameError
        If there is no such benchmark or predictor; the error suggests the nearest name.

    Examples
    --------
    >>> import lissnas as ln
    >>> import numpy as np
    >>> def nearest(space, rows, scores, rng):
    ...     return lambda others: scores[space.distances(others, rows).argmin(axis=1)]
    >>> measured = ln.measure_predictors("nas-bench-graph-proteins", ["boosted-trees", nearest], train=[60], runs=2)
    >>> measured.frame().filter(measure="tau")["predictor"].to_list()
    ['boosted-trees', 'nearest']
    """
    fits = measure.named_fits(predictors)
    return PredictorComparison(
        measure.measure_predictors(as_benchmark(benchmark), fits, train, runs, seed, share=share)
    )
