"""Budgets of shrinkers: a fixed number of evaluations, spread over rounds that shrink by the same factor."""

from dataclasses import dataclass

from lissnas.errors import SettingError
from lissnas.setting_checks import check_at_least_one
from lissnas.spaces.space import Space


@dataclass(frozen=True)
class SingleRegionShrinker:
    """Settings of every method that shrinks to one region in rounds. All defaults are our own choice."""

    evaluations: int = 1200
    """Total number of networks scored, the same number in each round."""

    size: int = 500
    """Number of networks to keep. Shrinking stops at the region whose size is nearest to it."""

    max_rounds: int = 4
    """Number of rounds. Each shrinks by the same factor and draws new networks from the remaining region."""

    def __post_init__(self) -> None:
        check_at_least_one(self, "evaluations", "size", "max_rounds")
        check_spread(self.evaluations, self.max_rounds)


def check_spread(evaluations: int, rounds: int) -> None:
    """Raise SettingError if there are fewer evaluations than rounds."""
    if evaluations < rounds:
        raise SettingError(f"{evaluations} evaluations cannot be spread over {rounds} rounds")


def check_size(size: int, space: Space) -> None:
    """Raise SettingError if `size` is larger than the space."""
    if size > space.size:
        raise SettingError(
            f"cannot keep {size:,} of the {space.size:,} networks of {space.name}: choose a smaller size"
        )


def check_enough_to_keep(evaluations: int, size: int) -> None:
    """Raise SettingError if a method would keep more networks than it scores."""
    if size > evaluations:
        raise SettingError(f"cannot keep {size} networks, the best of {evaluations}: score more, or keep fewer")


def round_sizes(space: Space, size: int, rounds: int) -> list[int]:
    """Return the target size after each round, from the full space to `size` by equal factors.

    Raises SettingError for a size above that of the space.
    """
    check_size(size, space)
    return [round(space.size * (size / space.size) ** (number / rounds)) for number in range(1, rounds + 1)]
