"""The cells of DARTS and NAS-Bench-301: two cells of four nodes, each node with two inputs and two operations.

Liu, Simonyan and Yang, "DARTS: Differentiable Architecture Search", ICLR 2019; as restricted by Siems, Zimmer, Zela,
Lukasik, Keuper and Hutter, "NAS-Bench-301 and the Case for Surrogate Benchmarks for Neural Architecture Search", 2020:
the two inputs of a node differ, and all nodes are concatenated.
"""

import re
from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lissnas.errors import ArchitectureError, shortened
from lissnas.spaces.categorical import CategoricalSpace
from lissnas.spaces.edit_graph import EditGraph
from lissnas.spaces.space import Floats, Graphs, Indices, Rows, ShellSums, Space

OPERATIONS = (
    "max_pool_3x3",
    "avg_pool_3x3",
    "skip_connect",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "dil_conv_3x3",
    "dil_conv_5x5",
)

CELLS = ("normal", "reduce")

NODES = 4


def input_pairs(node: int) -> tuple[tuple[int, int], ...]:
    """Return the choices of the first gene of a node, counted from 0: (0, 1), (0, 2), (1, 2), (0, 3), ...

    Each pair has the lower input first. The pairs of a node begin with those of the node before it. Inputs 0 and 1 are
    the outputs of the two previous cells, input 2 is the output of node 0, and so on, as in a genotype.
    """
    return tuple((lower, higher) for higher in range(1, node + 2) for lower in range(higher))


class DartsSpace(Space):
    """Cells in which each node applies an operation to each of two different earlier outputs and adds the results.

    A node has three genes: the pair of inputs (see `input_pairs`), the operation on the lower input, and the operation
    on the higher input. The genes are ordered by cell, then by node. Every row is valid, and different rows are
    different genotypes. Cells that differ only in the order of their nodes count as different, because the surrogate of
    NAS-Bench-301 predicts them separately.

    An edit, as in the local-search literature, changes the operation of one edge, or moves one edge with its operation
    to an input that the node's other edge does not use. If the moved edge passes the other edge, their operations swap
    places in the row. A full-size architecture has 120 neighbors: 96 by an operation, 24 by an input.

    The distance is the smallest number of edits. Nodes are independent, so it is a sum over nodes. For one node it is
    the number of differences in input and operation, under the better of the two ways to match its edges with those of
    the other node. (Single edits cannot swap both inputs, but matching equal inputs is then no worse.)

    Parameters
    ----------
    name
        The field's name for the space.
    cells
        The names of the cells.
    nodes
        Number of nodes of each cell.
    operations
        The names of the operations.

    Examples
    --------
    >>> space = DartsSpace("one node", cells=("normal",), nodes=1, operations=("skip", "conv"))
    >>> space.write(space.rows(np.array([1])))
    ["Genotype(normal=[('skip', 0), ('conv', 1)], normal_concat=range(2, 3))"]
    """

    def __init__(
        self,
        name: str,
        cells: Sequence[str] = CELLS,
        nodes: int = NODES,
        operations: Sequence[str] = OPERATIONS,
    ) -> None:
        self.name = name
        self.operations = tuple(operations)
        self._cells = tuple(cells)
        self._nodes = nodes
        pairs = [[str(pair) for pair in input_pairs(node)] for _ in cells for node in range(nodes)]
        genes = [names for pair in pairs for names in (pair, self.operations, self.operations)]
        self._encoding = CategoricalSpace(name, genes, "")
        self.choices = self._encoding.choices
        self.size = self._encoding.size

    def index(self, rows: Rows) -> Indices:
        return self._encoding.index(rows)

    def rows(self, index: Indices) -> Rows:
        return self._encoding.rows(index)

    def neighbors(self, rows: Rows) -> tuple[Rows, Indices]:
        states = self._states(rows)
        degree = sum(near.shape[1] for near in self._near)
        edited = np.repeat(rows[:, None, :], degree, axis=1)
        first = 0
        for place, near in enumerate(self._near):
            last = first + near.shape[1]
            edited[:, first:last, 3 * place : 3 * place + 3] = self._genes_of(near[states[:, place]])
            first = last
        return edited.reshape(-1, self.genes), np.repeat(np.arange(len(rows)), degree)

    def distance(self, a: Rows, b: Rows) -> NDArray[np.uint8]:
        a_states, b_states = self._states(a), self._states(b)
        distance = np.zeros(len(a), dtype=np.uint8)
        for place, between in enumerate(self._between):
            distance += between[a_states[:, place], b_states[:, place]]
        return distance

    def distances(self, a: Rows, b: Rows) -> NDArray[np.uint8]:
        a_states, b_states = self._states(a), self._states(b)
        distances = np.zeros((len(a), len(b)), dtype=np.uint8)
        for place, between in enumerate(self._between):
            distances += between[a_states[:, place, None], b_states[:, place]]
        return distances

    def shell_sums(self, columns: Floats, scores: Floats) -> ShellSums:
        neighbors, source = self.neighbors(self.all_rows())
        return EditGraph.from_pairs(self.size, source, self.index(neighbors)).shell_sums(columns, scores)

    def mean_distance(self, rows: Rows) -> float:
        states = self._states(rows)
        if len(rows) < 2:
            return float("nan")
        total = 0.0
        for place, between in enumerate(self._between):
            count = np.bincount(states[:, place], minlength=len(between)).astype(np.float64)
            total += float(count @ between @ count)
        return total / (len(rows) * (len(rows) - 1))

    def graphs(self, rows: Rows) -> Graphs:
        """Return each network as one graph, with a part for each cell.

        A cell has a vertex for each input, each node and each operation. One edge leads into the vertex of an
        operation, another from it to its node. Different cells use different labels; all nodes of
        a cell have the same label.
        """
        inputs, operations = self.edges(rows)
        per_cell, outputs = 2 * self._nodes, self._nodes + 2
        cells = len(self._cells)
        edges = np.arange(cells * per_cell)
        first = edges // per_cell * (outputs + per_cell)
        vertex = np.broadcast_to(first + outputs + edges % per_cell, operations.shape)
        node = np.broadcast_to(first + 2 + edges % per_cell // 2, operations.shape)
        labels = np.empty((len(inputs), cells, outputs + per_cell), dtype=np.int64)
        labels[:, :, :outputs] = np.minimum(np.arange(outputs), 2)
        labels[:, :, outputs:] = operations.reshape(-1, cells, per_cell) + 3
        kinds = len(self.operations) + 3
        labels += 1 + np.arange(cells)[:, None] * kinds
        sources = np.concatenate([inputs + first, vertex], axis=1)
        targets = np.concatenate([vertex, node], axis=1)
        present = np.ones(sources.shape, dtype=np.bool_)
        return Graphs(labels.reshape(len(inputs), -1), sources, targets, present, cells * kinds)

    def write(self, rows: Rows) -> list[str]:
        inputs, operations = (part.tolist() for part in self.edges(rows))
        per_cell = 2 * self._nodes
        strings = []
        for row_inputs, row_operations in zip(inputs, operations, strict=True):
            edges = [(self.operations[x], a) for a, x in zip(row_inputs, row_operations, strict=True)]
            parts = [
                f"{cell}={edges[per_cell * place : per_cell * (place + 1)]}, {cell}_concat=range(2, {self._nodes + 2})"
                for place, cell in enumerate(self._cells)
            ]
            strings.append(f"Genotype({', '.join(parts)})")
        return strings

    def read(self, strings: Sequence[str]) -> Rows:
        """Return the row of each genotype; the two edges of a node may be in either order.

        Raises ArchitectureError for a genotype that is not in the space. Genotypes are parsed, never evaluated.
        """
        place_of = {name: place for place, name in enumerate(self.operations)}
        inputs: list[str] = []
        operations: list[str] = []
        for string in strings:
            match = self._grammar.fullmatch(string)
            if match is None:
                example = self.write(np.zeros((1, self.genes), dtype=np.uint8))[0]
                raise ArchitectureError(
                    f"'{shortened(string)}' is not written as {self.name} writes it: {self._difference(string)}; "
                    f"for example '{example}'"
                )
            groups = match.groups()
            inputs += groups[1::2]
            operations += groups[::2]
        numbers = [list(map(int, inputs)), [place_of[name] for name in operations]]
        edges = np.array(numbers, dtype=np.int64).T.reshape(len(strings), len(self._cells) * self._nodes, 2, 2)
        return self.rows_of_edges(edges, lambda row: f"'{shortened(strings[row])}'")

    def rows_of_edges(self, edges: NDArray[np.int64], describe: Callable[[int], str]) -> Rows:
        """Return rows from the input and the operation of each edge, int64 of shape (n, nodes of all cells, 2, 2).

        The last axis is the input, then the operation; the two edges of a node may be in either order. Raises
        ArchitectureError for the first row that is not in the space, which `describe` names by its number.
        """
        lower, higher = edges[:, :, 0, 0], edges[:, :, 1, 0]
        highest = np.tile(np.arange(self._nodes) + 1, len(self._cells))
        wrong = (lower == higher) | (edges[..., 0] > highest[:, None]).any(axis=2)
        if wrong.any():
            row, node = np.argwhere(wrong)[0]
            raise ArchitectureError(
                f"{describe(int(row))} is not in {self.name}: node {node % self._nodes + 2} of "
                f"{self._cells[node // self._nodes]} takes inputs {lower[row, node]} and {higher[row, node]}, "
                f"not two different ones of 0 to {highest[node]}"
            )
        in_order = np.where((lower < higher)[..., None, None], edges, edges[:, :, ::-1])
        lower, higher = in_order[:, :, 0, 0], in_order[:, :, 1, 0]
        rows = np.empty((*lower.shape, 3), dtype=np.uint8)
        rows[..., 0] = higher * (higher - 1) // 2 + lower
        rows[..., 1:] = in_order[..., 1]
        return rows.reshape(len(edges), self.genes)

    def _difference(self, string: str) -> str:
        """Return what is wrong with a string that is not a genotype."""
        names = re.findall(r"""\(\s*['"]([^'"]{0,40})['"]""", string[:10_000])
        unknown = [name for name in names if name not in self.operations]
        if string != string.strip():
            return "it has blanks around it"
        if unknown:
            return f"unknown operation '{unknown[0]}', which is one of {', '.join(self.operations)}"
        if string.startswith("Genotype") and len(names) != len(self._cells) * 2 * self._nodes:
            return f"it has {len(names)} edges instead of {len(self._cells) * 2 * self._nodes}"
        return f"it is not Genotype(...) with two edges a node and {self._cells[0]}_concat=range(2, {self._nodes + 2})"

    def edges(self, rows: Rows) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the input and the operation of every edge, each of shape (n, edges).

        The edges are in the order of the genotype: by cell, then by node, the lower input first.
        """
        nodes = self.checked(rows).astype(np.int64).reshape(len(rows), self.genes // 3, 3)
        inputs = np.array(input_pairs(self._nodes - 1), dtype=np.int64)[nodes[..., 0]]
        shape = (len(rows), 2 * nodes.shape[1])
        return inputs.reshape(shape), nodes[..., 1:].reshape(shape)

    def _states(self, rows: Rows) -> Indices:
        """Return the three genes of each node as one number, shape (n, nodes); the first gene counts most."""
        pair, first, second = np.moveaxis(
            self.checked(rows).astype(np.int64).reshape(len(rows), self.genes // 3, 3), 2, 0
        )
        return (pair * len(self.operations) + first) * len(self.operations) + second

    def _genes_of(self, states: Indices) -> Rows:
        pair, operations = np.divmod(states, len(self.operations) ** 2)
        return np.stack([pair, *np.divmod(operations, len(self.operations))], axis=-1).astype(np.uint8)

    @cached_property
    def _between(self) -> tuple[NDArray[np.uint8], ...]:
        """For each node the distance between any two of its states."""
        by_node = [_distances(np.array(input_pairs(node)), len(self.operations)) for node in range(self._nodes)]
        return tuple(by_node * len(self._cells))

    @cached_property
    def _near(self) -> tuple[Indices, ...]:
        """For each node the states one edit away from each state, shape (states, degree)."""
        return tuple(np.nonzero(between == 1)[1].reshape(len(between), -1) for between in self._between)

    @cached_property
    def _grammar(self) -> re.Pattern[str]:
        """The pattern of a genotype, with spaces where Python allows them; `concat` may be a range or a list."""
        names = "|".join(map(re.escape, self.operations))
        edge = [r"\(", rf"""['"]({names})['"]""", ",", r"(\d{1,3})", r"\)"]
        edges = [*edge, *([",", *edge] * (2 * self._nodes - 1))]
        numbers = [str(node) for node in range(2, self._nodes + 2)]
        listed = r"\s*".join([r"[\[(]", r"\s*,\s*".join(numbers), ",?", r"[\])]"])
        concatenated = rf"(?:range\s*\(\s*2\s*,\s*{self._nodes + 2}\s*\)|{listed})"
        cells = [[cell, "=", r"\[", *edges, r"\]", ",", f"{cell}_concat", "=", concatenated] for cell in self._cells]
        parts = [part for cell in cells for part in (",", *cell)][1:]
        return re.compile(r"\s*".join(["Genotype", r"\(", *parts, r"\)"]), re.ASCII)


def darts() -> DartsSpace:
    """Return the 1.08 * 10^18 pairs of a normal and a reduction cell."""
    return DartsSpace("darts")


def _distances(pairs: Indices, operations: int) -> NDArray[np.uint8]:
    """Return the smallest number of edits between any two states of a node, shape (states, states)."""
    pair, first, second = np.indices((len(pairs), operations, operations)).reshape(3, -1)
    edges = np.stack([pairs[pair], np.stack([first, second], axis=1)], axis=2)  # states, edges, (input, operation)
    a, b = edges[:, None], edges[None]
    matched = (a != b).sum(axis=(2, 3), dtype=np.uint8)
    crossed = (a != b[:, :, ::-1]).sum(axis=(2, 3), dtype=np.uint8)
    return np.minimum(matched, crossed)
