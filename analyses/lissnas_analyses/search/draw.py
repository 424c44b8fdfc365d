"""The figure of searches: regret against total evaluations, in the spaces that methods keep and in the full space."""

import numpy as np
import polars as pl
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lissnas_analyses import style
from lissnas_analyses.search.measure import FULL_SPACE, SearchResult, regret_of_the_best_selected


def draw_regret(result: SearchResult) -> Figure:
    """Draw the mean regret against total evaluations: a panel for each optimizer, a line for each space."""
    benchmark = result.benchmark
    optimizers = result.optimizers
    spaces = (FULL_SPACE, *result.shrinkers)
    columns = min(2, len(optimizers))
    figure, panels = style.new_figure(-(-len(optimizers) // columns), columns, width=4, height=3)
    for axes in panels[len(optimizers) :]:
        axes.axis("off")
    floor = regret_of_the_best_selected(benchmark)
    drawn = np.append(result.means["regret"].to_numpy(), floor)
    positive = drawn[drawn > 0]
    for axes, optimizer in zip(panels, optimizers, strict=False):
        if floor:
            axes.axhline(floor, color="#444444", linestyle=":", linewidth=1, label="all scores seen")
        for space in spaces:
            rows = result.means.filter((pl.col("space") == space) & (pl.col("optimizer") == optimizer)).sort(
                "evaluations"
            )
            look = style.FULL_SPACE if space == FULL_SPACE else style.line_style(space)
            x, value, low, high = (rows[name].to_numpy() for name in ("evaluations", "regret", "low", "high"))
            axes.fill_between(x, low, high, color=look.color, alpha=0.18, linewidth=0)
            axes.plot(x, value, color=look.color, linestyle=look.dash, label=space)
            if space != FULL_SPACE:
                spent = result.shrinking.filter(pl.col("method") == space)["evaluations"].mean()
                at = min(int(np.searchsorted(x, float(spent))), len(x) - 1)  # type: ignore[arg-type]
                axes.plot([x[at]], [value[at]], color=look.color, marker=look.marker)
        axes.set(title=optimizer, xlabel="total evaluations", ylabel=f"regret ({benchmark.unit})".replace(" ()", ""))
        if len(positive):
            axes.set_ylim(bottom=positive.min() / 2, top=positive.max() * 1.2)
            style.logarithmic(axes, "{x:g}")
    handles, labels = panels[0].get_legend_handles_labels()
    handles.append(Line2D([], [], color="#444444", marker="o", linestyle="none"))
    spare = panels[-1] if len(panels) > len(optimizers) else panels[0]
    spare.legend(handles, [*labels, "shrinking ends"], fontsize=7, loc="upper right")
    runs = result.runs["run"].n_unique()
    style.caption(
        figure,
        f"Does shrinking pay in {benchmark.name}?",
        f"{benchmark.source}; {benchmark.roles}. "
        "Regret of the best architecture so far, compared with the best of the full space: mean over "
        f"{runs} runs; bands: 95 % intervals of the mean. The evaluations of shrinking count. A marker shows where "
        "shrinking ends on average and the search begins. Regrets of 0 are below the axis."
        + (" Dotted: the best architecture by the scores that select." if floor else ""),
    )
    return figure
