"""LimitedSpace: the part of a space that meets resource limits, a space itself, so that every method keeps to them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lissnas.errors import SettingError
from lissnas.spaces.part_of_space import PartOfSpace
from lissnas.spaces.space import Floats, Indices, Rows, ShellSums, Space

_TRIES = 10_000
"""How many networks are drawn at most to find one that meets the limits (our own choice)."""

_DRAWN_AT_ONCE = 1 << 16


@dataclass(frozen=True)
class Limit:
    """How much of a resource a network may need.

    Attributes
    ----------
    resource
        What it is: "flops", "parameters", "latency".
    cost
        Returns what each row needs of it, float64 of shape (n,); where that is NaN, the limit is not met.
    at_most
        The limit, in the unit of the cost.
    """

    resource: str
    cost: Callable[[Rows], Floats]
    at_most: float

    def __call__(self, rows: Rows) -> NDArray[np.bool_]:
        """Tell for each row whether it meets the limit, shape (n,)."""
        return self.cost(rows) <= self.at_most

    def __str__(self) -> str:
        return f"{self.resource} <= {self.at_most:g}"


class LimitedSpace(PartOfSpace):
    """The networks of a space that meet limits.

    One edit leads from a network that meets them to another one that does; distances are those of the whole space.
    Where costs add up over genes and edits change one gene, as FLOPs and parameters do in a chain, that is no
    restriction: what lies within r edits in the whole space is also reached with the cheaper edits first.

    Where the whole space cannot be enumerated, how many networks meet the limits is not known: `size` raises
    SettingError, `index` is that of the whole space, and what is drawn from it is kept where it meets the limits.

    Parameters
    ----------
    whole
        The space.
    limits
        All of them are to be met.

    Raises
    ------
    SettingError
        If no network meets them, with the least that one needs.
    """

    def __init__(self, whole: Space, *limits: Limit) -> None:
        if not limits:
            raise SettingError(f"to limit {whole.name}, give at least one limit")
        self.limits = limits
        listed = None
        if whole.enumerable:
            rows = whole.all_rows()
            listed = np.flatnonzero(self._contains(rows))
            if not len(listed):
                raise SettingError(f"no network of {whole.name} meets {self._limits}: {self._least(rows)}")
        super().__init__(whole, f"{whole.name} with {self._limits}", listed)

    @property
    def _limits(self) -> str:
        return " and ".join(map(str, self.limits))

    def _contains(self, rows: Rows) -> NDArray[np.bool_]:
        return np.logical_and.reduce([limit(rows) for limit in self.limits], axis=0)

    def _refusal(self, string: str) -> str:
        return f"'{string}' does not meet {self._limits}"

    def _least(self, rows: Rows) -> str:
        least = ", ".join(f"{limit.resource} {np.fmin.reduce(limit.cost(rows)):g}" for limit in self.limits)
        return (
            f"the least there is is {least}" if len(self.limits) == 1 else f"the least of each, on its own, is {least}"
        )

    @property
    def size(self) -> int:  # type: ignore[override]
        if self._listed is None:
            raise SettingError(
                f"how many of the {self.whole.size:.3g} networks of {self.whole.name} meet {self._limits} cannot be "
                f"counted, and this method needs to know; LISSNAS and kernel shrinkage do not"
            )
        return len(self._listed)

    @property
    def size_bounds(self) -> tuple[int, int]:
        return (0, self.whole.size) if self._listed is None else (self.size, self.size)

    def shell_sums(self, columns: Floats, scores: Floats) -> ShellSums:
        return self._inside(self.whole.shell_sums(*self._outside(columns, scores)))

    def near_shell_sums(self, columns: Floats, scores: Floats, largest_distance: int) -> ShellSums:
        return self._inside(self.whole.near_shell_sums(*self._outside(columns, scores), largest_distance))

    def _outside(self, columns: Floats, scores: Floats) -> tuple[Floats, Floats]:
        """Return columns and scores of the whole space to which the networks outside add nothing."""
        all_columns = np.zeros((self.whole.size, columns.shape[1]))
        all_scores = np.full(self.whole.size, np.nan)
        all_columns[self._listed], all_scores[self._listed] = columns, scores
        return all_columns, all_scores

    def _inside(self, shells: ShellSums) -> ShellSums:
        return ShellSums(shells.sums[:, self._listed], shells.differences[:, self._listed])

    def sample(self, count: int, rng: np.random.Generator) -> Rows:
        if self._listed is not None:
            return super().sample(count, rng)
        index: Indices = np.empty(0, dtype=np.int64)
        drawn = found = 0
        while True:
            wanted = 16 + (count - len(index)) * (drawn + 1) // (found + 1)
            rows = self.whole.sample(min(wanted, _DRAWN_AT_ONCE), rng)
            meets = self._contains(rows)
            drawn, found = drawn + len(rows), found + int(meets.sum())
            index = np.concatenate([index, self.whole.index(rows[meets])])
            index = index[np.sort(np.unique(index, return_index=True)[1])]
            if len(index) >= count:
                return self.whole.rows(index[:count])
            if drawn > _TRIES * max(count, 100):
                raise SettingError(
                    f"only {len(index):,} networks that meet {self._limits} were found in {drawn:,} drawn from "
                    f"{self.whole.name}: {self._least(rows)}, of the last {len(rows):,}"
                )
