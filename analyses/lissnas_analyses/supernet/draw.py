"""Figures and sentences of the study of supernets: what their ranking is worth, and what shrinking by it keeps."""

from string import ascii_lowercase

import numpy as np
import polars as pl
from lissnas_benchmarks.benchmark import Benchmark
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lissnas_analyses import style
from lissnas_analyses.ranking.evaluation_sets import WHOLE
from lissnas_analyses.style import LineStyle
from lissnas_analyses.supernet.measure import (
    ALONE,
    ANGLE,
    AS_TRAINED,
    BY_ANGLE,
    BY_SUPERNET,
    BY_TABLE,
    FINE_TUNED,
    PREDICTORS,
    RECALIBRATED,
    SETS,
    WENT_ON,
    SupernetStudyResult,
)
from lissnas_analyses.supernet.scores import SupernetScores

_LOOKS = {
    RECALIBRATED: style.SINGLE,
    AS_TRAINED: LineStyle("#d55e00", "--", "s"),
    FINE_TUNED: LineStyle("#009e73", "-", "D"),
    WENT_ON: LineStyle("#e69f00", "--", "^"),
    ANGLE: LineStyle("#cc79a7", "--", "v"),
    ALONE: LineStyle("#777777", ":", "x"),
}
_SELECTED = {BY_TABLE: LineStyle("#777777", "-", "s"), BY_SUPERNET: style.SINGLE}

_PANELS = (
    ("recall_1", "recall, top 1 %"),
    ("recall_5", "recall, top 5 %"),
    ("mean", "mean kept (%)"),
    ("size", "cells kept"),
    ("evaluations", "cells scored"),
)


def draw_taus(result: SupernetStudyResult, benchmark: Benchmark) -> Figure:
    """Draw tau on each set, by what ranks the cells, and the sample's along training."""
    figure, panels = style.new_figure(1, 2, width=4.4, height=4.6)
    axes = panels[0]
    for place, name in enumerate(SETS):
        for step, predictor in enumerate(PREDICTORS):
            rows = result.means.filter((pl.col("set") == name) & (pl.col("predictor") == predictor))
            if rows.is_empty():
                continue
            row, look, height = rows.row(0, named=True), _LOOKS[predictor], -place - 0.13 * (step - 2.5)
            each = result.tau.filter((pl.col("set") == name) & (pl.col("predictor") == predictor))["value"]
            axes.plot(each, np.full(len(each), height), ".", color=look.color, alpha=0.35, markersize=3)
            error = np.maximum([[row["value"] - row["low"]], [row["high"] - row["value"]]], 0)
            words = predictor if name == WHOLE or (place == 1 and predictor in (AS_TRAINED, WENT_ON)) else None
            axes.errorbar(
                row["value"], height, xerr=error, color=look.color, marker=look.marker, linestyle="", label=words
            )
            if predictor == RECALIBRATED and row["reference"] is not None:
                axes.plot(row["reference"], height, "o", color=look.color, markerfacecolor="white", zorder=3)
        ceiling = result.ceilings.filter(pl.col("set") == name).row(0, named=True)
        for column, width in (("perfect_twins", 1.5), ("retrained_twins", 0.8)):
            axes.plot([ceiling[column]] * 2, [-place - 0.4, -place + 0.4], color="#000000", linewidth=width)
    axes.axvline(0, color="#000000", linewidth=0.8)
    axes.set_yticks([-place for place in range(len(SETS))], [name.replace(" of the ", "\nof the ") for name in SETS])
    axes.set(title="a  on fixed sets", xlabel="Kendall's tau-b with test accuracy, trained alone")
    axes.set_ylim(-len(SETS) + 0.45, 0.55)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.grid(False, axis="y")
    _draw_along(panels[1], result)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside right upper", fontsize=7)
    supernets = result.along["seed"].n_unique()
    style.caption(
        figure,
        "Can a supernet's ranking be trusted? Cells on digits",
        f"{benchmark.source}; {supernets} supernet{'s' if supernets > 1 else ''}. "
        "Dots: supernets; bars: 95 % intervals "
        f"{'of the mean over supernets' if supernets > 1 else 'of a bootstrap over cells'}; of '{ALONE}' always over "
        "cells. Open: what constant noise would give that has the supernet's tau on the whole space; it falls for no "
        "other reason than that the range gets narrower. Black lines: noise ceilings from cells that compute the "
        "same; thin: how one training ranks another, thick: a perfect predictor (our own definition, too high where "
        "little but noise tells cells apart). Tau on sets of different range is not comparable.",
    )
    return figure


def _draw_along(axes: Axes, result: SupernetStudyResult) -> None:
    for number, (_, rows) in enumerate(result.along.group_by("seed", maintain_order=True)):
        step, value, low, high = (rows[name].to_numpy() for name in ("step", "value", "low", "high"))
        look = style.SHARE_STYLES[number % len(style.SHARE_STYLES)]
        style.draw_with_interval(axes, step, value, low, high, look, f"supernet {rows['seed'][0]}")
    axes.set(title="b  along training, on the sample", xlabel="steps", ylabel="Kendall's tau-b", ylim=(0, None))
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.legend(loc="lower right")


def draw_scores(scored: SupernetScores, benchmark: Benchmark) -> Figure:
    """Draw a supernet's scores against the test accuracies of the cells trained alone, a panel a way of scoring."""
    shown = {RECALIBRATED: scored.recalibrated, AS_TRAINED: scored.as_trained, FINE_TUNED: scored.fine_tuned}
    figure, panels = style.new_figure(1, len(shown), width=2.9, height=2.9)
    kept = np.zeros(benchmark.space.size, dtype=np.bool_)
    kept[scored.shrunk] = True
    for letter, (name, scores), axes in zip(ascii_lowercase, shown.items(), panels, strict=False):
        for part, color, size, words in (
            (~kept, "#9a9a9a", 1.5, "all others"),
            (kept, style.SINGLE.color, 3.0, "in the shrunk space"),
        ):
            there = part & ~np.isnan(scores) & ~np.isnan(benchmark.report)
            axes.plot(scores[there], benchmark.report[there], ".", color=color, markersize=size, alpha=0.4, label=words)
        axes.set(title=f"{letter}  {name}", xlabel="validation accuracy in the supernet (%)")
    panels[0].set_ylabel(f"trained alone: {benchmark.quantity}")
    panels[0].legend(loc="upper left", markerscale=3, fontsize=7)
    style.caption(
        figure,
        f"Cells in supernet {scored.seed} and trained alone",
        f"{benchmark.source}. A dot is a cell; without recalibration a sample and the shrunk space alone were scored. "
        "Fine-tuned: in the space to which LISSNAS shrank by the recalibrated scores.",
    )
    return figure


def draw_shrinking(result: SupernetStudyResult, benchmark: Benchmark) -> Figure:
    """Draw what each method keeps, selecting by the supernet and by the table."""
    methods = result.shrinking_means["method"].unique(maintain_order=True).to_list()
    figure, panels = style.new_figure(1, len(_PANELS), width=2.2, height=1.9 + 0.35 * len(methods))
    for letter, (name, title), axes in zip(ascii_lowercase, _PANELS, panels, strict=False):
        for who, shift in ((BY_TABLE, 0.15), (BY_SUPERNET, -0.15)):
            look = _SELECTED[who]
            for place, method in enumerate(methods):
                own = (pl.col("method") == method) & (pl.col("selected_by") == who)
                rows = result.shrinking_means.filter(own & (pl.col("figure") == name))
                if rows.is_empty():
                    continue
                row, height = rows.row(0, named=True), shift - place
                each = result.shrinking.filter(own)[name].to_numpy()
                axes.plot(each, np.full(len(each), height), ".", color=look.color, alpha=0.25, markersize=3)
                error = np.nan_to_num(np.maximum([[row["value"] - row["low"]], [row["high"] - row["value"]]], 0))
                words = f"by the {who}" if place == 0 else None
                axes.errorbar(
                    row["value"], height, xerr=error, color=look.color, marker=look.marker, linestyle="", label=words
                )
                if name.startswith("recall"):
                    chance = result.shrinking_means.filter(own & (pl.col("figure") == "size_ratio"))["value"]
                    axes.plot(chance, [height], "|", color="#000000", markersize=8)
        if name == "mean":
            axes.axvline(float(np.nanmean(benchmark.report)), color="#000000", linewidth=0.8)
        axes.set(title=f"{letter}  {title}", ylim=(0.6 - len(methods), 0.6))
        axes.title.set_fontsize(8)
        axes.set_yticks(-np.arange(len(methods)), methods if name == "recall_1" else [""] * len(methods))
        if name.startswith("recall"):
            axes.set_xlim(left=0)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside right upper", fontsize=7)
    over = result.shrinking_means["over"][0]
    supernets = result.shrinking["seed"].n_unique()
    style.caption(
        figure,
        "Shrinking by a supernet, and by the truth: cells on digits",
        f"{benchmark.source}. "
        f"By the table: {benchmark.selects.describe()}, of cells trained alone. {supernets} supernet"
        f"{'s' if supernets > 1 else ''}, {result.shrinking['run'].n_unique()} runs each, the same seeds for both. "
        f"Dots: runs; bars: 95 % intervals over the {over} {'supernets' if supernets > 1 else 'runs'}. Ticks: chance, "
        "a random subset of that size; the line in c is the whole space. LISSNAS decides how many cells the others "
        "keep, and how many ABS ('angle') scores; the kernel scores its default. "
        f"'{BY_ANGLE}' ranks by weights alone and needs no images.",
    )
    return figure


def sentences(result: SupernetStudyResult) -> tuple[str, ...]:
    """Return what holds and what does not, with intervals."""
    said = [_tau_sentence(result, name) for name in SETS]
    for row in result.changes.iter_rows(named=True):
        change = f"{row['set']}: {row['predictor']} less {row['against']}: {row['value']:+.3f}"
        if row["supernets"] > 1:
            change += f" [{row['low']:+.3f}, {row['high']:+.3f}] of tau over {row['supernets']} supernets: "
            said.append(change + _verdict(row["low"], row["high"]))
        else:
            said.append(change + " of tau, of one supernet: no interval")
    for (method, who), group in result.shrinking_means.group_by(["method", "selected_by"], maintain_order=True):
        of = {row["figure"]: row for row in group.iter_rows(named=True)}
        said.append(
            f"{method} by the {who}: recall of the true top 1 % {_interval(of['recall_1'])}, of the top 5 % "
            f"{_interval(of['recall_5'])}, mean {_interval(of['mean'], 2)}, in {of['size']['value']:,.0f} cells, "
            f"{of['evaluations']['value']:,.0f} scored; chance {of['size_ratio']['value']:.3f}"
        )
    return tuple(said)


def _tau_sentence(result: SupernetStudyResult, name: str) -> str:
    rows = result.means.filter(pl.col("set") == name)
    ceiling = result.ceilings.filter(pl.col("set") == name).row(0, named=True)
    parts = [f"{row['predictor']} {_interval(row)}" for row in rows.iter_rows(named=True)]
    reference = rows.filter(pl.col("predictor") == RECALIBRATED)["reference"][0]
    constant = "" if reference is None else f"; constant noise as on the whole space would give {reference:.3f}"
    return (
        f"{name}, {rows['networks'][0]:,.0f} cells: tau with test accuracy: {', '.join(parts)}{constant}; one training "
        f"ranks another with {ceiling['retrained_twins']:.3f}, a perfect predictor would reach "
        f"{ceiling['perfect_twins']:.3f}"
    )


def _interval(row: dict[str, float], digits: int = 3) -> str:
    return f"{row['value']:.{digits}f} [{row['low']:.{digits}f}, {row['high']:.{digits}f}]"


def _verdict(low: float, high: float) -> str:
    if low > 0:
        return "better"
    return "worse" if high < 0 else "no difference can be told"
