"""Figures of rank correlation: why a narrow range lowers tau, and every predictor on every set."""

from string import ascii_lowercase

import numpy as np
import polars as pl
from lissnas_benchmarks.benchmark import Benchmark
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from lissnas_analyses import style
from lissnas_analyses.ranking.evaluation_sets import WHOLE
from lissnas_analyses.ranking.measure import MEASURES, TauResult, TauSettings
from lissnas_analyses.style import LineStyle

_PREDICTOR = style.SINGLE
_REFERENCE = LineStyle("#777777", "--", "")
_SHRUNK = (LineStyle("#d55e00", "-", "D"), LineStyle("#009e73", "-", "s"), LineStyle("#cc79a7", "-", "^"))
_CEILING = LineStyle("#000000", ":", "")

_NAMES = {
    "tau": "Kendall's tau-b",
    "weighted_tau": "weighted tau",
    "rho": "Spearman's rho",
    "precision": "precision, top",
    "regret": "regret",
}


def draw_narrowing(result: TauResult, benchmark: Benchmark, settings: TauSettings) -> Figure:
    """Draw tau within ever smaller true tops, a panel a predictor, with what constant noise would give."""
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
        f"({settings.draws:,} draws) or over seeds of shrinking. Constant noise: the true scores with noise that is "
        "everywhere alike and leaves the predictor's tau on the whole space; it falls for no other reason than that "
        "the range gets narrower, and what lies below it is worse than that. A shrunk space stands at its size; its "
        "open mark is what constant noise gives in it, and to that its tau compares, not to tau on the whole space. "
        f"{_ceiling_in_words(result)}",
    )
    return figure


def _draw_predictor(axes: Axes, result: TauResult, name: str) -> None:
    rows = result.narrowing.filter(pl.col("predictor") == name)
    share, value, low, high, reference = (
        rows[column].to_numpy() for column in ("share", "value", "low", "high", "reference")
    )
    axes.axhline(0, color=style.WHOLE_SPACE.color, linewidth=0.8)
    ceiling = result.ceiling
    if ceiling["retrained"].null_count() == 0:
        for column, width in (("retrained", 1.5), ("perfect", 0.8)):
            words = "noise ceiling: one training" if column == "retrained" else "noise ceiling: perfect predictor"
            axes.plot(
                ceiling["share"], ceiling[column], color=_CEILING.color, linestyle=":", linewidth=width, label=words
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
    """Draw every measure of every predictor, a panel a measure, a color a set."""
    names = result.predictors["predictor"].to_list()
    sets = result.means["set"].unique(maintain_order=True).to_list()
    figure, panels = style.new_figure(1, len(MEASURES), width=2.1, height=1.3 + 0.13 * len(names) * (len(sets) + 1))
    looks = _set_looks(sets)
    for letter, name, axes in zip(_letters(len(MEASURES)), MEASURES, panels, strict=True):
        rows = result.means.filter(pl.col("measure") == name)
        for place, one in enumerate(sets):
            of_set = rows.filter(pl.col("set") == one)
            value, low, high = (of_set[column].to_numpy() for column in ("value", "low", "high"))
            height = -np.arange(len(names)) * (len(sets) + 1) - place
            errors = np.maximum(np.stack([value - low, high - value]), 0)
            look = looks[one]
            axes.errorbar(value, height, xerr=errors, color=look.color, marker=look.marker, linestyle="", label=one)
            ceiling = result.sets.filter(pl.col("set") == one)["retrained"].drop_nulls().to_numpy()
            if name == "tau" and len(ceiling):
                words = "noise ceiling: one training" if place == len(sets) - 1 else None
                axes.plot(
                    [float(ceiling.mean())] * len(names), height, "|", color=_CEILING.color, markersize=8, label=words
                )
        unit = f" ({benchmark.unit})" if name == "regret" else ""
        if name != "regret":
            axes.axvline(0, color=style.WHOLE_SPACE.color, linewidth=0.8)
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
        f"{settings.runs} seeds where a set is drawn or shrunk anew with each. Tau on sets of different range is not "
        f"comparable. {_ceiling_in_words(result)}",
    )
    return figure


def _set_looks(sets: list[str]) -> dict[str, LineStyle]:
    shrunk, others = iter(_SHRUNK * len(sets)), iter(style.SHARE_STYLES * len(sets))
    return {
        one: style.WHOLE_SPACE if one == WHOLE else next(shrunk if one.startswith("shrunk") else others) for one in sets
    }


def _letters(count: int) -> list[str]:
    return list(ascii_lowercase[:count]) + [""] * max(count - len(ascii_lowercase), 0)


def _ceiling_in_words(result: TauResult) -> str:
    ties = result.sets["true_ties"][0]
    tied = f"{100 * ties:.2g} % of the pairs of true scores tie" if ties else "No pair of true scores ties"
    if result.trainings is None:
        return f"{tied}; the noise ceiling is not known, as the table tells no two trainings of a network apart."
    row = result.sets.row(0, named=True)
    return (
        f"Noise ceiling (our own definition), from {result.trainings}: how one training ranks another, the first being "
        f"the truth, tau {row['retrained']:.2f} on the whole space; and about what knowing each network's expected "
        f"score would give, {row['perfect']:.2f}, too high where little but noise tells networks apart. {tied}."
    )
