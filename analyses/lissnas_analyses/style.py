"""The style of every figure: colors, lines, axes and captions."""

import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

import matplotlib as mpl
from lissnas.spaces.space import Floats
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path
from matplotlib.ticker import LogLocator, NullLocator

_STYLE: dict[str, Any] = {
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": "medium",
    "figure.autolayout": False,
    "figure.constrained_layout.use": False,  # `new_figure` asks for this layout, and `fix_layout` ends it
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

CAPTION_ID = "caption"
"""The id of a caption in an SVG: a page that has the caption as text leaves it out of the picture."""

SEQUENTIAL = "viridis"
"""Color map of a quantity: uniform in lightness, also in grayscale and for color-blind readers."""

FAINT = "#c8c8c8"
"""Color of what is in the background of a figure."""

_NO_BREAK = "\N{NO-BREAK SPACE}"
"""Keeps a number and its percent sign on one line."""

_TITLE_SIZE = 10.5
"""Font size of the title of a figure, which states its message."""

_LABEL_HEIGHT = 10.5
"""Height of a label beside a panel in points."""


@dataclass(frozen=True)
class LineStyle:
    """How one method or measure is drawn in every figure: its color, dash and marker."""

    color: str
    dash: Literal["-", "--", ":"]
    marker: str


FULL_SPACE = LineStyle("#000000", "-", "x")
SINGLE = LineStyle("#0072b2", "-", "o")
"""For a line that is the only one in its panel."""

_METHOD_STYLES = {
    "lissnas": SINGLE,
    "lissnas-model": LineStyle("#332288", "-", "8"),
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
"""Style of each method: solid for locality methods, dashed for single regions, dotted for baselines."""


_VARIANTS: tuple[tuple[Literal["--", ":"], str], ...] = tuple(product(("--", ":"), "vP*X<"))
"""Dashes and markers of methods with settings of their own."""


def line_style(method: str) -> LineStyle:
    """Return how a method is drawn; methods of plug-ins are black.

    With settings of its own, as in "lissnas(seeds=50)", it has the color of the method, and a dash and marker that
    depend on the settings.
    """
    name, _, settings = method.partition("(")
    look = _METHOD_STYLES.get(name, LineStyle("#000000", "-", "x"))
    if settings:
        dash, marker = _VARIANTS[zlib.crc32(settings.encode()) % len(_VARIANTS)]
        look = LineStyle(look.color, dash, marker)
    return look


SHARE_STYLES = (LineStyle("#004d7a", "-", "o"), LineStyle("#2b8cbe", "--", "s"), LineStyle("#7ab8d9", ":", "^"))
"""For the top 1, 5 and 10 %: the smaller the share, the darker."""


@contextmanager
def house_style() -> Iterator[None]:
    """Draw in the house style within this context."""
    with mpl.rc_context(_STYLE):  # type: ignore[arg-type]
        yield


def new_figure(rows: int, columns: int, width: float = 3.2, height: float = 2.7) -> tuple[Figure, list[Axes]]:
    """Return a figure with panels of this size in inches, and the panels in reading order."""
    figure = Figure(figsize=(columns * width, rows * height), layout="constrained")
    return figure, list(figure.subplots(rows, columns, squeeze=False).ravel())


def draw_with_interval(
    axes: Axes, x: Floats, value: Floats, low: Floats, high: Floats, look: LineStyle, label: str
) -> None:
    """Draw a line with markers, and its 95 % interval as a band in the same color."""
    axes.fill_between(x, low, high, color=look.color, alpha=0.18, linewidth=0)
    axes.plot(x, value, color=look.color, linestyle=look.dash, marker=look.marker, label=label)


def logarithmic(axes: Axes, formatter: str | Callable[[float, float], str], axis: Literal["x", "y"] = "y") -> None:
    """Make an axis logarithmic, with ticks at 1, 2 and 5 if it covers only one or two powers of ten."""
    axes.set(**{f"{axis}scale": "log"})
    scale = axes.xaxis if axis == "x" else axes.yaxis
    low, high = scale.get_view_interval()
    scale.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 300 * low else (1,)))
    scale.set_minor_locator(NullLocator())
    scale.set_major_formatter(formatter)


def label(axes: Axes, text: str, x: float, y: float, color: str, offset: tuple[float, float], vertical: str) -> None:
    """Write a label next to a point; `offset` is in points (1/72 inch)."""
    axes.annotate(
        text, (x, y), xytext=offset, textcoords="offset points", ha="left", va=vertical, fontsize=7, color=color
    )


def label_ends(axes: Axes, ends: Sequence[tuple[float, str, str]]) -> None:
    """Write a label beside the panel for each (value on the y axis, text, color), moved apart if they would overlap.

    Call it when the limits and the scale of the axis are final.
    """
    height = _LABEL_HEIGHT * axes.figure.dpi / (72 * axes.bbox.height)
    to_panel = axes.transData + axes.transAxes.inverted()
    ordered = sorted(ends, key=lambda end: end[0])
    places: list[float] = []
    for value, _, _ in ordered:
        place = float(to_panel.transform((axes.get_xlim()[1], value))[1])
        places.append(max(place, places[-1] + height if places else 0.0))
    ceiling = 1.0
    for number in range(len(places) - 1, -1, -1):
        places[number] = min(places[number], ceiling)
        ceiling = places[number] - height
    for place, (_, text, color) in zip(places, ordered, strict=True):
        axes.text(1.02, place, text, transform=axes.transAxes, color=color, fontsize=7, va="center")


def percent(value: float, _position: float) -> str:
    """Format a share for an axis."""
    return f"{100 * value:g} %"


def caption(figure: Figure, title: str, text: str) -> None:
    """Add a title that states the message, and a caption that says what the figure shows, so that it reads alone."""
    width = 72 * 0.98 * figure.get_figwidth()
    lines = _break_lines(title, width, FontProperties(size=_TITLE_SIZE, weight="bold"))
    figure.suptitle("\n".join(lines), x=0.01, ha="left", fontsize=_TITLE_SIZE, fontweight="bold")
    lines = _break_lines(text, width, FontProperties(size=7))
    figure.supxlabel("\n".join(lines), x=0.01, ha="left", fontsize=7, color="#444444").set_gid(CAPTION_ID)


def _break_lines(text: str, width: float, font: FontProperties) -> list[str]:
    """Break a text into lines of at most this width in points.

    Matplotlib can wrap text too, but it repeats that each time it lays out or draws a figure. This took a fifth of the
    time that saving a figure took.
    """

    def width_of(part: str) -> float:
        return text_to_path.get_text_width_height_descent(part, font, ismath=False)[0]

    space = width_of("a b") - width_of("ab")
    lines: list[str] = []
    used = width
    for word in text.replace(" %", f"{_NO_BREAK}%").split(" "):
        needed = width_of(word)
        if used + space + needed > width:
            lines.append(word)
            used = needed
        else:
            lines[-1] += f" {word}"
            used += space + needed
    return [line.replace(_NO_BREAK, " ") for line in lines]


def fix_layout(figure: Figure) -> None:
    """Lay out a figure for its PNG, once and for all: otherwise each format that it is saved in lays it out again."""
    engine = figure.get_layout_engine()
    if engine is not None:
        dpi = figure.dpi
        figure.dpi = mpl.rcParams["savefig.dpi"]
        engine.execute(figure)
        figure.dpi = dpi
        figure.set_layout_engine(None)
