"""The figures of an ablation: recall against evaluations and size, heat maps of two settings, and mean ranks."""

from typing import Any

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lissnas_analyses import style
from lissnas_analyses.ablation.measure import AblationResult
from lissnas_analyses.ablation.summarize import (
    CONDITIONS,
    column_label,
    point_columns,
    value_label,
    varied_columns,
)

_CONFIGURATIONS = 20
"""Number of configurations in the figure of ranks: those with the best mean ranks."""

_WIDE = 5
"""Ratio of the ends of an axis above which it is logarithmic."""

_LABELED = 24
"""Maximum number of points in a panel that are labeled with their setting."""


def draw_recall(result: AblationResult) -> Figure:
    """Draw the recall of the top 1 % against evaluations and against size; a row of panels per condition."""
    wide = _wide(result)
    conditions = wide.select(CONDITIONS).unique().sort(CONDITIONS, descending=True)
    figure, panels = style.new_figure(conditions.height, 2, width=4, height=3)
    for number, condition in enumerate(conditions.iter_rows(named=True)):
        part = wide.join(pl.DataFrame([condition], schema=conditions.schema), on=CONDITIONS, nulls_equal=True)
        for axes, name in zip(panels[2 * number :], ("evaluations", "size"), strict=False):
            for method in result.means["method"].unique(maintain_order=True):
                _draw_method(axes, part.filter(pl.col("method") == method), method, name, part.height <= _LABELED)
            axes.set(ylabel="recall of the top 1 %", title=_condition_label(condition))
            axes.set_xlabel({"evaluations": "evaluations", "size": "architectures kept"}[name])
            low, high = axes.get_xlim()
            if low > 0 and high > _WIDE * low:
                style.logarithmic(axes, "{x:,g}", "x")
            else:
                axes.xaxis.set_major_formatter("{x:,g}")
    panels[0].legend(loc="best", fontsize=7)
    benchmark = result.benchmark
    style.caption(
        figure,
        f"Recall, evaluations and size in {benchmark.name}",
        f"{benchmark.source}; {benchmark.roles}. "
        f"A point is the mean over {result.runs:,} runs of one combination of settings; bars: 95 % intervals of the "
        f"mean. A line joins combinations that differ in one setting; numbers at the points are its values (in "
        f"brackets: the other settings): {_joined_settings(wide)}.",
    )
    return figure


def _draw_method(axes: Axes, part: pl.DataFrame, method: str, x: str, labeled: bool) -> None:
    joined = _joined_setting(part)
    others = [name for name in varied_columns(part, settings_only=True) if name != joined]
    look = style.line_style(method)
    lines = part.partition_by(others, maintain_order=True) if others else [part]
    for number, line in enumerate(lines):
        line = line.sort(joined) if joined else line
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
        if joined is None or not labeled:
            continue
        for place, row in enumerate(line.iter_rows(named=True)):
            last = others and place == line.height - 1
            which = (
                f" ({', '.join(f'{column_label(name)} {value_label(row[name])}' for name in others)})" if last else ""
            )
            style.label(axes, value_label(row[joined]) + which, row[x], row["recall_1"], look.color, (4, -3), "top")


def draw_sensitivity(result: AblationResult) -> Figure:
    """Draw the sensitivity as heat maps: a panel for each two settings that vary, all with one color scale."""
    panels = result.sensitivity.partition_by(["method", "first", "second"], maintain_order=True)
    columns = min(3, len(panels))
    figure, all_axes = style.new_figure(-(-len(panels) // columns), columns, width=3.4, height=2.8)
    recalls = result.sensitivity["recall_1"].to_numpy()
    smallest, largest = float(recalls.min()), float(recalls.max())
    image = None
    for axes, part in zip(all_axes, panels, strict=False):
        across = list(dict.fromkeys(part["first_value"]))
        down = list(dict.fromkeys(part["second_value"]))
        grid = np.full((len(down), len(across)), np.nan)
        half = np.full_like(grid, np.nan)
        for row in part.iter_rows(named=True):
            place = down.index(row["second_value"]), across.index(row["first_value"])
            grid[place], half[place] = row["recall_1"], (row["high"] - row["low"]) / 2
        image = axes.imshow(grid, cmap=style.SEQUENTIAL, vmin=smallest, vmax=largest, aspect="auto", origin="lower")
        for (i, j), value in np.ndenumerate(grid):
            dark = value < (smallest + largest) / 2
            text = f"{value:.2f}" if np.isnan(half[i, j]) else f"{value:.2f}\n± {half[i, j]:.2f}"
            axes.text(j, i, text, ha="center", va="center", fontsize=7, color="white" if dark else "black")
        axes.set_xticks(range(len(across)), across)
        axes.set_yticks(range(len(down)), down)
        axes.grid(visible=False)
        axes.set(title=part["method"][0], xlabel=column_label(part["first"][0]))
        axes.set_ylabel(column_label(part["second"][0]))
    for axes in all_axes[len(panels) :]:
        axes.axis("off")
    if image is not None:
        figure.colorbar(image, ax=all_axes, label="recall of the top 1 %", shrink=0.8)
    benchmark = result.benchmark
    style.caption(
        figure,
        f"How much the settings matter in {benchmark.name}",
        f"{benchmark.source}; {benchmark.roles}. "
        "Recall of the top 1 %, averaged over everything else that varies: mean "
        f"over {result.runs:,} runs ± half of its 95 % interval. Not at equal cost: the settings change the "
        "evaluations and the number of architectures kept.",
    )
    return figure


def draw_ranks(result: AblationResult) -> Figure:
    """Draw the mean ranks of methods and of the best twenty configurations, the best at the top."""
    ranks = result.ranks
    parts = [part.head(_CONFIGURATIONS) for part in ranks.partition_by("kind", maintain_order=True)]
    if len(parts) == 2 and parts[0].height == ranks.filter(kind="configuration").height:
        parts = parts[:1]  # every method has one configuration
    longest = max(part.height for part in parts)
    figure, panels = style.new_figure(1, len(parts), width=5.4, height=1.3 + 0.24 * longest)
    for axes, part in zip(panels, parts, strict=True):
        for place, row in enumerate(part.iter_rows(named=True)):
            look = style.line_style(row["name"].split(" ")[0].rstrip(","))
            axes.plot([row["low"], row["high"]], [place, place], color=look.color, linewidth=3, alpha=0.35)
            axes.plot([row["mean_rank"]], [place], color=look.color, marker=look.marker, linestyle="none")
        axes.set_yticks(range(part.height), part["name"].to_list(), fontsize=7)
        axes.set_ylim(part.height - 0.5, -0.5)
        total = ranks.filter(kind=part["kind"][0]).height
        title = (
            f"the best {part.height} of {total} {part['kind'][0]}s"
            if total > part.height
            else f"{total} {part['kind'][0]}s"
        )
        axes.set(xlabel="mean rank (1 is the best)", title=title)
    benchmark = result.benchmark
    style.caption(
        figure,
        f"Ranks by recall in {benchmark.name}",
        f"{benchmark.source}; {benchmark.roles}. Ranks by recall of the top 1 % within each run"
        f"{_with_conditions(result)}; bars: 95 % intervals of the mean rank over {result.runs:,} runs. "
        "Size and evaluations are those of the settings of each method.",
    )
    return figure


def _wide(result: AblationResult) -> pl.DataFrame:
    """Return one row per grid point: the means of the statistics drawn, and the interval of the recall."""
    point = point_columns(result.rows)
    drawn = result.means.filter(pl.col("statistic").is_in(("recall_1", "evaluations", "size")))
    wide = drawn.pivot("statistic", index=point, values=["mean", "low", "high"])
    names = {f"mean_{name}": name for name in ("recall_1", "evaluations", "size")}
    return wide.rename(names | {f"{end}_recall_1": f"recall_1_{end}" for end in ("low", "high")})


def _joined_setting(part: pl.DataFrame) -> str | None:
    """Return the setting with the most values: lines join points that differ in it alone."""
    return max(varied_columns(part, settings_only=True), key=lambda name: part[name].n_unique(), default=None)


def _joined_settings(wide: pl.DataFrame) -> str:
    joined = {method: _joined_setting(part) for (method,), part in wide.group_by(["method"], maintain_order=True)}
    return ", ".join(
        f"{method} by {column_label(setting)}" if setting else f"{method} has one combination"
        for method, setting in joined.items()
    )


def _condition_label(condition: dict[str, Any]) -> str:
    epochs = "" if condition["epochs"] is None else f" after {condition['epochs']} epochs"
    tau = condition["noise_tau"]
    return f"scores{epochs}, unchanged" if tau == 1 else f"scores{epochs}, degraded to a Kendall tau of {tau:g}"


def _with_conditions(result: AblationResult) -> str:
    varied = [name for name in CONDITIONS if result.rows[name].n_unique() > 1]
    return f" and {' and '.join(map(column_label, varied))}" if varied else ""
