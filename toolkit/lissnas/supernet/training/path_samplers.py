"""Which paths of a supernet are trained in a step: the samplers of the literature.

A sampler keeps no state: the generator of a step decides, so that a run that is resumed draws on as if never stopped.
"""

from typing import Protocol

import numpy as np

from lissnas.errors import SettingError
from lissnas.spaces.categorical import CategoricalSpace
from lissnas.spaces.costs import Costs
from lissnas.spaces.space import Rows, Space
from lissnas.subspaces.subspace import Subspace

_DRAWN_AT_ONCE = 1 << 10

_DRAWN_AT_MOST = 1 << 20
"""After so many networks outside a bin of FLOPs it counts as empty (our own choice)."""


class PathSampler(Protocol):
    """Chooses the networks that one step trains, one after the other on the same images."""

    def next(self, rng: np.random.Generator) -> Rows:
        """Return the networks of a step, shape (paths, genes); as many in every step."""


class UniformPathSampler:
    """One network a step, all of the space being equally likely. SPOS, Guo et al., ECCV 2020."""

    def __init__(self, space: Space) -> None:
        self._space = space

    def next(self, rng: np.random.Generator) -> Rows:
        return self._space.sample(1, rng)


class SubspacePathSampler:
    """One network a step, all of a subspace being equally likely, however many pockets or balls hold it."""

    def __init__(self, subspace: Subspace) -> None:
        self._subspace = subspace

    def next(self, rng: np.random.Generator) -> Rows:
        return self._subspace.sample(1, rng)


class FlopsBinPathSampler:
    """One network a step: a bin of FLOPs, all being equally likely, then uniformly one of its networks.

    SPOS's released code trains so, with bins from 290 to 360 million, 10 million wide.

    Parameters
    ----------
    space
        A categorical space.
    costs
        Multiply-accumulates of its networks.
    edges
        Where each bin begins, ascending, and where the last one ends; each holds its beginning, not its end.
    """

    def __init__(self, space: CategoricalSpace, costs: Costs, edges: tuple[int, ...]) -> None:
        if len(edges) < 2 or sorted(set(edges)) != list(edges):
            raise SettingError(f"the edges {edges} make no bins of FLOPs: give two or more, ascending")
        self._space = space
        self._costs = costs
        self._edges = edges

    def next(self, rng: np.random.Generator) -> Rows:
        """As PathSampler.next; raises SettingError if no network of the bin is found."""
        first = int(rng.integers(len(self._edges) - 1))
        low, high = self._edges[first : first + 2]
        for _ in range(_DRAWN_AT_MOST // _DRAWN_AT_ONCE):
            rows = _uniform(self._space, _DRAWN_AT_ONCE, rng)
            costs = self._costs(rows)
            inside = (costs >= low) & (costs < high)
            if inside.any():
                return rows[inside][:1]
        raise SettingError(
            f"none of {_DRAWN_AT_MOST:,} networks of {self._space.name} costs {low:,} to {high:,} FLOPs: they cost "
            f"{self._costs.minimum:,} to {self._costs.maximum:,}; choose other bins"
        )


class FairPathSampler:
    """As many networks a step as a layer has choices, each choice being in one of them. FairNAS, Chu et al., ICCV 2021.

    Where layers have different numbers of choices, FairNAS says nothing. Our own choice: there are as many networks as
    the largest has, and the choices of smaller layers are repeated, all as often as possible.
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
    """The network of most FLOPs, that of fewest, and random ones between. Yu and Huang, ICCV 2019; BigNAS, ECCV 2020.

    Parameters
    ----------
    space
        A categorical space.
    costs
        Multiply-accumulates of its networks; of choices that cost the same, the first counts.
    random
        How many random networks there are in a step.
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
    """Draw networks of a space, each time from all: one may come twice."""
    return rng.integers(0, space.choices, (count, space.genes), dtype=np.uint8)
