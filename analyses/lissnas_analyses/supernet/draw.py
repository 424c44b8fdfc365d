"""Figures of the study of supernets: how well they rank cells, and what shrinking by their scores keeps."""

from string import ascii_lowercase

import numpy as np
import polars as pl
from lissnas_benchmarks.benchmark import Benchmark
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lissnas_analyses import style
from lissnas_analyses.ranking.evaluation_sets import FULL
from lissnas_analyses.style import LineStyle
from lissnas_analyses.supernet.measure import (
    ANGLE_METHOD,
    BY_SUPERNET,
    BY_TABLE,
    CONTINUED,
    FINE_TUNED,
    PREDICTORS,
    RECALIBRATED,
    SAMPLE,
    SETS,
    TRAINED_ALONE,
    WEIGHT_ANGLE,
    WITHOUT_RECALIBRATION,
    SupernetStudyResult,
)
from lissnas_analyses.supernet.scores import SupernetScores

_PREDICTOR_STYLES = {
    RECALIBRATED: style.SINGLE,
    WITHOUT_RECALIBRATION: LineStyle("#d55e00", "--", "s"),
    FINE_TUNED: LineStyle("#009e73", "-", "D"),
    CONTINUED: LineStyle("#e69f00", "--", "^"),
    WEIGHT_ANGLE: LineStyle("#cc79a7", "--", "v"),
    TRAINED_ALONE: LineStyle("#777777", ":", "x"),
}
_SELECTED_BY_STYLES = {BY_TABLE: LineStyle("#777777", "-", "s"), BY_SUPERNET: style.SINGLE}

_PANELS = (
    ("recall_1", "recall, top 1 %"),
    ("recall_5", "recall, top 5 %"),
    ("mean", "mean kept (%)"),
    ("size", "cells kept"),
    ("evaluations", "cells scored"),
)


def draw_taus(result: SupernetStudyResult, benchmark: Benchmark) -> Figure:
    """Return the figure of tau: for each predictor on each set, and on the sample during training."""
    figure, panels = style.new_figure(1, 2, width=4.4, height=4.6)
    axes = panels[0]
    for place, name in enumerate(SETS):
        for offset, predictor in enumerate(PREDICTORS):
            rows = result.means.filter((pl.col("set") == name) & (pl.col("predictor") == predictor))
            if rows.is_empty():
                continue
            row, line_style, height = (
                rows.row(0, named=True),
                _PREDICTOR_STYLES[predictor],
                -place - 0.13 * (offset - 2.5),
            )
            values = result.tau.filter((pl.col("set") == name) & (pl.col("predictor") == predictor))["value"]
            axes.plot(values, np.full(len(values), height), ".", color=line_style.color, alpha=0.35, markersize=3)
            error = np.maximum([[row["value"] - row["low"]], [row["high"] - row["value"]]], 0)
            only_on_sample = predictor in (WITHOUT_RECALIBRATION, CONTINUED)
            label = predictor if name == (SAMPLE if only_on_sample else FULL) else None
            axes.errorbar(
                row["value"],
                height,
                xerr=error,
                color=line_style.color,
                marker=line_style.marker,
                linestyle="",
                label=label,
            )
            if predictor == RECALIBRATED and row["reference"] is not None:
                axes.plot(row["reference"], height, "o", color=line_style.color, markerfacecolor="white", zorder=3)
        ceiling = result.ceilings.filter(pl.col("set") == name).row(0, named=True)
        for column, width in (("perfect_isomorphic", 1.5), ("retrained_isomorphic", 0.8)):
            axes.plot([ceiling[column]] * 2, [-place - 0.4, -place + 0.4], color="#000000", linewidth=width)
    axes.axvline(0, color="#000000", linewidth=0.8)
    axes.set_yticks([-place for place in range(len(SETS))], [name.replace(" of the ", "\nof the ") for name in SETS])
    axes.set(title="a  on fixed sets", xlabel="Kendall's tau-b with test accuracy, trained alone")
    axes.set_ylim(-len(SETS) + 0.45, 0.55)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.grid(False, axis="y")
    _draw_training_curve(panels[1], result)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside right upper", fontsize=7)
    supernets = result.training_curve["seed"].n_unique()
    style.caption(
        figure,
        "Can a supernet's ranking be trusted? Cells on digits",
        f"{benchmark.source}; {supernets} supernet{'s' if supernets > 1 else ''}. "
        "Dots: supernets; bars: 95 % intervals "
        f"{'of the mean over supernets' if supernets > 1 else 'of a bootstrap over cells'}, for '{TRAINED_ALONE}' "
        "always over cells. Open circles: tau of constant noise with the supernet's tau on the full space; it falls "
        "only because the range of accuracies is narrower. Black lines: noise ceilings from isomorphic cells; thin: "
        "tau between two trainings; thick: a perfect predictor (our own definition; too high where cells differ by "
        "little but noise). Tau on sets with different ranges is not comparable.",
    )
    return figure


def _draw_training_curve(axes: Axes, result: SupernetStudyResult) -> None:
    for number, (_, rows) in enumerate(result.training_curve.group_by("seed", maintain_order=True)):
        step, value, low, high = (rows[name].to_numpy() for name in ("step", "value", "low", "high"))
        line_style = style.SHARE_STYLES[number % len(style.SHARE_STYLES)]
        style.draw_with_interval(axes, step, value, low, high, line_style, f"supernet {rows['seed'][0]}")
    axes.set(title="b  during training, on the sample", xlabel="steps", ylabel="Kendall's tau-b", ylim=(0, None))
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.legend(loc="lower right")


def draw_scores(supernet: SupernetScores, benchmark: Benchmark) -> Figure:
    """Return the figure of a supernet's scores against the test accuracies of the cells trained alone.

    It has a panel for each kind of score.
    """
    scores_by_kind = {
        RECALIBRATED: supernet.recalibrated,
        WITHOUT_RECALIBRATION: supernet.without_recalibration,
        FINE_TUNED: supernet.fine_tuned,
    }
    figure, panels = style.new_figure(1, len(scores_by_kind), width=2.9, height=2.9)
    is_shrunk = np.zeros(benchmark.space.size, dtype=np.bool_)
    is_shrunk[supernet.shrunk_index] = True
    for letter, (name, scores), axes in zip(ascii_lowercase, scores_by_kind.items(), panels, strict=False):
        for cells, color, size, label in (
            (~is_shrunk, "#9a9a9a", 1.5, "all others"),
            (is_shrunk, style.SINGLE.color, 3.0, "in the shrunk space"),
        ):
            drawn = cells & ~np.isnan(scores) & ~np.isnan(benchmark.report)
            axes.plot(scores[drawn], benchmark.report[drawn], ".", color=color, markersize=size, alpha=0.4, label=label)
        axes.set(title=f"{letter}  {name}", xlabel="validation accuracy in the supernet (%)")
    panels[0].set_ylabel(f"trained alone: {benchmark.quantity}")
    panels[0].legend(loc="upper left", markerscale=3, fontsize=7)
    style.caption(
        figure,
        f"Cells in supernet {supernet.seed} and trained alone",
        f"{benchmark.source}. A dot is a cell. Without recalibration only a sample and the shrunk space were scored. "
        "Fine-tuned: trained further in the space that LISSNAS kept by the recalibrated scores.",
    )
    return figure


def draw_shrinking(result: SupernetStudyResult, benchmark: Benchmark) -> Figure:
    """Return the figure of what each method keeps when it shrinks by a supernet and by the table."""
    methods = result.shrinking_means["method"].unique(maintain_order=True).to_list()
    figure, panels = style.new_figure(1, len(_PANELS), width=2.2, height=1.9 + 0.35 * len(methods))
    for letter, (name, title), axes in zip(ascii_lowercase, _PANELS, panels, strict=False):
        for selected_by, shift in ((BY_TABLE, 0.15), (BY_SUPERNET, -0.15)):
            line_style = _SELECTED_BY_STYLES[selected_by]
            for place, method in enumerate(methods):
                is_row = (pl.col("method") == method) & (pl.col("selected_by") == selected_by)
                rows = result.shrinking_means.filter(is_row & (pl.col("statistic") == name))
                if rows.is_empty():
                    continue
                row, height = rows.row(0, named=True), shift - place
                values = result.shrinking.filter(is_row)[name].to_numpy()
                axes.plot(values, np.full(len(values), height), ".", color=line_style.color, alpha=0.25, markersize=3)
                error = np.nan_to_num(np.maximum([[row["value"] - row["low"]], [row["high"] - row["value"]]], 0))
                label = f"by the {selected_by}" if place == 0 else None
                axes.errorbar(
                    row["value"],
                    height,
                    xerr=error,
                    color=line_style.color,
                    marker=line_style.marker,
                    linestyle="",
                    label=label,
                )
                if name.startswith("recall"):
                    chance = result.shrinking_means.filter(is_row & (pl.col("statistic") == "size_ratio"))["value"]
                    axes.plot(chance, [height], "|", color="#000000", markersize=8)
        if name == "mean":
            axes.axvline(float(np.nanmean(benchmark.report)), color="#000000", linewidth=0.8)
        axes.set(title=f"{letter}  {title}", ylim=(0.6 - len(methods), 0.6))
        axes.title.set_fontsize(8)
        axes.set_yticks(-np.arange(len(methods)), methods if name == "recall_1" else [""] * len(methods))
        if name.startswith("recall"):
            axes.set_xlim(left=0)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside right upper", fontsize=7)
    observations = result.shrinking_means["observations"][0]
    supernets = result.shrinking["seed"].n_unique()
    style.caption(
        figure,
        "Shrinking by a supernet and by the table: cells on digits",
        f"{benchmark.source}. "
        f"By the table: {benchmark.selects.describe()}, of cells trained alone. {supernets} supernet"
        f"{'s' if supernets > 1 else ''}, {result.shrinking['run'].n_unique()} runs each, with the same seeds for "
        f"both. Dots: runs; bars: 95 % intervals over the {observations} {'supernets' if supernets > 1 else 'runs'}. "
        "Ticks: chance, a random subset of the same size. Line in c: the full space. LISSNAS sets how many cells the "
        "others keep and how many ABS ('angle') scores; the kernel scores its default number. "
        f"'{ANGLE_METHOD}' ranks by weights alone and needs no images.",
    )
    return figure
