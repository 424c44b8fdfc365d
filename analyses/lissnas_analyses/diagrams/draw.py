"""Draw diagrams of architectures side by side, with their differences marked."""

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

_IDLE_OPERATIONS = ("none", "zero", "id", "identity", "skip", "skip_connect")
"""Operations that compute nothing; they are gray."""

_MARK = "#f0e442"
"""Background color of what differs from the first diagram."""

_INCHES = 0.85
"""Inches per unit of a diagram's coordinates."""

_TITLE_LETTERS = 15
"""Number of letters of a title per unit of a diagram's coordinates."""

_MAX_WIDTH_SIDE_BY_SIDE = 8
"""Maximum width of diagrams that are drawn side by side; wider ones are drawn below each other."""


def draw_diagrams(diagrams: Sequence[Diagram], titles: Sequence[str], notes: Sequence[str]) -> Figure:
    """Return a figure of architectures side by side; marks show the differences from the first (or second).

    Parameters
    ----------
    diagrams
        At least one diagram; all of one space.
    titles, notes
        Texts above and below each diagram.
    """
    labels = {node.label for diagram in diagrams for node in diagram.nodes if node.operation}
    labels |= {arrow.label for diagram in diagrams for arrow in diagram.arrows if arrow.label}
    chosen = sorted(labels - set(_IDLE_OPERATIONS))
    colors = {label: _PALETTE[place % len(_PALETTE)] for place, label in enumerate(chosen)}
    boxes = [_box(diagram) for diagram in diagrams]
    width = max(right - left for left, right, _bottom, _top in boxes)
    height = max(top - bottom for _left, _right, bottom, top in boxes)
    columns = 1 if width > _MAX_WIDTH_SIDE_BY_SIDE else min(2, len(diagrams))
    rows = -(-len(diagrams) // columns)
    figure, panels = style.new_figure(rows, columns, width=_INCHES * width, height=_INCHES * height + 0.7)
    for axes in panels[len(diagrams) :]:
        axes.axis("off")
    for place, (axes, diagram) in enumerate(zip(panels, diagrams, strict=False)):
        other = diagrams[1 if place == 0 and len(diagrams) > 1 else 0]
        _draw(axes, diagram, diagram.differences_from(other), colors)
        left, _right, bottom, _top = boxes[place]
        axes.set(xlim=(left, left + width), ylim=(bottom, bottom + height), aspect="equal")
        axes.axis("off")
        axes.set_title(fill(titles[place], int(_TITLE_LETTERS * width), break_on_hyphens=False), fontsize=7)
        axes.text(0, -0.02, notes[place], transform=axes.transAxes, ha="left", va="top", fontsize=7)
    if any(node.shape for diagram in diagrams for node in diagram.nodes):
        figure.supxlabel(
            "Below a layer: channels x height x width of its output; below the input: the output of the stem.",
            x=0.01,
            ha="left",
            fontsize=6,
        )
    return figure


def _box(diagram: Diagram) -> tuple[float, float, float, float]:
    """Return left, right, bottom and top of a diagram, with margins."""
    nodes = {node.name: node for node in diagram.nodes}
    places = [(node.x, node.y) for node in diagram.nodes] + [_middle(arrow, nodes) for arrow in diagram.arrows]
    x, y = zip(*places, strict=True)
    return min(x) - 0.7, max(x) + 0.7, min(y) - 0.4, max(y) + 0.4


def _middle(arrow: Arrow, nodes: dict[str, Node]) -> tuple[float, float]:
    """Return the middle of an arrow's curve."""
    source, target = nodes[arrow.source], nodes[arrow.target]
    along_x, along_y = target.x - source.x, target.y - source.y
    x = (source.x + target.x) / 2 - arrow.bend * along_y / 2
    return x, (source.y + target.y) / 2 + arrow.bend * along_x / 2


def _draw(
    axes: Axes, diagram: Diagram, unlike: tuple[frozenset[str], frozenset[Arrow]], colors: dict[str, str]
) -> None:
    nodes = {node.name: node for node in diagram.nodes}
    other_nodes, other_arrows = unlike
    for arrow in diagram.arrows:
        _draw_arrow(axes, arrow, nodes, colors.get(arrow.label, "#999999"), arrow in other_arrows)
    for node in diagram.nodes:
        background = colors.get(node.label, "#999999") if node.operation else "#ffffff"
        box = {
            "boxstyle": "round,pad=0.45",
            "facecolor": background,
            "edgecolor": "#444444",
            "linewidth": 0.8,
            "path_effects": [withStroke(linewidth=9, foreground=_MARK)] if node.name in other_nodes else [],
        }
        text_color = _text_color_on(background)
        axes.text(
            node.x, node.y, node.label, ha="center", va="center", fontsize=7, color=text_color, bbox=box, zorder=3
        )
        if node.shape:
            below = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}
            axes.text(node.x, node.y - 0.28, node.shape, ha="center", va="center", fontsize=5.5, bbox=below, zorder=4)


def _text_color_on(background: str) -> str:
    """Return black or white, whichever contrasts more with a color by its relative luminance."""
    red, green, blue = (part**2.2 for part in to_rgb(background))
    return "#000000" if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.18 else "#ffffff"


def _reach(node: Node, x: float, y: float) -> float:
    """Return the distance from the center of a node to the edge of its box towards a point, in points (1/72 inch)."""
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
