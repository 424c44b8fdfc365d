"""Draw rank correlation: tau in ever narrower ranges, every predictor on every set, and the cost of a predictor."""

from string import ascii_lowercase

import numpy as np
import polars as pl
from lissnas_benchmarks.benchmark import Benchmark
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from lissnas_analyses import style
from lissnas_analyses.ranking.evaluation_sets import FULL
from lissnas_analyses.ranking.measure import MEASURES, TauResult, TauSettings
from lissnas_analyses.ranking.predictor_cost import PredictorCost
from lissnas_analyses.style import LineStyle

_PREDICTOR = style.SINGLE
_REFERENCE = LineStyle("#777777", "--", "")
_SHRUNK = (LineStyle("#d55e00", "-", "D"), LineStyle("#009e73", "-", "s"), LineStyle("#cc79a7", "-", "^"))
_CEILING = LineStyle("#000000", ":", "")
_BY_BENCHMARK = LineStyle("#0072b2", "-", "o")
_BY_PREDICTOR = LineStyle("#d55e00", "-", "D")

_NAMES = {
    "tau": "Kendall's tau-b",
    "weighted_tau": "weighted tau",
    "rho": "Spearman's rho",
    "precision": "precision, top",
    "regret": "regret",
}


def draw_narrowing(result: TauResult, benchmark: Benchmark, settings: TauSettings) -> Figure:
    """Return a figure of tau in ever smaller true tops, one panel per predictor, with constant noise."""
    names = result.predictors["predictor"].to_list()
    columns = {1: 2, 3: 2}.get(len(names), 3)
    figure, panels = style.new_figure(
        -(-(len(names) + 1) // columns), columns, width=3.1 if columns == 3 else 3.5, height=3
    )
    taus = result.means.filter(pl.col("measure") == "tau")
    lowest = min(0, result.narrowing["low"].to_numpy().min(), taus["low"].to_numpy().min())
    for letter, name, axes in zip(_letters(len(names)), names, panels, strict=False):
        _draw_predictor(axes, result, name)
        axes.set(title=f"{letter}  {name}", ylim=(lowest - 0.05, 1.02))
    for place, axes in enumerate(panels[: len(names)]):
        if place % columns == 0:
            axes.set_ylabel("Kendall's tau-b")
        if place + columns >= len(names):
            axes.set_xlabel("true top share of the networks")
    for axes in panels[len(names) :]:
        axes.axis("off")
    panels[len(names)].legend(*panels[0].get_legend_handles_labels(), loc="center left")
    style.caption(
        figure,
        f"The same predictor in a narrower range: {benchmark.name}",
        f"{benchmark.source}; "
        f"{result.networks:,} of {benchmark.space.size:,} networks, those with all scores, the same for "
        "every predictor. Bands and bars: 95 % intervals, of bootstraps over networks "
        f"({settings.draws:,} draws) or over seeds of shrinking. Constant noise: the true scores plus noise of "
        "constant variance that gives the predictor's tau on the full space. It falls only because the range gets "
        "narrower; a predictor "
        "below it is worse than that. A shrunk space is drawn at its size; its open mark is the tau of "
        "constant noise in it. Compare its tau with that mark, not with tau on the full space. "
        f"{_ceiling_text(result)}",
    )
    return figure


def _draw_predictor(axes: Axes, result: TauResult, name: str) -> None:
    rows = result.narrowing.filter(pl.col("predictor") == name)
    share, value, low, high, reference = (
        rows[column].to_numpy() for column in ("share", "value", "low", "high", "reference")
    )
    axes.axhline(0, color=style.FULL_SPACE.color, linewidth=0.8)
    ceiling = result.ceiling
    if ceiling["retrained"].null_count() == 0:
        for column, width in (("retrained", 1.5), ("perfect", 0.8)):
            label = "noise ceiling: one training" if column == "retrained" else "noise ceiling: perfect predictor"
            axes.plot(
                ceiling["share"], ceiling[column], color=_CEILING.color, linestyle=":", linewidth=width, label=label
            )
    axes.plot(share, reference, color=_REFERENCE.color, linestyle=_REFERENCE.dash, label="constant noise, equal tau")
    style.draw_with_interval(axes, share, value, low, high, _PREDICTOR, "predictor")
    taus = result.means.filter((pl.col("measure") == "tau") & (pl.col("predictor") == name))
    shrunk = taus.filter(pl.col("set").str.starts_with("shrunk"))
    for look, row in zip(_SHRUNK, shrunk.iter_rows(named=True), strict=False):
        at = row["networks"] / result.networks
        axes.plot(at, row["reference"], look.marker, color=look.color, markerfacecolor="white", zorder=3)
        error = np.abs([[row["value"] - row["low"]], [row["high"] - row["value"]]])
        axes.errorbar(
            at, row["value"], error, color=look.color, marker=look.marker, linestyle="", label=row["set"], zorder=4
        )
    axes.set_xscale("log")
    axes.invert_xaxis()
    axes.xaxis.set_major_locator(FixedLocator(list(share)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(style.percent)
    axes.tick_params(axis="x", labelsize=7)


def draw_sets(result: TauResult, benchmark: Benchmark, settings: TauSettings) -> Figure:
    """Return a figure of every measure of every predictor: one panel per measure, one color per set."""
    names = result.predictors["predictor"].to_list()
    sets = result.means["set"].unique(maintain_order=True).to_list()
    figure, panels = style.new_figure(1, len(MEASURES), width=2.1, height=1.3 + 0.13 * len(names) * (len(sets) + 1))
    styles = _set_styles(sets)
    for letter, name, axes in zip(_letters(len(MEASURES)), MEASURES, panels, strict=True):
        rows = result.means.filter(pl.col("measure") == name)
        for place, set_name in enumerate(sets):
            of_set = rows.filter(pl.col("set") == set_name)
            value, low, high = (of_set[column].to_numpy() for column in ("value", "low", "high"))
            height = -np.arange(len(names)) * (len(sets) + 1) - place
            errors = np.maximum(np.stack([value - low, high - value]), 0)
            look = styles[set_name]
            axes.errorbar(
                value, height, xerr=errors, color=look.color, marker=look.marker, linestyle="", label=set_name
            )
            ceiling = result.sets.filter(pl.col("set") == set_name)["retrained"].drop_nulls().to_numpy()
            if name == "tau" and len(ceiling):
                label = "noise ceiling: one training" if place == len(sets) - 1 else None
                axes.plot(
                    [float(ceiling.mean())] * len(names), height, "|", color=_CEILING.color, markersize=8, label=label
                )
        unit = f" ({benchmark.unit})" if name == "regret" else ""
        if name != "regret":
            axes.axvline(0, color=style.FULL_SPACE.color, linewidth=0.8)
        at = f" {100 * settings.share:g} %" if name == "precision" else ""
        axes.set(title=f"{letter}  {_NAMES[name]}{at}{unit}")
        axes.title.set_fontsize(8)
        middles = [-first * (len(sets) + 1) - (len(sets) - 1) / 2 for first in range(len(names))]
        axes.set_ylim(-len(names) * (len(sets) + 1) + 0.5, 1)
        axes.set_yticks(middles, names if axes is panels[0] else [""] * len(names))
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center", fontsize=7)
    style.caption(
        figure,
        f"How well predictors rank {benchmark.name}",
        f"{benchmark.source}; "
        f"{result.networks:,} of {benchmark.space.size:,} networks, those with all scores, the same for "
        f"every predictor. Bars: 95 % intervals, of {settings.draws:,} bootstrap draws of networks, or over "
        f"{settings.runs} seeds where a set depends on the seed. Tau on sets of different range is not "
        f"comparable. {_ceiling_text(result)}",
    )
    return figure


def draw_predictor_cost(result: PredictorCost, by_predictor: Benchmark, by_benchmark: Benchmark) -> Figure:
    """Return a figure of the recall and lift of the true top 1 % in every run, for both selections."""
    methods = result.means["method"].unique(maintain_order=True).to_list()
    figure, panels = style.new_figure(1, 2, width=3.9, height=1.5 + 0.42 * len(methods))
    for axes, (name, title, letter) in zip(
        panels,
        (("recall_1", "recall of the true top 1 %", "a"), ("lift_1", "lift of the true top 1 %", "b")),
        strict=True,
    ):
        for selector, look, shift in (
            ("benchmark", _BY_BENCHMARK, 0.17),
            ("predictor", _BY_PREDICTOR, -0.17),
        ):
            height = shift - np.arange(len(methods))
            selected = result.means.filter((pl.col("statistic") == name) & (pl.col("selected_by") == selector))
            mean, low, high, by_chance = (
                selected[column].to_numpy() for column in ("mean", "low", "high", "size_ratio")
            )
            for place, method in zip(height, methods, strict=True):
                each = result.runs.filter((pl.col("method") == method) & (pl.col("selected_by") == selector))[
                    name
                ].to_numpy()
                axes.plot(each, np.full(len(each), place), ".", color=look.color, alpha=0.35, markersize=3)
            label = "the predictor" if selector == "predictor" else by_benchmark.selects.describe()
            errors = np.nan_to_num(np.maximum(np.stack([mean - low, high - mean]), 0))
            axes.errorbar(
                mean,
                height,
                xerr=errors,
                color=look.color,
                marker=look.marker,
                linestyle="",
                label=f"selected by {label}",
            )
            if name == "recall_1":
                chance = "chance: a random subset of that size" if selector == "predictor" else None
                axes.plot(by_chance, height, "|", color=style.FULL_SPACE.color, markersize=9, label=chance)
        axes.set(title=f"{letter}  {title}", ylim=(0.6 - len(methods), 0.6))
        axes.set_yticks(-np.arange(len(methods)), methods if name == "recall_1" else [""] * len(methods))
    panels[1].set_xscale("symlog", linthresh=1, linscale=0.7)
    panels[1].set_xticks([0, 1, 10, 100], ["0", "1", "10", "100"])
    panels[1].set_xlim(-0.2, None)
    panels[1].axvline(1, color=style.FULL_SPACE.color, linewidth=0.8)
    panels[1].legend(
        *panels[0].get_legend_handles_labels(), loc="upper center", bbox_to_anchor=(0.4, -0.18), fontsize=7
    )
    style.caption(
        figure,
        f"Shrinking {by_predictor.name} by a predictor's scores",
        f"{by_predictor.source}; {result.means['runs'][0]} runs, the same seeds for both; selected by "
        f"{by_predictor.selects.describe()} or by {by_benchmark.selects.describe()}, always reported by "
        f"{by_predictor.reports.describe()}. "
        "Dots: runs; bars: 95 % intervals of the mean. LISSNAS sets the size and the evaluations of the other methods "
        "in the same run. Lift: how many times more frequent the true top 1 % is in the shrunk space than in the full "
        "space; the line is chance.",
    )
    return figure


def _set_styles(sets: list[str]) -> dict[str, LineStyle]:
    shrunk, others = iter(_SHRUNK * len(sets)), iter(style.SHARE_STYLES * len(sets))
    return {
        name: style.FULL_SPACE if name == FULL else next(shrunk if name.startswith("shrunk") else others)
        for name in sets
    }


def _letters(count: int) -> list[str]:
    return list(ascii_lowercase[:count]) + [""] * max(count - len(ascii_lowercase), 0)


def _ceiling_text(result: TauResult) -> str:
    ties = result.sets["true_ties"][0]
    tied = f"{100 * ties:.2g} % of the pairs of true scores tie" if ties else "No pair of true scores ties"
    if result.trainings is None:
        return f"{tied}; the noise ceiling is unknown: the table does not have two trainings of a network."
    row = result.sets.row(0, named=True)
    return (
        f"Noise ceiling (our own definition), from {result.trainings}: tau of one training with another that counts as "
        f"the truth, {row['retrained']:.2f} on the full space; and an estimate of the tau of a predictor that knows "
        f"each network's expected score, {row['perfect']:.2f}, which is too high where scores differ by little but "
        f"noise. {tied}."
    )
