"""The figure of searches: regret against all evaluations, inside what a method keeps and in the full space."""

import numpy as np
import polars as pl
from lissnas_benchmarks.benchmark import Benchmark
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lissnas_analyses import style
from lissnas_analyses.search.measure import FULL, SearchResult, regret_of_the_best_selected


def draw_regret(result: SearchResult, benchmark: Benchmark) -> Figure:
    """Draw the mean regret against total evaluations, a panel an optimizer, the full space and each method in it."""
    optimizers = result.means["optimizer"].unique(maintain_order=True)
    places = result.means["place"].unique(maintain_order=True)
    columns = min(2, len(optimizers))
    figure, panels = style.new_figure(-(-len(optimizers) // columns), columns, width=4, height=3)
    for axes in panels[len(optimizers) :]:
        axes.axis("off")
    floor = regret_of_the_best_selected(benchmark)
    drawn = np.append(result.means["regret"].to_numpy(), floor)
    positive = drawn[drawn > 0]
    for axes, which in zip(panels, optimizers, strict=False):
        if floor:
            axes.axhline(floor, color="#444444", linestyle=":", linewidth=1, label="everything seen")
        for place in places:
            own = result.means.filter((pl.col("place") == place) & (pl.col("optimizer") == which)).sort("evaluations")
            look = style.WHOLE_SPACE if place == FULL else style.line_style(place)
            x, value, low, high = (own[name].to_numpy() for name in ("evaluations", "regret", "low", "high"))
            axes.fill_between(x, low, high, color=look.color, alpha=0.18, linewidth=0)
            axes.plot(x, value, color=look.color, linestyle=look.dash, label=place)
            if place != FULL:
                spent = result.shrinking.filter(pl.col("method") == place)["evaluations"].mean()
                at = min(int(np.searchsorted(x, float(spent))), len(x) - 1)  # type: ignore[arg-type]
                axes.plot([x[at]], [value[at]], color=look.color, marker=look.marker)
        axes.set(title=which, xlabel="networks scored in all", ylabel=f"regret ({benchmark.unit})".replace(" ()", ""))
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
        "Regret of the best network so far to the best of the whole space, mean over "
        f"{runs} runs, bands: 95 % intervals of the mean. Shrinking's own evaluations count; a marker stands where it "
        "ends on average, and the search inside begins. Regrets of 0 lie below the axis."
        + (" Dotted: what a search that saw everything would choose, by the selecting scores." if floor else ""),
    )
    return figure
