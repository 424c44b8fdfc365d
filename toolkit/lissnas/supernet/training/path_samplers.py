"""Path samplers: which paths of a supernet a step trains, as in SPOS, FairNAS and BigNAS.

A sampler has no state: the generator of each step decides. So a resumed run draws the same paths as an uninterrupted
one.
"""

from typing import Protocol

import numpy as np

from lissnas.errors import SettingError
from lissnas.spaces.categorical import CategoricalSpace
from lissnas.spaces.costs import Costs
from lissnas.spaces.space import Rows, Space
from lissnas.subspaces.subspace import Subspace

_DRAWS_PER_TRY = 1 << 10
"""Number of networks that are drawn at once to find one in a bin of FLOPs."""

_MAX_DRAWS = 1 << 20
"""A bin of FLOPs counts as empty if none of this many networks is in it (our own choice)."""


class PathSampler(Protocol):
    """Chooses the paths that a step trains, all on the same images."""

    def next(self, rng: np.random.Generator) -> Rows:
        """Return the paths of a step, shape (paths, genes). Every step has the same number."""


class UniformPathSampler:
    """One path per step, uniform over the space. SPOS, Guo et al., ECCV 2020."""

    def __init__(self, space: Space) -> None:
        self._space = space

    def next(self, rng: np.random.Generator) -> Rows:
        return self._space.sample(1, rng)


class SubspacePathSampler:
    """One path per step, uniform over a subspace, even where its balls overlap."""

    def __init__(self, subspace: Subspace) -> None:
        self._subspace = subspace

    def next(self, rng: np.random.Generator) -> Rows:
        return self._subspace.sample(1, rng)


class FlopsBinPathSampler:
    """One path per step: a uniform bin of FLOPs, then a uniform network in it.

    This is how SPOS's released code trains, with bins from 290 to 360 million FLOPs, each 10 million wide.

    Parameters
    ----------
    space
        The search space.
    costs
        Multiply-accumulates of its networks.
    edges
        Lower edge of each bin, ascending, then the upper edge of the last one. A bin contains its lower edge only.
    """

    def __init__(self, space: CategoricalSpace, costs: Costs, edges: tuple[int, ...]) -> None:
        if len(edges) < 2 or sorted(set(edges)) != list(edges):
            raise SettingError(f"the edges {edges} are no bins of FLOPs: give two or more edges, ascending")
        self._space = space
        self._costs = costs
        self._edges = edges

    def next(self, rng: np.random.Generator) -> Rows:
        """Return the path of a step; raise SettingError if no network of the bin is found."""
        first = int(rng.integers(len(self._edges) - 1))
        low, high = self._edges[first : first + 2]
        for _ in range(_MAX_DRAWS // _DRAWS_PER_TRY):
            rows = _uniform(self._space, _DRAWS_PER_TRY, rng)
            costs = self._costs(rows)
            in_bin = (costs >= low) & (costs < high)
            if in_bin.any():
                return rows[in_bin][:1]
        raise SettingError(
            f"none of {_MAX_DRAWS:,} networks of {self._space.name} costs {low:,} to {high:,} FLOPs: they cost "
            f"{self._costs.minimum:,} to {self._costs.maximum:,}; choose other bins"
        )


class FairPathSampler:
    """One path for each choice of a layer, so that every choice is in one path. FairNAS, Chu et al., ICCV 2021.

    FairNAS does not say what to do if layers have different numbers of choices. Our own choice: a step has as many
    paths as the largest layer has choices, and choices of smaller layers are repeated equally often, or once more.
    """

    def __init__(self, space: CategoricalSpace) -> None:
        self._choices = space.choices

    def next(self, rng: np.random.Generator) -> Rows:
        count = max(self._choices)
        columns = []
        for choices in self._choices:
            rounds = [rng.permutation(choices) for _ in range(-(-count // choices))]
            columns.append(rng.permutation(np.concatenate(rounds)[:count]))
        return np.stack(columns, axis=1).astype(np.uint8)


class SandwichPathSampler:
    """The network of most FLOPs, that of fewest, and random ones. Yu and Huang, ICCV 2019; BigNAS, ECCV 2020.

    Parameters
    ----------
    space
        The search space.
    costs
        Multiply-accumulates of its networks. Among choices of equal cost, the first is used.
    random
        Number of random networks per step.
    """

    def __init__(self, space: CategoricalSpace, costs: Costs, random: int = 1) -> None:
        self._space = space
        self._ends = np.array(
            [
                [int(np.argmax(added)) for added in costs.by_choice],
                [int(np.argmin(added)) for added in costs.by_choice],
            ],
            dtype=np.uint8,
        )
        self._random = random

    def next(self, rng: np.random.Generator) -> Rows:
        return np.concatenate([self._ends, _uniform(self._space, self._random, rng)])


def _uniform(space: CategoricalSpace, count: int, rng: np.random.Generator) -> Rows:
    """Draw networks of a space, with replacement."""
    return rng.integers(0, space.choices, (count, space.genes), dtype=np.uint8)
