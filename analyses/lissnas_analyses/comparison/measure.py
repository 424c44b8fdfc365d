"""Shrinking methods side by side on one benchmark, by default LISSNAS, operation pruning and a random subset.

LISSNAS decides how many networks it keeps and what it spends; the others get the same in each run.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from string import ascii_lowercase
from typing import Any, Literal, cast

import numpy as np
import polars as pl
from lissnas.errors import SettingError
from lissnas.shrinkers.lissnas import Lissnas
from lissnas.shrinkers.shrink import Shrinker, Trace, shrink, shrinker_class
from lissnas.spaces.space import Floats
from lissnas.statistics.quality import Quality, quality
from lissnas.statistics.repeated_runs import mean_over_runs
from lissnas.storage.random_streams import named_generator
from lissnas.subspaces.subspace import WholeSpace
from lissnas_benchmarks.benchmark import Benchmark
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from lissnas_analyses import style
from lissnas_analyses.comparison.kept_space import Inside
from lissnas_analyses.comparison.kept_space import measure as measure_inside
from lissnas_analyses.comparison.paired import paired

METHODS = ("lissnas", "operation-pruning", "random-subset")
"""What is compared by default."""


@dataclass(frozen=True)
class _Panel:
    """How a figure of quality is called and drawn, if it is, and the least and largest value it can have."""

    title: str = ""
    least: float = 0
    largest: float = np.inf
    scale: Literal["linear", "log"] = "linear"


_PANELS = {
    "recall_1": _Panel("recall of the top 1 %", largest=1),
    "recall_5": _Panel("recall of the top 5 %", largest=1),
    "lift_1": _Panel("lift of the top 1 %", scale="log"),
    "lift_5": _Panel("lift of the top 5 %", scale="log"),
    "mean": _Panel("mean", least=-np.inf),
    "best": _Panel("best kept", least=-np.inf),
    "best_of_10": _Panel("expected best of 10", least=-np.inf),
    "shrinkage_score": _Panel("shrinkage score", least=-np.inf, largest=1),
    "size": _Panel("networks kept", scale="log"),
    "diversity": _Panel("diversity (edits per gene)", largest=1),
    "entropy": _Panel("entropy of operations", largest=1),
    "pockets": _Panel("pockets", least=1, scale="log"),
    "evaluations": _Panel("networks scored"),
    "size_ratio": _Panel(largest=1),
    "lower_quartile": _Panel(least=-np.inf),
    "median": _Panel(least=-np.inf),
    "upper_quartile": _Panel(least=-np.inf),
    "largest_pocket": _Panel(largest=1),
}
"""A figure without a title stands in the numbers alone."""

_GRID = 256
"""At how many scores the distributions are compared."""

_LEFT_OUT = 0.15
"""Which share of the whole space, its worst networks, lies left of the distributions."""


@dataclass(frozen=True)
class ComparisonResult:
    """The numbers behind the comparison figures.

    Attributes
    ----------
    runs
        A row a method, run and round: evaluations and every figure of `Quality`. A run that has stopped stays at its
        result; round 0 is the whole space.
    rounds
        A row a method, round and figure: the mean over the runs and its 95 % interval within what is possible, and how
        many runs still went on.
    distributions
        A row a method, round and score: the mean over the runs of the share of networks below, and its 95 % interval.
    paired
        A row a method but the first and figure: its difference to the first, run by run; see
        `lissnas_analyses.comparison.paired`.
    inside
        What a search inside the results finds, and how diverse they are.
    settings
        Of each method its settings, and under "by_run" those that LISSNAS gave it, one value a run.
    first
        The first run of each method, in the order they were asked for.
    """

    runs: pl.DataFrame
    rounds: pl.DataFrame
    distributions: pl.DataFrame
    paired: pl.DataFrame
    inside: Inside
    settings: dict[str, dict[str, Any]]
    first: dict[str, Trace]

    def final(self, method: str, figure: str) -> tuple[float, float, float]:
        """Return the mean over the runs of a figure of a method's result, and its 95 % interval."""
        rows = self.rounds.filter((pl.col("method") == method) & (pl.col("figure") == figure)).sort("round")
        last = rows.row(-1, named=True)
        return last["mean"], last["low"], last["high"]


def traces(benchmark: Benchmark, methods: Sequence[str], seed: int, run: int) -> dict[str, Trace]:
    """Run every method once, each with the networks kept and scored by LISSNAS as far as its settings allow."""

    def run_with(method: str, shrinker: Shrinker) -> Trace:
        return shrink(benchmark.space, benchmark.evaluator, shrinker, named_generator(method, seed, run))

    lissnas = run_with("lissnas", Lissnas())
    given = {"evaluations": lissnas.evaluations.count, "size": lissnas.subspace.size}
    results: dict[str, Trace] = {}
    for method in methods:
        wanted: Any = shrinker_class(method)
        own = {name: value for name, value in given.items() if name in {field.name for field in fields(wanted)}}
        results[method] = lissnas if method == "lissnas" else run_with(method, wanted(**own))
    return results


def compare(
    benchmark: Benchmark,
    runs: int,
    seed: int,
    methods: Sequence[str] = METHODS,
    on_run: Callable[[int], None] = lambda run: None,
) -> ComparisonResult:
    """Run every method with `runs` seeds and judge each round by the reported scores.

    `on_run` is told the number of runs done. Raises SettingError for fewer runs than 1.
    """
    if runs < 1:
        raise SettingError(f"the number of runs must be at least 1, not {runs}")
    whole = quality(WholeSpace(benchmark.space), benchmark.report)
    done: list[dict[str, Trace]] = []
    judged: list[dict[str, list[Quality]]] = []
    for run in range(runs):
        done.append(traces(benchmark, methods, seed, run))
        judged.append(
            {
                method: [whole, *(quality(shrunk.subspace, benchmark.report) for shrunk in trace.rounds[1:])]
                for method, trace in done[-1].items()
            }
        )
        on_run(run + 1)
    frame = _carry_on(done, judged)
    differences = paired(frame, tuple(_PANELS))
    return ComparisonResult(
        frame,
        _average(frame),
        _distributions(benchmark, done),
        differences,
        measure_inside(benchmark, done),
        _settings(done),
        done[0],
    )


def _settings(done: list[dict[str, Trace]]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for method in done[0]:
        runs = [asdict(cast(Any, traced[method].shrinker)) for traced in done]
        differing = [name for name in runs[0] if any(run[name] != runs[0][name] for run in runs)]
        same = {name: value for name, value in runs[0].items() if name not in differing}
        found[method] = same | {"by_run": {name: [run[name] for run in runs] for name in differing}}
    return found


def first_rounds(first: dict[str, Trace], benchmark: Benchmark) -> pl.DataFrame:
    """Return a row a method, round and network held then (method, round, evaluations, index), but whole spaces."""
    none = pl.DataFrame(schema={"method": pl.String, "round": pl.Int32, "evaluations": pl.Int32, "index": pl.Int64})
    frames = [
        pl.DataFrame({"index": shrunk.subspace.index}).select(
            pl.lit(method).alias("method"),
            pl.lit(number, pl.Int32).alias("round"),
            pl.lit(spent, pl.Int32).alias("evaluations"),
            "index",
        )
        for method, trace in first.items()
        for number, (shrunk, spent) in enumerate(zip(trace.rounds, _spent(trace), strict=True))
        if shrunk.subspace.size < benchmark.space.size
    ]
    return pl.concat([none, *frames])


def _carry_on(done: list[dict[str, Trace]], judged: list[dict[str, list[Quality]]]) -> pl.DataFrame:
    """Return a row a method, run and round, up to the last round of any run of the method."""
    rows: list[dict[str, object]] = []
    for method in done[0]:
        length = max(len(methods[method]) for methods in judged)
        for run, (traced, qualities) in enumerate(zip(done, judged, strict=True)):
            trace = traced[method]
            spent = _spent(trace)
            for number in range(length):
                reached = min(number, len(spent) - 1)
                rows.append(
                    {"method": method, "run": run, "round": number, "stopped": number > reached}
                    | {"evaluations": spent[reached]}
                    | asdict(qualities[method][reached])
                )
    return pl.DataFrame(rows)


def _spent(trace: Trace) -> list[int]:
    """Return how many networks each round had scored; the last one all, with those that told the method to stop."""
    return [*(shrunk.evaluations for shrunk in trace.rounds[:-1]), trace.evaluations.count]


def _average(runs: pl.DataFrame) -> pl.DataFrame:
    rows = []
    for (method, number), group in runs.group_by(["method", "round"], maintain_order=True):
        for name, panel in _PANELS.items():
            estimate = mean_over_runs(group[name].to_numpy().astype(np.float64))
            mean, low, high = (
                float(estimate.value),
                float(max(float(estimate.low), panel.least)),
                float(min(float(estimate.high), panel.largest)),
            )
            going = int((~group["stopped"]).sum())
            rows.append(
                {"method": method, "round": number, "figure": name, "mean": mean, "low": low, "high": high}
                | {"runs": group.height, "going_on": going}
            )
    return pl.DataFrame(rows)


def _distributions(benchmark: Benchmark, done: list[dict[str, Trace]]) -> pl.DataFrame:
    measured = np.sort(benchmark.report[~np.isnan(benchmark.report)])
    grid = np.linspace(np.quantile(measured, _LEFT_OUT), measured[-1], _GRID)
    frames = [_distribution("whole-space", 0, grid, _share_below(measured, grid)[None])]
    for method in done[0]:
        for number in range(1, max(len(run[method].rounds) for run in done)):
            kept = (run[method].rounds[min(number, len(run[method].rounds) - 1)].subspace for run in done)
            shares = [_share_below(np.sort(benchmark.report[subspace.index]), grid) for subspace in kept]
            frames.append(_distribution(method, number, grid, np.stack(shares)))
    return pl.concat(frames)


def _share_below(ranked: Floats, grid: Floats) -> Floats:
    ranked = ranked[~np.isnan(ranked)]
    return np.searchsorted(ranked, grid, side="right") / len(ranked)


def _distribution(method: str, number: int, grid: Floats, shares: Floats) -> pl.DataFrame:
    below = mean_over_runs(shares)
    named = {"score": grid, "share_below": below.value, "low": below.low, "high": below.high}
    return pl.DataFrame({"method": [method] * len(grid), "round": [number] * len(grid)} | named)


def draw_rounds(result: ComparisonResult, benchmark: Benchmark) -> Figure:
    """Draw every figure of quality, and what was spent, against the round; a method of one round is a line across."""
    shown = {name: panel for name, panel in _PANELS.items() if panel.title}
    figure, panels = style.new_figure(4, 4, width=2.6, height=2.1)
    for letter, (name, panel), axes in zip(ascii_lowercase, shown.items(), panels, strict=False):
        unit = f" ({benchmark.unit})" if name in ("mean", "best", "best_of_10") else ""
        for method in result.first:
            rows = result.rounds.filter((pl.col("method") == method) & (pl.col("figure") == name)).sort("round")
            x, value, low, high = (rows[column].to_numpy() for column in ("round", "mean", "low", "high"))
            look = style.line_style(method)
            if len(x) == 2:
                axes.axhspan(low[-1], high[-1], color=look.color, alpha=0.18, linewidth=0)
                axes.axhline(value[-1], color=look.color, linestyle=look.dash, label=method)
            else:
                style.draw_with_interval(axes, x, value, low, high, look, method)
        axes.set(title=f"{letter}  {panel.title}{unit}")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        if panel.scale == "log":
            style.logarithmic(axes, "{x:,g}")
    for axes in panels[len(shown) - 4 : len(shown)]:
        axes.set_xlabel("round")
    for axes in panels[len(shown) :]:
        axes.axis("off")
    panels[len(shown)].legend(*panels[0].get_legend_handles_labels(), loc="center left", title="method")
    style.caption(
        figure,
        f"Shrinking {benchmark.name}",
        f"{benchmark.source}; {benchmark.roles}. "
        f"Means over {_runs(result)} runs, bands: 95 % intervals of the mean. Every "
        "method keeps and scores as many networks as LISSNAS does in the same run, as near as its rule allows; "
        "a line across is a method of one round. A run that has stopped stays at its result. Round 0 is the "
        "whole space.",
    )
    return figure


def draw_distributions(result: ComparisonResult, benchmark: Benchmark) -> Figure:
    """Draw the share of networks below each score: before, during and after shrinking."""
    methods = [method for method in result.first if method != "random-subset"]
    columns = min(2, len(methods))
    figure, panels = style.new_figure(-(-len(methods) // columns), columns, width=3.7, height=3)
    drawn = {(method, number): rows for (method, number), rows in result.distributions.group_by(["method", "round"])}
    others = [("whole space", drawn["whole-space", 0], style.WHOLE_SPACE)]
    if "random-subset" in result.first:
        others.append(("random subset", drawn["random-subset", 1], style.line_style("random-subset")))
    for axes in panels[len(methods) :]:
        axes.axis("off")
    for letter, method, axes in zip(ascii_lowercase, methods, panels, strict=False):
        look = style.line_style(method)
        last = max(number for name, number in drawn if name == method)
        for number in range(1, last + 1):
            rows = drawn[method, number]
            strength = 0.3 + 0.7 * number / last
            axes.plot(rows["score"], rows["share_below"], color=look.color, alpha=strength, linewidth=0.5 + strength)
            if number == last:
                axes.fill_between(rows["score"], rows["low"], rows["high"], color=look.color, alpha=0.18, linewidth=0)
        handles = []
        for name, rows, other in others:
            handles += axes.plot(
                rows["score"], rows["share_below"], color=other.color, linestyle=other.dash, linewidth=1, label=name
            )
        if last > 1:
            handles.append(Line2D([], [], color=look.color, alpha=0.5, linewidth=0.8, label="rounds before"))
        handles.append(Line2D([], [], color=look.color, label=f"round {last}, the last"))
        axes.legend(handles=handles, loc="upper left", fontsize=7)
        axes.set(title=f"{letter}  {method}", xlabel=benchmark.quantity, ylabel="share of networks below", ylim=(0, 1))
    style.caption(
        figure,
        f"Accuracy in {benchmark.name} before, during and after shrinking",
        f"{benchmark.source}; {benchmark.roles}. Means over {_runs(result)} runs, bands: 95 % intervals of the last "
        f"round's mean. Further right and lower is better. The worst {100 * _LEFT_OUT:g} % of the "
        "whole space lie left of the axis.",
    )
    return figure


def _runs(result: ComparisonResult) -> int:
    return int(result.rounds["runs"][0])
