"""Draw how well predictors rank against the number of training networks."""

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from lissnas_analyses import style
from lissnas_analyses.prediction.measure import BEST, PredictorsResult
from lissnas_analyses.style import LineStyle

_STYLES = (
    LineStyle("#009e73", "-", "D"),
    LineStyle("#0072b2", "-", "o"),
    LineStyle("#d55e00", "--", "s"),
    LineStyle("#cc79a7", "--", "v"),
    LineStyle("#e69f00", ":", "^"),
    LineStyle("#542788", ":", "p"),
)

_STEP = 1.03
"""Factor between the horizontal places of two predictors at the same size, so that their bars do not overlap."""


def draw_predictors(result: PredictorsResult) -> Figure:
    """Return a figure with a panel for each measure, and a line for each predictor."""
    figure, panels = style.new_figure(2, 2, width=3.9, height=2.9)
    names = {
        "tau": "Kendall's tau-b",
        "weighted_tau": "weighted tau",
        "precision": f"precision, top {100 * result.share:g} %",
        "best_rank": f"best true rank of the predicted {BEST}",
    }
    for axes, letter, (measure, name) in zip(panels, "abcd", names.items(), strict=True):
        draw_measure(axes, result, measure)
        axes.set(title=f"{letter}  {name}", xlabel="training networks")
    style.logarithmic(panels[3], "{x:g}")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center", fontsize=7)
    benchmark = result.benchmark
    trained = benchmark.selects.describe()
    published = sorted({figure.source for figure in result.published})
    note = (
        f" Open marks: {' and '.join(published)}; its test set includes the training networks, ours does not."
        if published
        else ""
    )
    style.caption(
        figure,
        f"How well predictors rank {benchmark.name}",
        f"{benchmark.source}; {result.networks:,} networks. Each predictor learns from the {trained} of random "
        "networks and ranks all other networks, which are judged by the reported scores. Means of "
        f"{result.runs['run'].n_unique()} random training sets, the same for every predictor; bars: 95 % intervals of "
        f"the mean.{note}",
    )
    return figure


def draw_measure(axes: Axes, result: PredictorsResult, measure: str) -> None:
    """Draw a measure of every predictor against the number of training networks."""
    rows = result.means.filter(pl.col("measure") == measure)
    for number, predictor in enumerate(result.predictors):
        of_predictor = rows.filter(pl.col("predictor") == predictor)
        if of_predictor.is_empty():
            continue
        look = _STYLES[number % len(_STYLES)]
        train, value, low, high = (of_predictor[name].to_numpy() for name in ("train", "value", "low", "high"))
        errors = np.nan_to_num(np.stack([value - low, high - value]))
        x = train * _STEP ** (number - (len(result.predictors) - 1) / 2)
        axes.errorbar(
            x, value, errors, color=look.color, linestyle=look.dash, marker=look.marker, markersize=4, label=predictor
        )
    if measure == "tau":
        for name in dict.fromkeys(figure.predictor for figure in result.published):
            of_name = [figure for figure in result.published if figure.predictor == name]
            x, y = [figure.train for figure in of_name], [figure.tau for figure in of_name]
            axes.plot(x, y, "o", color="#555555", markerfacecolor="white")
            style.label(axes, name, x[-1], y[-1], "#555555", (4, 0), "center")
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(list(result.train)))
    axes.xaxis.set_major_formatter(FixedFormatter([f"{count:,}" for count in result.train]))
    axes.xaxis.set_minor_locator(NullLocator())
