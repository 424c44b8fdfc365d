"""What shrinking by a predictor's scores costs: the same methods and seeds, selected by it and by the benchmark."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from lissnas.progress import ProgressCallback
from lissnas.statistics.repeated_runs import mean_over_runs
from lissnas_benchmarks.benchmark import Benchmark
from matplotlib.figure import Figure

from lissnas_analyses import style
from lissnas_analyses.comparison.measure import ComparisonResult, compare
from lissnas_analyses.results.folder import Results
from lissnas_analyses.style import LineStyle

_BENCHMARK = LineStyle("#0072b2", "-", "o")
_PREDICTOR = LineStyle("#d55e00", "-", "D")

_MOST = {"recall_1": 1.0, "lift_1": 100.0}
"""What is compared, and the most that it can be."""


@dataclass(frozen=True)
class PredictorCost:
    """The numbers behind the figure.

    Attributes
    ----------
    runs
        A row a method, who selects ("predictor" or "benchmark") and run: the shrunk space's size_ratio, recall_1,
        lift_1.
    means
        A row a method, who selects and figure (recall_1, lift_1): the mean over runs and its 95 % interval, and the
        mean size_ratio, which is the recall of a random subset of that size.
    """

    runs: pl.DataFrame
    means: pl.DataFrame


def run_predictor_cost(
    benchmark: Benchmark,
    own: Benchmark,
    found: ComparisonResult,
    results: Results,
    runs: int,
    seed: int,
    report: ProgressCallback,
) -> tuple[str, ...]:
    """Hold a comparison selected by a predictor against the benchmark's own selection, and return it in sentences."""
    methods = tuple(found.first)
    by_benchmark = compare(own, runs, seed, methods, lambda done: report("selected by the benchmark", done / runs))
    contrasted = compare_selections(found, by_benchmark)
    results.add_table("selected_by", contrasted.means)
    results.add_table("selected_by_runs", contrasted.runs)
    with style.house_style():
        results.add_figure("selected_by", draw_predictor_cost(contrasted, benchmark, own))
    missing = int(np.isnan(benchmark.selection).sum())
    without = (f"{missing:,} of the {benchmark.space.size:,} networks have no score that could select them",)
    return (*(without if missing else ()), *sentences(contrasted))


def compare_selections(by_predictor: ComparisonResult, by_benchmark: ComparisonResult) -> PredictorCost:
    """Put the results of the same methods and seeds side by side, selected by a predictor and by the benchmark."""
    runs = pl.concat(
        found.runs.filter(pl.col("round") == pl.col("round").max().over("method")).select(
            "method", pl.lit(who).alias("selected_by"), "run", "size_ratio", "recall_1", "lift_1"
        )
        for who, found in (("predictor", by_predictor), ("benchmark", by_benchmark))
    )
    rows = []
    for (method, who), group in runs.group_by(["method", "selected_by"], maintain_order=True):
        for name, most in _MOST.items():
            mean = mean_over_runs(group[name].to_numpy())
            rows.append(
                {"method": method, "selected_by": who, "figure": name, "mean": float(mean.value)}
                | {"low": max(float(mean.low), 0.0), "high": min(float(mean.high), most)}
                | {"size_ratio": float(group["size_ratio"].to_numpy().mean()), "runs": group.height}
            )
    return PredictorCost(runs, pl.DataFrame(rows))


def draw_predictor_cost(result: PredictorCost, benchmark: Benchmark, by_benchmark: Benchmark) -> Figure:
    """Draw recall and lift of the true top 1 % of every run; `study` is the one that the predictor selects in."""
    methods = result.means["method"].unique(maintain_order=True).to_list()
    figure, panels = style.new_figure(1, 2, width=3.9, height=1.5 + 0.42 * len(methods))
    for axes, (name, title, letter) in zip(
        panels,
        (("recall_1", "recall of the true top 1 %", "a"), ("lift_1", "lift of the true top 1 %", "b")),
        strict=True,
    ):
        for who, look, shift in (("benchmark", _BENCHMARK, 0.17), ("predictor", _PREDICTOR, -0.17)):
            height = shift - np.arange(len(methods))
            of_who = result.means.filter((pl.col("figure") == name) & (pl.col("selected_by") == who))
            mean, low, high, by_chance = (of_who[column].to_numpy() for column in ("mean", "low", "high", "size_ratio"))
            for place, method in zip(height, methods, strict=True):
                each = result.runs.filter((pl.col("method") == method) & (pl.col("selected_by") == who))[
                    name
                ].to_numpy()
                axes.plot(each, np.full(len(each), place), ".", color=look.color, alpha=0.35, markersize=3)
            words = f"selected by the {who}" if who == "predictor" else f"selected by {by_benchmark.selects.describe()}"
            errors = np.nan_to_num(np.maximum(np.stack([mean - low, high - mean]), 0))
            axes.errorbar(mean, height, xerr=errors, color=look.color, marker=look.marker, linestyle="", label=words)
            if name == "recall_1":
                chance = "chance: a random subset of that size" if who == "predictor" else None
                axes.plot(by_chance, height, "|", color=style.WHOLE_SPACE.color, markersize=9, label=chance)
        axes.set(title=f"{letter}  {title}", ylim=(0.6 - len(methods), 0.6))
        axes.set_yticks(-np.arange(len(methods)), methods if name == "recall_1" else [""] * len(methods))
    panels[1].set_xscale("symlog", linthresh=1, linscale=0.7)
    panels[1].set_xticks([0, 1, 10, 100], ["0", "1", "10", "100"])
    panels[1].set_xlim(-0.2, None)
    panels[1].axvline(1, color=style.WHOLE_SPACE.color, linewidth=0.8)
    panels[1].legend(
        *panels[0].get_legend_handles_labels(), loc="upper center", bbox_to_anchor=(0.4, -0.18), fontsize=7
    )
    style.caption(
        figure,
        f"Shrinking {benchmark.name} by a predictor's scores",
        f"{benchmark.source}; {result.means['runs'][0]} runs, the same seeds for both; selected by "
        f"{benchmark.selects.describe()} or by {by_benchmark.selects.describe()}, always judged by "
        f"{benchmark.reports.describe()}. "
        "Dots: runs; bars: 95 % intervals of the mean. LISSNAS decides how many networks "
        "the others keep and score in the same run. Lift: how many times more frequent the true top 1 % is in what is "
        "kept than in the whole space; the line is chance.",
    )
    return figure


def sentences(result: PredictorCost) -> tuple[str, ...]:
    """Return what each method keeps of the true top 1 %, selected by the predictor and by the benchmark."""
    said = []
    for row in result.means.filter(pl.col("figure") == "recall_1").iter_rows(named=True):
        if row["selected_by"] == "predictor":
            other = result.means.row(
                by_predicate=(pl.col("method") == row["method"])
                & (pl.col("figure") == "recall_1")
                & (pl.col("selected_by") == "benchmark"),
                named=True,
            )
            said.append(
                f"{row['method']}: by the predictor {row['mean']:.1%} [{row['low']:.1%}, {row['high']:.1%}] of the "
                f"true top 1 % in {row['size_ratio']:.1%} of the space, by the benchmark {other['mean']:.1%} "
                f"[{other['low']:.1%}, {other['high']:.1%}] in {other['size_ratio']:.1%}"
            )
    return tuple(said)
