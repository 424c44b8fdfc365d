"""The figures of an ablation: recall against evaluations and size, and heat maps of two settings."""

from itertools import combinations
from typing import Any

import numpy as np
import polars as pl
from lissnas.statistics.repeated_runs import mean_over_runs
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lissnas_analyses import style
from lissnas_analyses.ablation.measure import AblationResult, point_columns
from lissnas_analyses.grid.row_store import SETTING_PREFIX

CONDITIONS = ("epochs", "noise_tau")
"""What is asked of every method alike: how good the scores are that it sees."""

_NO_SECOND = {"second": "", "second_value": ""}

_AXES = 4
"""Of how many settings of a method, those with the most values, the heat maps show every two."""

_WIDE = 5
"""From which ratio of the ends on an axis is logarithmic."""

_LABELED = 24
"""Up to how many points in a panel are labeled with their setting."""


def draw_recall(result: AblationResult) -> Figure:
    """Draw the recall of the top 1 % against evaluations and against size; a row of panels a condition."""
    wide = _wide(result)
    conditions = wide.select(CONDITIONS).unique().sort(CONDITIONS, descending=True)
    figure, panels = style.new_figure(conditions.height, 2, width=4, height=3)
    for number, condition in enumerate(conditions.iter_rows(named=True)):
        part = wide.join(pl.DataFrame([condition], schema=conditions.schema), on=CONDITIONS, nulls_equal=True)
        for axes, name in zip(panels[2 * number :], ("evaluations", "size"), strict=False):
            for method in result.means["method"].unique(maintain_order=True):
                _draw_method(axes, part.filter(pl.col("method") == method), method, name, part.height <= _LABELED)
            axes.set(ylabel="recall of the top 1 %", title=_condition_in_words(condition))
            axes.set_xlabel({"evaluations": "networks scored", "size": "networks kept"}[name])
            low, high = axes.get_xlim()
            if low > 0 and high > _WIDE * low:
                style.logarithmic(axes, "{x:,g}", "x")
            else:
                axes.xaxis.set_major_formatter("{x:,g}")
    panels[0].legend(loc="best", fontsize=7)
    benchmark = result.benchmark
    style.caption(
        figure,
        f"What shrinking {benchmark.name} keeps, against what it costs",
        f"{benchmark.source}; {benchmark.roles}. "
        f"A point is the mean over {result.runs:,} runs of one combination of settings, "
        f"bars: 95 % intervals of the mean. A line joins combinations that differ in one setting, of which the numbers "
        f"beside the points are the values (in brackets: the others): {_along_in_words(wide)}.",
    )
    return figure


def _draw_method(axes: Axes, part: pl.DataFrame, method: str, x: str, labeled: bool) -> None:
    along = _along(part)
    others = [name for name in varied(part, settings_only=True) if name != along]
    look = style.line_style(method)
    lines = part.partition_by(others, maintain_order=True) if others else [part]
    for number, line in enumerate(lines):
        line = line.sort(along) if along else line
        low, high = ((line["recall_1"] - line[f"recall_1_{end}"]).abs().to_numpy() for end in ("low", "high"))
        axes.errorbar(
            line[x],
            line["recall_1"],
            yerr=np.nan_to_num([low, high]),
            color=look.color,
            linestyle=look.dash,
            marker=look.marker,
            linewidth=1,
            label=method if number == 0 else None,
        )
        if along is None or not labeled:
            continue
        for place, row in enumerate(line.iter_rows(named=True)):
            last = others and place == line.height - 1
            which = f" ({', '.join(f'{plain(name)} {short(row[name])}' for name in others)})" if last else ""
            style.label(axes, short(row[along]) + which, row[x], row["recall_1"], look.color, (4, -3), "top")


def sensitivity(result: AblationResult) -> pl.DataFrame:
    """Return how recall depends on every two settings of a method, noise and fidelity included.

    A row a method and two values: the recall of the top 1 %, averaged over all else that was varied, mean over the runs
    and 95 % interval. A method of which only one thing was varied has an empty second one.
    """
    rows: list[dict[str, Any]] = []
    for method in result.rows["method"].unique(maintain_order=True):
        own = result.rows.filter(pl.col("method") == method)
        chosen = sorted(varied(own), key=lambda name: -own[name].n_unique())[:_AXES]
        pairs: list[tuple[str, ...]] = [*combinations(chosen, 2)]
        for pair in pairs or [(name,) for name in chosen]:
            for values, group in own.group_by(pair, maintain_order=True):
                by_run = group.group_by("run", maintain_order=True).agg(pl.col("recall_1").mean())["recall_1"]
                found = mean_over_runs(by_run.to_numpy())
                named = {"first": pair[0], "first_value": short(values[0])}
                named |= {"second": pair[-1], "second_value": short(values[-1])} if len(pair) == 2 else _NO_SECOND
                mean, low, high = (float(value) for value in (found.value, found.low, found.high))
                rows.append({"method": method} | named | {"recall_1": mean, "low": low, "high": high})
    return pl.DataFrame(rows, infer_schema_length=None)


def draw_sensitivity(found: pl.DataFrame, result: AblationResult) -> Figure:
    """Draw `sensitivity` as heat maps, a panel for each two things varied, all on one scale of colors."""
    panels = found.partition_by(["method", "first", "second"], maintain_order=True)
    columns = min(3, len(panels))
    figure, every = style.new_figure(-(-len(panels) // columns), columns, width=3.4, height=2.8)
    recalls = found["recall_1"].to_numpy()
    least, largest = float(recalls.min()), float(recalls.max())
    image = None
    for axes, part in zip(every, panels, strict=False):
        across = list(dict.fromkeys(part["first_value"]))
        down = list(dict.fromkeys(part["second_value"]))
        grid = np.full((len(down), len(across)), np.nan)
        half = np.full_like(grid, np.nan)
        for row in part.iter_rows(named=True):
            place = down.index(row["second_value"]), across.index(row["first_value"])
            grid[place], half[place] = row["recall_1"], (row["high"] - row["low"]) / 2
        image = axes.imshow(grid, cmap=style.SEQUENTIAL, vmin=least, vmax=largest, aspect="auto", origin="lower")
        for (i, j), value in np.ndenumerate(grid):
            dark = value < (least + largest) / 2
            text = f"{value:.2f}" if np.isnan(half[i, j]) else f"{value:.2f}\n± {half[i, j]:.2f}"
            axes.text(j, i, text, ha="center", va="center", fontsize=7, color="white" if dark else "black")
        axes.set_xticks(range(len(across)), across)
        axes.set_yticks(range(len(down)), down)
        axes.grid(visible=False)
        axes.set(title=part["method"][0], xlabel=plain(part["first"][0]))
        axes.set_ylabel(plain(part["second"][0]))
    for axes in every[len(panels) :]:
        axes.axis("off")
    if image is not None:
        figure.colorbar(image, ax=every, label="recall of the top 1 %", shrink=0.8)
    benchmark = result.benchmark
    style.caption(
        figure,
        f"How much the settings matter in {benchmark.name}",
        f"{benchmark.source}; {benchmark.roles}. "
        "Recall of the top 1 %, averaged over everything else that was varied, mean "
        f"over {result.runs:,} runs ± half of its 95 % interval. Not at equal cost: the settings change how many "
        "networks are scored and kept.",
    )
    return figure


def _wide(result: AblationResult) -> pl.DataFrame:
    """Return a row a cell: the means of what is drawn, and the interval of the recall."""
    point = point_columns(result.rows)
    drawn = result.means.filter(pl.col("figure").is_in(("recall_1", "evaluations", "size")))
    wide = drawn.pivot("figure", index=point, values=["mean", "low", "high"])
    names = {f"mean_{name}": name for name in ("recall_1", "evaluations", "size")}
    return wide.rename(names | {f"{end}_recall_1": f"recall_1_{end}" for end in ("low", "high")})


def varied(rows: pl.DataFrame, settings_only: bool = False) -> list[str]:
    """Return which settings, and by default which conditions, have more than one value."""
    names = [
        name for name in rows.columns if name.startswith(SETTING_PREFIX) or (not settings_only and name in CONDITIONS)
    ]
    return [name for name in names if rows[name].n_unique() > 1]


def _along(part: pl.DataFrame) -> str | None:
    """Return the setting with the most values: along it points are joined."""
    return max(varied(part, settings_only=True), key=lambda name: part[name].n_unique(), default=None)


def _along_in_words(wide: pl.DataFrame) -> str:
    found = {method: _along(part) for (method,), part in wide.group_by(["method"], maintain_order=True)}
    return ", ".join(f"{method} by {plain(along)}" if along else f"{method} has one" for method, along in found.items())


def _condition_in_words(condition: dict[str, Any]) -> str:
    epochs = "" if condition["epochs"] is None else f" after {condition['epochs']} epochs"
    tau = condition["noise_tau"]
    return f"scores{epochs} as they are" if tau == 1 else f"scores{epochs}, degraded to a Kendall tau of {tau:g}"


def plain(name: str) -> str:
    """Return the name of a column in words."""
    return name.removeprefix(SETTING_PREFIX).replace("_", " ")


def short(value: Any) -> str:
    """Return a setting's value for a label."""
    return f"{value:g}" if isinstance(value, int | float) else str(value)
