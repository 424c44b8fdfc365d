"""Count neighbors and distances in spaces where an edit is more than a changed gene, for the pages that quote them.

python docs/measured/neighborhoods.py
"""

import numpy as np
from lissnas.spaces.edit_graph import EditGraph
from lissnas.spaces.published.cell201 import distinct_cell201
from lissnas.spaces.published.nasbench101 import nasbench101

INNER_VERTICES = 5
STARTS = 64


def describe(name: str, graph: EditGraph) -> None:
    """Print how many neighbors the architectures of a space have."""
    counts = np.diff(graph.offsets)
    neighbors = f"{counts.min()} to {counts.max()} neighbors, {counts.mean():.0f} on average"
    print(f"{name}: {graph.nodes:,} architectures with {neighbors}")


if __name__ == "__main__":
    describe("isomorphism classes of cells", distinct_cell201().graph)
    space = nasbench101()
    describe(space.name, space.graph)
    vertices = np.count_nonzero(space.all_rows()[:, :INNER_VERTICES], axis=1)
    sources = np.repeat(np.arange(space.size), np.diff(space.graph.offsets))
    print(f"{(vertices[sources] == vertices[space.graph.targets]).mean():.0%} of neighbors have as many vertices")
    starts = np.random.default_rng(0).choice(space.size, STARTS, replace=False)
    distances = space.graph.distances(starts)
    within = (distances <= 6).mean()
    print(
        f"of {distances.size:,} random pairs {within:.0%} are within 6 edits; the largest distance is {distances.max()}"
    )
