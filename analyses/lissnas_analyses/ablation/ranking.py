"""The ranking of an ablation: which method, and which configuration of one, keeps the most in run after run."""

import numpy as np
import polars as pl
from lissnas.spaces.space import Floats
from lissnas.statistics.estimate import Estimate
from lissnas.statistics.repeated_runs import BOOTSTRAP_DRAWS, mean_ranks
from matplotlib.figure import Figure

from lissnas_analyses import style
from lissnas_analyses.ablation.draw import CONDITIONS, plain, short, varied
from lissnas_analyses.ablation.measure import AblationResult, point_columns

_RANKED = 20
"""How many configurations the ranking shows, those of the best mean rank."""


def rank(result: AblationResult) -> pl.DataFrame:
    """Return the mean rank by recall of the top 1 % of each method and of each configuration, with its interval.

    A configuration is a method with its settings; a method's recall in a run is the mean over its configurations.
    """
    rows = result.rows
    settings = [name for name in point_columns(rows) if name not in CONDITIONS]
    named = rows.with_columns(name=_names(rows, settings))
    by_method = rows.group_by(["method", *CONDITIONS, "run"]).agg(pl.col("recall_1").mean())
    frames = []
    for kind, frame in (("method", by_method.rename({"method": "name"})), ("configuration", named)):
        frame = frame.sort("run", *CONDITIONS, "name", nulls_last=True)
        names = frame["name"].unique().sort()
        if len(names) < 2:
            continue
        values: Floats = frame["recall_1"].to_numpy().reshape(result.runs, -1, len(names))
        found: Estimate = mean_ranks(values, np.random.default_rng(result.seed))
        columns = {"mean_rank": found.value, "low": found.low, "high": found.high}
        frames.append(pl.DataFrame({"kind": [kind] * len(names), "name": names} | columns).sort("mean_rank", "name"))
    return pl.concat(frames) if frames else pl.DataFrame()


def draw_ranks(ranks: pl.DataFrame, result: AblationResult) -> Figure:
    """Draw the mean ranks, the best on top; of the configurations the best twenty."""
    parts = [part.head(_RANKED) for part in ranks.partition_by("kind", maintain_order=True)]
    if len(parts) == 2 and parts[0].height == ranks.filter(kind="configuration").height:
        parts = parts[:1]  # every method has one configuration
    most = max(part.height for part in parts)
    figure, panels = style.new_figure(1, len(parts), width=5.4, height=1.3 + 0.24 * most)
    for axes, part in zip(panels, parts, strict=True):
        for place, row in enumerate(part.iter_rows(named=True)):
            look = style.line_style(row["name"].split(" ")[0].rstrip(","))
            axes.plot([row["low"], row["high"]], [place, place], color=look.color, linewidth=3, alpha=0.35)
            axes.plot([row["mean_rank"]], [place], color=look.color, marker=look.marker, linestyle="none")
        axes.set_yticks(range(part.height), part["name"].to_list(), fontsize=7)
        axes.set_ylim(part.height - 0.5, -0.5)
        total = ranks.filter(kind=part["kind"][0]).height
        shown = (
            f"the best {part.height} of {total} {part['kind'][0]}s"
            if total > part.height
            else f"{total} {part['kind'][0]}s"
        )
        axes.set(xlabel="mean rank (1 is the best)", title=shown)
    benchmark = result.benchmark
    style.caption(
        figure,
        f"Ranking by what is kept of {benchmark.name}",
        f"{benchmark.source}; {benchmark.roles}. Ranks by recall of the top 1 % within each run"
        f"{_with_conditions(result)}; bars: 95 % percentile intervals of the mean rank over {result.runs:,} runs, "
        f"{BOOTSTRAP_DRAWS:,} bootstrap draws. Methods keep and score as many networks as their own settings say.",
    )
    return figure


def _with_conditions(result: AblationResult) -> str:
    several = [name for name in CONDITIONS if result.rows[name].n_unique() > 1]
    return f" and {' and '.join(map(plain, several))}" if several else ""


def _names(rows: pl.DataFrame, settings: list[str]) -> pl.Series:
    """Name each row's configuration by its method and the settings in which that method's configurations differ."""
    distinct = rows.select(settings).unique(maintain_order=True)
    differing = {method: varied(part, True) for (method,), part in distinct.group_by(["method"], maintain_order=True)}
    names = [
        ", ".join([row["method"], *(f"{plain(name)} {short(row[name])}" for name in differing[row["method"]])])
        for row in distinct.iter_rows(named=True)
    ]
    return rows.join(
        distinct.with_columns(name=pl.Series(names)), on=settings, nulls_equal=True, maintain_order="left"
    )["name"]
