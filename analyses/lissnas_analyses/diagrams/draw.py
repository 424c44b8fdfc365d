"""Drawing diagrams of architectures, one or several beside each other with their differences marked."""

from collections.abc import Sequence
from math import hypot
from textwrap import fill

from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch
from matplotlib.patheffects import withStroke

from lissnas_analyses import style
from lissnas_analyses.diagrams.diagram import Arrow, Diagram, Node

_PALETTE = (
    "#0072b2",
    "#d55e00",
    "#009e73",
    "#cc79a7",
    "#e69f00",
    "#56b4e9",
    "#8c510a",
    "#542788",
    "#01665e",
    "#b2182b",
)

_NOTHING = ("none", "zero", "id", "identity", "skip", "skip_connect")
"""Operations drawn in gray: they compute nothing."""

_MARK = "#f0e442"
"""Behind what differs from the first diagram."""

_INCHES = 0.85
"""How long a step of a diagram's plane is."""

_LETTERS = 15
"""How many letters of a title go into such a step."""

_WIDE = 8
"""Diagrams of more steps stand one under the other."""


def draw_diagrams(diagrams: Sequence[Diagram], titles: Sequence[str], notes: Sequence[str]) -> Figure:
    """Draw architectures beside each other, with marks where they differ from the first, and the first from the second.

    Parameters
    ----------
    diagrams
        At least one, all of one space.
    titles, notes
        Over and under each.
    """
    labels = {node.label for one in diagrams for node in one.nodes if node.operation}
    labels |= {arrow.label for one in diagrams for arrow in one.arrows if arrow.label}
    chosen = sorted(labels - set(_NOTHING))
    colors = {label: _PALETTE[place % len(_PALETTE)] for place, label in enumerate(chosen)}
    boxes = [_box(one) for one in diagrams]
    width = max(right - left for left, right, _bottom, _top in boxes)
    height = max(top - bottom for _left, _right, bottom, top in boxes)
    columns = 1 if width > _WIDE else min(2, len(diagrams))
    rows = -(-len(diagrams) // columns)
    figure, panels = style.new_figure(rows, columns, width=_INCHES * width, height=_INCHES * height + 0.7)
    for axes in panels[len(diagrams) :]:
        axes.axis("off")
    for place, (axes, one) in enumerate(zip(panels, diagrams, strict=False)):
        other = diagrams[1 if place == 0 and len(diagrams) > 1 else 0]
        _draw(axes, one, one.differences_from(other), colors)
        left, _right, bottom, _top = boxes[place]
        axes.set(xlim=(left, left + width), ylim=(bottom, bottom + height), aspect="equal")
        axes.axis("off")
        axes.set_title(fill(titles[place], int(_LETTERS * width), break_on_hyphens=False), fontsize=7)
        axes.text(0, -0.02, notes[place], transform=axes.transAxes, ha="left", va="top", fontsize=7)
    if any(node.shape for one in diagrams for node in one.nodes):
        figure.supxlabel(
            "Below a layer: channels x height x width of what it hands on; below the input: what the stem makes of it.",
            x=0.01,
            ha="left",
            fontsize=6,
        )
    return figure


def _box(one: Diagram) -> tuple[float, float, float, float]:
    """Return left, right, bottom and top of what is drawn."""
    nodes = {node.name: node for node in one.nodes}
    places = [(node.x, node.y) for node in one.nodes] + [_middle(arrow, nodes) for arrow in one.arrows]
    x, y = zip(*places, strict=True)
    return min(x) - 0.7, max(x) + 0.7, min(y) - 0.4, max(y) + 0.4


def _middle(arrow: Arrow, nodes: dict[str, Node]) -> tuple[float, float]:
    """Return the middle of an arrow: half-way to the point that its curve bends towards."""
    source, target = nodes[arrow.source], nodes[arrow.target]
    along_x, along_y = target.x - source.x, target.y - source.y
    x = (source.x + target.x) / 2 - arrow.bend * along_y / 2
    return x, (source.y + target.y) / 2 + arrow.bend * along_x / 2


def _draw(axes: Axes, one: Diagram, unlike: tuple[frozenset[str], frozenset[Arrow]], colors: dict[str, str]) -> None:
    nodes = {node.name: node for node in one.nodes}
    other_nodes, other_arrows = unlike
    for arrow in one.arrows:
        _draw_arrow(axes, arrow, nodes, colors.get(arrow.label, "#999999"), arrow in other_arrows)
    for node in one.nodes:
        ground = colors.get(node.label, "#999999") if node.operation else "#ffffff"
        box = {
            "boxstyle": "round,pad=0.45",
            "facecolor": ground,
            "edgecolor": "#444444",
            "linewidth": 0.8,
            "path_effects": [withStroke(linewidth=9, foreground=_MARK)] if node.name in other_nodes else [],
        }
        ink = _ink_on(ground)
        axes.text(node.x, node.y, node.label, ha="center", va="center", fontsize=7, color=ink, bbox=box, zorder=3)
        if node.shape:
            below = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}
            axes.text(node.x, node.y - 0.28, node.shape, ha="center", va="center", fontsize=5.5, bbox=below, zorder=4)


def _ink_on(ground: str) -> str:
    """Return black or white, whichever is told better from a color, by its relative luminance."""
    red, green, blue = (part**2.2 for part in to_rgb(ground))
    return "#000000" if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.18 else "#ffffff"


def _reach(node: Node, x: float, y: float) -> float:
    """Return how far the box of a node reaches from its middle towards a point, in printer's points."""
    along_x, along_y = abs(x - node.x), abs(y - node.y)
    wide, high = 2 * len(node.label) + 3.5, 8
    return hypot(along_x, along_y) * min(wide / max(along_x, 1e-9), high / max(along_y, 1e-9))


def _draw_arrow(axes: Axes, arrow: Arrow, nodes: dict[str, Node], color: str, marked: bool) -> None:
    source, target = nodes[arrow.source], nodes[arrow.target]
    absent = arrow.label in ("none", "zero")
    middle_x, middle_y = _middle(arrow, nodes)

    def draw(style: str, color: str, width: float, dash: str, order: int) -> None:
        patch = FancyArrowPatch(
            (source.x, source.y),
            (target.x, target.y),
            arrowstyle=style,
            connectionstyle=f"arc3,rad={-arrow.bend}",
            shrinkA=_reach(source, middle_x, middle_y) + 1,
            shrinkB=_reach(target, middle_x, middle_y) + 2,
            mutation_scale=10,
            color=color,
            linewidth=width,
            linestyle=dash,
            zorder=order,
        )
        axes.add_patch(patch)

    if marked:
        draw("-", _MARK, 7, "-", 1)
    draw("-|>", color, 0.8 if absent else 1.6, ":" if absent else "-", 2)
    if arrow.label:
        axes.text(
            middle_x,
            middle_y,
            arrow.label.replace("nor_", "").replace("_", " "),
            ha="center",
            va="center",
            fontsize=6.5,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
            zorder=4,
        )
