"""Diagram: an architecture of any space as nodes and arrows in the plane, and the differences of two diagrams."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import pairwise

from lissnas.errors import SettingError
from lissnas.spaces.categorical import CategoricalSpace
from lissnas.spaces.chain import Chain
from lissnas.spaces.graph_codes import EDGES as GRAPH_EDGES
from lissnas.spaces.graph_codes import INNER, VERTICES
from lissnas.spaces.published import cell201, darts, nasbench101, transnas
from lissnas.spaces.published.macro import macro_chain
from lissnas.spaces.published.mobilenet import fairnas_chain, mobilenet_chain, mobilenetv2_chain
from lissnas.spaces.published.shufflenetv2 import shufflenetv2_chain
from lissnas.spaces.space import Rows, Space

_MICRO_NAMES = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3")

_MACRO_NAMES = {"1": "plain", "2": "2 C", "3": "1/2", "4": "2 C, 1/2"}
"""2 C doubles the channels, 1/2 halves height and width."""

_LAYER_NAMES = ("identity", "e3 k3", "e6 k5")
"""Expansion and kernel of the layers of NAS-Bench-Macro."""

_DARTS_BENDS = {(0, 3): 0.12, (2, 3): 0.25}
"""Bends of the arrows that would otherwise cross a node, by source and target."""

_MAX_ROW = 6
"""Maximum number of nodes of a chain in one row."""

_HEIGHTS = (1.0, -0.8, 0.5, -1.1, 0.8)
"""Vertical positions of the inner vertices of a graph, chosen so that no arrow crosses a vertex."""


@dataclass(frozen=True)
class Node:
    """A node of a diagram.

    Attributes
    ----------
    name
        Name that arrows use; diagrams of one space share the names.
    label
        Text of the node: an operation, "input", "output" or a number.
    x, y
        Position; a distance of 1 leaves room for a label.
    operation
        Whether the label is one of the choices of a gene.
    shape
        Channels, height and width of the output, such as "64 x 16 x 16"; "" if unknown.
    """

    name: str
    label: str
    x: float
    y: float
    operation: bool = False
    shape: str = ""


@dataclass(frozen=True)
class Arrow:
    """An arrow from one node to another.

    Attributes
    ----------
    source, target
        Names of the nodes.
    label
        The operation on the arrow; "" if it passes its input on unchanged.
    bend
        Height of its curve as a share of its length; positive to the left of its direction.
    """

    source: str
    target: str
    label: str = ""
    bend: float = 0.0


@dataclass(frozen=True)
class Diagram:
    """An architecture as nodes and arrows; `diagrams.draw.draw_diagrams` draws it."""

    nodes: tuple[Node, ...]
    arrows: tuple[Arrow, ...]

    def describe_edit_to(self, other: "Diagram") -> str:
        """Return the changes that lead to another diagram: '1 to 2: skip_connect becomes none'."""
        before, after = self._labels, other._labels
        changes = [
            _change(f"operation {name}", before.get(name), after.get(name))
            for name in before | after
            if before.get(name) != after.get(name)
        ]
        ways = self._ways, other._ways
        ends = other._ends | self._ends
        for source, target in ways[0] | ways[1]:
            old, new = (way.get((source, target)) for way in ways)
            if old != new:
                changes.append(_change(f"{ends[source]} to {ends[target]}", old, new))
        return "; ".join(changes)

    @cached_property
    def _labels(self) -> dict[str, str]:
        return {node.name: node.label for node in self.nodes}

    @cached_property
    def _ways(self) -> dict[tuple[str, str], str]:
        """The label of the arrow between two nodes."""
        return {(arrow.source, arrow.target): arrow.label or "edge" for arrow in self.arrows}

    @cached_property
    def _ends(self) -> dict[str, str]:
        """What each node is called as an end of an arrow."""
        return {node.name: node.name if node.operation else node.label for node in self.nodes}

    def differences_from(self, other: "Diagram") -> tuple[frozenset[str], frozenset[Arrow]]:
        """Return the names of the nodes, and the arrows, that are missing or different in the other diagram."""
        other_labels = {node.name: node.label for node in other.nodes}
        nodes = frozenset(node.name for node in self.nodes if other_labels.get(node.name) != node.label)
        other_arrows = {(arrow.source, arrow.target, arrow.label) for arrow in other.arrows}
        arrows = (arrow for arrow in self.arrows if (arrow.source, arrow.target, arrow.label) not in other_arrows)
        return nodes, frozenset(arrows)


def _change(where: str, before: str | None, after: str | None) -> str:
    if after is None:
        return f"{where}: {before} is removed"
    return f"{where}: {after} is added" if before is None else f"{where}: {before} becomes {after}"


def diagrams(space: Space, rows: Rows) -> list[Diagram]:
    """Return the diagrams of a batch of architectures, shape (n, genes).

    Raises SettingError for a space without a drawing function.
    """
    rows = space.canonical(rows)
    for name, draw in _BY_SPACE.items():
        if space.name.removeprefix("distinct ").startswith(name):
            return [draw(row) for row in rows]
    if space.name.startswith("nas-bench-graph"):
        return [_graph_network(written) for written in space.write(rows)]
    if isinstance(space, CategoricalSpace):
        shapes = _SHAPED[space.name]().shapes if space.name in _SHAPED else ()
        chosen = ([names[gene] for names, gene in zip(space.operations, row, strict=True)] for row in rows)
        return [_chain(labels, shapes) for labels in chosen]
    raise SettingError(f"{space.name} has no diagrams: add a drawing function to _BY_SPACE in diagram.py")


def gene_names(space: Space) -> list[str]:
    """Return what each gene of a space chooses: an edge of a cell, an operation, or a layer."""
    name, arrow = space.name.removeprefix("distinct "), "\N{RIGHTWARDS ARROW}"
    if name.startswith(("cell201", "transnas-micro")):
        ends = ("input", "1", "2", "output")
        return [f"{ends[source]} {arrow} {ends[target]}" for source, target in cell201.EDGES]
    if name.startswith("nas-bench-101"):
        return [f"operation {vertex}" for vertex in INNER] + [f"{source} {arrow} {to}" for source, to in GRAPH_EDGES]
    if name.startswith("nas-bench-graph"):
        return ["pattern", *(f"operation {layer}" for layer in range(1, space.genes))]
    if name.startswith("darts"):
        parts = ("inputs", "first operation", "second operation")
        return [f"{cell} {node}: {part}" for cell in darts.CELLS for node in range(darts.NODES) for part in parts]
    return [f"layer {gene + 1}" for gene in range(space.genes)]


def _chain(labels: Sequence[str], shapes: Sequence[tuple[int, int]] = ()) -> Diagram:
    """Return the diagram of a chain of operations; rows run alternately to the right and to the left.

    `shapes` has channels and side length in pixels, first of the input and then of the output of each operation.
    """
    names = ["input", *(str(layer) for layer in range(len(labels))), "output"]
    rows = -(-len(names) // _MAX_ROW)
    width = -(-len(names) // rows)
    written = [f"{channels} x {pixels} x {pixels}" for channels, pixels in shapes] or [""] * (len(labels) + 1)
    nodes = []
    labeled = zip(names, ("input", *labels, "output"), (*written, ""), strict=True)
    for place, (name, label, shape) in enumerate(labeled):
        row, column = divmod(place, width)
        x = column if row % 2 == 0 else width - 1 - column
        nodes.append(Node(name, label, 1.2 * x, -row, operation=name.isdigit(), shape=shape))
    return Diagram(tuple(nodes), tuple(Arrow(*pair) for pair in pairwise(names)))


def _edge_cell(operations: Sequence[str]) -> Diagram:
    """Return the diagram of a NAS-Bench-201 cell: an operation on each of the six edges between four nodes."""
    return Diagram(_CELL_NODES, tuple(map(_cell_arrow, cell201.EDGES, operations)))


_CELL_NODES = tuple(Node(str(node), label, 2.0 * node, 0) for node, label in enumerate(("input", "1", "2", "output")))

_CELL_BENDS = {(0, 2): 0.35, (1, 3): -0.35, (0, 3): 0.45}


@cache
def _cell_arrow(edge: tuple[int, int], operation: str) -> Arrow:
    """Return an arrow of a cell: thousands of cells share a few dozen."""
    source, target = edge
    return Arrow(str(source), str(target), operation, _CELL_BENDS.get(edge, 0.0))


def _cell201(row: Rows) -> Diagram:
    return _edge_cell([cell201.OPERATIONS[gene] for gene in row])


def _transnas_micro(row: Rows) -> Diagram:
    return _edge_cell([_MICRO_NAMES[gene] for gene in row])


def _transnas_macro(row: Rows) -> Diagram:
    modules = (transnas.MACRO_MODULES[gene] for gene in row)
    return _chain([_MACRO_NAMES[module] for module in modules if module])


def _macro(row: Rows) -> Diagram:
    return _chain([_LAYER_NAMES[gene] for gene in row], macro_chain().shapes)


def _nasbench101(row: Rows) -> Diagram:
    """Return the diagram of a graph of operations, ordered from left to right by the longest path from the input."""
    operations, drawn = row[: len(INNER)], row[len(INNER) :]
    edges = [edge for edge, is_present in zip(GRAPH_EDGES, drawn, strict=True) if is_present]
    vertices = [0, *(vertex for vertex, operation in zip(INNER, operations, strict=True) if operation), VERTICES - 1]
    depth = dict.fromkeys(vertices, 0)
    for vertex in vertices:
        depth[vertex] = max((depth[source] + 1 for source, target in edges if target == vertex), default=0)
    labels = {0: "input", VERTICES - 1: "output"}
    for vertex, operation in zip(INNER, operations, strict=True):
        if operation:
            labels[vertex] = nasbench101.OPERATIONS[operation - 1].removesuffix("-bn-relu")
    height = dict(zip(vertices[1:-1], _HEIGHTS, strict=False))
    nodes = (
        Node(str(vertex), labels[vertex], 1.6 * depth[vertex], height.get(vertex, 0.0), operation=vertex in INNER)
        for vertex in vertices
    )
    return Diagram(tuple(nodes), tuple(Arrow(str(source), str(target)) for source, target in edges))


def _darts(row: Rows) -> Diagram:
    """Return the diagram of a normal cell above a reduction cell."""
    genes = row.reshape(len(darts.CELLS), darts.NODES, 3)
    nodes: list[Node] = []
    arrows: list[Arrow] = []
    for number, (cell, chosen) in enumerate(zip(darts.CELLS, genes, strict=True)):
        y = -3.4 * number
        names = [f"{cell} {place}" for place in ("k-2", "k-1", *range(darts.NODES))]
        nodes += [Node(names[0], "k-2", 0, y + 0.8), Node(names[1], "k-1", 0, y - 0.8)]
        nodes += [Node(names[2 + n], str(n), 2.2 + 2.2 * n, y + (1.2 if n % 2 else -1.2)) for n in range(darts.NODES)]
        nodes.append(Node(cell, cell, 2.2 * (darts.NODES + 1), y))
        for node, (pair, *operations) in enumerate(chosen.tolist()):
            for source, operation in zip(darts.input_pairs(node)[pair], operations, strict=True):
                bend = _DARTS_BENDS.get((source, node), 0.0)
                arrows.append(Arrow(names[source], names[2 + node], darts.OPERATIONS[operation], bend))
            arrows.append(Arrow(names[2 + node], cell))
    return Diagram(tuple(nodes), tuple(arrows))


def _graph_network(written: str) -> Diagram:
    """Return the diagram of a graph network: each layer follows its source; unused outputs go to the end."""
    pattern, _, operations = written.partition(":")
    sources = [int(digit) for digit in pattern]
    depth = [0]
    for source in sources:
        depth.append(depth[source] + 1)
    nodes = [Node("0", "input", 0, 0)]
    for layer, operation in enumerate(operations.split(","), 1):
        same_depth = [other for other in range(1, len(depth)) if depth[other] == depth[layer]]
        y = (len(same_depth) - 1) / 2 - same_depth.index(layer)
        nodes.append(Node(str(layer), operation, 1.5 * depth[layer], y, operation=True))
    nodes.append(Node("output", "output", 1.5 * (max(depth) + 1), 0))
    arrows = [Arrow(str(source), str(layer)) for layer, source in enumerate(sources, 1)]
    ends = set(range(1, len(depth))) - set(sources)
    return Diagram(tuple(nodes), (*arrows, *(Arrow(str(layer), "output") for layer in sorted(ends))))


_BY_SPACE: dict[str, Callable[[Rows], Diagram]] = {
    "cell201": _cell201,
    "transnas-micro": _transnas_micro,
    "transnas-macro": _transnas_macro,
    "macro": _macro,
    "nas-bench-101": _nasbench101,
    "darts": _darts,
}
"""Drawing functions by the prefix of the space's name; other categorical spaces are drawn as chains."""

_SHAPED: dict[str, Callable[[], Chain]] = {
    "shufflenetv2": shufflenetv2_chain,
    "mobilenet": mobilenet_chain,
    "fairnas": fairnas_chain,
    "mobilenetv2": mobilenetv2_chain,
}
"""Chains whose layer shapes are known, by the names of their spaces; for images of 224 x 224 pixels."""
