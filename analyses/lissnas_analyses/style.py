"""The house style of every figure, and how results are drawn in it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import matplotlib as mpl
from lissnas.spaces.space import Floats
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

_STYLE: dict[str, Any] = {
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": "medium",
    "figure.constrained_layout.use": True,
    "figure.dpi": 100,
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "lines.linewidth": 1.5,
    "lines.markersize": 4.5,
    "savefig.dpi": 200,
    "svg.fonttype": "none",
    "svg.hashsalt": "lissnas",
}

SEQUENTIAL = "cividis"
"""The color map of a quantity: even in lightness, also for color-blind eyes and in gray."""


@dataclass(frozen=True)
class LineStyle:
    """How one thing is drawn in every figure: told apart by color, by dash and by marker."""

    color: str
    dash: Literal["-", "--", ":"]
    marker: str


WHOLE_SPACE = LineStyle("#000000", "-", "x")
SINGLE = LineStyle("#0072b2", "-", "o")
"""For what is drawn alone."""

_METHOD_STYLES = {
    "lissnas": SINGLE,
    "operation-pruning": LineStyle("#d55e00", "--", "s"),
    "random-subset": LineStyle("#777777", ":", "^"),
    "kernel": LineStyle("#009e73", "-", "D"),
    "angle": LineStyle("#cc79a7", "--", "v"),
    "evolving": LineStyle("#8c510a", "--", "<"),
    "distribution-pruning": LineStyle("#e69f00", "--", ">"),
    "progressive": LineStyle("#56b4e9", "--", "P"),
    "design-space": LineStyle("#b2182b", "--", "X"),
    "best-of-sample": LineStyle("#999999", ":", "h"),
    "regularized-evolution": LineStyle("#542788", ":", "d"),
    "local-search": LineStyle("#01665e", ":", "p"),
    "regression": LineStyle("#bf812d", ":", "*"),
}
"""Of each method: whole lines for locality, dashes for one region, dots for what a user would try."""


def line_style(method: str) -> LineStyle:
    """Return how a method is drawn; one that is not the project's own in black."""
    return _METHOD_STYLES.get(method, LineStyle("#000000", "-", "x"))


SHARE_STYLES = (LineStyle("#004d7a", "-", "o"), LineStyle("#2b8cbe", "--", "s"), LineStyle("#7ab8d9", ":", "^"))
"""For the top 1, 5 and 10 %: the smaller, the darker."""


@contextmanager
def house_style() -> Iterator[None]:
    """Draw in the house style within this context."""
    with mpl.rc_context(_STYLE):  # type: ignore[arg-type]
        yield


def new_figure(rows: int, columns: int, width: float = 3.2, height: float = 2.7) -> tuple[Figure, list[Axes]]:
    """Return a figure of panels of this size in inches, and its panels in reading order."""
    figure = Figure(figsize=(columns * width, rows * height), layout="constrained")
    return figure, list(figure.subplots(rows, columns, squeeze=False).ravel())


def draw_with_interval(
    axes: Axes, x: Floats, value: Floats, low: Floats, high: Floats, look: LineStyle, label: str
) -> None:
    """Draw a line with markers, and its 95 % interval as a band of the same color."""
    axes.fill_between(x, low, high, color=look.color, alpha=0.18, linewidth=0)
    axes.plot(x, value, color=look.color, linestyle=look.dash, marker=look.marker, label=label)


def logarithmic(axes: Axes, formatter: str | Callable[[float, float], str], axis: Literal["x", "y"] = "y") -> None:
    """Make an axis logarithmic, with ticks at 1, 2, 5 where only one or two powers of ten are in view."""
    axes.set(**{f"{axis}scale": "log"})
    scale = axes.xaxis if axis == "x" else axes.yaxis
    low, high = scale.get_view_interval()
    scale.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 300 * low else (1,)))
    scale.set_minor_locator(NullLocator())
    scale.set_major_formatter(formatter)


def label(axes: Axes, text: str, x: float, y: float, color: str, offset: tuple[float, float], vertical: str) -> None:
    """Write a direct label beside a point; `offset` is in printer's points."""
    axes.annotate(
        text, (x, y), xytext=offset, textcoords="offset points", ha="left", va=vertical, fontsize=7, color=color
    )


def percent(value: float, _position: float) -> str:
    """Format a share for an axis."""
    return f"{100 * value:g} %"


def caption(figure: Figure, title: str, text: str) -> None:
    """Put a title over a figure, and under it what it shows, so that it can be read alone."""
    figure.suptitle(title, x=0.01, ha="left", fontsize="large", fontweight="bold")
    figure.supxlabel(text, x=0.01, ha="left", fontsize=7, color="#444444", wrap=True)
