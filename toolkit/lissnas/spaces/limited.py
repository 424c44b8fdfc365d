"""LimitedSpace: the networks of a space that meet resource limits, as a space, so that every method respects them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lissnas.errors import SettingError
from lissnas.spaces.part_of_space import PartOfSpace
from lissnas.spaces.space import Floats, Indices, Rows, ShellSums, Space

_MAX_DRAWS_PER_NETWORK = 10_000
"""Maximum number of networks drawn to find one that meets the limits (our own choice)."""

_MAX_BATCH = 1 << 16
"""Maximum number of networks drawn at once."""


@dataclass(frozen=True)
class Limit:
    """An upper limit on a resource that a network needs.

    Attributes
    ----------
    resource
        Its name: "flops", "parameters", "latency".
    cost
        Returns the cost of each row, float64 of shape (n,). A network whose cost is NaN does not meet the limit.
    at_most
        The limit, in the unit of the cost.
    is_strict
        Whether a network exactly at the limit does not meet it.
    """

    resource: str
    cost: Callable[[Rows], Floats]
    at_most: float
    is_strict: bool = False

    def __call__(self, rows: Rows) -> NDArray[np.bool_]:
        """Return whether each row meets the limit, shape (n,)."""
        cost = self.cost(rows)
        return cost < self.at_most if self.is_strict else cost <= self.at_most

    def __str__(self) -> str:
        return f"{self.resource} {'<' if self.is_strict else '<='} {self.at_most:g}"


class LimitedSpace(PartOfSpace):
    """The networks of a space that meet all limits.

    An edit leads from one of these networks to another; distances are those of the full space. Where costs add up over
    genes and an edit changes one gene, as for the FLOPs and parameters of a chain, a path of r edits in the full space
    can also stay within the limits: it takes the cheaper edits first.

    If the full space cannot be enumerated, the number of networks within the limits is unknown: `size` raises
    SettingError, `index` is that of the full space, and `sample` rejects networks beyond the limits.

    Parameters
    ----------
    full_space
        The full space.
    limits
        The limits; a network must meet all of them.

    Raises
    ------
    SettingError
        If no network meets the limits; the message gives the lowest cost.

    Examples
    --------
    >>> from lissnas.spaces.published.macro import macro
    >>> LimitedSpace(macro(), Limit("layers", lambda rows: (rows > 0).sum(axis=1), 2)).size
    129
    """

    def __init__(self, full_space: Space, *limits: Limit) -> None:
        if not limits:
            raise SettingError(f"a LimitedSpace of {full_space.name} needs at least one limit")
        self.limits = limits
        listed = None
        if full_space.enumerable:
            rows = full_space.all_rows()
            listed = np.flatnonzero(self._contains(rows))
            if not len(listed):
                raise SettingError(f"no network of {full_space.name} meets {self._limits}: {self._lowest_costs(rows)}")
        super().__init__(full_space, f"{full_space.name} with {self._limits}", listed)

    @property
    def _limits(self) -> str:
        return " and ".join(map(str, self.limits))

    def _contains(self, rows: Rows) -> NDArray[np.bool_]:
        return np.logical_and.reduce([limit(rows) for limit in self.limits], axis=0)

    def _refusal(self, string: str) -> str:
        return f"'{string}' does not meet {self._limits}"

    def _lowest_costs(self, rows: Rows) -> str:
        lowest = ", ".join(f"{limit.resource} {np.fmin.reduce(limit.cost(rows)):g}" for limit in self.limits)
        return f"the lowest is {lowest}" if len(self.limits) == 1 else f"the lowest of each limit alone is {lowest}"

    @property
    def size(self) -> int:  # type: ignore[override]
        if self._listed is None:
            raise SettingError(
                f"{self.full_space.name} has {self.full_space.size:.3g} networks, too many to count those with "
                f"{self._limits}, and this method needs their number; use LISSNAS or kernel shrinkage, which do not"
            )
        return len(self._listed)

    @property
    def size_bounds(self) -> tuple[int, int]:
        return (0, self.full_space.size) if self._listed is None else (self.size, self.size)

    def shell_sums(self, columns: Floats, scores: Floats) -> ShellSums:
        return self._inside(self.full_space.shell_sums(*self._outside(columns, scores)))

    def near_shell_sums(self, columns: Floats, scores: Floats, largest_distance: int) -> ShellSums:
        return self._inside(self.full_space.near_shell_sums(*self._outside(columns, scores), largest_distance))

    def _outside(self, columns: Floats, scores: Floats) -> tuple[Floats, Floats]:
        """Return columns and scores of the full space, in which networks beyond the limits add nothing."""
        all_columns = np.zeros((self.full_space.size, columns.shape[1]))
        all_scores = np.full(self.full_space.size, np.nan)
        all_columns[self._listed], all_scores[self._listed] = columns, scores
        return all_columns, all_scores

    def _inside(self, shells: ShellSums) -> ShellSums:
        return ShellSums(shells.sums[:, self._listed], shells.differences[:, self._listed])

    def sample(self, count: int, rng: np.random.Generator) -> Rows:
        if self._listed is not None:
            return super().sample(count, rng)
        index: Indices = np.empty(0, dtype=np.int64)
        drawn = accepted = 0
        while True:
            batch = 16 + (count - len(index)) * (drawn + 1) // (accepted + 1)
            rows = self.full_space.sample(min(batch, _MAX_BATCH), rng)
            meets = self._contains(rows)
            drawn, accepted = drawn + len(rows), accepted + int(meets.sum())
            index = np.concatenate([index, self.full_space.index(rows[meets])])
            index = index[np.sort(np.unique(index, return_index=True)[1])]
            if len(index) >= count:
                return self.full_space.rows(index[:count])
            if drawn > _MAX_DRAWS_PER_NETWORK * max(count, 100):
                raise SettingError(
                    f"only {len(index):,} of {drawn:,} networks drawn from {self.full_space.name} meet {self._limits}; "
                    f"raise the limits: {self._lowest_costs(rows)}, among the last {len(rows):,} drawn"
                )
