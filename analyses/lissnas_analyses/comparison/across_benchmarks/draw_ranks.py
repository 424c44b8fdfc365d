"""The figure of mean ranks over benchmarks, with the critical difference: Demšar, JMLR 7, 2006."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lissnas_analyses import style
from lissnas_analyses.comparison.across_benchmarks.ranks import MethodRanks


def draw_ranks(ranks: Sequence[MethodRanks]) -> Figure:
    """Draw the mean rank of each method with its interval, one panel for each budget.

    A vertical bar joins methods whose mean ranks do not differ significantly.
    """
    most = max(len(each.methods) for each in ranks)
    figure, panels = style.new_figure(len(ranks), 1, width=6.5, height=1.0 + 0.3 * most)
    for axes, each in zip(panels, ranks, strict=True):
        _draw_panel(axes, each)
    panels[-1].set_xlabel("mean rank by recall of the top 1 % (left is better)")
    style.caption(
        figure,
        f"Mean ranks over {ranks[0].benchmarks} benchmarks",
        "Methods are ranked on each benchmark by their mean recall over the runs. Lines: 95 % intervals of the mean "
        "over the benchmarks. CD: critical difference of Nemenyi at 5 %; a gray bar on the right joins methods whose "
        "mean ranks differ by less: no significant difference.",
    )
    return figure


def _draw_panel(axes: Axes, ranks: MethodRanks) -> None:
    names = [one.method for one in ranks.methods]
    right = len(names)
    for place, one in enumerate(ranks.methods):
        look = style.line_style(one.method)
        axes.plot([one.low, one.high], [place, place], color=look.color, linewidth=1.5)
        axes.plot([one.mean_rank], [place], look.marker, color=look.color)
    for number, group in enumerate(ranks.groups):
        ends = names.index(group[0]), names.index(group[-1])
        x = right + 0.3 + 0.15 * number
        axes.plot([x, x], [ends[0] - 0.15, ends[1] + 0.15], color="#777777", linewidth=3, solid_capstyle="butt")
    if ranks.critical_difference is not None:
        axes.plot([1, 1 + ranks.critical_difference], [-0.8, -0.8], color="#777777", linewidth=3)
        axes.text(1 + ranks.critical_difference, -0.8, f"  CD {ranks.critical_difference:.2f}", va="center", fontsize=7)
    title = "" if ranks.budget is None else f"budget of {ranks.budget:,} evaluations; "
    test = "" if ranks.p_value is None else f"{ranks.test} p = {ranks.p_value:.2g}"
    axes.set(title=f"{title}{test}", yticks=range(len(names)), ylim=(len(names) - 0.4, -1.3))
    axes.set_xticks(range(1, right + 1))
    axes.set_xlim(0.8, right + 0.5 + 0.15 * len(ranks.groups))
    axes.set_yticklabels([f"{one.method}  {one.mean_rank:.1f}" for one in ranks.methods])
