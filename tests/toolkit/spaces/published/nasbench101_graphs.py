"""NAS-Bench-101 in plain Python: graphs, which of them are isomorphic, and which are one edit apart."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import chain, combinations, permutations, product

from lissnas.spaces.graph_codes import EDGES

IN, OUT = "input", "output"


@dataclass(frozen=True)
class Graph:
    """Operations of the inner vertices 0, 1, ..., and edges between them, from IN and to OUT; cycles are possible."""

    operations: tuple[int, ...]
    edges: frozenset[tuple[object, object]]


def reached(edges: frozenset, start: object) -> set:
    reached, queue = {start}, deque([start])
    while queue:
        vertex = queue.popleft()
        for a, b in edges:
            if a == vertex and b not in reached:
                reached.add(b)
                queue.append(b)
    return reached


def prune_graph(graph: Graph) -> Graph | None:
    reversed_edges = frozenset((b, a) for a, b in graph.edges)
    on_paths = reached(graph.edges, IN) & reached(reversed_edges, OUT)
    if OUT not in on_paths:
        return None
    inner = [vertex for vertex in range(len(graph.operations)) if vertex in on_paths]
    new = {IN: IN, OUT: OUT} | {vertex: place for place, vertex in enumerate(inner)}
    edges = frozenset((new[a], new[b]) for a, b in graph.edges if a in on_paths and b in on_paths)
    return Graph(tuple(graph.operations[vertex] for vertex in inner), edges)


def is_acyclic(graph: Graph) -> bool:
    return not any(a in reached(graph.edges, b) for a, b in graph.edges)


@cache
def key(graph: Graph) -> tuple:
    """Return a key that only isomorphic graphs share: the minimum over all numberings of the vertices."""
    numberings = []
    for order in permutations(range(len(graph.operations))):
        new = {IN: -1, OUT: 9} | {vertex: place for place, vertex in enumerate(order)}
        numberings.append((tuple(graph.operations[v] for v in order), sorted((new[a], new[b]) for a, b in graph.edges)))
    operations, edges = min(numberings)
    return operations, tuple(edges)


def row_of(graph: Graph, places: tuple[int, ...] = (1, 2, 3, 4, 5)) -> list[int]:
    """Return the genes of a graph whose edges lead from lower to higher vertices, with its vertices at these places."""
    new = {IN: 0, OUT: 6} | dict(enumerate(places))
    operations = [0] * 5
    for vertex, operation in enumerate(graph.operations):
        operations[new[vertex] - 1] = operation
    edges = {(new[a], new[b]) for a, b in graph.edges}
    return operations + [int(edge in edges) for edge in EDGES]


def graph_of(row: list[int]) -> Graph:
    names = {0: IN, 6: OUT} | {vertex: vertex - 1 for vertex in range(1, 6)}
    edges = frozenset((names[a], names[b]) for (a, b), gene in zip(EDGES, row[5:], strict=True) if gene)
    return Graph(tuple(gene for gene in row[:5] if gene), edges)


def upper_triangle(inner: int) -> list[tuple[object, object]]:
    return list(combinations([IN, *range(inner), OUT], 2))


def labeled_graphs(max_inner: int) -> Iterator[Graph]:
    """Yield every graph with at most `max_inner` inner vertices whose edges lead from lower to higher vertices."""
    for inner in range(max_inner + 1):
        possible = upper_triangle(inner)
        for chosen in product((0, 1), repeat=len(possible)):
            edges = frozenset(edge for edge, is_chosen in zip(possible, chosen, strict=True) if is_chosen)
            for operations in product((1, 2, 3), repeat=inner):
                yield Graph(operations, edges)


def edited(graph: Graph, max_inner: int) -> Iterator[Graph]:
    """Yield the graphs one edit away from a graph, and some with too many edges or cycles."""
    inner = len(graph.operations)
    for vertex, operation in product(range(inner), (1, 2, 3)):
        yield Graph((*graph.operations[:vertex], operation, *graph.operations[vertex + 1 :]), graph.edges)
    for edge in graph.edges:
        cut = prune_graph(Graph(graph.operations, graph.edges - {edge}))
        if cut is not None and len(cut.operations) >= inner - 1:
            yield cut
    for edge in product([IN, *range(inner)], [*range(inner), OUT]):
        yield Graph(graph.operations, graph.edges | {edge})
    if inner == max_inner:
        return
    # A vertex that depends on one edge has only this edge on that side.
    before, after = [IN, *range(inner)], [*range(inner), OUT]
    ends = chain(
        (([a], list(bs)) for a in before for count in range(1, 8) for bs in combinations(after, count)),
        ((list(starts), [b]) for b in after for count in range(1, 8) for starts in combinations(before, count)),
    )
    for starts, stops in ends:
        if len(graph.edges) + len(starts) + len(stops) <= 9:
            new = {(a, inner) for a in starts} | {(inner, b) for b in stops}
            for operation in (1, 2, 3):
                yield Graph((*graph.operations, operation), graph.edges | new)


def neighbor_keys(graph: Graph, max_inner: int) -> set[tuple]:
    keys = {key(other) for other in edited(graph, max_inner) if len(other.edges) <= 9 and is_acyclic(other)}
    return keys - {key(graph)}
