"""HammingBall: the architectures within a given Hamming distance of a center, to count, list and sample."""

from functools import cached_property

import numpy as np

from lissnas.errors import SettingError
from lissnas.spaces.categorical import CategoricalSpace
from lissnas.spaces.space import Floats, Indices, Rows


class HammingBall:
    """The shape that all balls of one radius in a categorical space share.

    Parameters
    ----------
    space
        The space, of any size.
    radius
        Maximum number of changed genes, from 0 to the number of genes.

    Attributes
    ----------
    size
        Number of architectures in a ball.

    Raises
    ------
    SettingError
        If the radius is out of range.
    """

    def __init__(self, space: CategoricalSpace, radius: int) -> None:
        if not 0 <= radius <= space.genes:
            raise SettingError(
                f"the radius in {space.name} must be 0 to {space.genes}, its number of genes, not {radius}"
            )
        self._space = space
        self._radius = radius
        self.size = sum(self._ways[0])

    @cached_property
    def _ways(self) -> list[list[int]]:
        """For every g and k: the number of ways to change exactly k of the genes from g on, k up to the radius."""
        ways = [[1] + [0] * self._radius]
        for count in reversed(self._space.choices):
            later = ways[0]
            changed = [0, *((count - 1) * fewer for fewer in later[:-1])]
            ways.insert(0, [stay + change for stay, change in zip(later, changed, strict=True)])
        return ways

    @cached_property
    def _change_rates(self) -> Floats:
        """The probability that gene g changes if k of the genes from g on change, shape (genes, radius + 1)."""
        rates = np.zeros((self._space.genes, self._radius + 1))
        for gene, choices in enumerate(self._space.choices):
            for left in range(1, self._radius + 1):
                if self._ways[gene][left]:
                    rates[gene, left] = (choices - 1) * self._ways[gene + 1][left - 1] / self._ways[gene][left]
        return rates

    def sample(self, centers: Rows, rng: np.random.Generator) -> Rows:
        """Return one member of the ball around each center, drawn uniformly, shape of `centers`."""
        rows = centers.copy()
        by_changes = np.array([ways / self.size for ways in self._ways[0]])
        left = rng.choice(self._radius + 1, len(rows), p=by_changes / by_changes.sum())
        chance = rng.random(rows.shape)
        for gene, choices in enumerate(self._space.choices):
            changed = np.flatnonzero(chance[:, gene] < self._change_rates[gene, left])
            step = rng.integers(1, max(choices, 2), len(changed))
            rows[changed, gene] = (rows[changed, gene] + step) % choices
            left[changed] -= 1
        return rows

    def list_members(self, centers: Rows) -> Indices:
        """Return the places of the members of the ball around each center, shape (size, n).

        A changed gene moves the place by a step that depends on the center; several changed genes add their steps.
        """
        choices = np.array(self._space.choices, dtype=np.int64)
        gene = np.repeat(np.arange(self._space.genes), choices - 1)
        change = np.concatenate([np.arange(1, count) for count in choices])
        before = centers.T[gene].astype(np.int64)
        changed = (before + change[:, None]) % choices[gene, None]
        weight = self._space.index(np.eye(self._space.genes, dtype=np.uint8)[gene])
        steps = (changed - before) * weight[:, None]

        first_later_change = np.searchsorted(gene, gene, side="right")

        places, first = self._space.index(centers)[None], np.zeros(1, dtype=np.int64)
        shells = [places]
        for _ in range(self._radius):
            # Each combination of changes is extended by every change of a later gene.
            more = len(gene) - first
            source = np.repeat(np.arange(len(first)), more)
            added = np.arange(len(source)) - np.repeat(np.cumsum(more) - more - first, more)
            places = places[source] + steps[added]
            first = first_later_change[added]
            shells.append(places)
        return np.concatenate(shells)
